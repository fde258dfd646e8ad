#!/usr/bin/env python3
"""Measures barq.target_recall: recall@10 and processor time of searches for targets of 0.9,
0.95 and 0.99, in ratio to the smallest barq.ef_search (barq.probes) whose recall is as high.

After CREATE INDEX, after inserts and after a merge; without a condition, under filter columns
and within the bitmap of a btree; for queries like the rows and of other distributions, before
and after barq_calibrate(). Called by run.sh (PARTS=target). Writes target.json and prints a table.
"""

import argparse
import json
import os
import statistics

import numpy as np

import dataset
from database import Database
from element import ELEMENTS
from run import machine

OPERATOR = "<=>"
CONDITIONS = {
    "none": ("", 100),
    "column 10 %": ("WHERE a < 1000", 10),
    "column 1 %": ("WHERE a < 100", 1),
    "bitmap 10 %": ("WHERE b < 1000", 10),
    "bitmap 1 %": ("WHERE b < 100", 1),
}
MOST = 1000                     # breadth


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=target make bench TARGET_BENCH='…'",
                                description=__doc__.split("\n\n")[0])
    p.add_argument("--data", default=os.environ.get("DATA") or None,
                   help=".npy file of vectors for the set `data`")
    p.add_argument("--sets", default="", help="of data, dims768, clustered (all; data if --data is given)")
    p.add_argument("--methods", default="hnsw,ivf")
    p.add_argument("--targets", default="0.9,0.95,0.99")
    p.add_argument("--states", default="built,inserted,merged,other,calibrated")
    p.add_argument("--conditions", default=",".join(CONDITIONS))
    p.add_argument("--rows", type=int, default=100000, help="of data and clustered; of dims768 a third")
    p.add_argument("--query-count", type=int, default=200)
    p.add_argument("--repeats", type=int, default=3, help="runs of which the best counts")
    p.add_argument("--options", default="", help="further index options, as in WITH (...)")
    p.add_argument("--keep", action="store_true", help="use the table and the index that are there")
    p.add_argument("--out", default="results")
    return p.parse_args()


def made(name, options):
    """Vectors of a set, in no order, and queries like them."""
    rng = np.random.default_rng(11)
    rows, queries = options.rows, options.query_count
    if name == "data":
        base = np.load(options.data, mmap_mode="r")
        order = rng.permutation(len(base))[:rows + queries]
        rows = np.asarray(base[order], np.float32)
    elif name == "dims768":
        # latent dimensions of falling scale, as embeddings have
        rows //= 3
        scale = 1 / np.sqrt(np.arange(1, 65))
        points = rng.standard_normal((rows + queries, 64)) * scale
        rows = points @ rng.standard_normal((64, 768)) + 0.02 * rng.standard_normal((rows + queries, 768))
    else:
        centres = rng.standard_normal((300, 64))
        of = rng.integers(0, 300, rows + queries)
        rows = centres[of] + 0.4 * rng.standard_normal((rows + queries, 64))
    rows = np.ascontiguousarray(rows, np.float32)
    return rows[queries:], rows[:queries]


def others(base, count):
    """Queries of other distributions, by name."""
    rng = np.random.default_rng(12)
    means = dataset.unit(base)[rng.integers(0, len(base), (2 * count, 6))].mean(axis=1)
    random = rng.standard_normal((2 * count, base.shape[1]))
    mixed = dataset.unit(base)[rng.integers(0, len(base), 2 * count)] + dataset.unit(random)
    return {name: np.ascontiguousarray(q, np.float32)
            for name, q in (("means of six rows", means), ("rows and noise", mixed), ("random directions", random))}


class Index:
    """One index with its table, in a database of its own."""

    def __init__(self, name, method, base, queries, options):
        self.db = Database(f"target_{name}_{method}")
        self.method, self.base, self.options = method, base, options
        self.values = np.random.default_rng(13).permutation(len(base)) * 10000 // len(base)
        self.asked = {"like rows": queries}
        for kind, those in others(base, len(queries)).items():
            self.asked[kind] = those[:len(queries)]
            self.asked[f"{kind}, to calibrate"] = those[len(queries):]
        self.there = 0              # rows in the table

    def make(self, rows):
        vector = ELEMENTS["vector"]
        self.db.create()
        self.db.run(f"""CREATE EXTENSION barq;
            CREATE TABLE loaded (id int, v vector({self.base.shape[1]}));
            CREATE TABLE numbers (id int PRIMARY KEY, a int);
            CREATE TABLE items (id int, v vector({self.base.shape[1]}), a int, b int);
            CREATE TABLE asked (id int, v vector({self.base.shape[1]}), kind text)""")
        self.db.run("COPY numbers FROM STDIN",
                    feed=["".join(f"{i}\t{a}\n" for i, a in enumerate(self.values.tolist())).encode()])
        for kind, queries in self.asked.items():
            self.db.run("TRUNCATE loaded")
            self.db.run("COPY loaded FROM STDIN (FORMAT binary)", feed=vector.copy_binary(queries, 0))
            self.db.run(f"INSERT INTO asked SELECT id, v, '{kind}' FROM loaded")
        self.db.run("TRUNCATE loaded")
        self.insert(rows)
        extra = f"WITH ({self.options.options})" if self.options.options else ""
        took = self.db.timed(f"""SET maintenance_work_mem = '1GB';
            CREATE INDEX items_v ON items USING barq_{self.method} (v vector_cosine_ops, a) {extra};""")[-1]
        self.db.run("CREATE INDEX items_b ON items (b); VACUUM ANALYZE items; VACUUM ANALYZE asked; CHECKPOINT")
        for name, (where, _) in CONDITIONS.items():
            self.db.run(f"""CREATE FUNCTION "{name}"(which text) RETURNS SETOF int[] LANGUAGE plpgsql AS $f$
                DECLARE one record; found int[];
                BEGIN
                    FOR one IN SELECT v FROM asked WHERE kind = which ORDER BY id LOOP
                        SELECT ARRAY(SELECT i.id FROM items i {where} ORDER BY i.v {OPERATOR} one.v LIMIT 10) INTO found;
                        RETURN NEXT found;
                    END LOOP;
                END $f$""")
        return took

    def insert(self, rows):
        """Adds base rows up to `rows`."""
        self.db.run("COPY loaded FROM STDIN (FORMAT binary)",
                    feed=ELEMENTS["vector"].copy_binary(self.base[self.there:rows], self.there))
        self.db.run("INSERT INTO items SELECT id, v, a, a FROM loaded JOIN numbers USING (id) ORDER BY id; "
                    "TRUNCATE loaded")
        self.there = rows

    def settings(self, condition, breadth):
        result = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_sort": "off",
                  "client_min_messages": "warning", "jit": "off", **breadth}
        if condition.startswith("bitmap"):
            result["enable_indexscan"] = "off"
        return result

    def search(self, condition, kind, breadth, repeats=1):
        """What the searches find, [ids], and their processor time, ms a query."""
        statement = f"""SELECT string_agg(array_to_string(f, ' '), '/') FROM "{condition}"('{kind}') f"""
        times, found = self.db.processor_ms(
            f"""SELECT count(*) FROM (SELECT * FROM "{condition}"('{kind}') LIMIT 10) x;""",
            [statement] * repeats, self.settings(condition, breadth))
        found = [[int(i) for i in ids.split()] for ids in found[0].strip().split("/")]
        return found, min(times) / len(found)

    def truth(self, condition, kind):
        share = CONDITIONS[condition][1]
        ids = np.flatnonzero(self.values[:self.there] < share * 100)
        return ids[dataset.nearest(self.base[ids], self.asked[kind], "cosine")].tolist()


def recall(found, truth):
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / sum(map(len, truth))


def measure(index, state, condition, kind, options, calibrated=False):
    """A line for each target."""
    truth = index.truth(condition, kind)
    setting = "barq.ef_search" if index.method == "hnsw" else "barq.probes"
    known = {}

    def reached(breadth):
        if breadth not in known:
            known[breadth] = recall(index.search(condition, kind, {setting: breadth})[0], truth)
        return known[breadth]

    lines = []
    for target in options.targets.split(","):
        wanted = float(target)
        asked = {"barq.target_recall": target}
        found, ms = index.search(condition, kind, asked, options.repeats)
        low, high = (10 if index.method == "hnsw" else 1), MOST
        while low < high:
            middle = int((low * high) ** 0.5) if high > 2 * low else (low + high) // 2
            middle = min(max(middle, low), high - 1)
            if reached(middle) >= wanted:
                high = middle
            else:
                low = middle + 1
        # the best of either side, measured in turns
        least = min(index.search(condition, kind, {setting: low}, options.repeats)[1] for _ in range(2))
        ms = min(ms, index.search(condition, kind, asked, options.repeats)[1])
        line = {"set": index.db.name, "state": state, "condition": condition, "queries": kind,
                "calibrated": calibrated, "target": wanted, "recall": recall(found, truth), "ms": ms,
                "smallest": low, "smallest_recall": reached(low), "smallest_ms": least, "ratio": ms / least}
        margin = 0.03 if kind != "like rows" and not calibrated else 0.01
        line["low"] = line["recall"] < wanted - margin and line["smallest_recall"] >= wanted
        line["slow"] = line["ratio"] > 1.3 and line["smallest_recall"] >= wanted
        lines.append(line)
        print(f"| {index.method} | {state} | {condition} | {kind}{', calibrated' if calibrated else ''} | {wanted} | "
              f"{line['recall']:.3f} | {ms:.3f} | {low}: {line['smallest_recall']:.3f} | {least:.3f} | "
              f"{line['ratio']:.2f} |{' LOW' if line['low'] else ''}{' SLOW' if line['slow'] else ''}", flush=True)
    return lines


def run(name, method, options):
    base, queries = made(name, options)
    index = Index(name, method, base, queries, options)
    states = options.states.split(",")
    conditions = options.conditions.split(",")
    first = len(base) * 4 // 5
    lines = []
    print(f"\n{name}: {len(base):,} x {base.shape[1]}, barq_{method}\n")
    print("| index | state | condition | queries | target | recall | ms | smallest: recall | ms | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    if options.keep:
        index.there = int(index.db.value("SELECT count(*) FROM items"))
    else:
        print(f"# CREATE INDEX: {index.make(first) / 1000:.1f} s", flush=True)
    if "built" in states:
        for condition in conditions:
            lines += measure(index, "built", condition, "like rows", options)
    if not options.keep:
        for to in range(index.there, len(base), max((len(base) - first) // 4, 1)):
            index.insert(min(to + max((len(base) - first) // 4, 1), len(base)))
    if "inserted" in states:
        for condition in conditions:
            lines += measure(index, "inserted", condition, "like rows", options)
    if "merged" in states or not options.keep:
        index.db.run("SELECT barq_compact('items_v')")
    if "merged" in states:
        for condition in conditions:
            lines += measure(index, "merged", condition, "like rows", options)
    for kind in [k for k in index.asked if k != "like rows" and not k.endswith("to calibrate")]:
        index.db.run("SELECT barq_calibrate('items_v', '{}'::vector[])")
        if "other" in states:
            lines += measure(index, "merged", "none", kind, options)
        if "calibrated" in states:
            index.db.run(f"SELECT barq_calibrate('items_v', ARRAY(SELECT v FROM asked WHERE kind = '{kind}, to calibrate'))")
            lines += measure(index, "merged", "none", kind, options, True)
    index.db.run("SELECT barq_calibrate('items_v', '{}'::vector[])")
    return lines


def main():
    options = arguments()
    sets = options.sets.split(",") if options.sets else (["data"] if options.data else []) + ["dims768", "clustered"]
    lines = []
    for name in sets:
        for method in options.methods.split(","):
            lines += run(name, method, options)
    print(f"\n{len(lines)} lines, {sum(l['low'] for l in lines)} below the target, "
          f"{sum(l['slow'] for l in lines)} above 1.3 times the smallest breadth's time; "
          f"median ratio {statistics.median(l['ratio'] for l in lines):.2f}")
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "target.json"), "w") as file:
        json.dump({"machine": machine(), "options": vars(options), "lines": lines}, file, indent=1)


if __name__ == "__main__":
    main()
