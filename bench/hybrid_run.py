#!/usr/bin/env python3
"""Measures barq_hybrid() beside each of its two rankings alone, and how much of
its top ten stays when other rows change the index.

Documents are WordNet's glosses. A word's vector is random (by the seed), of
some latent dimensions turned into more, and a document's is the sum of its
words' vectors, rare ones first, so that both rankings mean something. Called by run.sh (PARTS=hybrid), which
starts the server. Writes hybrid.json.
"""

import argparse
import json
import math
import os
import re
import time
from collections import Counter

import numpy

from corpus import Corpus, copy_text
from database import Database
from run import machine
from text_measure import spread

DIMENSIONS = 100
K = 10
CANDIDATES = 100
EF_SEARCH = (40, 200)

# Each query a plan that is kept, asked three times, the best of them; the ways
# one after the other, so that what else the machine does weighs on all.
ASK = f"""
CREATE FUNCTION near(q vector) RETURNS int[] LANGUAGE plpgsql AS $f$
BEGIN RETURN ARRAY(SELECT id FROM docs ORDER BY v <=> q LIMIT {CANDIDATES}); END $f$;
CREATE FUNCTION found(q text) RETURNS int[] LANGUAGE plpgsql AS $f$
BEGIN RETURN ARRAY(SELECT id FROM docs ORDER BY body <@> q LIMIT {CANDIDATES}); END $f$;
CREATE FUNCTION both_ways(q vector, w text) RETURNS int[] LANGUAGE plpgsql AS $f$
BEGIN RETURN ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::docs, q, w, {K}, {CANDIDATES})); END $f$;
CREATE FUNCTION ask_all(OUT id int, OUT near_us float8, OUT found_us float8, OUT both_us float8)
RETURNS SETOF record LANGUAGE plpgsql AS $f$
DECLARE
    q record;
    began timestamptz;
    ids int[];
BEGIN
    FOR q IN SELECT * FROM queries ORDER BY queries.id LOOP
        near_us := 'infinity'; found_us := 'infinity'; both_us := 'infinity';
        FOR i IN 1..3 LOOP
            began := clock_timestamp();
            ids := near(q.v);
            near_us := least(near_us, extract(epoch FROM clock_timestamp() - began) * 1e6);
            began := clock_timestamp();
            ids := found(q.query);
            found_us := least(found_us, extract(epoch FROM clock_timestamp() - began) * 1e6);
            began := clock_timestamp();
            ids := both_ways(q.v, q.query);
            both_us := least(both_us, extract(epoch FROM clock_timestamp() - began) * 1e6);
        END LOOP;
        id := q.id;
        RETURN NEXT;
    END LOOP;
END $f$;
CREATE FUNCTION tops() RETURNS TABLE (ef text, query int, place bigint, id int, whole text) LANGUAGE sql AS $f$
    SELECT current_setting('barq.ef_search'), q.id, n, (doc).id, row(score, vector_rank, text_rank)::text
    FROM queries q, LATERAL barq_hybrid(NULL::docs, q.v, q.query, {K}, {CANDIDATES}, filter => 'id < $1', filter_args => ARRAY[(SELECT count FROM first)::text])
        WITH ORDINALITY AS h(doc, score, vector_rank, text_rank, n)
$f$;
CREATE FUNCTION recall() RETURNS numeric LANGUAGE sql AS $f$
    SELECT avg((SELECT count(*) FROM (SELECT docs.id FROM docs ORDER BY (v <=> q.v) + 0 LIMIT {K}) e
        JOIN (SELECT docs.id FROM docs ORDER BY v <=> q.v LIMIT {CANDIDATES}) n USING (id)) / {K}.0) FROM (SELECT * FROM queries LIMIT 50) q
$f$;
CREATE TABLE before AS SELECT * FROM tops() LIMIT 0;
"""


def vectors(texts, words, weight, noise=None):
    for text in texts:
        v = numpy.zeros(DIMENSIONS, numpy.float32)
        for word in re.findall(r"[a-z]+", text.lower()):
            if word in words:
                v += words[word] * weight[word]
        if noise is not None:
            v += noise.standard_normal(DIMENSIONS, numpy.float32) * numpy.linalg.norm(v) * 0.05
        if not v.any():
            v[0] = 1
        yield "[" + ",".join(f"{x:.5g}" for x in v / numpy.linalg.norm(v)) + "]"


def main():
    p = argparse.ArgumentParser(prog="make bench PARTS=hybrid HYBRID_BENCH='…'", description=__doc__.split("\n")[0])
    p.add_argument("--query-count", type=int, default=200)
    p.add_argument("--extra", type=int, default=5000, help="rows of others, inserted between the answers that are compared")
    p.add_argument("--latent", type=int, default=24)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--wordnet", default="/usr/share/wordnet")
    p.add_argument("--out", default="results")
    o = p.parse_args()
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)

    corpus = Corpus("glosses", o.wordnet, 0, o.extra, o.query_count, o.seed)
    bodies = [body for _, body in corpus.documents()]
    count = Counter(w for body in bodies for w in set(re.findall(r"[a-z]+", body.lower())))
    chance = numpy.random.default_rng(o.seed)
    turn = chance.standard_normal((o.latent, DIMENSIONS), numpy.float32)
    words = {w: chance.standard_normal(o.latent, numpy.float32) @ turn for w in sorted(count)}
    weight = {w: math.log(len(bodies) / n) for w, n in count.items()}

    db = Database("hybrid")
    db.create()
    db.run(f"""CREATE EXTENSION barq;
        CREATE TABLE docs (id int PRIMARY KEY, body text, v vector({DIMENSIONS}));
        CREATE TABLE extra (LIKE docs);
        CREATE TABLE queries (id int PRIMARY KEY, query text, v vector({DIMENSIONS}));
        CREATE TABLE first AS SELECT {corpus.count} AS count;""")

    def rows(texts, first=0, noise=None):
        for i, (text, v) in enumerate(zip(texts, vectors(texts, words, weight, noise))):
            yield first + i, text + "\x01" + v

    # (copy_text escapes one column; the other has nothing to escape)
    def copy(table, texts, **more):
        db.run(f"COPY {table} FROM STDIN",
               feed=(part.replace(b"\x01", b"\t") for part in copy_text(rows(texts, **more))))

    copy("docs", bodies[:corpus.count])
    copy("extra", bodies[corpus.count:], first=corpus.count)
    copy("queries", corpus.queries, noise=chance)
    db.run("""CREATE INDEX docs_v ON docs USING barq_hnsw (v vector_cosine_ops);
        CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'english');
        VACUUM (ANALYZE) docs, queries; CHECKPOINT;""")
    db.run(ASK)
    say(f"{corpus.count:,} glosses loaded and indexed")

    out = db.run("SET jit = off; SELECT count(*) FROM ask_all() WHERE id < 20; SELECT * FROM ask_all()")
    times = [[float(x) for x in line.split("|")[1:]] for line in out.splitlines() if "|" in line]
    near, found, both = ([t[i] for t in times] for i in range(3))
    ratios = sorted(t[2] / (t[0] + t[1]) for t in times)
    results = {"machine": machine(), "when": time.strftime("%Y-%m-%d %H:%M %Z"),
               "server": Database("postgres").value("SHOW server_version"),
               "vector_us": spread(near), "text_us": spread(found), "hybrid_us": spread(both),
               "ratio": sum(both) / (sum(near) + sum(found)), "median_ratio": ratios[len(ratios) // 2]}
    say(f"p50: vectors {spread(near)['p50']:.0f} us, text {spread(found)['p50']:.0f} us, hybrid {spread(both)['p50']:.0f} us; "
        f"hybrid / (vectors + text): {results['ratio']:.3f} of the sums, {results['median_ratio']:.3f} in the median")

    overlap = ("SELECT round(count(t.id)::numeric / count(*), 4) FROM (SELECT * FROM before WHERE ef = current_setting('barq.ef_search')) b "
               "LEFT JOIN (SELECT query, id FROM tops()) t USING (query, id)")
    results["after"] = {}
    settings = [{"barq.ef_search": ef} for ef in EF_SEARCH]
    for s in settings:
        db.run("LOAD 'barq'; INSERT INTO before SELECT * FROM tops()", s)
        again = int(db.value("LOAD 'barq'; SELECT count(*) FROM (SELECT * FROM tops() EXCEPT TABLE before) x", s))
        recall = float(db.value("LOAD 'barq'; SELECT recall()", s))
        results["after"][f"ef_search {s['barq.ef_search']}"] = {"differ": again, "recall": recall}
        say(f"ef_search {s['barq.ef_search']}: recall of the vector ranking {recall:.3f}; the same calls again: {again} rows differ")
    for name, step in (("inserts", "INSERT INTO docs SELECT * FROM extra"),
                       ("seals", "SELECT barq_seal('docs_v'), barq_seal('docs_body')"),
                       ("compactions", "SELECT barq_compact('docs_v'), barq_compact('docs_body')"),
                       ("deletes", f"DELETE FROM docs WHERE id >= {corpus.count} AND id % 2 = 0"),
                       ("compactions after VACUUM", "VACUUM docs; SELECT barq_compact('docs_v'), barq_compact('docs_body')")):
        db.run(step)
        for s in settings:
            results["after"][f"ef_search {s['barq.ef_search']}"][name] = float(db.value("LOAD 'barq'; " + overlap, s))
        say(f"top {K} after {name}, as before: " + ", ".join(f"{r[name]:.4f} ({ef})" for ef, r in results["after"].items()))
    os.makedirs(o.out, exist_ok=True)
    with open(os.path.join(o.out, "hybrid.json"), "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
