// Texts with vectors that say the same on every machine, and the exact answer to a search.
export const dimensions = 64;
export const count = 2000;

// a linear congruential generator: the sequence depends on its seed alone
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

export function vector(i) {
  const next = numbers(i + 1);
  for (let skip = 0; skip < 8; skip++) next();
  return Array.from({ length: dimensions }, next);
}

export const texts = Array.from({ length: count }, (_, i) => `text ${i}`);
export const vectors = texts.map((_, i) => vector(i));

function cosineDistance(a, b) {
  let dot = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return 1 - dot / Math.sqrt(aa * bb);
}

// numbers of the k texts nearest to a vector, of those that `where` admits
export function nearest(query, k, where = () => true) {
  return vectors.map((v, i) => [cosineDistance(v, query), i]).filter(([, i]) => where(i))
    .sort((a, b) => a[0] - b[0]).slice(0, k).map(([, i]) => i);
}

// Print how many of the exact answers were found; the test reads this line.
export function report(what, found, exact) {
  const hits = found.filter((i) => exact.includes(i)).length;
  console.log(`${what}: ${found.length} rows, ${hits} of ${exact.length} nearest, first ${found[0] === exact[0] ? 'right' : 'wrong'}`);
}

export const connection = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), database: process.env.PGDATABASE,
  user: process.env.PGUSER, password: 'not asked for',
};
