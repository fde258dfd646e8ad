#!/usr/bin/env python3
"""Measures barq, and pgvector beside it if the private server has it.

Called by run.sh, which starts the server. Writes results.json,
report.html and the plots of plot.py.
"""

import argparse
import json
import os
import platform
import time

import dataset
import measure
import plot
import report
from database import Database
from element import ELEMENTS, OPERATORS

SETTINGS = ("shared_buffers", "maintenance_work_mem", "max_parallel_maintenance_workers",
            "work_mem", "wal_level", "full_page_writes", "max_wal_size", "jit")


def arguments():
    p = argparse.ArgumentParser(prog="make bench BENCH='…'", description=__doc__.split("\n")[0])
    env = os.environ.get
    p.add_argument("--data", default=env("DATA"), help=".npy file of base vectors (or make bench DATA=…)")
    p.add_argument("--queries", default=env("QUERIES"),
                   help=".npy file of query vectors; without it queries are held out of the base")
    p.add_argument("--type", default="vector", choices=ELEMENTS,
                   help="what both sides index; bit: the signs of the vectors")
    p.add_argument("--metric", default=env("METRIC"), choices=OPERATORS,
                   help="cosine, of bit hamming, if it is not said")
    p.add_argument("--rows", type=int, help="base rows: a subset of the file, or how many to make up (50000)")
    p.add_argument("--dims", type=int, help="made up: dimensions (128; of sparsevec 2000)")
    p.add_argument("--latent", type=int, default=32, help="made up: latent dimensions")
    p.add_argument("--entries", type=int, default=80, help="made up sparsevec: terms drawn a row")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--query-count", type=int, default=1000)
    p.add_argument("--sides", default="pgvector,barq", help="which to measure, where available")
    p.add_argument("--quantization", help="barq indexes to measure, e.g. sq8,f16,none (as barq's default)")
    p.add_argument("--method", default="hnsw", choices=("hnsw", "ivf"), help="graphs, or lists")
    p.add_argument("--lists", type=int, default=600, help="of --method ivf")
    p.add_argument("--m", type=int, default=16)
    p.add_argument("--ef-construction", type=int, default=64)
    p.add_argument("--ef-search", type=numbers, help="of --method ivf: probes")
    p.add_argument("--look-ef", type=int, help="ef_search, or probes, of the looks after inserts and VACUUM")
    p.add_argument("--recalls", default="0.89,0.94,0.98", help="where latencies are compared",
                   type=lambda s: [float(x) for x in s.split(",")])
    p.add_argument("--copy-rows", type=int, default=10000)
    p.add_argument("--insert-rows", type=int, default=1000)
    p.add_argument("--skip-peer-vacuum", action="store_true",
                   help="pgvector's VACUUM repairs its graph: minutes on 300,000 rows")
    p.add_argument("--out", default="results", help="folder for results.json and report.html")
    p.add_argument("--cache", default="results/cache", help="folder for exact answers")
    o = p.parse_args()
    if o.ef_search is None:
        o.ef_search = numbers("20,40,80,120,160,240,320,480" if o.method == "hnsw" else "5,10,15,20,30,40,60")
    element = ELEMENTS[o.type]
    o.metric = o.metric or next(m for m in ("cosine", "hamming") if m in element.operators)
    if o.metric not in element.operators:
        p.error(f"{o.type} has no metric {o.metric}, but {', '.join(element.operators)}")
    o.quantization = o.quantization or element.quantization
    o.dims = o.dims or (2000 if o.type == "sparsevec" else 128)
    if o.look_ef is None:
        o.look_ef = 160 if o.method == "hnsw" else 20
    o.skip_vacuum = {"vector": o.skip_peer_vacuum}
    return o


def numbers(text):
    return [int(x) for x in text.split(",")]


def machine():
    cpu, flags = platform.processor(), set()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                cpu = line.split(":", 1)[1].strip()
            elif line.startswith(("flags", "Features")):
                flags = set(line.split(":", 1)[1].split())
    known = ("avx2", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_vpopcntdq",
             "avx512_fp16", "asimd", "asimddp", "sve")
    return {"cpu": cpu, "cores": os.cpu_count(),
            "instruction_sets": [f for f in known if f in flags],
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "load_before": os.getloadavg()}


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(o.out, exist_ok=True)
    os.makedirs(o.cache, exist_ok=True)
    extra = o.copy_rows + o.insert_rows
    if o.data:
        data = dataset.from_files(o.data, o.queries, o.rows, extra, o.query_count,
                                  o.metric, o.seed, o.cache)
    else:
        make, breadth = (dataset.made_up_sparse, o.entries) if o.type == "sparsevec" else \
            (dataset.made_up, o.latent)
        data = make(o.rows or 50000, o.dims, breadth, extra, o.query_count,
                    o.metric, o.seed, o.cache)
    data = data.as_type(ELEMENTS[o.type])
    say(f"{data.name}: {len(data.base):,} x {data.element.column(data.dims)}, {o.metric}, "
        f"{len(data.queries):,} queries")

    sides = []
    for name in o.sides.split(","):
        sides += [measure.pgvector(o.method)] if name == "pgvector" else \
            [measure.barq(q, o.method, ELEMENTS[o.type].quantization) for q in o.quantization.split(",")]
    missing = [s.name for s in sides if not measure.available(s)]
    sides = [s for s in sides if s.name not in missing]
    if missing:
        say(f"not in this server, so left out: {', '.join(missing)}")
    if not sides:
        raise SystemExit("nothing to measure")

    say("exact answers")
    data.truth()        # before anything is timed: it takes all processors
    admin = Database("postgres")
    results = {
        "data": {"name": data.name, "rows": len(data.base), "dims": data.dims,
                 "type": o.type, "metric": o.metric, "queries": len(data.queries), "k": dataset.K},
        "options": {"method": o.method, "m": o.m, "ef_construction": o.ef_construction,
                    "lists": o.lists, "look_ef": o.look_ef},
        "machine": machine(),
        "server": {"version": admin.value("SHOW server_version"),
                   "settings": {s: admin.value(f"SHOW {s}") for s in SETTINGS}},
        "when": time.strftime("%Y-%m-%d %H:%M %Z"),
        "sides": {},
    }
    measurements = []
    for side in sides:
        m = measure.Measurement(side, data, o, lambda text, side=side: say(f"{side.name}: {text}"))
        results["sides"][side.name] = m.results
        measurements.append(m)

    def each(step, *args):
        """A step of every side, one straight after the other: what else the
        machine is doing then weighs on all of them. Writes what there is, so
        that an interrupted run leaves what it has."""
        for m in measurements:
            step(m, *args)
        results["machine"]["load_after"] = os.getloadavg()
        results["compared"] = report.compare(results["sides"], o.recalls)
        with open(os.path.join(o.out, "results.json"), "w") as file:
            json.dump(results, file, indent=1)
        report.write(results, os.path.join(o.out, "report.html"))
        plot.of_results(results, o.out)

    run = measure.Measurement
    each(run.load)
    each(run.build)
    truth = data.truth()
    for ef in o.ef_search:
        each(run.curve, ef, truth)
    each(run.copy)
    each(run.insert)
    each(run.look, "after_insert", data.truth(extra))
    measurements = [m for m in measurements if not o.skip_vacuum.get(m.side.extension)]
    each(run.vacuum)
    each(run.look, "after_vacuum", data.truth(extra, measure.DELETED_DIGIT))
    print(report.summary(results))
    say(f"written: {o.out}/results.json and {o.out}/report.html")


if __name__ == "__main__":
    main()
