// barq from Java with JDBC, in one file that java compiles itself:
//     java -cp /usr/share/java/postgresql.jar Search.java ../items.tsv
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

public class Search {
    // what an embedding model makes of the words
    static final String RED_SHOES = "[0.9,0.2,0.1]", HATS = "[0.1,0.9,0.2]";

    // Each ? is a parameter; an array of strings is sent as text[].
    static void show(Connection db, String name, String sql, Object... parameters) throws SQLException {
        StringBuilder line = new StringBuilder(name + ":");
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                Object p = parameters[i];
                statement.setObject(i + 1, p instanceof String[] a ? db.createArrayOf("text", a) : p);
            }
            ResultSet rows = statement.executeQuery();
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next())
                line.append(' ').append(rows.getLong(1)).append(columns > 1 ? "=" + rows.getLong(2) : "");
        }
        System.out.println(line);
    }

    public static void main(String[] args) throws Exception {
        // jdbc:postgresql://host:port/database?user=name
        try (Connection db = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            try (PreparedStatement insert = db.prepareStatement(
                    "INSERT INTO items (id, tenant, title, embedding) VALUES (?, ?, ?, ?::vector)")) {
                for (String item : Files.readAllLines(Path.of(args[0]))) {
                    String[] fields = item.split("\t");
                    insert.setLong(1, Long.parseLong(fields[0]));
                    insert.setInt(2, Integer.parseInt(fields[1]));
                    insert.setString(3, fields[2]);
                    insert.setString(4, fields[3]);
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            show(db, "nearest", "SELECT id FROM items ORDER BY embedding <=> ?::vector LIMIT 3", RED_SHOES);
            show(db, "words", "SELECT id FROM items ORDER BY title <@> ? LIMIT 3", "red shoes");
            show(db, "filter", "SELECT id FROM items WHERE tenant = ? ORDER BY embedding <=> ?::vector LIMIT 3", 1, RED_SHOES);
            show(db, "batch", "SELECT query, (doc).id FROM barq_search_batch(NULL::items, ?::vector[], k => 2)",
                (Object) new String[] {RED_SHOES, HATS});
            show(db, "hybrid", "SELECT (doc).id FROM barq_hybrid(NULL::items, ?::vector, ?, k => 3,"
                + " filter => 'tenant = $1', filter_args => ARRAY[?])", RED_SHOES, "red shoes", 1);
        }
    }
}
