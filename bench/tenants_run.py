#!/usr/bin/env python3
"""Measures three ways to keep the vectors of many tenants apart: a filter column with row
security, partitions, and partial indexes.

Tenants have uneven sizes (Zipf's law). Called by run.sh (PARTS=tenants). Figures are processor
time of the backend and counts, which other processes affect less than the time that passes.
Writes tenants.json and prints the tables of docs/tenants.md.
"""

import argparse
import json
import os
import re
import statistics

import numpy as np

import dataset
from database import Database, percentile
from run import machine

# The tenants that are searched, by their place among all in order of size.
GROUPS = {"large": 0.0, "middle": 0.1, "small": 0.9}

MADE = """CREATE EXTENSION barq;
CREATE TABLE loaded (id int, v vector({dims}));
CREATE TABLE owners (id int, tenant_id int);
CREATE TABLE asked (id int, v vector({dims}));"""

# A policy may be on the table in each of the ways; `search` says how an application asks.
POLICY = """ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON items USING (tenant_id = current_setting('app.tenant_id')::int);"""


def arguments():
    p = argparse.ArgumentParser(prog="PARTS=tenants make bench TENANTS_BENCH='…'", description=__doc__.split("\n\n")[0])
    p.add_argument("--rows", type=int, default=200000)
    p.add_argument("--dims", type=int, default=96)
    p.add_argument("--tenants", type=int, default=1000)
    p.add_argument("--exponent", type=float, default=1.0, help="of Zipf's law")
    p.add_argument("--group", type=int, default=10, help="tenants of each size that are searched")
    p.add_argument("--queries", type=int, default=5, help="of each of these tenants")
    p.add_argument("--repeats", type=int, default=3, help="runs of which a query's best counts")
    p.add_argument("--inserts", type=int, default=500, help="single-row inserts")
    p.add_argument("--ef-search", type=int, default=100)
    p.add_argument("--ways", default="column,partitions,partial")
    p.add_argument("--out", default="results")
    return p.parse_args()


def vector(row):
    return "'[" + ",".join(f"{x:.6g}" for x in row) + "]'"


class Way:
    """One database with all tenants."""

    def __init__(self, name, data, owners, options):
        self.db = Database(f"tenants_{name}")
        self.name, self.data, self.owners, self.options = name, data, owners, options
        self.settings = {"barq.ef_search": options.ef_search}

    def make(self):
        self.db.create()
        Database("postgres").run(
            "DO $$ BEGIN CREATE ROLE tenants_app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT SET ON PARAMETER log_statement_stats TO tenants_app")
        self.db.run(MADE.format(dims=self.data.dims))
        self.db.run("COPY loaded (id, v) FROM STDIN (FORMAT binary)", feed=self.data.element.copy_binary(self.data.base, 0))
        self.db.run("COPY owners FROM STDIN", feed=["".join(f"{i}\t{t}\n" for i, t in enumerate(self.owners.tolist())).encode()])
        self.db.run(f"CREATE TABLE items (id int, tenant_id int NOT NULL, v vector({self.data.dims})) {self.partition_by()}")
        self.before()
        self.db.run("INSERT INTO items SELECT id, tenant_id, v FROM loaded JOIN owners USING (id) ORDER BY id;"
                    "DROP TABLE loaded, owners; GRANT SELECT, INSERT ON items TO tenants_app")
        self.db.run("VACUUM ANALYZE items")
        self.db.run("CHECKPOINT")
        times, _ = self.db.processor_ms("", self.indexes(), {"max_parallel_maintenance_workers": 0})
        self.build_s = sum(times) / 1000
        self.db.run("VACUUM ANALYZE items")
        self.db.run("CHECKPOINT")

    def partition_by(self):
        return ""

    def before(self):
        pass

    def session(self):
        """Statements before those of a session of an application."""
        return "SET jit = off;\n"

    def search(self, tenant, query, columns="id"):
        """The statements of a search; the last one is measured."""
        return [f"SELECT {columns} FROM items WHERE tenant_id = {tenant} ORDER BY v <=> {query} LIMIT {dataset.K}"]

    def sizes(self):
        line = self.db.value("""SELECT sum(page_bytes), sum(image_bytes),
            count(*) FILTER (WHERE state <> 'growing'), count(*) FILTER (WHERE image IN ('resident', 'on_disk'))
            FROM pg_index i JOIN pg_class c ON c.oid = indexrelid AND relkind = 'i' JOIN pg_am a ON a.oid = relam AND amname = 'barq_hnsw',
                barq_segments(indexrelid)""")
        pages, images, segments, image_files = (int(x or 0) for x in line.split("|"))
        files = int(self.db.value("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i', 't') AND relnamespace::regnamespace::text IN ('public', 'pg_toast')"))
        size = int(self.db.value("SELECT sum(pg_relation_size(c.oid)) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE amname = 'barq_hnsw' AND relkind = 'i'"))
        return {"page_bytes": size, "segment_bytes": pages, "image_bytes": images, "segments": segments, "images": image_files, "relations": files}

    def measured(self, statements_of, wanted):
        """Milliseconds of the last statement of each of the lists, the best of the repeats,
        and the ids found."""
        lists = [statements_of(*w) for w in wanted]
        flat = [s for _ in range(self.options.repeats) for part in lists for s in part]
        times, out = self.db.processor_ms(self.session() + "".join(f"{s};\n" for part in lists for s in part), flat, self.settings)
        ends = np.cumsum([len(part) for part in lists]) - 1
        per_turn = sum(len(part) for part in lists)
        best = [min(times[turn * per_turn + e] for turn in range(self.options.repeats)) for e in ends]
        return best, [[int(x) for x in out[e].split() if x.isdigit()] for e in ends]

    def planning(self, tenant, query):
        """Milliseconds of processor time of planning and printing the plan, the best of five and
        the first of a session; and the plan."""
        *first, last = self.search(tenant, query)
        statements = first + [f"EXPLAIN (COSTS off) {last}"] * 5
        times, out = self.db.processor_ms(self.session(), statements, self.settings)
        return min(times[len(first):]), times[len(first)], out[-1]

    def memory(self, wanted):
        """What a session holds that has searched each of these tenants."""
        script = self.session() + "".join(f"{s};\n" for w in wanted for s in self.search(*w))
        out = self.db.run("\\o /dev/null\n" + script + "\\o\nRESET ROLE;\nSELECT pg_read_file('/proc/self/status');\n"
                          "SELECT 'maps ' || count(*) FILTER (WHERE l LIKE '%pg_barq%') || ' ' || count(*) "
                          "FROM regexp_split_to_table(pg_read_file('/proc/self/maps'), E'\\n') l;\n", self.settings)
        kb = {k: int(n) for k, n in re.findall(r"^(Rss\w+|VmRSS):\s+(\d+) kB", out, re.M)}
        images, maps = re.search(r"^maps (\d+) (\d+)$", out, re.M).groups()
        return {"anonymous_kb": kb["RssAnon"], "file_kb": kb["RssFile"], "image_mappings": int(images), "mappings": int(maps)}

    def insert(self, tenants):
        start = self.db.value("SELECT pg_current_wal_lsn()")
        lists = []
        for i, t in enumerate(tenants):
            lists += self.as_tenant(t) + [f"INSERT INTO items VALUES ({10000000 + i}, {t}, {vector(self.data.extra[i])})"]
        times, _ = self.db.processor_ms(self.session(), lists, {"synchronous_commit": "off"})
        times = [t for t, s in zip(times, lists) if s.startswith("INSERT")]
        wal = int(self.db.value(f"SELECT pg_current_wal_lsn() - '{start}'"))
        return {"ms": statistics.mean(times), "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99),
                "first_ms": times[0], "wal_bytes": wal / len(tenants)}

    def as_tenant(self, tenant):
        return []

    def measure(self, sizes_order, say):
        options = self.options
        self.make()
        result = {"build_s": self.build_s, **self.sizes()}
        say(f"{self.name}: built in {self.build_s:.1f} s, " + ", ".join(f"{k} {v:,}" for k, v in result.items() if k != "build_s"))
        rng = np.random.default_rng(5)
        for group, place in GROUPS.items():
            first = int(place * options.tenants)
            chosen = sizes_order[first:first + options.group]
            wanted, truth = [], []
            for t in chosen.tolist():
                ids = np.flatnonzero(self.owners == t)
                # each asks for what is near its own rows
                asked = self.data.base[rng.choice(ids, options.queries)] + \
                    0.2 * rng.standard_normal((options.queries, self.data.dims)).astype(np.float32)
                truth += [ids[f].tolist() for f in dataset.nearest(self.data.base[ids], asked, "cosine")]
                wanted += [(t, vector(q)) for q in asked]
            times, found = self.measured(self.search, wanted)
            recall = sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / sum(map(len, truth))
            prepared, _ = self.measured(self.prepared, wanted)
            planning, first_planning, plan = self.planning(*wanted[0])
            result[group] = {"rows": int(np.mean([np.count_nonzero(self.owners == t) for t in chosen])),
                             "recall": recall, "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99),
                             "prepared_p50_ms": percentile(prepared, 0.5), "prepared_p99_ms": percentile(prepared, 0.99),
                             "planning_ms": planning, "first_planning_ms": first_planning, "plan": plan.splitlines()[:12]}
            say(f"{self.name}, {group}: " + ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}"
                                                      for k, v in result[group].items() if k != "plan"))
        queries = [vector(q) for q in self.data.queries]
        one = [(int(sizes_order[0]), queries[0])]
        every = [(int(t), queries[i % len(queries)]) for i, t in enumerate(sizes_order)]
        result["memory_one"] = self.memory(one)
        result["memory_every"] = self.memory(every)
        say(f"{self.name}: memory after one search {result['memory_one']}, after one of each tenant {result['memory_every']}")
        drawn = np.random.default_rng(6).choice(self.owners, options.inserts).tolist()
        result["insert"] = self.insert(drawn)
        say(f"{self.name}, insert: " + ", ".join(f"{k} {v:.3f}" for k, v in result["insert"].items()))
        result["drop_ms"] = self.drop(int(sizes_order[10]))
        say(f"{self.name}: dropping the eleventh tenant takes {result['drop_ms']:.1f} ms")
        return result

    def prepared(self, tenant, query):
        """A search by a statement that was prepared in session()."""
        return self.as_tenant(tenant) + [f"EXECUTE p({tenant}, {query})"]

    def drop(self, tenant):
        times, _ = self.db.processor_ms("", self.drop_statements(tenant), {})
        return sum(times)


PREPARED = f"PREPARE p(int, vector) AS SELECT id FROM items WHERE tenant_id = $1 ORDER BY v <=> $2 LIMIT {dataset.K};\n"
PREPARED_POLICY = f"PREPARE p(int, vector) AS SELECT id FROM items ORDER BY v <=> $2 LIMIT {dataset.K};\n"


class Column(Way):
    """A filter column; each session sees its tenant by a policy."""

    def before(self):
        self.db.run("CREATE INDEX items_tenant_id ON items (tenant_id)")
        self.db.run(POLICY)

    def indexes(self):
        return ["CREATE INDEX items_v ON items USING barq_hnsw (v vector_cosine_ops, tenant_id)"]

    def session(self):
        return Way.session(self) + "SET ROLE tenants_app;\nSET app.tenant_id = 0;\n" + PREPARED_POLICY

    def as_tenant(self, tenant):
        return [f"SET app.tenant_id = {tenant}"]

    def search(self, tenant, query):
        return self.as_tenant(tenant) + [f"SELECT id FROM items ORDER BY v <=> {query} LIMIT {dataset.K}"]

    def drop_statements(self, tenant):
        return [f"DELETE FROM items WHERE tenant_id = {tenant}", "VACUUM items"]


class Partitions(Way):
    """A partition of each tenant."""

    def partition_by(self):
        return "PARTITION BY LIST (tenant_id)"

    def before(self):
        self.db.run("".join(f"CREATE TABLE items_{t} PARTITION OF items FOR VALUES IN ({t});\n" for t in range(self.options.tenants)))

    def indexes(self):
        return ["CREATE INDEX items_v ON items USING barq_hnsw (v vector_cosine_ops)"]

    def session(self):
        return super().session() + PREPARED

    def drop_statements(self, tenant):
        return [f"DROP TABLE items_{tenant}"]


class PartitionsPolicy(Partitions):
    """The same, under a policy."""

    def make(self):
        super().make()
        self.db.run(POLICY)

    session = Column.session
    as_tenant = Column.as_tenant
    search = Column.search


class Partial(Way):
    """A partial index of each tenant."""

    def before(self):
        self.db.run("CREATE INDEX items_tenant_id ON items (tenant_id)")

    def indexes(self):
        return [f"CREATE INDEX items_v_{t} ON items USING barq_hnsw (v vector_cosine_ops) WHERE tenant_id = {t}" for t in range(self.options.tenants)]

    def session(self):
        return super().session() + PREPARED

    def drop_statements(self, tenant):
        return [f"DELETE FROM items WHERE tenant_id = {tenant}", f"DROP INDEX items_v_{tenant}", "VACUUM items"]


WAYS = {"column": Column, "partitions": Partitions, "partitions_policy": PartitionsPolicy, "partial": Partial}


def main():
    options = arguments()
    data = dataset.made_up(options.rows, options.dims, 24, options.inserts, 100, "cosine", 1, options.out)
    share = 1 / np.arange(1, options.tenants + 1) ** options.exponent
    counts = np.maximum(np.floor(share / share.sum() * (options.rows - options.tenants)).astype(int), 1) + 1
    counts[0] += options.rows - counts.sum()
    rng = np.random.default_rng(4)
    owners = rng.permutation(np.repeat(rng.permutation(options.tenants), counts))
    order = np.argsort(-np.bincount(owners, minlength=options.tenants), kind="stable")
    print(f"{options.rows:,} x {options.dims}, {options.tenants:,} tenants of {counts[-1]:,} to {counts[0]:,} rows", flush=True)
    results = {}
    for name in options.ways.split(","):
        results[name] = WAYS[name](name, data, owners, options).measure(order, lambda line: print(line, flush=True))
        Database("postgres").run(f"DROP DATABASE tenants_{name} WITH (FORCE)")
        os.makedirs(options.out, exist_ok=True)
        with open(os.path.join(options.out, "tenants.json"), "w") as file:
            json.dump({"machine": machine(), "options": vars(options), "ways": results}, file, indent=1)


if __name__ == "__main__":
    main()
