#!/usr/bin/env python3
"""Measures ranked text: barq_bm25, beside GIN with ts_rank_cd, and RUM and
pg_textsearch if the private server has them.

Called by run.sh, which starts the server. Writes text.json and text.html.
"""

import argparse
import html
import json
import os
import time

import report
import text_measure
from corpus import Corpus
from database import Database
from run import SETTINGS, machine

FIGURES = (
    ("Build, s", ("build", "seconds"), 1),
    ("Pages of the index, MB", ("build", "index_bytes"), 1e6),
    ("WAL of the build, MB", ("build", "wal_bytes"), 1e6),
    ("Table, MB", ("build", "table_bytes"), 1e6),
    ("p50, us", ("queries", "all", "p50"), 1),
    ("p95, us", ("queries", "all", "p95"), 1),
    ("p99, us", ("queries", "all", "p99"), 1),
    *((f"p50 of {n} word{'s' if n > 1 else ''}, us", ("queries", str(n), "p50"), 1) for n in range(1, 6)),
    *((f"p99 of {n} word{'s' if n > 1 else ''}, us", ("queries", str(n), "p99"), 1) for n in range(1, 6)),
    ("Further documents a second", ("insert", "rows_per_second"), 1),
    ("p50 after them, us", ("after_insert", "all", "p50"), 1),
)


def arguments():
    p = argparse.ArgumentParser(prog="make bench PARTS=text TEXT_BENCH='…'", description=__doc__.split("\n")[0])
    p.add_argument("--documents", type=int, default=100000,
                   help="documents of three random glosses each; 0: each gloss of WordNet once")
    p.add_argument("--extra", type=int, default=10000, help="documents in each of three COPYs afterwards")
    p.add_argument("--query-count", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--sides", help="comma-separated; all that are available")
    p.add_argument("--wordnet", default="/usr/share/wordnet")
    p.add_argument("--out", default="results")
    return p.parse_args()


def table(results, row):
    names = list(results["sides"])
    yield row("", names)
    for title, path, scale in FIGURES:
        values = [report.at(results["sides"][n], path) for n in names]
        if any(v is not None for v in values):
            yield row(title, [report.figure(v / scale if v is not None else None) for v in values])


def summary(results):
    return "\n".join(table(results, lambda title, cells: f"{title:30}" + "".join(f"{c:>22}" for c in cells)))


def page(results):
    esc = html.escape
    rows = "\n".join(table(results, lambda title, cells: f"<tr><td>{esc(title)}" + "".join(f"<td>{esc(c)}" for c in cells)))
    m, s = results["machine"], results["server"]
    return f"""<!doctype html><html lang=en><meta charset=utf-8><title>barq bench: text</title><style>{report.STYLE}</style><main>
<h1>barq bench: ranked text</h1><p><b>{esc(results['corpus'])}</b>, {results['queries']} queries of one to five words, top {text_measure.K}.<br>
PostgreSQL {esc(s['version'])}, {esc(results['when'])}. {esc(m['cpu'])}, {m['cores']} cores.</p><table>{rows}</table>
<p><small>In the server: a PL/pgSQL function with a kept plan asks each query; the best of three (of one for tsvector). The ranked
columns answer “any of the words”; GIN reads and ranks every match.</small></p></main></html>"""


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(o.out, exist_ok=True)
    name = f"{o.documents:,} documents of three WordNet glosses" if o.documents else "WordNet's glosses"
    corpus = Corpus(name, o.wordnet, o.documents, o.extra * text_measure.COPIES, o.query_count, o.seed)
    say(f"{name}: {corpus.count:,}")
    wanted = o.sides.split(",") if o.sides else None
    sides = [s for s in text_measure.sides() if not wanted or s.name in wanted]
    missing = [s.name for s in sides if not text_measure.available(s)]
    sides = [s for s in sides if s.name not in missing]
    if missing:
        say(f"not in this server, so left out: {', '.join(missing)}")
    if not sides:
        raise SystemExit("nothing to measure")
    admin = Database("postgres")
    results = {"corpus": name, "documents": corpus.count, "queries": len(corpus.queries),
               "machine": machine(), "when": time.strftime("%Y-%m-%d %H:%M %Z"),
               "server": {"version": admin.value("SHOW server_version"),
                          "settings": {s: admin.value(f"SHOW {s}") for s in SETTINGS}},
               "sides": {}}
    measurements = []
    for side in sides:
        m = text_measure.TextMeasurement(side, corpus, o, lambda text, side=side: say(f"{side.name}: {text}"))
        results["sides"][side.name] = m.results
        measurements.append(m)
    run = text_measure.TextMeasurement
    for step in (run.load, run.build, run.ask, run.insert, lambda m: m.ask("after_insert")):
        for m in measurements:
            step(m)
        with open(os.path.join(o.out, "text.json"), "w") as file:
            json.dump(results, file, indent=1)
    with open(os.path.join(o.out, "text.html"), "w") as file:
        file.write(page(results))
    print(summary(results))
    say(f"written: {o.out}/text.json and {o.out}/text.html")


if __name__ == "__main__":
    main()
