//! barq from Rust with tokio-postgres: cargo run -- ../items.tsv
use tokio_postgres::{types::ToSql, Client, Error, NoTls};

// what an embedding model makes of the words; a vector is sent as its text
const RED_SHOES: &str = "[0.9,0.2,0.1]";
const HATS: &str = "[0.1,0.9,0.2]";

async fn show(db: &Client, name: &str, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<(), Error> {
    print!("{name}:");
    for row in db.query(sql, parameters).await? {
        match row.len() {
            1 => print!(" {}", row.get::<_, i64>(0)),
            _ => print!(" {}={}", row.get::<_, i32>(0), row.get::<_, i64>(1)),
        }
    }
    println!();
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // "host=/run/postgresql dbname=test"
    let (db, connection) = tokio_postgres::connect(&std::env::var("PG_CONNECTION")?, NoTls).await?;
    tokio::spawn(connection);

    let insert = db.prepare(
        "INSERT INTO items (id, tenant, title, embedding) VALUES ($1, $2, $3, $4::text::vector)").await?;
    for line in std::fs::read_to_string(std::env::args().nth(1).ok_or("usage: search items.tsv")?)?.lines() {
        let f: Vec<&str> = line.split('\t').collect();
        db.execute(&insert, &[&f[0].parse::<i64>()?, &f[1].parse::<i32>()?, &f[2], &f[3]]).await?;
    }

    show(&db, "nearest", "SELECT id FROM items ORDER BY embedding <=> $1::text::vector LIMIT 3", &[&RED_SHOES]).await?;
    show(&db, "words", "SELECT id FROM items ORDER BY title <@> $1::text LIMIT 3", &[&"red shoes"]).await?;
    show(&db, "filter", "SELECT id FROM items WHERE tenant = $1 ORDER BY embedding <=> $2::text::vector LIMIT 3",
        &[&1i32, &RED_SHOES]).await?;
    show(&db, "batch", "SELECT query, (doc).id FROM barq_search_batch(NULL::items, $1::text[]::vector[], k => 2)",
        &[&vec![RED_SHOES, HATS]]).await?;
    show(&db, "hybrid", "SELECT (doc).id FROM barq_hybrid(NULL::items, $1::text::vector, $2::text, k => 3,
        filter => 'tenant = $1', filter_args => ARRAY[$3::int])", &[&RED_SHOES, &"red shoes", &1i32]).await?;
    Ok(())
}
