"""The data of the bench: vectors from .npy files or synthetic ones (by a seed),
and exact answers.

Owns nothing outside the cache folder that it is given.
"""

import hashlib
import os

import numpy as np

from element import BIT_OPERATORS, ELEMENTS

K = 10                          # recall@10 throughout


class Dataset:
    """Base rows (ids 0 ... n-1), rows to insert later (ids n ...), queries."""

    def __init__(self, name, base, extra, queries, metric, cache, element=ELEMENTS["vector"]):
        self.name = name
        self.base = element.rounded(base)
        self.extra = element.rounded(extra)
        self.queries = element.rounded(queries)
        self.element = element
        self.metric = metric
        self.cache = cache

    @property
    def dims(self):
        return self.base.shape[1]

    def as_type(self, element):
        """The same vectors as another type."""
        return Dataset(self.name, self.base, self.extra, self.queries, self.metric,
                       self.cache, element)

    def truth(self, inserted=0, without_digit=None):
        """Ids of the K nearest rows of each query, (queries, K), by an exact
        scan: with the first `inserted` extra rows in the table and, if
        without_digit is given, without the rows whose id ends in it."""
        rows = self.base
        if inserted:
            rows = np.concatenate([rows, self.extra[:inserted]])
        ids = np.arange(len(rows))
        if without_digit is not None:
            keep = ids % 10 != without_digit
            ids, rows = ids[keep], rows[keep]

        key = hashlib.sha256()
        for part in (rows, self.queries):
            key.update(np.ascontiguousarray(part).data)
        key.update(f"{self.metric} {K} {inserted} {without_digit}".encode())
        path = os.path.join(self.cache, f"truth-{key.hexdigest()[:24]}.npy")
        if os.path.exists(path):
            return np.load(path)
        found = ids[nearest(rows, self.queries, self.metric)]
        # Named when whole, so that an interrupted run leaves no half file.
        np.save(path + ".part.npy", found)
        os.replace(path + ".part.npy", path)
        return found


    def recall(self, found, truth):
        """Mean share of the true neighbours among the first K found. Bits have
        few distances: there a row as near as the Kth true one is one."""
        if self.metric not in BIT_OPERATORS:
            hits = sum(len(set(f[:K]) & set(t)) for f, t in zip(found, truth.tolist()))
            return hits / truth.size
        hits = 0
        for query, got, true in zip(self.queries, found, truth):
            limit = distance(self.rows(true), query, self.metric).max()
            if got:
                hits += np.count_nonzero(distance(self.rows(np.array(got[:K])), query, self.metric) <= limit)
        return hits / truth.size

    def rows(self, ids):
        """The vectors of rows, whether loaded at first or inserted later."""
        n = len(self.base)
        return np.stack([self.base[i] if i < n else self.extra[i - n] for i in ids])


def nearest(rows, queries, metric):
    """Positions of the K nearest rows of each query: a float32 pass picks
    candidates, float64 orders them."""
    k = min(K, len(rows))
    margin = min(len(rows), 4 * K)
    out = np.empty((len(queries), k), np.int64)
    if metric == "cosine":
        rows = unit(rows)
        queries = unit(queries)
    squares = np.einsum("ij,ij->i", rows, rows) if metric in ("l2", "hamming", "jaccard") else None
    at_once = max(1, min(50, 50_000_000 // len(rows)))      # 200 MB of scores
    for start in range(0, len(queries), at_once):
        block = queries[start:start + at_once]
        if metric == "l1":
            score = np.stack([np.abs(rows - q).sum(axis=1) for q in block])
        else:
            score = -(block @ rows.T)
            if metric in ("l2", "hamming"):
                score *= 2
                score += squares
            elif metric == "jaccard":
                score /= np.maximum(squares + block.sum(axis=1)[:, None] + score, 1)
        near = np.argpartition(score, margin - 1, axis=1)[:, :margin]
        for i, candidates in enumerate(near):
            exact = distance(rows[candidates].astype(np.float64),
                             block[i].astype(np.float64), metric)
            order = np.lexsort((candidates, exact))[:k]
            out[start + i] = candidates[order]
    return out


def distance(rows, query, metric):
    """Distances (or what orders as they do) of rows to one query."""
    if metric == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    if metric == "l1":
        return np.abs(rows - query).sum(axis=1)
    if metric == "hamming":
        return np.abs(rows - query).sum(axis=1)
    both = rows @ query
    if metric == "jaccard":
        return 1 - both / np.maximum(rows.sum(axis=1) + query.sum() - both, 1)
    return -both


def unit(rows):
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norm == 0, 1, norm)


def from_files(data, queries, rows, extra, query_count, metric, seed, cache):
    """Base vectors from a .npy file. Queries come from a file of their own,
    or are held out of the base; rows to insert are base rows with noise, for
    then the base stays whole and comparable with other tools' figures."""
    rng = np.random.default_rng(seed)
    base = np.load(data, mmap_mode="r")
    if base.ndim != 2:
        raise SystemExit(f"{data}: a two-dimensional array is needed")
    if queries:
        query = np.asarray(np.load(queries), np.float32)
        base = np.asarray(base, np.float32)
    else:
        order = rng.permutation(len(base))
        query = np.asarray(base[np.sort(order[:query_count])], np.float32)
        base = np.asarray(base[np.sort(order[query_count:])], np.float32)
    if rows and rows < len(base):
        base = base[np.sort(rng.choice(len(base), rows, replace=False))]
    near = base[rng.integers(0, len(base), extra)]
    noise = rng.standard_normal(near.shape, np.float32)
    return Dataset(os.path.basename(data), np.ascontiguousarray(base),
                   near + np.float32(0.3) * base.std() * noise,
                   query[:query_count], metric, cache)


def made_up(rows, dims, latent, extra, query_count, metric, seed, cache):
    """Gaussian points of `latent` dimensions, turned into `dims` by a random
    linear map, with a little noise: neighbours as hard to find as the latent
    dimension says, whatever `dims` is."""
    rng = np.random.default_rng(seed)
    total = rows + extra + query_count
    weights = rng.standard_normal((latent, dims), np.float32)
    out = np.empty((total, dims), np.float32)
    for start in range(0, total, 20000):
        part = out[start:start + 20000]
        points = rng.standard_normal((len(part), latent), np.float32)
        part[:] = points @ weights / np.float32(np.sqrt(latent))
        part += np.float32(0.1) * rng.standard_normal(part.shape, np.float32)
    return Dataset(f"made up ({latent} latent dimensions, seed {seed})",
                   out[:rows], out[rows:rows + extra], out[rows + extra:],
                   metric, cache)


def clustered(rows, dims, clusters, extra, query_count, metric, seed, cache):
    """Gaussian points around as many Gaussian centres, 0.6 times as far from theirs as the
    centres are from the origin: neighbours are of one cluster and nearly equally far."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dims), np.float32)
    out = np.empty((rows + extra + query_count, dims), np.float32)
    for start in range(0, len(out), 100000):
        part = out[start:start + 100000]
        rng.standard_normal(part.shape, np.float32, part)
        part *= np.float32(0.6)
        part += centres[rng.integers(0, clusters, len(part))]
    return Dataset(f"made up ({clusters} clusters, seed {seed})",
                   out[:rows], out[rows:rows + extra], out[rows + extra:], metric, cache)


def made_up_sparse(rows, dims, entries, extra, query_count, metric, seed, cache):
    """Documents of some `entries` of `dims` terms, with weights: a topic's words
    are likelier than others, frequent terms weigh less. Zeros are what is not
    there."""
    rng = np.random.default_rng(seed)
    total = rows + extra + query_count
    topics = 200
    frequency = 1 / np.arange(3, dims + 3)
    of_topic = np.stack([rng.permutation(dims) for _ in range(topics)])
    weight = np.log(frequency[0] / frequency).astype(np.float32) + 1
    cumulative = np.cumsum(frequency) / frequency.sum()
    out = np.zeros((total, dims), np.float32)
    for row in out:
        count = max(1, rng.poisson(entries))
        drawn = np.searchsorted(cumulative, rng.random(count))
        mine = rng.random(count) < 0.7
        terms = np.where(mine, of_topic[rng.integers(topics), np.minimum(drawn, dims - 1)],
                         np.minimum(drawn, dims - 1))
        np.add.at(row, terms, weight[terms])
    return Dataset(f"made up ({entries} of {dims} terms drawn, seed {seed})",
                   out[:rows], out[rows:rows + extra], out[rows + extra:], metric, cache)
