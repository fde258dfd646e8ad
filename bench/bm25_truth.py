#!/usr/bin/env python3
"""Checks barq_bm25's answers against BM25 computed here by brute force.

The tokens come from PostgreSQL's ts_debug(); everything else (frequencies,
lengths, document frequencies, scores, order) is computed in Python, with no
code shared with the extension. The ten best rows must be the same, in the
same order, with scores equal to 1e-5. Called by run.sh (PARTS=truth); exits
with 1 if a query differs.
"""

import argparse
import math
from collections import Counter, defaultdict

import languages
from corpus import Corpus, copy_text
from database import Database

K = 10
K1, B = 1.2, 0.75
TOLERANCE = 1e-5


class Truth:
    """An inverted index of token lists: {document id: [lexemes of each word]}."""

    def __init__(self, words_of):
        self.lengths = {i: len(words) for i, words in words_of.items()}
        self.average = sum(self.lengths.values()) / len(self.lengths)
        self.postings = defaultdict(dict)
        for i, words in words_of.items():
            for lexeme, frequency in Counter(x for lexemes in words for x in lexemes).items():
                self.postings[lexeme][i] = frequency

    def scores(self, terms):
        n = len(self.lengths)
        out = Counter()
        for term in sorted(terms, key=lambda t: t.encode()):
            found = self.postings.get(term, {})
            idf = math.log(1 + (n - len(found) + 0.5) / (len(found) + 0.5))
            for i, frequency in found.items():
                norm = K1 * (1 - B + B * self.lengths[i] / self.average)
                out[i] += idf * frequency * (K1 + 1) / (frequency + norm)
        return out


def lexemes(db, config, table):
    """{id: [[lexeme, …] of each word that gives any]} by ts_debug. Lexemes
    are written as hexadecimal, so that no separator can be mistaken."""
    out = defaultdict(list)
    for i in db.run(f"SELECT id FROM {table}").split():
        out[int(i)] = []
    for line in db.run(f"""
            SELECT t.id, string_agg(encode(convert_to(x, 'UTF8'), 'hex'), ',')
            FROM {table} t, ts_debug('{config}', t.body) WITH ORDINALITY AS d(alias, description, token, dictionaries, dictionary, lexemes, n),
                 unnest(d.lexemes) x
            GROUP BY t.id, d.n ORDER BY t.id, d.n""").splitlines():
        i, words = line.split("|")
        out[int(i)].append([bytes.fromhex(w).decode() for w in words.split(",")])
    return out


def check(name, config, documents, queries):
    """Returns the number of queries that differ."""
    db = Database("bm25_truth")
    db.create("ENCODING 'UTF8' TEMPLATE template0")
    db.run("""CREATE EXTENSION barq; CREATE TABLE docs (id int, body text);
              CREATE TABLE queries (id int PRIMARY KEY, body text)""")
    db.run("COPY docs FROM STDIN", feed=copy_text(enumerate(documents)))
    db.run("COPY queries FROM STDIN", feed=copy_text(enumerate(queries)))
    db.run(f"CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = '{config}'); ANALYZE docs")
    # equal scores come in the order of the table
    place = {int(i): n for n, i in enumerate(db.run("SELECT id FROM docs ORDER BY ctid").split())}
    truth = Truth(lexemes(db, config, "docs"))
    terms = lexemes(db, config, "queries")

    answers = defaultdict(list)
    for line in db.run(f"""
            SET enable_seqscan = off;
            SELECT q.id, a.id, a.score FROM queries q, LATERAL (
                SELECT id, body <@> to_bm25query(q.body, 'docs_body') AS score FROM docs
                ORDER BY body <@> to_bm25query(q.body, 'docs_body') LIMIT {K}) a
            ORDER BY q.id, a.score, a.id""").splitlines():
        q, i, score = line.split("|")
        answers[int(q)].append((int(i), -float(score)))

    different = 0
    for q in range(len(queries)):
        scores = truth.scores({x for word in terms[q] for x in word})
        # Sums that differ in the last bits only are ties as well.
        wanted = sorted(((round(-s, 9), place[i], i) for i, s in scores.items() if s > 0))[:K]
        got = sorted((round(-s, 9), place[i], i) for i, s in answers[q])
        same = len(wanted) == len(got) and all(
            abs(scores[i] + s) <= TOLERANCE * abs(s) for s, _, i in got) and all(
            abs(a[0] - b[0]) <= TOLERANCE * abs(a[0]) for a, b in zip(wanted, got)) and (
            [i for *_, i in wanted] == [i for *_, i in got])
        if not same:
            different += 1
            if different <= 3:
                print(f"{name}: {queries[q]!r}\n  wanted {wanted}\n  got    {got}")
    print(f"{name}: {len(queries)} queries of {len(truth.lengths):,} documents, {different} differ", flush=True)
    return different


def main():
    p = argparse.ArgumentParser(prog="make bench PARTS=truth TRUTH_BENCH='…'", description=__doc__.split("\n")[0])
    p.add_argument("--query-count", type=int, default=1000)
    p.add_argument("--documents", type=int, default=3000, help="made-up documents of each language")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--wordnet", default="/usr/share/wordnet")
    o = p.parse_args()
    corpus = Corpus("glosses", o.wordnet, 0, 0, o.query_count, o.seed)
    different = check("WordNet's glosses", "english", [body for _, body in corpus.documents()], corpus.queries)
    for language in languages.SENTENCES:
        different += check(language, language, list(languages.documents(language, o.documents, o.seed)),
                           list(languages.queries(language, o.query_count, o.seed)))
    raise SystemExit(1 if different else 0)


if __name__ == "__main__":
    main()
