#!/usr/bin/env python3
"""Measures ranked searches beside updates: phases without and with updates take turns in
one run, so that a busy machine slows both.

Called by run.sh (PARTS=updates). Writes updates.json. The server has autovacuum, checkpoints and
workers.
"""

import argparse
import json
import os
import time

from corpus import Corpus, copy_text
from database import Database
from run import machine
from searcher import Searcher

SEARCH = "SELECT id FROM docs ORDER BY body <@> $1 LIMIT 10"
UPDATE = ("\\set i random(0, {last})\n\\set j random(0, {last})\n"
          "UPDATE docs SET body = (SELECT body FROM texts WHERE id = :j) WHERE id = :i;\n")


def arguments():
    p = argparse.ArgumentParser(prog="make bench PARTS=updates UPDATES_BENCH='…'", description=__doc__.split("\n")[0])
    p.add_argument("--documents", type=int, default=1000000, help="documents of three random glosses each")
    p.add_argument("--rate", type=int, default=1000, help="updates a second")
    p.add_argument("--clients", type=int, default=8, help="of updates")
    p.add_argument("--searches", type=int, default=200, help="searches a second, by one client")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--idle", type=int, default=60, help="seconds without updates before each round")
    p.add_argument("--loaded", type=int, default=240, help="seconds with updates in each round")
    p.add_argument("--slow", type=float, default=0, help="print searches that took this many milliseconds beside those waiting for a processor")
    p.add_argument("--keep", action="store_true", help="go on with the database of the last run")
    p.add_argument("--query-count", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--wordnet", default="/usr/share/wordnet")
    p.add_argument("--out", default="results")
    return p.parse_args()


class Run:
    def __init__(self, options, say):
        self.o = options
        self.say = say
        self.db = Database("text_updates")
        self.corpus = Corpus("updates", options.wordnet, options.documents, 0, options.query_count, options.seed)
        self.phases = []

    def load(self):
        if not self.o.keep:
            self.db.create()
            self.db.run("CREATE EXTENSION barq; CREATE TABLE docs (id int, body text); CREATE TABLE texts (id int, body text)")
            self.db.run("COPY texts FROM STDIN", feed=copy_text(self.corpus.initial()))
            self.db.run("""INSERT INTO docs SELECT * FROM texts;
                ALTER TABLE docs ADD PRIMARY KEY (id); ALTER TABLE texts ADD PRIMARY KEY (id);
                VACUUM (ANALYZE) docs, texts; CHECKPOINT;
                CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'english')""")
        self.searcher = Searcher(self.db.name, SEARCH, "text")
        self.search_for(5)

    def search_for(self, seconds):
        found = self.searcher.search_for(seconds, self.o.searches, self.corpus.queries)
        for i, times in enumerate(found):
            if self.o.slow and times[1] - times[2] > self.o.slow * 1e6:
                self.say("slow: " + " ".join(f"{t / 1e6:.1f}" for t in times[1:]) + " ms seen, waiting, processor; " +
                         self.corpus.queries[i % len(self.corpus.queries)])
        return found

    def updates(self, seconds):
        """A process that updates."""
        return self.db.writers(UPDATE.format(last=self.o.documents - 1), os.path.join(self.o.out, "update.sql"),
                               self.o.clients, self.o.rate, ["-T", str(seconds)])

    def phase(self, name, seconds, updates):
        before = self.counted()
        process = self.updates(seconds) if updates else None
        times = self.search_for(seconds)
        said = process.communicate()[0] if process else None
        if process and process.returncode:
            raise SystemExit(said)
        figures = {"phase": name, "searches": len(times), "load": os.getloadavg()[0],
                   "updates": self.counted() - before,
                   "segments": int(self.db.value("SELECT count(*) FROM barq_segments('docs_body')")),
                   "bytes": int(self.db.value("SELECT pg_relation_size('docs_body')"))} | Searcher.figures(times)
        self.phases.append(figures)
        self.say(f"{name}: {figures['updates'] / seconds:,.0f} updates a second, {figures['segments']} segments, "
                 f"{figures['bytes'] / 1e6:.0f} MB, load {figures['load']:.1f}; {Searcher.line(figures)}")

    def counted(self):
        return int(self.db.value("SELECT pg_stat_force_next_flush(); SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'docs'"))

    def go(self):
        for r in range(self.o.rounds):
            self.phase(f"idle {r + 1}", self.o.idle, False)
            self.phase(f"loaded {r + 1}", self.o.loaded, True)
        self.phase(f"idle {self.o.rounds + 1}", self.o.idle, False)

    def ratios(self):
        """Median over the rounds of a loaded phase to the mean of the idle ones around it."""
        for title in ("seen", "without waiting", "processor"):
            for p in ("p50", "p99"):
                values = sorted(self.phases[i][title][p] * 2 / (self.phases[i - 1][title][p] + self.phases[i + 1][title][p])
                                for i in range(1, len(self.phases), 2))
                self.say(f"{title} {p}, loaded to idle: " + " ".join(f"{v:.2f}" for v in values))


def main():
    o = arguments()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    os.makedirs(o.out, exist_ok=True)
    run = Run(o, say)
    run.load()
    say(f"{o.documents:,} documents loaded")
    run.go()
    run.ratios()
    with open(os.path.join(o.out, "updates.json"), "w") as file:
        json.dump({"machine": machine(), "options": vars(o), "phases": run.phases}, file, indent=1)


if __name__ == "__main__":
    main()
