#!/usr/bin/env python3
"""Measures the cost of writing: loading a table that has its index, single rows,
searches beside inserts, VACUUM, churn, write amplification; with pgvector beside
barq in the steps that pgvector finishes soon.

Called by run.sh (PARTS=lifecycle). Writes lifecycle.json. The server has barq
in shared_preload_libraries, so that barq_stats() counts for all sessions.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy as np

import dataset
import measure
from database import Database, environment, percentile
from element import FLOAT_OPERATORS
from run import machine, numbers

STEPS = "load,copy,insert,beside,vacuum,churn,region,amplify"
CLIENTS = 8
BUCKETS = ("1 us", "10 us", "100 us", "1 ms", "10 ms", "100 ms", "longer")


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=lifecycle make bench LIFECYCLE_BENCH='…'",
                                description=__doc__.split("\n")[0])
    env = os.environ.get
    p.add_argument("--data", default=env("DATA"), help=".npy file of base vectors")
    p.add_argument("--queries", default=env("QUERIES"), help=".npy file of query vectors")
    p.add_argument("--metric", default=env("METRIC") or "cosine", choices=FLOAT_OPERATORS)
    p.add_argument("--rows", type=int, help="base rows: a subset of the file, or how many to make up (50000)")
    p.add_argument("--dims", type=int, default=96, help="made up: dimensions")
    p.add_argument("--latent", type=int, default=32)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", default=STEPS, help=f"of: {STEPS}")
    p.add_argument("--sides", default="pgvector,barq")
    p.add_argument("--insert-rows", type=int, default=10000, help="single-row inserts of barq")
    p.add_argument("--peer-rows", type=int, default=1000, help="the same of pgvector")
    p.add_argument("--beside-seconds", type=int, default=15, help="searches beside something, each time")
    p.add_argument("--amplify-rows", type=int, default=1000000)
    p.add_argument("--ef-search", type=int, default=160)
    p.add_argument("--out", default="results")
    return p.parse_args()


class Lifecycle:
    """One side; `results` fills as its steps are done, in the order of STEPS."""

    def __init__(self, side, data, options, say):
        self.side = side
        self.data = data
        self.options = options
        self.say = say
        self.db = Database(side.database)
        self.results = {}
        self.next_id = len(data.base)
        self.is_barq = side.extension == "barq"
        operator = FLOAT_OPERATORS[data.metric]
        self.order = f"ORDER BY v {operator} %s LIMIT {dataset.K}"
        self.operator_class = f"vector_{data.metric}_ops"

    def note(self, name, **figures):
        self.results[name] = figures
        self.say(name + ": " + ", ".join(
            f"{k} {v:,.3g}" if isinstance(v, float) and v < 100 else
            f"{k} {v:,.0f}" if isinstance(v, (int, float)) else f"{k} {v}" for k, v in figures.items()))

    # ---------------------------------------------------------- small parts

    def lsn(self):
        return self.db.value("SELECT pg_current_wal_lsn()")

    def wal_since(self, before):
        return int(self.db.value(f"SELECT pg_current_wal_lsn() - '{before}'::pg_lsn"))

    def copy_in(self, table, vectors, first_id):
        began = time.monotonic()
        self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)",
                    feed=self.data.element.copy_binary(vectors, first_id))
        return time.monotonic() - began

    def create_index(self):
        self.db.run(f"CREATE INDEX items_v ON items USING {self.side.method} (v {self.operator_class})")

    def wait_idle(self):
        """Until no worker has been seen for a while (the launcher's rounds are
        far apart)."""
        quiet = 0
        while quiet < 5:
            busy = self.db.value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker'")
            quiet = quiet + 1 if busy == "0" else 0
            time.sleep(0.1)
        return 0.5              # seconds of it that were no work

    def recreate(self, dims):
        self.db.run(f"""DROP TABLE IF EXISTS items, extra, queries;
            CREATE TABLE items (id int, v vector({dims})) WITH (autovacuum_enabled = off);
            CREATE TABLE extra (id int PRIMARY KEY, v vector({dims}));
            CREATE TABLE queries (id int PRIMARY KEY, v vector({dims}));
            ALTER TABLE items ALTER v SET STORAGE PLAIN""")
        self.copy_in("queries", self.data.queries, 0)

    def pgbench(self, script, clients, bound, settings=None):
        """(seconds, [microseconds of each transaction in order of its end]);
        bound: pgbench's -t or -T."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "script.sql")
            with open(path, "w") as file:
                file.write(script)
            began = time.monotonic()
            done = subprocess.run(
                ["pgbench", "-n", "-c", str(clients), "-j", str(min(clients, 2)), *bound,
                 "-M", "prepared", "-D", "k=-1", "--log", f"--log-prefix={folder}/log", "-f", path, self.db.name],
                capture_output=True, text=True, env=environment(settings))
            seconds = time.monotonic() - began
            if done.returncode:
                raise SystemExit(done.stderr)
            lines = []
            for name in os.listdir(folder):
                if name.startswith("log"):
                    with open(os.path.join(folder, name)) as file:
                        lines += [line.split() for line in file]
        lines.sort(key=lambda f: (int(f[4]), int(f[5])))
        return seconds, [int(f[2]) for f in lines]

    def lock_waits(self):
        return [int(n) for n in self.db.value(
            "SELECT array_to_string(lock_waits, ',') FROM barq_stats() WHERE index = 'items_v'::regclass").split(",")]

    def found(self):
        out = self.db.run(
            "SELECT array_to_string(ARRAY(SELECT id FROM items " + self.order % "q.v" + "), ',') FROM queries q ORDER BY q.id",
            {"enable_seqscan": "off", self.side.ef_setting: str(self.options.ef_search)})
        return [numbers(line) for line in out.split()]

    # ---------------------------------------------------------------- steps

    def load(self):
        """CREATE INDEX on the full table, against COPY into an empty one that
        has the index. Leaves the full table with its index."""
        o, n = self.options, len(self.data.base)
        self.recreate(self.data.dims)
        before = self.lsn()
        bare = self.copy_in("items", self.data.base, 0)
        bare_wal = self.wal_since(before)
        before = self.lsn()
        began = time.monotonic()
        self.create_index()
        build = time.monotonic() - began
        if not self.is_barq:
            self.note("load", create_index_s=build)
            return
        self.db.run("TRUNCATE items; CHECKPOINT")
        before = self.lsn()
        began = time.monotonic()
        copy = self.copy_in("items", self.data.base, 0)
        spare = self.wait_idle()
        idle = time.monotonic() - began - spare
        wal = self.wal_since(before)
        self.note("load", create_index_s=build, copy_without_index_s=bare, copy_s=copy, until_idle_s=idle,
                  ratio=idle / build, wal_bytes_a_row=(wal - bare_wal) / n,
                  segments=int(self.db.value("SELECT count(*) FROM barq_segments('items_v') WHERE state <> 'growing'")))
        self.db.run("SELECT barq_compact('items_v')")

    def more(self, rows):
        """Rows to insert: base rows with noise."""
        rng = np.random.default_rng(self.options.seed + self.next_id)
        near = self.data.base[rng.integers(0, len(self.data.base), rows)]
        first = self.next_id
        self.next_id += rows
        return near + np.float32(0.3) * self.data.base.std() * rng.standard_normal(near.shape, np.float32), first

    def copy(self):
        rows = 10000 if self.is_barq else self.options.peer_rows
        vectors, first = self.more(rows)
        before = self.lsn()
        seconds = self.copy_in("items", vectors, first)
        self.wait_idle()
        self.note("copy", rows=rows, rows_a_second=rows / seconds, wal_bytes_a_row=self.wal_since(before) / rows)

    def insert(self):
        """Single rows, synchronous_commit off, with one client and with eight."""
        for clients in (1, CLIENTS):
            rows = self.options.insert_rows if self.is_barq else self.options.peer_rows
            per_client = rows // clients
            vectors, first = self.more(rows)
            self.db.run("TRUNCATE extra")
            self.copy_in("extra", vectors, 0)
            script = (f"\\set k :k + 1\n\\set i {per_client} * :client_id + :k\n"
                      f"INSERT INTO items SELECT id + {first}, v FROM extra WHERE id = :i;\n")
            seconds, times = self.pgbench(script, clients, ("-t", str(per_client)), {"synchronous_commit": "off"})
            tenth = max(len(times) // 10, 1)
            self.note(f"insert_{clients}", rows=len(times), rows_a_second=clients * 1e6 * len(times) / sum(times),
                      first_tenth_us=percentile(times[tenth // 10:tenth], 0.5), last_tenth_us=percentile(times[-tenth:], 0.5),
                      p99_us=percentile(times, 0.99), max_us=max(times))

    def beside(self):
        """Searches of one client while another inserts at full speed, against
        searches beside a process that only keeps a processor busy."""
        n = len(self.data.queries)
        search = (f"\\set i random(0, {n - 1})\n"
                  "SELECT id FROM items " + self.order % "(SELECT v FROM queries WHERE id = :i)" + ";\n")
        settings = {self.side.ef_setting: str(self.options.ef_search), "enable_seqscan": "off"}
        figures = {}
        for what in ("busy", "inserts", "busy again", "inserts again"):
            if what.startswith("busy"):
                other = subprocess.Popen(["python3", "-c", "while True: pass"])
            else:
                vectors, _ = self.more(20000)
                self.db.run("TRUNCATE extra")
                self.copy_in("extra", vectors, 0)
                script = os.path.join(tempfile.gettempdir(), f"beside-{os.getpid()}.sql")
                with open(script, "w") as file:
                    # ids do not matter here; every row goes in time and again
                    file.write("\\set i random(0, 19999)\nINSERT INTO items SELECT 100000000 + id, v FROM extra WHERE id = :i;\n")
                other = subprocess.Popen(
                    ["pgbench", "-n", "-c", "1", "-T", "600", "-M", "prepared", "-f", script, self.db.name],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=environment({"synchronous_commit": "off"}))
                before = self.lock_waits() if self.is_barq else None
                rows = int(self.db.value("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'items'"))
            time.sleep(0.5)
            try:
                seconds, times = self.pgbench(search, 1, ("-T", str(self.options.beside_seconds)), settings)
            finally:
                other.terminate()
                other.wait()
            figures[f"{what}: p50_us"] = percentile(times, 0.5)
            figures[f"{what}: p99_us"] = percentile(times, 0.99)
            if what.startswith("inserts"):
                time.sleep(1.5)         # for the statistics collector
                figures[f"{what}: rows_a_second"] = (int(self.db.value(
                    "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'items'")) - rows) / seconds
                if self.is_barq:
                    waits = [a - b for a, b in zip(self.lock_waits(), before)]
                    figures[f"{what}: lock waits below"] = dict(zip(BUCKETS, waits))
            if self.is_barq:
                self.wait_idle()
        figures["p99 ratio"] = min(figures["inserts: p99_us"], figures["inserts again: p99_us"]) / \
            min(figures["busy: p99_us"], figures["busy again: p99_us"])
        if self.is_barq:
            total, below = 0, 0
            for what in ("inserts", "inserts again"):
                waits = list(figures[f"{what}: lock waits below"].values())
                total += sum(waits)
                below += sum(waits[:5])
            figures["lock waits"] = total
            figures["share below 10 ms"] = below / total
            figures["seals, compactions"] = self.db.value(
                "SELECT seals || ', ' || compactions FROM barq_stats() WHERE index = 'items_v'::regclass")
        self.note("beside", **figures)

    def vacuum(self):
        if not self.is_barq:
            return
        self.db.run("DELETE FROM items WHERE id % 10 = 3")
        before = self.lsn()
        seconds = self.db.timed("VACUUM items;")[-1] / 1000
        self.note("vacuum", seconds=seconds, wal_bytes=self.wal_since(before))

    def against_fresh(self, name, truth, **figures):
        """Pages and recall of the index as it is, and of a fresh one."""
        def look():
            return (self.data.recall(self.found(), truth),
                    int(self.db.value("SELECT sum(page_bytes) FROM barq_segments('items_v')")),
                    int(self.db.value("SELECT pg_relation_size('items_v')")))
        recall, pages, size = look()
        began = time.monotonic()
        self.db.run("REINDEX INDEX items_v")
        build = time.monotonic() - began
        fresh_recall, fresh_pages, fresh_size = look()
        self.note(name, **figures, recall=recall, fresh_recall=fresh_recall, pages=pages / fresh_pages,
                  file=size / fresh_size, reindex_s=build)

    def fresh_table(self):
        self.recreate(self.data.dims)
        self.copy_in("items", self.data.base, 0)
        self.create_index()

    def churn(self):
        """Every row replaced once, a tenth at a time with a VACUUM after each,
        then one compaction."""
        if not self.is_barq:
            return
        n = len(self.data.base)
        self.fresh_table()
        self.db.run("DROP TABLE IF EXISTS source; CREATE TABLE source AS SELECT * FROM items; ALTER TABLE source ADD PRIMARY KEY (id); ANALYZE source")
        step = 7919 if n % 7919 else 7927
        began = time.monotonic()
        for tenth in range(10):
            self.db.run(f"UPDATE items i SET v = s.v FROM source s WHERE s.id = (i.id::bigint * {step} + 1) % {n} AND i.id % 10 = {tenth}")
            self.db.run("VACUUM items")
        self.wait_idle()
        changed = time.monotonic() - began
        began = time.monotonic()
        self.db.run("SELECT barq_compact('items_v'); VACUUM items")
        # id → position of its vector now, and back
        position = (np.arange(n, dtype=np.int64) * step + 1) % n
        back = np.empty(n, np.int64)
        back[position] = np.arange(n)
        truth = back[self.data.truth()]
        self.against_fresh("churn", truth, updates_and_vacuums_s=changed, compaction_s=time.monotonic() - began)

    def region(self):
        """A share of all rows, those nearest to one of them, dies; then one
        compaction."""
        if not self.is_barq:
            return
        base = dataset.unit(self.data.base) if self.data.metric == "cosine" else self.data.base
        for share in (0.2, 0.5):
            self.fresh_table()
            key = dataset.distance(base, base[0], self.data.metric)
            dead = key < np.quantile(key, share)
            self.db.run("DROP TABLE IF EXISTS dead; CREATE TABLE dead (id int)")
            self.db.run("COPY dead FROM STDIN", feed=[("\n".join(map(str, np.flatnonzero(dead))) + "\n").encode()])
            self.db.run("ANALYZE dead; DELETE FROM items WHERE id IN (SELECT id FROM dead); VACUUM items")
            began = time.monotonic()
            self.db.run("SELECT barq_compact('items_v')")
            live = np.flatnonzero(~dead)
            truth = live[dataset.nearest(self.data.base[live], self.data.queries, self.data.metric)]
            self.against_fresh(f"region_{share}", truth, compaction_s=time.monotonic() - began)

    def amplify(self):
        """Bytes written a byte inserted: a table of made up rows, filled at full
        speed in transactions of 1,000 rows."""
        if not self.is_barq:
            return
        rows, dims = self.options.amplify_rows, 96
        made = dataset.made_up(rows, dims, 32, 0, 1, "l2", self.options.seed, self.options.out)
        self.recreate(dims) if dims == self.data.dims else self.db.run(
            f"DROP TABLE IF EXISTS items; CREATE TABLE items (id int, v vector({dims})) WITH (autovacuum_enabled = off); ALTER TABLE items ALTER v SET STORAGE PLAIN")
        before = self.lsn()
        for start in range(0, rows, 1000):
            self.copy_in("items", made.base[start:start + 1000], start)
        bare_wal = self.wal_since(before)
        self.db.run("TRUNCATE items")
        self.db.run("CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops)")
        self.db.run("CHECKPOINT")
        before = self.lsn()
        began = time.monotonic()
        slowest = max(self.copy_in("items", made.base[start:start + 1000], start) for start in range(0, rows, 1000))
        inserted = time.monotonic() - began
        self.wait_idle()
        idle = time.monotonic() - began
        wal = self.wal_since(before) - bare_wal
        seals, merges, sealed, merged, rows_merged = map(int, self.db.value(
            "SELECT concat_ws(',', seals, compactions, bytes_sealed, bytes_compacted, rows_compacted) FROM barq_stats() WHERE index = 'items_v'::regclass").split(","))
        # what a row is in the log: its code (dimensions + 24 bytes) behind a header
        log = rows * (dims + 24 + 24)
        self.note("amplify", rows=rows, insert_s=inserted, until_idle_s=idle, slowest_1000_rows_s=slowest, seals=seals, merges=merges,
                  log_bytes=log, sealed_bytes=sealed, merged_bytes=merged, written_a_byte_inserted=(log + sealed + merged) / log,
                  row_written_by_merges=rows_merged / rows, wal_a_byte_inserted=wal / log, wal_bytes_a_row=wal / rows,
                  final=self.db.value("SELECT string_agg(kind || ' ' || rows, ', ' ORDER BY rows DESC) FROM barq_segments('items_v')"))


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(os.path.join(o.out, "cache"), exist_ok=True)
    cache = os.path.join(o.out, "cache")
    if o.data:
        data = dataset.from_files(o.data, o.queries, o.rows, 0, 1000, o.metric, o.seed, cache)
    else:
        data = dataset.made_up(o.rows or 50000, o.dims, o.latent, 0, 1000, o.metric, o.seed, cache)
    say(f"{data.name}: {len(data.base):,} x {data.dims}, {o.metric}")
    available = {"pgvector": measure.pgvector("hnsw"), "barq": measure.barq("sq8", "hnsw")}
    sides = [available[s] for s in o.sides.split(",")]
    sides = [s for s in sides if measure.available(s)]
    results = {"data": data.name, "rows": len(data.base), "machine": machine(),
               "when": time.strftime("%Y-%m-%d %H:%M %Z"), "sides": {}}
    lives = []
    for side in sides:
        life = Lifecycle(side, data, o, lambda text, side=side: say(f"{side.name}: {text}"))
        life.db.create()
        life.db.run(f"CREATE EXTENSION {side.extension}")
        results["sides"][side.name] = life.results
        lives.append(life)
    for step in o.steps.split(","):
        for life in lives:
            getattr(life, step)()
        with open(os.path.join(o.out, "lifecycle.json"), "w") as file:
            json.dump(results, file, indent=1)
    say(f"written: {o.out}/lifecycle.json")


if __name__ == "__main__":
    main()
