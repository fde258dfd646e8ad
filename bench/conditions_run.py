#!/usr/bin/env python3
"""Shows which way into a condition the planner chooses for a search with WHERE, and how
far off the fastest one it is.

A table of made-up vectors has columns of chosen selectivity, which are independent of a
row's place, or say whether it lies near the queries (correlated) or far from them
(anti-correlated). Each column exists once for each set of indexes: none, btree, filter
column, btree and filter column, and labels with GIN. For each combination of
selectivity, correlation, indexes and LIMIT the planner's choice is compared with each way that
can be forced, in processor time of prepared statements and in recall. Called by run.sh (PARTS=conditions),
which starts the server. Writes conditions.json and prints a table.
"""

import argparse
import json
import os
import statistics

import dataset
from database import Database, DatabaseError
from run import machine

SHARES = {"50": 5000, "10": 1000, "1": 100, "0.1": 10, "0.01": 1}   # percent: of 10,000 values
CORRELATIONS = ("independent", "near", "far")
SETS = ("none", "btree", "filter", "both", "gin")
LIMITS = (10, 100, 1000)
SLOW_MS = 30

# Columns: {a, z}_{set of indexes}; a is independent of the place, z the rank of the place.
COLUMNS = [f"{kind}_{name}" for name in SETS if name != "gin" for kind in "az"]

TABLE = """
CREATE TABLE items AS
SELECT id, v, {columns},
       array(SELECT s FROM unnest('{{1,10,100,1000,5000}}'::int[]) s WHERE a < s) ||
       array(SELECT 10000 + s FROM unnest('{{1,10,100,1000,5000}}'::int[]) s WHERE z < s) ||
       array(SELECT 20000 + s FROM unnest('{{1,10,100,1000,5000}}'::int[]) s WHERE z >= 10000 - s) AS labels
FROM (SELECT id, v, (id::bigint * 7919 % {n} * 10000 / {n})::int AS a,
             ((row_number() OVER (ORDER BY v <#> (SELECT v FROM direction), id) - 1) * 10000 / {n})::int AS z
      FROM loaded) s
ORDER BY id;
DROP TABLE loaded;
CREATE INDEX items_labels ON items USING gin (labels);
{btrees}
VACUUM ANALYZE items;
"""

# What is switched off to force a way. The planner keeps none of them but the one that is
# meant, or where that does not exist, another, which is told from its plan.
WAYS = {
    "planner": {},
    "filter": {"barq.condition_scan": "off", "enable_sort": "off", "enable_seqscan": "off",
               "enable_bitmapscan": "off"},
    "bitmap": {"enable_indexscan": "off", "enable_sort": "off", "enable_seqscan": "off"},
    "after": {"barq.condition_scan": "off", "enable_sort": "off", "enable_seqscan": "off",
              "enable_bitmapscan": "off"},
    "bitmap, sort": {"barq.condition_scan": "off", "enable_indexscan": "off", "enable_seqscan": "off"},
    "scan, sort": {"barq.condition_scan": "off", "enable_indexscan": "off", "enable_bitmapscan": "off"},
}


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=conditions make bench CONDITIONS_BENCH='…'",
                                description=__doc__.split("\n\n")[0])
    p.add_argument("--rows", type=int, default=100_000)
    p.add_argument("--dims", type=int, default=64)
    p.add_argument("--queries", type=int, default=5)
    p.add_argument("--repeats", type=int, default=3, help="runs of each query, of which the best counts")
    p.add_argument("--ef-search", type=int, default=40)
    p.add_argument("--sets", default=",".join(SETS))
    p.add_argument("--shares", default=",".join(SHARES), help="percentages of the rows")
    p.add_argument("--correlations", default=",".join(CORRELATIONS))
    p.add_argument("--limits", default=",".join(map(str, LIMITS)))
    p.add_argument("--worst", type=float, default=1.5, help="a choice is good up to this many times the best")
    p.add_argument("--lost", type=float, default=0.05,
                   help="a way may be the best if its recall is at most so much below the choice's")
    p.add_argument("--keep", action="store_true", help="use the table that is there")
    p.add_argument("--out", default="results")
    return p.parse_args()


def make(database, options):
    """The table and its indexes; the queries, in the table `asked`: those of the largest
    product with a direction, by which column z orders the rows."""
    database.create()
    data = dataset.made_up(options.rows, options.dims, 24, 1, 2000, "l2", 1, options.out)
    direction = data.extra[:1]
    nearest = (data.queries @ direction[0]).argsort()[::-1][:40]
    database.run(f"""CREATE EXTENSION barq;
        CREATE TABLE loaded (id int, v vector({data.dims}));
        CREATE TABLE direction (id int, v vector({data.dims}));
        CREATE TABLE asked (id int, v vector({data.dims}))""")
    for table, rows in (("loaded", data.base), ("direction", direction), ("asked", data.queries[nearest])):
        database.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)", feed=data.element.copy_binary(rows, 0))
    filters = [c for c in COLUMNS if c.split("_")[1] in ("filter", "both")]
    indexed = [c for c in COLUMNS if c.split("_")[1] in ("btree", "both")]
    btrees = "".join(f"CREATE INDEX items_{c} ON items ({c});\n" for c in indexed)
    database.run(TABLE.format(n=options.rows, columns=", ".join(f"{c[0]} AS {c}" for c in COLUMNS), btrees=btrees))
    index = "CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops{})"
    try:
        database.run(index.format("".join(", " + c for c in filters)))
    except DatabaseError as error:
        print(f"without filter columns: {error}")
        database.run(index.format(""))
        options.sets = ",".join(s for s in options.sets.split(",") if s not in ("filter", "both"))


def condition(share, correlation, indexes):
    bound = SHARES[share]
    if indexes == "gin":
        return f"labels @> '{{{bound + 10000 * CORRELATIONS.index(correlation)}}}'"
    return {"independent": f"a_{indexes} < {bound}", "near": f"z_{indexes} < {bound}",
            "far": f"z_{indexes} >= {10000 - bound}"}[correlation]


def name_of(plan):
    """The way of a plan."""
    if "BarqCondition" in plan:
        return "bitmap when needed" if "Bitmap: when needed" in plan else "bitmap"
    if "Index Scan using items_v" in plan or "BarqSearch" in plan:
        return "filter" if "Index Cond" in plan else "after"
    if "Bitmap Heap Scan" in plan:
        return "bitmap, sort"
    return "scan, sort" if "Seq Scan on items" in plan else "?"


class Statement:
    """A search with a condition, in the ways of the planner."""

    def __init__(self, database, options, queries):
        self.database, self.options, self.queries = database, options, queries

    def prepared(self, where, limit):
        # the plan is made once, of a literal condition and any query
        return (f"SET plan_cache_mode = force_generic_plan;\n"
                f"PREPARE p(vector) AS SELECT id FROM items WHERE {where} ORDER BY v <-> $1 LIMIT {limit};\n")

    def settings(self, way):
        return dict(WAYS[way], **{"barq.ef_search": self.options.ef_search, "jit": "off", "work_mem": "64MB",
                                  "max_parallel_workers_per_gather": 0})

    def plan(self, where, limit, way):
        return self.database.run(self.prepared(where, limit) + f"EXPLAIN (COSTS off) EXECUTE p('{self.queries[0]}')",
                                 self.settings(way))

    def measure(self, where, limit, way):
        """Milliseconds of processor time, the mean of the queries' best; the ids found."""
        once = [f"EXECUTE p('{q}')" for q in self.queries]
        # a session sorts a segment's rows by TID when it has looked some up for bitmaps
        warm = 10 if way in ("planner", "bitmap") else 1
        times, found = self.run(where, limit, way, once[:1], warm)
        if times[0] < SLOW_MS:          # once is enough of what takes longer
            times, found = self.run(where, limit, way, once * self.options.repeats, warm)
        n = len(self.queries)
        if len(times) < n:
            rest, more = self.run(where, limit, way, once[1:], 0)
            times, found = times + rest, found + more
        return statistics.mean(min(times[i::n]) for i in range(n)), [set(ids.split()) for ids in found[:n]]

    def run(self, where, limit, way, statements, warm):
        before = self.prepared(where, limit) + f"EXECUTE p('{self.queries[0]}');\n" * warm
        return self.database.processor_ms(before, statements, self.settings(way))


def compare(statement, options, share, correlation, indexes, limit):
    """One combination: a row of the table."""
    where = condition(share, correlation, indexes)
    ways = {}
    truth = None
    for way in ("scan, sort", "planner", "filter", "bitmap", "after", "bitmap, sort"):
        # a column without an index, of equal values, shows what checking after the search costs
        asked = condition(share, correlation, "none") if way == "after" and indexes != "gin" else where
        plan = name_of(statement.plan(asked, limit, way))
        if way != "planner" and plan != way:
            continue
        ms, found = statement.measure(asked, limit, way)
        truth = truth or found
        recall = statistics.mean(len(f & t) / max(len(t), 1) if t else 1 for f, t in zip(found, truth))
        ways[way] = {"plan": plan, "ms": ms, "recall": recall}
    chosen = ways.pop("planner")
    # of the same plan the smaller of both times counts
    if chosen["plan"] in ways:
        chosen["ms"] = ways[chosen["plan"]]["ms"] = min(chosen["ms"], ways[chosen["plan"]]["ms"])
    possible = {w: r for w, r in ways.items() if r["recall"] >= chosen["recall"] - options.lost}
    best = min(possible, key=lambda w: possible[w]["ms"])
    off = chosen["ms"] / possible[best]["ms"]
    return {"share": share, "correlation": correlation, "indexes": indexes, "limit": limit, "chosen": chosen,
            "best": best, "off": off, "ways": ways}


def main():
    options = arguments()
    database = Database("conditions")
    if not options.keep:
        make(database, options)
    queries = database.run(f"SELECT v FROM asked ORDER BY id LIMIT {options.queries}").split()
    statement = Statement(database, options, queries)
    rows = []
    print("| matches % | place | indexes | LIMIT | chosen | ms | recall | best | ms | off | all ways, ms (recall) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for indexes in options.sets.split(","):
        for correlation in options.correlations.split(","):
            for share in options.shares.split(","):
                for limit in map(int, options.limits.split(",")):
                    row = compare(statement, options, share, correlation, indexes, limit)
                    rows.append(row)
                    chosen = row["chosen"]
                    ways = ", ".join(f"{w} {r['ms']:.2f} ({r['recall']:.2f})" for w, r in row["ways"].items())
                    print(f"| {share} | {correlation} | {indexes} | {limit} | {chosen['plan']} | {chosen['ms']:.2f} "
                          f"| {chosen['recall']:.2f} | {row['best']} | {row['ways'][row['best']]['ms']:.2f} "
                          f"| {row['off']:.1f} | {ways} |", flush=True)
    good = sum(row["off"] <= options.worst for row in rows)
    print(f"{good} of {len(rows)} choices within {options.worst} x of the best; "
          f"worst {max(row['off'] for row in rows):.1f} x")
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "conditions.json"), "w") as file:
        json.dump({"machine": machine(), "options": vars(options), "combinations": rows}, file, indent=1)


if __name__ == "__main__":
    main()
