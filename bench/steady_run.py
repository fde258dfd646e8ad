#!/usr/bin/env python3
"""Measures a graph index that is loaded by several clients and then updated, with one client
searching throughout: size, times and recall beside those of a fresh index of the same rows.

Called by run.sh (PARTS=steady). Writes steady.json. Rows are made up in clusters; an update
gives a row the vector of another one, so that what the rows are is known afterwards. Recall
is against exact distances. The server has autovacuum, checkpoints and workers.
"""

import argparse
import json
import os
import threading
import time

import numpy as np

import dataset
from database import Database
from run import machine, numbers
from searcher import Searcher

SEARCH = f"SELECT id FROM items ORDER BY v <-> $1 LIMIT {dataset.K}"
UPDATE = ("\\set i random(0, {last})\n\\set j random(0, {last})\n"
          "UPDATE items SET v = o.v, source = :j FROM origins o WHERE o.id = :j AND items.id = :i;\n")
SETTLED = 15                    # seconds without a publication or a worker


def arguments():
    p = argparse.ArgumentParser(prog="make bench PARTS=steady STEADY_BENCH='…'", description=__doc__.split("\n")[0])
    p.add_argument("--rows", type=int, default=2000000)
    p.add_argument("--dims", type=int, default=96)
    p.add_argument("--clusters", type=int, default=4096)
    p.add_argument("--loaders", type=int, default=8)
    p.add_argument("--rate", type=int, default=1000, help="updates a second, by as many clients")
    p.add_argument("--updated", type=float, default=0.06, help="updates, as a share of the rows")
    p.add_argument("--searches", type=int, default=100, help="searches a second, by one client")
    p.add_argument("--idle", type=int, default=60, help="seconds of searches without writes, before and after")
    p.add_argument("--ef-search", type=numbers, default=[20, 40, 100])
    p.add_argument("--query-count", type=int, default=300)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--out", default="results")
    return p.parse_args()


class Steady:
    def __init__(self, options, say):
        self.o = options
        self.say = say
        self.db = Database("steady")
        self.data = dataset.clustered(options.rows, options.dims, options.clusters, 0, options.query_count, "l2",
                                      options.seed, options.out)
        self.queries = ["[" + ",".join(f"{x:.6g}" for x in q) + "]" for q in self.data.queries]
        self.results = []

    def note(self, name, **figures):
        self.results.append({"step": name, "load": os.getloadavg()[0]} | figures)
        self.say(f"{name}: " + ", ".join(f"{k} {v}" for k, v in figures.items()) + f"; load {os.getloadavg()[0]:.1f}")

    def size(self):
        segments = self.db.value("SELECT string_agg(rows::text, ' ' ORDER BY rows DESC) FROM barq_segments('items_v')")
        return {"MB": round(int(self.db.value("SELECT pg_relation_size('items_v')")) / 1e6), "segments": segments}

    def start(self):
        self.db.create()
        self.db.run(f"""CREATE EXTENSION barq;
            CREATE TABLE items (id int PRIMARY KEY, v vector({self.o.dims}), source int);
            CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
            CREATE TABLE origins (id int PRIMARY KEY, v vector({self.o.dims}))""")
        self.searcher = Searcher(self.db.name, SEARCH, "vector")

    def copy_in(self, table, first, last):
        """COPYs of 10,000 rows each."""
        for begin in range(first, last, 10000):
            rows = self.data.base[begin:min(begin + 10000, last)]
            self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)", {"synchronous_commit": "off"},
                        feed=self.data.element.copy_binary(rows, begin))

    def searching(self, name, seconds, until=None, **more):
        figures = Searcher.figures(self.searcher.search_for(seconds, self.o.searches, self.queries, until))
        self.note(name, times=Searcher.line(figures), **more, **self.size())
        return figures

    def load(self):
        each = -(-self.o.rows // self.o.loaders)
        loaders = [threading.Thread(target=self.copy_in, args=("items", i * each, min((i + 1) * each, self.o.rows)))
                   for i in range(self.o.loaders)]
        began = time.monotonic()
        for loader in loaders:
            loader.start()
        self.searching("beside the load", 1e9, lambda: not any(loader.is_alive() for loader in loaders))
        self.note("load", seconds=round(time.monotonic() - began), rows=self.db.value("SELECT count(*) FROM items"))
        self.copy_in("origins", 0, self.o.rows)
        self.db.run("VACUUM (ANALYZE) origins; VACUUM (ANALYZE) items; CHECKPOINT")

    def settle(self):
        """Wait until no worker is busy and nothing was published for a while."""
        state, since = None, time.monotonic()
        while time.monotonic() - since < SETTLED:
            now = self.db.value("""SELECT (SELECT string_agg(rows::text, ' ') FROM barq_segments('items_v')),
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'barq%worker%')""")
            if now != state or not now.endswith("|0"):
                state, since = now, time.monotonic()
            time.sleep(1)

    def updates(self):
        each = int(self.o.rows * self.o.updated / self.o.loaders)
        return self.db.writers(UPDATE.format(last=self.o.rows - 1), os.path.join(self.o.out, "update.sql"),
                               self.o.loaders, self.o.rate, ["-t", str(each)], {"synchronous_commit": "off"})

    def recall(self, name):
        """At each ef_search, against the rows as they are now."""
        pairs = np.array([line.split("|") for line in self.db.run(
            "SELECT id, source FROM items WHERE source IS NOT NULL").split()], dtype=int).reshape(-1, 2)
        rows = self.data.base.copy()
        rows[pairs[:, 0]] = self.data.base[pairs[:, 1]]
        limits = [np.sqrt(dataset.distance(rows[near], q, "l2").max()) * (1 + 1e-6)
                  for near, q in zip(dataset.nearest(rows, self.data.queries, "l2"), self.data.queries)]
        del rows
        found = {}
        for ef in self.o.ef_search:
            self.searcher.send(f"SET barq.ef_search = {ef};")
            good = 0
            for query, limit in zip(self.queries, limits):
                ids = ",".join(self.searcher.send(f"EXECUTE ask('{query}');"))
                good += int(self.db.value(
                    f"SELECT count(*) FROM items WHERE id IN ({ids}) AND v <-> '{query}' <= {limit}"))
            found[ef] = round(good / dataset.K / len(limits), 4)
        self.searcher.send("RESET barq.ef_search;")
        self.note(name, recall=found, **self.size())

    def go(self):
        self.start()
        self.load()
        self.settle()
        idle = [self.searching("idle after the load", self.o.idle)]
        self.recall("after the load")
        process = self.updates()
        beside = self.searching("beside updates", 1e9, lambda: process.poll() is not None)
        if process.wait():
            raise SystemExit(process.stdout.read())
        idle.append(self.searching("just after updates", self.o.idle))
        self.db.run("VACUUM items")
        self.settle()
        idle.append(self.searching("idle, merged", self.o.idle))
        for title in ("seen", "without waiting", "processor"):
            self.note(title, p99_beside_updates_to_idle=round(
                beside[title]["p99"] * 2 / (idle[0][title]["p99"] + idle[2][title]["p99"]), 2))
        self.recall("after updates")
        self.db.run("SET maintenance_work_mem = '2GB'; REINDEX INDEX items_v")
        self.searching("fresh", self.o.idle)
        self.recall("fresh")


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(o.out, exist_ok=True)
    run = Steady(o, say)
    run.go()
    with open(os.path.join(o.out, "steady.json"), "w") as file:
        json.dump({"machine": machine(), "options": vars(o), "steps": run.results}, file, indent=1)


if __name__ == "__main__":
    main()
