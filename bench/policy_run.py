#!/usr/bin/env python3
"""Measures what the policy of merges rests on: the processor time of a search by the number of
rows of a graph, of lists and of a flat segment, alone and beside a larger graph that
is searched first, and the speed of merges. With --steps amplify: rows and bytes
merged for each one sealed, while a table grows slowly.

Called by run.sh (PARTS=policy), after the simulation with the real chooser
(policy/policy_simulation.c). Writes policy.json.
"""

import argparse
import json
import os
import time

import dataset
from database import Database
from element import ELEMENTS
from run import machine


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=policy make bench POLICY_BENCH='…'",
                                description=__doc__.split("\n\n")[0])
    p.add_argument("--steps", default="curves,beside,merge,amplify")
    p.add_argument("--rows", default="2000,10000,40000,160000,340000")
    p.add_argument("--dims", type=int, default=96)
    p.add_argument("--latent", type=int, default=32)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--searches", type=int, default=2000, help="of each point; the best of five")
    p.add_argument("--amplify-rows", default="20000,40000,80000")
    p.add_argument("--growing-limit", default="64kB")
    p.add_argument("--options", default="", help="of the index that grows: compaction = 'reads', …")
    p.add_argument("--out", default="results")
    return p.parse_args()


class Policy:
    def __init__(self, options, say):
        self.options = options
        self.say = say
        self.sizes = [int(n) for n in options.rows.split(",")]
        self.data = dataset.made_up(max(self.sizes) + 50000, options.dims, options.latent, 0, 1000,
                                    "l2", options.seed, options.out)
        self.db = Database("bench_policy")
        self.results = {}
        self.db.create()
        self.db.run("ALTER DATABASE bench_policy SET max_parallel_maintenance_workers = 1")
        self.db.run(f"""CREATE EXTENSION barq;
            CREATE TABLE queries (id int PRIMARY KEY, v vector({options.dims}))""")
        self.copy("queries", self.data.queries, 0)

    def copy(self, table, vectors, first):
        self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)",
                    feed=ELEMENTS["vector"].copy_binary(vectors, first))

    def table(self, rows, method="barq_hnsw", fill_first=True, options=""):
        """items with `rows` rows and its index, built after (or before) them."""
        self.db.run(f"""DROP TABLE IF EXISTS items;
            CREATE TABLE items (id int, v vector({self.options.dims})) WITH (autovacuum_enabled = off);
            ALTER TABLE items ALTER v SET STORAGE PLAIN""")
        index = (f"CREATE INDEX items_v ON items USING {method} (v vector_l2_ops) "
                 f"WITH (growing_limit = '1GB', growing_hard_limit = '1GB'{options})")
        if fill_first:
            self.copy("items", self.data.base[:rows], 0)
            self.db.run(index)
        else:
            self.db.run(index)
            self.append(0, rows)

    def append(self, first, rows):
        self.copy("items", self.data.base[first:first + rows], first)
        self.db.run("SELECT barq_seal('items_v')")

    def cpu_us(self):
        """Microseconds of processor time of a search, the best of five: other work on
        the machine matters little to it."""
        n = self.options.searches
        out = self.db.run(f"""
            SET enable_seqscan = off; SET barq.ef_search = 40;
            CREATE FUNCTION pg_temp.cpu() RETURNS bigint LANGUAGE sql
                RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint;
            CREATE FUNCTION pg_temp.search(n int) RETURNS float8 LANGUAGE plpgsql AS $$
            DECLARE
                q vector[] = ARRAY(SELECT v FROM queries ORDER BY id);
                began bigint;
            BEGIN
                FOR i IN 1 .. 200 LOOP
                    PERFORM id FROM items ORDER BY v <-> q[1 + i % 1000] LIMIT 10;
                END LOOP;
                began = pg_temp.cpu();
                FOR i IN 1 .. n LOOP
                    PERFORM id FROM items ORDER BY v <-> q[1 + i % 1000] LIMIT 10;
                END LOOP;
                RETURN (pg_temp.cpu() - began) / 1e3 / n;
            END $$;
            SELECT pg_temp.search({n}) FROM generate_series(1, 5);""")
        return round(min(map(float, out.split())), 1)

    def segments(self):
        return self.db.value("SELECT string_agg(kind || ' ' || rows, ' + ' ORDER BY rows DESC) "
                             "FROM barq_segments('items_v') WHERE state <> 'growing'")

    def note(self, name, **figures):
        self.results.setdefault(name, []).append(figures)
        self.say(name + ": " + ", ".join(f"{k} {v}" for k, v in figures.items()))

    def curves(self):
        """One segment of each size and kind, alone."""
        for rows in self.sizes:
            for kind in ("graph", "lists", "sealed"):
                if kind == "sealed" and rows > 40000:
                    continue
                self.table(rows, "barq_ivf" if kind == "lists" else "barq_hnsw", kind != "sealed")
                self.note("curves", kind=kind, rows=rows, cpu_us=self.cpu_us(), segments=self.segments(),
                          body_bytes=int(self.db.value(
                              "SELECT sum(page_bytes) FROM barq_segments('items_v') WHERE state <> 'growing'")))

    def beside(self):
        """Sealed logs beside a graph, one after the other: what each adds."""
        first = self.sizes[-2]
        self.table(first)
        before = self.cpu_us()
        self.note("beside", rows=first, kind="alone", cpu_us=before)
        for rows in (500, 2000, 4000, 4000, 7000, 14000, 14000):
            self.append(first, rows)
            first += rows
            now = self.cpu_us()
            self.note("beside", rows=rows, more_us=round(now - before, 1))
            before = now

    def merge(self):
        """Rows a second of a merge: into a new graph, and joined to a larger one."""
        for rows in self.sizes[1:4]:
            self.table(rows, fill_first=False)
            began = time.monotonic()
            self.db.run("SELECT barq_compact('items_v')")
            self.note("merge", what="sealed to graph", rows=rows, rows_a_second=round(rows / (time.monotonic() - began)))
            self.append(rows, rows // 8)
            began = time.monotonic()
            self.db.run("SELECT barq_compact('items_v')")
            self.note("merge", what="an eighth joined", rows=rows // 8,
                      rows_a_second=round(rows // 8 / (time.monotonic() - began)))

    def amplify(self):
        """Rows inserted a few at a time, with all merges that are due after each seal;
        and what a search takes meanwhile, against one graph of all rows."""
        self.table(0, options=(", " + self.options.options) if self.options.options else "")
        self.db.run(f"ALTER INDEX items_v SET (growing_limit = '{self.options.growing_limit}')")
        done = 0
        sizes = [int(n) for n in self.options.amplify_rows.split(",")]
        searches = []
        for until in sizes:
            segments = []
            while done < until:
                n = min(200, until - done)
                self.copy("items", self.data.base[done % len(self.data.base):][:n], done)
                done += n
                while self.db.value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker'") != "0":
                    time.sleep(0.01)
                segments.append(int(self.db.value(
                    "SELECT count(*) FROM barq_segments('items_v') WHERE state <> 'growing'")))
                if done > sizes[-1] / 2 and len(segments) % 20 == 0:
                    searches.append(self.cpu_us())
            rows, row_merges, sealed, merged = map(float, self.db.value(
                "SELECT concat_ws(',', rows_sealed, rows_compacted, bytes_sealed, bytes_compacted) FROM barq_stats() WHERE index = 'items_v'::regclass").split(","))
            self.note("amplify", rows=done, rows_merged_a_row=round(row_merges / rows, 2),
                      bytes_merged_a_byte=round(merged / sealed, 2),
                      mean_segments=round(sum(segments) / len(segments), 1), segments=self.segments())
        self.db.run("SELECT barq_seal('items_v'), barq_compact('items_v')")
        one = self.cpu_us()
        searches.sort()
        self.note("searches", rows=done, median_us=searches[len(searches) // 2], most_us=searches[-1],
                  of_one_graph_us=one, factor=round(searches[len(searches) // 2] / one, 2))


def main():
    o = arguments()
    began = time.monotonic()
    os.makedirs(o.out, exist_ok=True)
    policy = Policy(o, lambda text: print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True))
    for step in o.steps.split(","):
        getattr(policy, step)()
        with open(os.path.join(o.out, "policy.json"), "w") as file:
            json.dump({"machine": machine(), "when": time.strftime("%Y-%m-%d %H:%M %Z"),
                       **policy.results}, file, indent=1)


if __name__ == "__main__":
    main()
