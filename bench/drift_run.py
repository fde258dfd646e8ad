#!/usr/bin/env python3
"""Measures lists when new rows are distributed differently from the rows that
the lists were made for: recall of barq_ivf, which trains its lists again in
merges, beside pgvector's ivfflat, whose lists stay.

Called by run.sh (PARTS=drift). Writes drift.json.
"""

import argparse
import json
import os
import time

import numpy as np

import dataset
import measure
from database import Database
from element import FLOAT_OPERATORS
from run import machine, numbers


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=drift make bench DRIFT_BENCH='…'",
                                description=__doc__.split("\n")[0])
    env = os.environ.get
    p.add_argument("--data", default=env("DATA"), help=".npy file of base vectors")
    p.add_argument("--rows", type=int, default=60000, help="before the move, and as many after it")
    p.add_argument("--dims", type=int, default=100, help="made up: dimensions")
    p.add_argument("--latent", type=int, default=32)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--query-count", type=int, default=300)
    p.add_argument("--lists", type=int, default=250)
    p.add_argument("--probes", type=numbers, default=[5, 15])
    p.add_argument("--sides", default="pgvector,barq")
    p.add_argument("--out", default="results")
    return p.parse_args()


class Drift:
    """One side: the table, its index, and its recall."""

    def __init__(self, side, options, data, say):
        self.side = side
        self.options = options
        self.data = data
        self.say = say
        self.db = Database(side.database)
        self.results = {}
        self.db.create()
        dims = data.dims
        self.db.run(f"""CREATE EXTENSION {side.extension};
            CREATE TABLE items (id int, v vector({dims})) WITH (autovacuum_enabled = off);
            CREATE TABLE queries (id int, v vector({dims}))""")
        self.copy_in("items", data.base, 0)
        self.copy_in("queries", data.queries, 0)
        self.db.run(f"CREATE INDEX items_v ON items USING {side.method} (v vector_l2_ops) WITH (lists = {options.lists})")

    def copy_in(self, table, vectors, first_id):
        self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)",
                    feed=self.data.element.copy_binary(vectors, first_id))

    def look(self, what, truth):
        """Recall, and microseconds a query in the server, at each number of probes."""
        query = f"SELECT id FROM items ORDER BY v {FLOAT_OPERATORS['l2']} q.v LIMIT {dataset.K}"
        for probes in self.options.probes:
            settings = {"enable_seqscan": "off", self.side.ef_setting: str(probes)}
            out = self.db.run(f"SELECT array_to_string(ARRAY({query}), ',') FROM queries q ORDER BY q.id", settings)
            once = f"SELECT sum(cardinality(a)) FROM (SELECT ARRAY({query}) AS a FROM queries q OFFSET 0) s;\n"
            us = min(self.db.timed(once * 3, settings)) * 1000 / len(self.data.queries)
            recall = self.data.recall([numbers(line) for line in out.split()], truth)
            self.results[f"{what}, {probes} probes"] = {"recall": recall, "us": us}
            self.say(f"{what}, {probes} probes: recall {recall:.3f}, {us:.0f} us a query")

    def move(self):
        """Copies the moved rows in; barq seals and merges them."""
        self.copy_in("items", self.data.extra, len(self.data.base))
        if self.side.extension == "barq":
            self.db.run("SELECT barq_seal('items_v'); SELECT barq_compact('items_v')")


def moved(options):
    """Rows; as many others, turned at random and moved by the mean length of a
    vector; queries like the latter."""
    o = options
    rng = np.random.default_rng(o.seed)
    n = 2 * o.rows + o.query_count
    if o.data:
        rows = np.load(o.data, mmap_mode="r")
        if len(rows) < n:
            raise SystemExit(f"{o.data}: {n} vectors are needed, it has {len(rows)}")
        rows = np.asarray(rows[np.sort(rng.choice(len(rows), n, replace=False))], np.float32)
        rng.shuffle(rows)
        name = os.path.basename(o.data)
    else:
        made = dataset.made_up(n, o.dims, o.latent, 0, 0, "l2", o.seed, None)
        rows, name = made.base, made.name
    dims = rows.shape[1]
    turn, _ = np.linalg.qr(rng.standard_normal((dims, dims)))
    direction = rng.standard_normal(dims)
    length = np.linalg.norm(rows, axis=1).mean()
    later = rows[o.rows:] @ turn.astype(np.float32) + \
        (direction / np.linalg.norm(direction) * length).astype(np.float32)
    return dataset.Dataset(name, rows[:o.rows], later[:o.rows], later[o.rows:], "l2",
                           os.path.join(o.out, "cache"))


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(os.path.join(o.out, "cache"), exist_ok=True)
    data = moved(o)
    say(f"{data.name}: {o.rows:,} x {data.dims}, then as many that have moved, lists = {o.lists}")
    available = {"pgvector": measure.pgvector("ivf"), "barq": measure.barq("sq8", "ivf")}
    sides = [s for s in map(available.get, o.sides.split(",")) if measure.available(s)]
    results = {"data": data.name, "rows": o.rows, "dims": data.dims, "lists": o.lists,
               "machine": machine(), "when": time.strftime("%Y-%m-%d %H:%M %Z"), "sides": {}}
    truth = data.truth(o.rows)
    for side in sides:
        drift = Drift(side, o, data, lambda text, side=side: say(f"{side.name}: {text}"))
        results["sides"][side.name] = drift.results
        drift.move()
        drift.look("moved", truth)
        drift.db.run("REINDEX INDEX items_v")
        drift.look("after REINDEX", truth)
        with open(os.path.join(o.out, "drift.json"), "w") as file:
            json.dump(results, file, indent=1)
    say(f"written: {o.out}/drift.json")


if __name__ == "__main__":
    main()
