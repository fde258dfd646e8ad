"""The measurements of one way to rank text (barq_bm25, GIN with ts_rank_cd,
RUM, pg_textsearch) on one corpus. text_run.py calls each for every side in
turn, in one server."""

import itertools
import os
import re
import tempfile

from corpus import copy_text
from database import Database, percentile

K = 10
MARK = "zyzzogeton"
COPIES = 3


class TextSide:
    """How an index is made and queried. `query` is an SQL expression of the
    query text q.query; `vector`: the table has a tsvector column."""

    def __init__(self, name, extension, index, search, vector=False):
        self.name = name
        self.extension = extension      # None: nothing to install
        self.index = index              # CREATE INDEX …
        self.search = search            # SELECT id …, for the query $1
        self.vector = vector
        self.database = "text_" + "".join(c if c.isalnum() else "_" for c in name.lower())


ANY = "to_tsquery('english', replace($1, ' ', ' | '))"


def sides():
    barq = ("SELECT id FROM docs ORDER BY body <@> to_bm25query($1, 'docs_body') "
            f"LIMIT {K}")
    return [
        TextSide("barq", "barq", "CREATE INDEX docs_body ON docs USING barq_bm25 (body) "
                 "WITH (text_config = 'english', positions = off)", barq),
        TextSide("barq-positions", "barq", "CREATE INDEX docs_body ON docs USING barq_bm25 (body) "
                 "WITH (text_config = 'english')", barq),
        TextSide("pg_textsearch", "pg_textsearch",
                 "CREATE INDEX docs_body ON docs USING bm25 (body) WITH (text_config = 'english')", barq),
        TextSide("GIN", None, "CREATE INDEX docs_body ON docs USING gin (words)",
                 f"SELECT id FROM docs WHERE words @@ {ANY} ORDER BY ts_rank_cd(words, {ANY}) DESC "
                 f"LIMIT {K}", vector=True),
        TextSide("RUM", "rum", "CREATE INDEX docs_body ON docs USING rum (words rum_tsvector_ops)",
                 f"SELECT id FROM docs WHERE words @@ {ANY} ORDER BY words <=> {ANY} LIMIT {K}",
                 vector=True),
    ]


def available(side):
    return side.extension is None or Database("postgres").value(
        f"SELECT count(*) FROM pg_available_extensions WHERE name = '{side.extension}'") == "1"


# The time of each query inside the server: a plan made once, asked three
# times, the best of them. Microseconds, in the order of the queries.
ASK = """
CREATE FUNCTION ask(question text) RETURNS int[] LANGUAGE plpgsql AS $f$
DECLARE found int[];
BEGIN
    found := ARRAY({search});
    RETURN found;
END $f$;
CREATE FUNCTION ask_all(OUT id int, OUT us float8) RETURNS SETOF record LANGUAGE plpgsql AS $f$
DECLARE
    q record;
    began timestamptz;
    found int[];
BEGIN
    FOR q IN SELECT * FROM queries ORDER BY queries.id LOOP
        us := 'infinity';
        FOR i IN 1..{times} LOOP
            began := clock_timestamp();
            found := ask(q.query);
            us := least(us, extract(epoch FROM clock_timestamp() - began) * 1e6);
        END LOOP;
        id := q.id;
        RETURN NEXT;
    END LOOP;
END $f$;
"""


class TextMeasurement:
    def __init__(self, side, corpus, options, say):
        self.side = side
        self.corpus = corpus
        self.options = options
        self.say = say
        self.db = Database(side.database)
        self.results = {"extension": side.extension}

    def load(self):
        self.db.create()
        if self.side.extension:
            self.db.run(f"CREATE EXTENSION {self.side.extension}")
        self.db.run("CREATE TABLE loaded (id int, body text); CREATE TABLE queries (id int PRIMARY KEY, query text);")
        self.db.run("COPY loaded FROM STDIN", feed=copy_text(self.corpus.initial()))
        self.db.run("COPY queries FROM STDIN", feed=copy_text(enumerate(self.corpus.queries)))
        words = ", to_tsvector('english', body) AS words" if self.side.vector else ""
        last = self.corpus.count
        self.db.run(f"""
            CREATE TABLE docs AS SELECT id, body{words} FROM loaded ORDER BY id;
            DROP TABLE loaded;
            VACUUM (ANALYZE) docs, queries; CHECKPOINT;""")
        self.say(f"loaded {last:,} documents")

    def build(self):
        before = self.db.value("SELECT pg_current_wal_lsn()")
        seconds = self.db.timed(self.side.index + ";")[-1] / 1000
        wal = int(self.db.value(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{before}')"))
        size = int(self.db.value("SELECT pg_relation_size('docs_body')"))
        table = int(self.db.value("SELECT pg_relation_size('docs') + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) "
                                  "FROM pg_class WHERE oid = 'docs'::regclass"))
        self.db.run("CHECKPOINT")
        self.results["build"] = {"seconds": seconds, "index_bytes": size, "wal_bytes": wal,
                                 "table_bytes": table, "load": os.getloadavg()[0]}
        self.say(f"built in {seconds:.1f} s, {size / 1e6:.1f} MB, {wal / 1e6:.1f} MB of WAL")

    def ask(self, what="queries"):
        """Latencies by the number of words. For GIN an OR query reads and
        ranks every match, so it is asked once instead of three times."""
        times = 1 if self.side.vector else 3
        search = self.side.search.replace("$1", "question")
        self.db.run("DROP FUNCTION IF EXISTS ask, ask_all; " + ASK.format(search=search, times=times),
                    {"client_min_messages": "warning"})
        out = self.db.run("SET enable_seqscan = off; SET jit = off; SELECT count(*) FROM ask_all() WHERE id < 20; "
                          "SELECT id, us FROM ask_all() ORDER BY id")
        rows = [line.split("|") for line in out.splitlines() if "|" in line]
        us = [float(t) for _, t in rows]
        if len(us) != len(self.corpus.queries):
            raise SystemExit(f"{self.side.name}: {len(us)} answers to {len(self.corpus.queries)} queries")
        figures = {"all": spread(us)}
        for n in range(1, 6):
            figures[str(n)] = spread([t for t, w in zip(us, self.corpus.words) if w == n])
        self.results[what] = figures
        a = figures["all"]
        self.say(f"in the server: p50 {a['p50']:.0f} p95 {a['p95']:.0f} p99 {a['p99']:.0f} us; p50 by words: "
                 + " ".join(f"{figures[str(n)]['p50']:.0f}" for n in range(1, 6)))

    def insert(self):
        """The further documents, in three COPYs of as many each; after the last
        a document by the next statement, by a word that no other has."""
        if self.side.vector:
            self.db.run("CREATE TRIGGER words BEFORE INSERT ON docs FOR EACH ROW "
                        "EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.english', body)")
        rows = self.corpus.extra // COPIES
        further = self.corpus.further(MARK)
        rates = []
        for _ in range(COPIES):
            with tempfile.NamedTemporaryFile("wb") as file:
                for part in copy_text(itertools.islice(further, rows)):
                    file.write(part)
                file.flush()
                out = self.db.run(f"\\timing on\n\\copy docs (id, body) FROM '{file.name}'\n"
                                  "\\timing off\nSET enable_seqscan = off;\n" + self.side.search.replace("$1", f"'{MARK}'"))
            rates.append(1000 * rows / float(re.search(r"^Time: ([0-9.]+) ms", out, re.M)[1]))
        # barq goes on with rows of score 0, so its first row is the one that is asked for
        found = next(w for w in out.split("\n") if w.isdigit()) == str(self.corpus.count + self.corpus.extra - 1)
        self.results["insert"] = {"rows": rows, "rows_per_second": max(rates), "each": rates, "found": found}
        self.say(f"{rows:,} further documents a COPY: {', '.join(f'{r:,.0f}' for r in rates)} a second, "
                 f"the last of them {'found' if found else 'NOT FOUND'} by the next statement")


def spread(values):
    return {"count": len(values), "p50": percentile(values, 0.5), "p95": percentile(values, 0.95),
            "p99": percentile(values, 0.99), "mean": sum(values) / len(values)}
