"""The measurements of one side (barq, pgvector) on one data set. run.py calls
each of them for every side in turn, with the same settings."""

import os
import time

import dataset
from database import Database, percentile
from element import OPERATORS

DELETED_DIGIT = 3               # rows whose id ends in it: 10 % of them


class Side:
    """An extension, and how its index is made and configured."""

    def __init__(self, name, extension, method, breadth, ef_setting, options=""):
        self.name = name
        self.extension = extension
        self.method = method
        self.breadth = breadth      # what ef_setting is in tables: ef_search or probes
        self.ef_setting = ef_setting
        self.options = options      # further reloptions, e.g. quantization = 'f16'
        self.database = "bench_" + "".join(c if c.isalnum() else "_" for c in name)


def barq(quantization, method, usual="sq8"):
    """`usual`: the default quantization, which the name leaves out."""
    name = "barq" if quantization == usual else f"barq {quantization}"
    breadth = "ef_search" if method == "hnsw" else "probes"
    return Side(name, "barq", f"barq_{method}", breadth, f"barq.{breadth}",
                f", quantization = '{quantization}'")


def pgvector(method):
    if method == "hnsw":
        return Side("pgvector", "vector", "hnsw", "ef_search", "hnsw.ef_search")
    return Side("pgvector", "vector", "ivfflat", "probes", "ivfflat.probes")


def available(side):
    return Database("postgres").value(
        "SELECT count(*) FROM pg_available_extensions "
        f"WHERE name = '{side.extension}'") == "1"


class Measurement:
    """The measurements of one side; `results` fills as they are done. The order
    is load, build, curve, copy, insert, vacuum; look after any of the last."""

    def __init__(self, side, data, options, say):
        self.side = side
        self.data = data
        self.options = options
        self.say = say
        self.db = Database(side.database)
        self.results = {"extension": side.extension, "method": side.method}
        self.inserted = 0
        operator = OPERATORS[data.metric]
        self.order = f"ORDER BY v {operator} q.v LIMIT {dataset.K}"
        self.pgbench_query = (
            f"\\set i (:i + 1) % {len(data.queries)}\n"
            f"SELECT id FROM items ORDER BY v {operator} "
            f"(SELECT v FROM queries WHERE id = :i) LIMIT {dataset.K};\n")

    def settings(self, ef):
        # The figure is the index's. Whether the planner would have chosen it
        # by itself is recorded beside it (planner_chooses_index).
        return {self.side.ef_setting: ef, "enable_seqscan": "off"}

    def load(self):
        """A database of its own, for both extensions own the type vector."""
        self.db.create()
        column = self.data.element.column(self.data.dims)
        self.db.run(f"""
            CREATE EXTENSION {self.side.extension};
            CREATE TABLE items (id int PRIMARY KEY, v {column} NOT NULL);
            CREATE TABLE extra (id int PRIMARY KEY, v {column} NOT NULL);
            CREATE TABLE queries (id int PRIMARY KEY, v {column} NOT NULL);""")
        self.results["version"] = self.db.value(
            f"SELECT extversion FROM pg_extension WHERE extname = '{self.side.extension}'")
        began = time.monotonic()
        self.copy_in("items", self.data.base, 0)
        seconds = time.monotonic() - began
        self.copy_in("extra", self.data.extra, len(self.data.base))
        self.copy_in("queries", self.data.queries, 0)
        self.db.run("VACUUM (ANALYZE) items, extra, queries; CHECKPOINT;")
        self.results["load_seconds"] = seconds
        self.say(f"loaded {len(self.data.base):,} rows in {seconds:.1f} s")

    def copy_in(self, table, vectors, first_id):
        self.db.run(f"COPY {table} (id, v) FROM STDIN (FORMAT binary)",
                    feed=self.data.element.copy_binary(vectors, first_id))

    def build(self):
        o = self.options
        before = self.lsn()
        # The index is named by us: barq's and pgvector's sizes are asked of it.
        seconds = self.db.timed(
            f"CREATE INDEX items_v ON items USING {self.side.method} "
            f"(v {self.data.element.name}_{self.data.metric}_ops) WITH "
            f"({self.structure(o)}{self.side.options});")[-1] / 1000
        wal = self.wal_since(before)
        self.db.run("CHECKPOINT")
        self.results["build"] = {"seconds": seconds, "wal_bytes": wal,
                                 "load": os.getloadavg()[0], **self.sizes()}
        self.say(f"built in {seconds:.1f} s, {self.results['build']['index_bytes'] / 1e6:.0f} MB, "
                 f"{wal / 1e6:.0f} MB of WAL")

    def structure(self, o):
        """The reloptions that both extensions have."""
        if self.side.breadth == "probes":
            return f"lists = {o.lists}"
        return f"m = {o.m}, ef_construction = {o.ef_construction}"

    def lsn(self):
        return self.db.value("SELECT pg_current_wal_lsn()")

    def wal_since(self, before):
        return int(self.db.value(
            f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{before}')"))

    def sizes(self):
        sizes = {"index_bytes": int(self.db.value("SELECT pg_relation_size('items_v')"))}
        if self.db.value("SELECT to_regproc('barq_segments') IS NOT NULL") == "t":
            images, segments = self.db.value(
                "SELECT coalesce(sum(image_bytes), 0), count(*) "
                "FROM barq_segments('items_v')").split("|")
            sizes |= {"image_bytes": int(images), "segments": int(segments)}
        return sizes

    def curve(self, ef, truth):
        """One more point of the curve."""
        if "curve" not in self.results:
            plan = self.db.value(
                f"EXPLAIN SELECT array(SELECT id FROM items {self.order}) FROM queries q")
            self.results["planner_chooses_index"] = "items_v" in plan
            self.results["curve"] = []
        point = self.point(ef, truth)
        self.results["curve"].append(point)
        self.say(f"{self.side.breadth} {ef:4}: recall {point['recall']:.4f}, in the server "
                 f"{point['server_us']:.0f} us a query, client p50 {point['p50_us']} "
                 f"p95 {point['p95_us']} p99 {point['p99_us']} us")

    def point(self, ef, truth):
        settings = self.settings(ef)
        queries = len(self.data.queries)
        # The first run warms caches, and tells what was found.
        out = self.db.run(
            f"EXPLAIN SELECT array(SELECT id FROM items {self.order}) FROM queries q;\n"
            "\\echo answers\n"
            f"SELECT array_to_string(array(SELECT id FROM items {self.order}), ' ') "
            "FROM queries q ORDER BY q.id", settings)
        plan, answers = out.split("answers\n")
        if "items_v" not in plan:
            raise SystemExit(f"{self.side.name}: the index is not used:\n{plan}")
        found = [[int(i) for i in line.split()] for line in answers.splitlines()]
        # OFFSET 0 keeps the planner from dropping the array that nobody reads.
        once = (f"SELECT sum(cardinality(a)) FROM (SELECT array(SELECT id FROM items "
                f"{self.order}) AS a FROM queries q OFFSET 0) s;\n")
        server = min(self.db.timed(once * 3, settings)) * 1000 / queries
        client = self.db.bench(self.pgbench_query, queries, settings)
        return {"ef_search": ef, "load": os.getloadavg()[0],
                "recall": self.data.recall(found, truth), "server_us": server,
                "p50_us": percentile(client, 0.50),
                "p95_us": percentile(client, 0.95),
                "p99_us": percentile(client, 0.99)}

    def look(self, name, truth):
        """One point of the curve again, for the table has changed."""
        point = self.point(self.options.look_ef, truth)
        self.results[name] = point | self.sizes()
        self.say(f"{name.replace('_', ' ')}: recall {point['recall']:.4f}, "
                 f"{point['server_us']:.0f} us a query ({self.side.breadth} {self.options.look_ef})")

    def copy(self):
        rows = self.options.copy_rows
        before = self.lsn()
        began = time.monotonic()
        self.copy_in("items", self.data.extra[:rows], len(self.data.base))
        seconds = time.monotonic() - began
        self.inserted += rows
        self.results["copy"] = {"rows": rows, "seconds": seconds,
                                "rows_per_second": rows / seconds,
                                "wal_bytes": self.wal_since(before)}
        self.say(f"COPY of {rows:,} further rows: {rows / seconds:,.0f} rows/s")

    def insert(self):
        rows = self.options.insert_rows
        first = len(self.data.base) + self.inserted
        before = self.lsn()
        times = self.db.bench(
            f"\\set i :i + 1\nINSERT INTO items SELECT id, v FROM extra WHERE id = {first} + :i;\n",
            rows, {"synchronous_commit": "off"})
        self.inserted += rows
        seconds = sum(times) / 1e6
        self.results["insert"] = {
            "rows": rows, "rows_per_second": rows / seconds,
            "p50_us": percentile(times, 0.50), "p99_us": percentile(times, 0.99),
            "max_us": max(times), "wal_bytes": self.wal_since(before)}
        self.say(f"single-row inserts: {rows / seconds:,.0f} rows/s, "
                 f"p99 {percentile(times, 0.99)} us")

    def vacuum(self):
        self.db.run(f"DELETE FROM items WHERE id % 10 = {DELETED_DIGIT}")
        before = self.lsn()
        seconds = self.db.timed("VACUUM items;")[-1] / 1000
        self.results["vacuum"] = {"seconds": seconds, "wal_bytes": self.wal_since(before)}
        self.say(f"VACUUM after deleting 10 %: {seconds:.1f} s")
