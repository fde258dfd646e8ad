#!/usr/bin/env python3
"""Shows which plan the planner chooses for a statement with an ordered search
in it, which would have been the fastest, and how far off the choice is.

Every shape of statement runs once with the planner's own choice and once with
each of a few kinds of plans switched off; the choice is compared with the
fastest of these. Shapes come in two kinds, ordered by a
vector's distance and by a text's score. Called by run.sh (PARTS=plans), which
starts the server. Writes plans.json and prints a table.
"""

import argparse
import json
import os
import re
import statistics

from database import Database
from run import machine

DIMENSIONS = 64

# Kinds of plans to switch off, one at a time.
WAYS = {
    "sort": {"enable_indexscan": "off"},
    "index": {"enable_sort": "off", "enable_incremental_sort": "off"},
    "index only": {"enable_sort": "off", "enable_incremental_sort": "off", "enable_seqscan": "off",
                   "enable_bitmapscan": "off"},
    "no bitmap": {"enable_bitmapscan": "off"},
    "no nested loop": {"enable_nestloop": "off"},
}

TABLES = """
DROP TABLE IF EXISTS items, few, asked CASCADE;
CREATE TABLE items (id int PRIMARY KEY, cat int, price float8, body text, e vector({d}));
SELECT setseed(0.5);
INSERT INTO items
SELECT i, i % 500, random(),
       'w' || (random() ^ 3 * 2000)::int || ' w' || (random() ^ 3 * 2000)::int || ' w' ||
       (random() ^ 3 * 2000)::int || ' w' || (random() ^ 3 * 2000)::int || ' common'  ||
       CASE WHEN i % 3 = 0 THEN ' third' ELSE '' END,
       (SELECT array_agg((sin((i % 97) * 7.3 + j) * 0.7 + random() - 0.5)::real)
        FROM generate_series(1, {d}) j WHERE i > 0)::vector
FROM generate_series(1, {n}) i;
CREATE TABLE few (id int PRIMARY KEY, item int, note text);
INSERT INTO few SELECT i, (i * 7919) % {n} + 1, 'note ' || i FROM generate_series(1, 1000) i;
CREATE TABLE asked AS SELECT id, e AS q, 'third w' || (id % 50) AS words FROM items WHERE id % ({n} / 20) = 0;
CREATE INDEX items_cat ON items (cat);
CREATE INDEX items_price ON items (price);
CREATE INDEX few_item ON few (item);
CREATE INDEX items_e ON items USING barq_hnsw (e vector_l2_ops);
CREATE INDEX items_body ON items USING barq_bm25 (body) WITH (text_config = 'simple');
VACUUM ANALYZE items;
VACUUM ANALYZE few;
VACUUM ANALYZE asked;
"""

# {o}: what is ordered by; {oi}, {oa}: the same of alias i, and by a row of `asked` (a).
SHAPES = [
    ("LIMIT 10", "SELECT id FROM items ORDER BY {o} LIMIT 10"),
    ("LIMIT 1000", "SELECT id FROM items ORDER BY {o} LIMIT 1000"),
    ("OFFSET 1,000 LIMIT 10", "SELECT id FROM items ORDER BY {o} LIMIT 10 OFFSET 1000"),
    ("OFFSET half of the table", "SELECT id FROM items ORDER BY {o} LIMIT 10 OFFSET {half}"),
    ("no LIMIT", "SELECT count(*) FROM (SELECT id FROM items ORDER BY {o} OFFSET 0) s"),
    ("LIMIT of the whole table", "SELECT count(*) FROM (SELECT id FROM items ORDER BY {o} LIMIT {n}) s"),
    ("btree, 0.2 % match", "SELECT id FROM items WHERE cat = 7 ORDER BY {o} LIMIT 10"),
    ("btree, 10 % match", "SELECT id FROM items WHERE cat < 50 ORDER BY {o} LIMIT 10"),
    ("btree, 90 % match", "SELECT id FROM items WHERE price > 0.1 ORDER BY {o} LIMIT 10"),
    ("two btrees, 0.02 %", "SELECT id FROM items WHERE cat = 7 AND price > 0.9 ORDER BY {o} LIMIT 10"),
    ("btree, nothing matches", "SELECT id FROM items WHERE cat = -1 ORDER BY {o} LIMIT 10"),
    ("no index, 0.2 % match", "SELECT id FROM items WHERE cat + 0 = 7 ORDER BY {o} LIMIT 10"),
    ("no index, 50 % match", "SELECT id FROM items WHERE id % 2 = 0 ORDER BY {o} LIMIT 10"),
    ("estimate 20 x too high", "SELECT id FROM items WHERE md5(id::text) LIKE 'abc%' ORDER BY {o} LIMIT 10"),
    ("estimate says 0.5 %, none match", "SELECT id FROM items WHERE id % 7 = 9 ORDER BY {o} LIMIT 10"),
    ("estimate 1,000 x too high", "SELECT id FROM items WHERE id % 3 <> 9 AND md5(id::text) < '0008' ORDER BY {o} LIMIT 10"),
    ("join on a key", "SELECT i.id, f.note FROM items i JOIN few f ON f.item = i.id ORDER BY {oi} LIMIT 10"),
    ("left join from the table", "SELECT i.id, f.note FROM items i LEFT JOIN few f ON f.item = i.id ORDER BY {oi} LIMIT 10"),
    ("left join to the table", "SELECT f.id, i.id FROM few f LEFT JOIN items i ON f.item = i.id ORDER BY {oi} LIMIT 10"),
    ("EXISTS", "SELECT i.id FROM items i WHERE EXISTS (SELECT FROM few f WHERE f.item = i.id) ORDER BY {oi} LIMIT 10"),
    ("NOT EXISTS", "SELECT i.id FROM items i WHERE NOT EXISTS (SELECT FROM few f WHERE f.item = i.id) ORDER BY {oi} LIMIT 10"),
    ("LATERAL, top 5 each", "SELECT a.id, s.id FROM asked a, LATERAL (SELECT i.id FROM items i ORDER BY {oa} LIMIT 5) s"),
    ("LATERAL with a btree", "SELECT a.id, s.id FROM asked a, LATERAL (SELECT i.id FROM items i WHERE i.cat = a.id % 500 ORDER BY {oa} LIMIT 5) s"),
    ("scalar sub-select a row", "SELECT a.id, (SELECT i.id FROM items i ORDER BY {oa} LIMIT 1) FROM asked a"),
    ("id IN (top 100)", "SELECT price FROM items WHERE id IN (SELECT id FROM items ORDER BY {o} LIMIT 100)"),
    ("cursor, 10 rows fetched", "BEGIN; DECLARE c CURSOR FOR SELECT id FROM items ORDER BY {o}; FETCH 10 FROM c; COMMIT"),
    ("generic plan, LIMIT $1", "PREPARE p(int) AS SELECT id FROM items ORDER BY {o} LIMIT $1; EXECUTE p(10)"),
    ("generic plan, cat = $1", "PREPARE p(int) AS SELECT id FROM items WHERE cat = $1 ORDER BY {o} LIMIT 10; EXECUTE p(7)"),
    ("generic plan, price > $1", "PREPARE p(float8) AS SELECT id FROM items WHERE price > $1 ORDER BY {o} LIMIT 10; EXECUTE p(0.5)"),
    ("row_number() without LIMIT", "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY {o}) n FROM items) s"),
    ("row_number() <= 10", "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY {o}) n FROM items) s WHERE n <= 10"),
    ("GROUP BY the distance", "SELECT {o}, count(*) FROM items GROUP BY 1 ORDER BY 1 LIMIT 10"),
    ("DISTINCT ON (cat)", "SELECT DISTINCT ON (cat) cat, id FROM items ORDER BY cat, {o} LIMIT 10"),
    ("UNION ALL of two", "(SELECT id FROM items WHERE cat < 250 ORDER BY {o} LIMIT 10) UNION ALL (SELECT id FROM items WHERE cat >= 250 ORDER BY {o} LIMIT 10)"),
    ("condition on it, LIMIT 10", "SELECT id FROM items WHERE {c} ORDER BY {o} LIMIT 10"),
    ("condition on it, no LIMIT", "SELECT count(*) FROM items WHERE {c}"),
]


def orders(database, kind):
    """What the shapes' placeholders mean."""
    if kind == "vectors":
        q = "'" + database.value("SELECT q FROM asked ORDER BY id LIMIT 1") + "'"
        return {"o": f"e <-> {q}", "oi": f"i.e <-> {q}", "oa": "i.e <-> a.q", "c": f"e <-> {q} < 2.4"}
    q = "'third w17'"
    return {"o": f"body <@> {q}", "oi": f"i.body <@> {q}", "oa": "i.body <@> a.words",
            "c": f"body <@> {q} < -3"}


def statement_times(database, sql, settings, repeats):
    """Milliseconds of the statement that matters: the longest of a script's."""
    settings = dict(settings, statement_timeout="120s")
    if sql.startswith("PREPARE"):
        settings["plan_cache_mode"] = "force_generic_plan"
    out = database.timed("\n".join(["SET jit = off;", sql + ";"] + (["DEALLOCATE ALL;"] if "PREPARE" in sql else [])),
                         settings)
    times = [max(out)]
    for _ in range(repeats - 1):
        if times[0] > 5000:
            break               # once is enough of what takes so long
        times.append(max(database.timed("SET jit = off;\n" + sql + ";", settings)))
    return statistics.median(times)


def scan_of(database, sql, settings):
    """How the plan reads `items`, in a word or two."""
    parts = [p.strip() for p in sql.split(";")]
    shown = []
    for part in parts:
        if part.startswith("EXECUTE") or part.startswith("DECLARE") or (len(parts) == 1):
            shown.append("EXPLAIN (COSTS off) " + part)
        elif not part.startswith("FETCH"):
            shown.append(part)
    settings = dict(settings)
    if sql.startswith("PREPARE"):
        settings["plan_cache_mode"] = "force_generic_plan"
    plan = database.run(";\n".join(shown) + ";", settings)
    names = []
    for line in plan.splitlines():
        found = re.search(r"(Index Scan using (items\w*)|Index Only Scan using (items\w*)|Bitmap Index Scan on (items\w*)"
                          r"|Seq Scan on items|Sort$|Custom Scan)", line)
        if found:
            names.append(next((g for g in found.groups()[1:] if g), found.group(1)))
    return " + ".join(dict.fromkeys(name.replace(" on items", "").lower() for name in names)) or "?"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kinds", default="vectors,text")
    parser.add_argument("--shapes", default="", help="only shapes whose name contains this")
    parser.add_argument("--keep", action="store_true", help="use the tables that are there")
    parser.add_argument("--out", default="results")
    options = parser.parse_args()

    database = Database("plans")
    if not options.keep:
        database.create()
        database.run("CREATE EXTENSION barq")
        database.run(TABLES.format(n=options.rows, d=DIMENSIONS))
    rows = []
    for kind in options.kinds.split(","):
        placeholders = orders(database, kind)
        for name, shape in SHAPES:
            if options.shapes not in name:
                continue
            sql = shape.format(n=options.rows, half=options.rows // 2, **placeholders)
            chosen = statement_times(database, sql, {}, options.repeats)
            plan = scan_of(database, sql, {})
            best, best_plan = chosen, plan
            for settings in WAYS.values():
                other = scan_of(database, sql, settings)
                if other == plan:
                    continue
                took = statement_times(database, sql, settings, options.repeats)
                if took < best:
                    best, best_plan = took, other
            rows.append({"kind": kind, "shape": name, "chosen": plan, "ms": chosen,
                         "fastest": best_plan, "fastest_ms": best, "off": chosen / best})
            print(f"| {kind} | {name} | {plan} | {chosen:.2f} | {best_plan} | {best:.2f} | {chosen / best:.1f} |",
                  flush=True)
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "plans.json"), "w") as file:
        json.dump({"machine": machine(), "rows": options.rows, "shapes": rows}, file, indent=1)
    print("worst:", max(rows, key=lambda row: row["off"]))


if __name__ == "__main__":
    main()
