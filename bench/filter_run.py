#!/usr/bin/env python3
"""Measures searches within conditions: recall@10 and processor time in ratio to the same
index's without WHERE at a recall of 0.95, beside pgvector with a btree.

Conditions are on filter columns, on columns with a btree, whose bitmap restricts the search, and
on the rank of a row's place, far from the queries. Called by run.sh (PARTS=filter).
Writes filter.json and prints a table.
"""

import argparse
import json
import os
import re
import statistics

import numpy as np

import dataset
from database import Database
from element import OPERATORS
from run import machine

SHARES = (50, 10, 1, 0.1, 0.01)         # percent of the rows

# of pgvector: as the plans of its users are
PEER = {"hnsw.ef_search": 100, "hnsw.iterative_scan": "strict_order"}


def env(name):
    return os.environ.get(name) or None


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=filter make bench FILTER_BENCH='…'", description=__doc__.split("\n\n")[0])
    p.add_argument("--data", default=env("DATA"), help=".npy file of base vectors")
    p.add_argument("--queries", default=env("QUERIES"), help=".npy file of query vectors")
    p.add_argument("--metric", default=env("METRIC") or "cosine", choices=OPERATORS)
    p.add_argument("--rows", type=int, default=0, help="base vectors used (0: all; 50,000 made up)")
    p.add_argument("--dims", type=int, default=96, help="of those made up")
    p.add_argument("--clusters", type=int, default=0, help="make up vectors around that many centres")
    p.add_argument("--query-count", type=int, default=100)
    p.add_argument("--repeats", type=int, default=4, help="runs of which a query's best counts")
    p.add_argument("--recall", type=float, default=0.95, help="of the search without WHERE")
    p.add_argument("--no-peer", action="store_true", help="measure barq alone")
    p.add_argument("--keep", action="store_true", help="use the tables that are there")
    p.add_argument("--out", default="results")
    return p.parse_args()


class Side:
    """barq or pgvector, with its table and queries."""

    def __init__(self, database, index, btrees, settings, options):
        self.db, self.index, self.btrees, self.settings = Database(database), index, btrees, settings
        self.options = options

    def make(self, data, queries, values):
        self.db.create()
        extension = "barq" if "barq" in self.index else "vector"
        self.db.run(f"""CREATE EXTENSION {extension};
            CREATE TABLE loaded (id int, v vector({data.dims}));
            CREATE TABLE numbers (id int, a int, z int);
            CREATE TABLE asked (id int, v vector({data.dims}))""")
        for table, rows in (("loaded", data.base), ("asked", queries)):
            self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)", feed=data.element.copy_binary(rows, 0))
        lines = "".join(f"{i}\t{a}\t{z}\n" for i, (a, z) in enumerate(values.tolist()))
        self.db.run("COPY numbers FROM STDIN", feed=[lines.encode()])
        self.db.run("CREATE TABLE items AS SELECT id, v, a, z, a AS b, z AS y FROM loaded JOIN numbers USING (id) "
                    "ORDER BY id; DROP TABLE loaded, numbers")
        for sql in (self.index, *self.btrees, "VACUUM ANALYZE items", "CHECKPOINT"):
            self.db.run(sql)

    def prepared(self, where, k=dataset.K):
        return ("SET plan_cache_mode = force_generic_plan;\nSET jit = off;\n"
                f"PREPARE p(vector) AS SELECT id FROM items {where} ORDER BY v "
                f"{OPERATORS[self.options.metric]} $1 LIMIT {k};\n")

    def answers(self, where, queries, settings):
        """The ids found by each of the queries [(number, text)], and the plan."""
        script = self.prepared(where) + f"EXPLAIN (COSTS off) EXECUTE p('{queries[0][1]}');\n" + "".join(
            f"\\echo query\nEXECUTE p('{q}');\n" for _, q in queries)
        plan, *found = self.db.run(script, dict(self.settings, **settings)).split("query\n")
        return [[int(i) for i in part.split()] for part in found], plan

    def processor(self, where, queries, settings):
        """Milliseconds of processor time, the mean of the queries' best."""
        once = [f"EXECUTE p('{q}')" for _, q in queries]
        before = self.prepared(where) + "".join(f"{e};\n" for e in once[:10])
        times, _ = self.db.processor_ms(before, once * self.options.repeats, dict(self.settings, **settings))
        return statistics.mean(min(times[i::len(once)]) for i in range(len(once)))


def recall(found, truth):
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / max(sum(map(len, truth)), 1)


def bitmap_ms(side, where, query):
    """Milliseconds that the index scan of a bitmap takes, the best of five."""
    plans = side.db.run(side.prepared(where) + f"EXPLAIN (ANALYZE, COSTS off) EXECUTE p('{query}');\n" * 5,
                        dict(side.settings, **{"enable_indexscan": "off", "enable_seqscan": "off",
                                               "barq.condition_scan": "off"}))
    return min(float(t) for t in re.findall(r"Bitmap Index Scan.*?actual time=[0-9.]+\.\.([0-9.]+)", plans))


def main():
    options = arguments()
    if options.data:
        data = dataset.from_files(options.data, options.queries, options.rows, 1, 1000, options.metric, 1, options.out)
    elif options.clusters:
        data = dataset.clustered(options.rows, options.dims, options.clusters, 1, 1000, options.metric, 7, options.out)
    else:
        data = dataset.made_up(options.rows or 50000, options.dims, 24, 1, 1000, options.metric, 1, options.out)
    n = len(data.base)
    base = dataset.unit(data.base) if options.metric == "cosine" else data.base
    asked = dataset.unit(data.queries) if options.metric == "cosine" else data.queries
    direction = base[np.random.default_rng(2).integers(n)]
    towards = base @ direction
    del base                                # of five million rows
    values = np.stack([np.random.default_rng(3).permutation(n) * 10000 // n,
                       np.argsort(np.argsort(towards)) * 10000 // n], axis=1)
    usual = np.arange(options.query_count)
    far = np.argsort(-(asked @ direction))[:options.query_count]
    texts = ["[" + ",".join(repr(float(x)) for x in q) + "]" for q in data.queries]
    kinds = {"usual": [(i, texts[i]) for i in usual], "far": [(i, texts[i]) for i in far]}
    truths = {}

    def truth(kind, column, below):
        """Ids of the nearest rows that have values below `below`."""
        if (kind, column, below) not in truths:
            ids = np.flatnonzero(values[:, column] < below)
            chosen = data.queries[usual if kind == "usual" else far]
            truths[kind, column, below] = ids[dataset.nearest(data.base[ids], chosen, options.metric)].tolist()
        return truths[kind, column, below]

    barq = Side("filter_barq", f"CREATE INDEX items_v ON items USING barq_hnsw (v vector_{options.metric}_ops, a, z)",
                ["CREATE INDEX ON items (b)", "CREATE INDEX ON items (y)"], {}, options)
    sides = [barq]
    peer = None
    if not options.no_peer and Database("postgres").value(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == "1":
        peer = Side("filter_pgvector", f"CREATE INDEX items_v ON items USING hnsw (v vector_{options.metric}_ops)",
                    ["CREATE INDEX ON items (a)", "CREATE INDEX ON items (z)"], PEER, options)
        sides.append(peer)
    if not options.keep:
        for side in sides:
            side.make(data, data.queries, values)

    def breadth(where, kind, column, below, settings=None):
        """The smallest ef_search at which a search has the recall."""
        ef = 10
        for step in (512, 256, 128, 64, 32, 16, 8, 4, 2, 1):
            if ef + step >= 1000:
                continue
            found, _ = barq.answers(where, kinds[kind], dict(settings or {}, **{"barq.ef_search": ef + step}))
            if recall(found, truth(kind, column, below)) < options.recall:
                ef += step
        return ef + 1

    ef = barq.settings["barq.ef_search"] = breadth("", "usual", 0, 10000)

    results = []

    def measure(name, kind, column, share, peer_column, settings, unfiltered=None):
        below = 10000 if share == 100 else round(share * 100)
        line = {"condition": name, "share": share, "kind": kind}
        for side, its in ((barq, column), (peer, peer_column)):
            if side is None or its is None:
                continue
            where = "" if share == 100 else f"WHERE {its} < {below}"
            mine = settings if side is barq else {}
            found, plan = side.answers(where, kinds[kind], mine)
            key = "barq" if side is barq else "pgvector"
            line[key] = {"recall": recall(found, truth(kind, 1 if its in "zy" else 0, below)),
                         "ms": side.processor(where, kinds[kind], mine),
                         "plan": plan.strip().splitlines()[:6]}
        if column in ("b", "y"):
            line["bitmap_ms"] = bitmap_ms(barq, f"WHERE {column} < {below}", kinds[kind][0][1])
        line["ratio"] = line["barq"]["ms"] / (unfiltered or line["barq"]["ms"])
        line["breadth"], line["ms_at_recall"] = ef, line["barq"]["ms"]
        if 1 <= share < 100:
            where, number = f"WHERE {column} < {below}", 1 if column in "zy" else 0
            line["breadth"] = breadth(where, kind, number, below, settings)
            line["ms_at_recall"] = barq.processor(where, kinds[kind], dict(
                settings, **{"barq.ef_search": line["breadth"]}))
        line["ratio_at_recall"] = line["ms_at_recall"] / (unfiltered or line["ms_at_recall"])
        results.append(line)
        peers = f"{line['pgvector']['recall']:.3f} | {line['pgvector']['ms']:.2f}" if "pgvector" in line else "- | -"
        own = f"{line['bitmap_ms']:.2f}" if "bitmap_ms" in line else "-"
        print(f"| {name} | {line['barq']['recall']:.3f} | {line['barq']['ms']:.3f} | {line['ratio']:.2f} | "
              f"{line['breadth']} | {line['ms_at_recall']:.3f} | {line['ratio_at_recall']:.2f} | {own} | "
              f"{peers} |", flush=True)
        return line["barq"]["ms"]

    print(f"{n:,} x {data.dims}, {options.metric}; barq.ef_search = {ef}")
    print(f"| condition | barq: recall | ms | x unfiltered | ef_search at {options.recall} | ms | x unfiltered "
          "| bitmap's own ms | pgvector: recall | ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    unfiltered = measure("none", "usual", "a", 100, "a", {})
    for share in SHARES:
        measure(f"{share} %", "usual", "a", share, "a", {}, unfiltered)
    unfiltered_far = measure("none, far queries", "far", "a", 100, "a", {})
    for share in SHARES:
        measure(f"{share} %, anti-correlated", "far", "z", share, "z", {}, unfiltered_far)
    within = {"enable_indexscan": "off", "enable_sort": "off", "enable_seqscan": "off"}
    for share in (10, 1):
        measure(f"bitmap, {share} %", "usual", "b", share, None, within, unfiltered)
        measure(f"btree, {share} %, the planner's choice", "usual", "b", share, None, {}, unfiltered)
        measure(f"bitmap, {share} %, anti-correlated", "far", "y", share, None, within, unfiltered_far)
        measure(f"btree, {share} %, anti-correlated, the planner's choice", "far", "y", share, None, {}, unfiltered_far)
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "filter.json"), "w") as file:
        json.dump({"machine": machine(), "options": vars(options), "ef_search": ef, "rows": n,
                   "lines": results}, file, indent=1)


if __name__ == "__main__":
    main()
