"""Documents, queries and stop words for the text part of the bench, from
WordNet's glosses, with a seed. Owns nothing outside the cache folder."""

import itertools
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

GLOSSES_A_DOCUMENT = 3

# English stop words of PostgreSQL that WordNet's glosses are full of: a query
# is made of other words.
STOP_WORDS = set("""a an and are as at be been being by can did do does for from had has have he
her his how i if in into is it its just me my no nor not now of off on only or other our out over own
s same she so some such t than that the their them then there these they this those through to too under
until up very was we were what when where which while who whom why will with you your about above after
again against all am any because before below between both but down during each few further here him
more most once ourselves""".split())


def glosses(folder):
    """Every gloss of WordNet, in the order of its files."""
    out = []
    for name in ("noun", "verb", "adj", "adv"):
        with open(f"{folder}/data.{name}", encoding="utf-8") as file:
            out += [line.rstrip().split(" | ", 1)[1].strip()
                    for line in file if not line.startswith("  ")]
    return out


class Corpus:
    """documents() yields (id, body) from 0 on; queries is a list of strings,
    the number of words of each in `words`."""

    def __init__(self, name, folder, documents, extra, query_count, seed):
        self.name = name
        self.folder = folder
        self.count = documents
        self.extra = extra
        self.seed = seed
        self.glosses = glosses(folder)
        self.whole = documents == 0         # one gloss a document
        if self.whole:
            self.count = len(self.glosses)
        chance = random.Random(seed + 1)
        self.queries, self.words = [], []
        while len(self.queries) < query_count:
            wanted = 1 + len(self.queries) % 5
            words = [w for w in re.findall(r"[a-z]+", chance.choice(self.glosses).lower())
                     if len(w) > 2 and w not in STOP_WORDS]
            words = list(dict.fromkeys(words))
            if len(words) >= wanted:
                self.queries.append(" ".join(chance.sample(words, wanted)))
                self.words.append(wanted)

    def documents(self):
        """The rows to build from, then `extra` more to insert later."""
        chance = random.Random(self.seed)
        pick = self.glosses
        for i in range(self.count + self.extra):
            if self.whole and i < self.count:
                yield i, pick[i]
            else:
                yield i, " ".join(chance.choice(pick) for _ in range(GLOSSES_A_DOCUMENT))


    def initial(self):
        return itertools.islice(self.documents(), self.count)

    def further(self, mark):
        """The rows to insert later; the last of them ends with a mark."""
        for i, body in itertools.islice(self.documents(), self.count, None):
            yield i, body if i < self.count + self.extra - 1 else f"{body} {mark}"


def copy_text(rows):
    """Rows for COPY … FROM STDIN in text format, in blocks."""
    block = []
    for i, body in rows:
        body = body.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        block.append(f"{i}\t{body}\n")
        if len(block) == 5000:
            yield "".join(block).encode()
            block = []
    yield "".join(block).encode()
