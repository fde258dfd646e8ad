#!/usr/bin/env python3
"""Measures the memory budget: searches of indexes in use beside searches of others, with
and without a budget, and what a search costs whose image is not in memory.

Called by run.sh (PARTS=memory). Writes memory.json. The server has barq in
shared_preload_libraries. Pages of image files in the page cache are counted by fincore.
"""

import argparse
import glob
import json
import os
import random
import re
import statistics
import subprocess
import threading
import time

import dataset
from database import Database, percentile
from run import machine

STEPS = "skew,cold"


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=memory make bench MEMORY_BENCH='…'",
                                description=__doc__.split("\n")[0])
    p.add_argument("--steps", default=STEPS, help=f"of: {STEPS}")
    p.add_argument("--tables", type=int, default=16, help="skew: tables, a quarter of them hot")
    p.add_argument("--rows", type=int, default=20000, help="skew: rows of each")
    p.add_argument("--seconds", type=int, default=10, help="skew: of each load")
    p.add_argument("--turns", type=int, default=4, help="skew: loads with and without, in turns")
    p.add_argument("--cold-rate", type=float, default=5, help="skew: searches of the other tables a second")
    p.add_argument("--cold-rows", type=int, default=100000)
    p.add_argument("--searches", type=int, default=30, help="cold: searches of each index")
    p.add_argument("--dims", type=int, default=96)
    p.add_argument("--drop-caches", action="store_true", help="cold: as root, also drop the kernel's caches")
    p.add_argument("--out", default="results")
    return p.parse_args()


def image_files(db):
    return glob.glob(os.path.join(db.value("SHOW data_directory"), "pg_barq/pgsql_tmp/*/*/*/*.img"))


def in_page_cache(files):
    out = subprocess.run(["fincore", "-nb", "-o", "RES", *files], capture_output=True, text=True, check=True).stdout
    return sum(int(n) for n in out.split())


def load(db, data, table, rows):
    db.run(f"""DROP TABLE IF EXISTS {table};
        CREATE TABLE {table} (id int, v vector({data.dims})) WITH (autovacuum_enabled = off);
        ALTER TABLE {table} ALTER v SET STORAGE PLAIN""")
    db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)", feed=data.element.copy_binary(data.base[:rows], 0))


def vector(row):
    return "'[" + ",".join(f"{x:.6g}" for x in row) + "]'"


class Skew:
    """One client searches the hot tables, another one now and then the others."""

    def __init__(self, db, data, options, say):
        self.db, self.data, self.options, self.say = db, data, options, say
        self.hot = [f"t{i}" for i in range(options.tables // 4)]
        self.cold = [f"t{i}" for i in range(options.tables // 4, options.tables)]

    def make(self):
        load(self.db, self.data, "t0", self.options.rows)
        for table in self.hot + self.cold:
            if table != "t0":
                self.db.run(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} AS SELECT * FROM t0")
            self.db.run(f"CREATE INDEX {table}_v ON {table} USING barq_hnsw (v vector_l2_ops)")

    def client(self, seed, tables, rate, found, used):
        """Searches tables one after the other, `rate` a second (0: without a pause)."""
        draw = random.Random(seed)
        psql = subprocess.Popen(["psql", "-XqAt", "-d", self.db.name], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        psql.stdin.write("SET enable_seqscan = off;\\timing on\n")
        began = time.monotonic()
        while time.monotonic() < began + self.options.seconds:
            query = vector(self.data.queries[draw.randrange(len(self.data.queries))])
            psql.stdin.write(f"SELECT id FROM {draw.choice(tables)} ORDER BY v <-> {query} LIMIT 10;\n")
            psql.stdin.flush()
            for line in psql.stdout:
                if line.startswith("Time:"):
                    found.append(float(line.split()[1]))
                    break
            if rate:
                time.sleep(max(0, began + len(found) / rate - time.monotonic()))
        # the process's own figures do not depend on what else the machine does
        out, _ = psql.communicate("\\timing off\nSELECT 'used', split_part(s, ' ', 12), split_part(s, ' ', 14)::int "
                                  "+ split_part(s, ' ', 15)::int FROM pg_read_file('/proc/self/stat') s;\n\\q\n")
        faults, ticks = re.search(r"^used\|(\d+)\|(\d+)$", out, re.M).groups()
        used.update(major_faults=int(faults), cpu_ms=int(ticks) * 1000 / os.sysconf("SC_CLK_TCK"))

    def run(self, files):
        hot, cold, cached, hot_used, cold_used = [], [], [], {}, {}
        clients = [threading.Thread(target=self.client, args=a) for a in (
            (1, self.hot, 0, hot, hot_used), (2, self.cold, self.options.cold_rate, cold, cold_used))]
        for c in clients:
            c.start()
        while any(c.is_alive() for c in clients):
            cached.append(in_page_cache(files))
            time.sleep(0.3)
        settled = cached[len(cached) // 4:]
        return {"hot_searches": len(hot), "cold_searches": len(cold),
                "hot_cpu_ms": hot_used["cpu_ms"] / len(hot), "hot_major_faults": hot_used["major_faults"],
                "hot_p50_ms": statistics.median(hot), "hot_p99_ms": percentile(hot, 0.99),
                "cold_p50_ms": statistics.median(cold), "cold_p99_ms": percentile(cold, 0.99),
                "cached_most": max(settled), "cached_p50": statistics.median(settled)}

    def measure(self):
        self.make()
        files = image_files(self.db)
        total = sum(os.path.getsize(f) for f in files)
        budget = total // 4 // 1024
        result = {"images": len(files), "bytes": total, "budget": budget * 1024}
        runs = {"without": [], "with": []}
        for turn in range(2 * self.options.turns):
            name, kb = (("without", 0), ("with", budget))[turn % 2]
            self.db.run(f"ALTER SYSTEM SET barq.memory_budget = {kb}")
            self.db.run("SELECT pg_reload_conf()")
            for table in (self.cold + self.hot if kb == 0 else []):
                self.db.run(f"SELECT barq_prewarm('{table}_v')")
            time.sleep(2)
            runs[name].append(self.run(files))
            self.say(f"{name} a budget: " + ", ".join(
                f"{k} {v:,.3f}" if isinstance(v, float) else f"{k} {v:,}" for k, v in runs[name][-1].items()))
        best = {name: min(r["hot_p50_ms"] for r in turns) for name, turns in runs.items()}
        result.update(runs=runs, hot_p50_ratio=best["with"] / best["without"],
                      cached_ratio=max(r["cached_most"] for r in runs["with"]) / (budget * 1024))
        self.say(f"hot p50 {result['hot_p50_ratio']:.2f} x that without a budget, "
                 f"page cache {result['cached_ratio']:.2f} x the budget")
        return result


COLD_INDEXES = {
    "graph, sq8": "USING barq_hnsw (v vector_l2_ops)",
    "lists, sq8": "USING barq_ivf (v vector_l2_ops)",
    "lists, rabitq": "USING barq_ivf (v vector_l2_ops) WITH (quantization = rabitq)",
    "graph, rabitq": "USING barq_hnsw (v vector_l2_ops) WITH (quantization = rabitq)",
}


class Cold:
    """One session; before each search its index is evicted from memory."""

    def __init__(self, db, data, options, say):
        self.db, self.data, self.options, self.say = db, data, options, say

    IO = "SELECT 'io', (regexp_match(pg_read_file('/proc/self/io'), 'read_bytes: (\\d+)'))[1], split_part(pg_read_file('/proc/self/stat'), ' ', 12)"

    def searches(self, table, queries, forget):
        script = ["SET enable_seqscan = off;"]
        for query in queries:
            search = f"SELECT id FROM {table} ORDER BY v <-> {vector(query)} LIMIT 10;"
            # heap rows and catalogs are in memory
            script += [search, forget, self.IO + ";", "\\timing on", search, "\\timing off", self.IO + ";"]
        out = self.db.run("\n".join(script))
        times = [float(t) for t in re.findall(r"^Time: ([0-9.]+) ms", out, re.M)]
        io = [(int(a), int(b)) for a, b in re.findall(r"^io\|(\d+)\|(\d+)$", out, re.M)]
        spent = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(io[::2], io[1::2])]
        return {"p50_ms": statistics.median(times), "p90_ms": percentile(times, 0.9),
                "read_kb": statistics.median(s[0] for s in spent) / 1024,
                "major_faults": statistics.median(s[1] for s in spent)}

    def measure(self):
        load(self.db, self.data, "cold", self.options.cold_rows)
        results = {}
        for name, index in COLD_INDEXES.items():
            self.db.run(f"DROP INDEX IF EXISTS cold_v; CREATE INDEX cold_v ON cold {index}")
            queries = self.data.queries[:self.options.searches]
            bytes_, = self.db.value("SELECT sum(image_bytes) FROM barq_memory() WHERE index = 'cold_v'::regclass").split()
            result = {"image_bytes": int(bytes_)}
            result["warm"] = self.searches("cold", queries, "")
            result["evicted"] = self.searches("cold", queries, "SELECT barq_evict('cold_v');")
            if self.options.drop_caches:
                result["dropped"] = self.searches("cold", queries[:5], "SELECT barq_evict('cold_v');\n\\! sync; echo 3 > /proc/sys/vm/drop_caches")
            self.db.run("SELECT barq_evict('cold_v')")
            began = time.monotonic()
            self.db.run("SELECT barq_prewarm('cold_v')")
            result["prewarm_s"] = time.monotonic() - began
            results[name] = result
            self.say(f"{name} ({int(bytes_):,} bytes): " + "; ".join(
                f"{k}: " + ", ".join(f"{a} {b:,.2f}" for a, b in v.items()) if isinstance(v, dict) else f"{k} {v:,.3f}" for k, v in result.items() if k != "image_bytes"))
        return results


def main():
    options = arguments()
    db = Database("memory")
    data = dataset.made_up(max(options.rows, options.cold_rows), options.dims, 32, 0, 100, "l2", 1, options.out)
    db.create()
    db.run("CREATE EXTENSION barq")
    results = {"machine": machine(), "options": vars(options)}

    def say(text):
        print(text, flush=True)

    for step, measure in (("skew", Skew), ("cold", Cold)):
        if step in options.steps.split(","):
            results[step] = measure(db, data, options, say).measure()
    db.run("ALTER SYSTEM RESET barq.memory_budget")
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "memory.json"), "w") as file:
        json.dump(results, file, indent=1, default=str)


if __name__ == "__main__":
    main()
