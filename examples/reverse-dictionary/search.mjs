// search.mjs: what the application asks of the database. The statements are texts of this
// file; what somebody types is only ever the value of a parameter.
import pg from 'pg';

export const ROWS = 8;
export const KINDS = ['noun', 'verb', 'adjective', 'adverb'];
export const MOST_LETTERS = 60;

// Around the words that a search found. No gloss has these characters, so the page can tell
// them from the text, and no HTML is made here.
const GLOSS = (words) => `barq_highlight(gloss, ${words}, 'senses_gloss_idx'::regclass, E'\\x02', E'\\x03', 0) AS gloss`;
const SENSE = 'id, words, part_of_speech AS kind, letters';

// Conditions of the filters that are set, each after an AND.
const filters = ($, { kind, letters }) =>
  (kind ? `\n  AND part_of_speech = ${$(kind)}` : '') + (letters ? `\n  AND letters && ${$(letters)}` : '');

// Each makes its statement's text; $(value) is the placeholder of a value.
const statements = {
  // The words of the question: does each have a vector, how rare is it, do glosses use it?
  read: ($, { text }) => `SELECT t.word, v.word IS NOT NULL AS known, coalesce(r.weight, 12) AS weight, r.word IS NOT NULL AS used
FROM tokens(${$(text)}) WITH ORDINALITY AS t (word, place)
LEFT JOIN vocabulary v USING (word) LEFT JOIN rarity r USING (word) ORDER BY place`,

  embed: ($, { text }) => `SELECT embed(${$(text)})::text AS vector`,

  words: ($, q, query = $(q.words)) => `SELECT ${SENSE}, ${GLOSS(query)}, -(gloss <@> ${query}) AS score
FROM senses
WHERE gloss <@> ${query} < 0${filters($, q)}
ORDER BY gloss <@> ${query} LIMIT ${$(ROWS)}`,

  meaning: ($, q, vector = $(q.vector)) => `SELECT ${SENSE}, ${GLOSS($(q.words))}, 1 - (embedding <=> ${vector}) AS score
FROM senses
WHERE embedding IS NOT NULL${filters($, q)}
ORDER BY embedding <=> ${vector} LIMIT ${$(ROWS)}`,

  both: ($, q, query = $(q.words)) => {
    const conditions = [], values = [];
    if (q.kind) conditions.push(`part_of_speech = $${values.push(q.kind)}`);
    if (q.letters) conditions.push(`letters && $${values.push(`{${q.letters}}`)}`);
    const filter = conditions.length ? `,\n  filter => '${conditions.join(' AND ')}', filter_args => ${$(values)}::text[]` : '';
    return `SELECT (doc).id, (doc).words, (doc).part_of_speech AS kind, (doc).letters,
  ${GLOSS(query).replace('gloss', '(doc).gloss')}, score, vector_rank AS "meaningRank", text_rank AS "wordsRank"
FROM barq_hybrid(NULL::senses, embedding => ${$(q.vector)}::vector, query => ${query}, k => ${$(ROWS)}${filter})`;
  },
};

// The same questions to the table of beside.sql. Each side looks as far: ef_search is 200.
const beside = {
  words: ($, q, query = `to_tsquery('english', ${$(q.lexemes)})`) => `SELECT ${SENSE}, ts_rank(gloss_tsv, ${query}, 1) AS score
FROM beside
WHERE gloss_tsv @@ ${query}${filters($, q)}
ORDER BY score DESC LIMIT ${$(ROWS)}`,

  meaning: ($, q, distance = `embedding OPERATOR(pgvector.<=>) ${$(q.vector)}::pgvector.vector`) => `SELECT ${SENSE}, 1 - (${distance}) AS score
FROM beside
WHERE embedding IS NOT NULL${filters($, q)}
ORDER BY ${distance} LIMIT ${$(ROWS)}`,

  both: ($, q, distance = `embedding OPERATOR(pgvector.<=>) ${$(q.vector)}::pgvector.vector`,
    query = `to_tsquery('english', ${$(q.lexemes)})`, limits = filters($, q)) => `WITH meaning AS (
  SELECT id, row_number() OVER () AS rank FROM (SELECT id FROM beside
    WHERE embedding IS NOT NULL${limits} ORDER BY ${distance} LIMIT 100) m),
words AS (
  SELECT id, row_number() OVER () AS rank FROM (SELECT id FROM beside
    WHERE gloss_tsv @@ ${query}${limits} ORDER BY ts_rank(gloss_tsv, ${query}, 1) DESC LIMIT 100) w)
SELECT ${SENSE}, coalesce(1.0 / (60 + m.rank), 0) + coalesce(1.0 / (60 + w.rank), 0) AS score
FROM meaning m FULL JOIN words w USING (id) JOIN beside USING (id)
ORDER BY score DESC LIMIT ${$(ROWS)}`,
};

// A pool whose statements end after a time, so that one slow question holds up no other.
export function connect({ statementTimeout = 2000, max = 4 } = {}) {
  const pool = new pg.Pool({
    max,
    idleTimeoutMillis: 0,   // a new connection's first search is slow: keep them
    statement_timeout: statementTimeout,
    connectionTimeoutMillis: 2 * statementTimeout,
    application_name: 'reverse-dictionary',
    options: '-c barq.ef_search=200 -c hnsw.ef_search=200 -c hnsw.iterative_scan=strict_order -c jit=off',
  });
  // of a connection that lies idle while the server stops; the next question opens another
  pool.on('error', (error) => console.error(`database: ${error.message}`));
  return pool;
}

// Runs one statement, prepared under its name and set of filters. Returns its rows, its
// text, and the milliseconds from asking until the last row was here.
async function run(client, family, name, input) {
  const values = [];
  const text = family[name]((value) => `$${values.push(value)}`, input);
  const began = performance.now();
  const prepared = [family === beside ? 'beside' : '', name, input.kind && 'kind', input.letters && 'letters'];
  const { rows } = await client.query({ name: prepared.filter(Boolean).join(' '), text, values });
  return { rows, ms: performance.now() - began, sql: text };
}

// What the searches get of the text that was typed: the words in barq's query language, the
// words of a tsquery, the vector. A last word that no gloss has is taken as the beginning of
// one, unless a blank follows it; such a beginning says nothing about the meaning. Neither
// do words after a minus.
async function understand(client, text) {
  const kept = text.replace(/(^|\s)-("[^"]*"?|\([^)]*\)?|\S+)/g, ' ');
  const { rows: tokens } = await run(client, statements, 'read', { text: kept });
  const last = tokens.at(-1);
  const unfinished = Boolean(last && !last.used && /[\p{L}\p{N}]$/u.test(text) && text.toLowerCase().endsWith(last.word));
  const said = tokens.map(({ word, known, weight }, i) => ({
    word, weight, known: known && !(unfinished && i === tokens.length - 1 && tokens.length > 1),
  }));
  const used = said.filter((word) => word.known).map((word) => word.word).join(' ');
  const { rows, ms } = await run(client, statements, 'embed', { text: used });
  return {
    said, unfinished, ms,
    words: unfinished ? `${text}*` : text,
    lexemes: tokens.map(({ word }, i) => `'${word}'${unfinished && i === tokens.length - 1 ? ':*' : ''}`).join(' | '),
    vector: rows[0].vector,
  };
}

// All that the page shows. wanted() tells whether there is still somebody who waits.
export async function search(pool, question, wanted = () => true) {
  const client = await pool.connect();
  try {
    const read = await understand(client, question.text);
    const input = { ...question, ...read };
    const answer = { said: read.said, unfinished: read.unfinished, ms: read.ms };
    // one after the other, so that each time is of one search alone
    for (const name of ['words', 'meaning', 'both']) {
      if (!wanted()) return null;
      answer[name] = name === 'meaning' && !read.vector ? { rows: [], ms: 0 } : await run(client, statements, name, input);
    }
    return answer;
  } finally {
    client.release();
  }
}

// The same by tsvector and, where it is installed, pgvector.
export async function searchBeside(pool, question, has, wanted = () => true) {
  const client = await pool.connect();
  try {
    const read = await understand(client, question.text);
    const answer = {};
    for (const name of ['words', 'meaning', 'both']) {
      if (!wanted()) return null;
      if (name !== 'words' && !has.pgvector) continue;
      answer[name] = name === 'meaning' && !read.vector ? { rows: [], ms: 0 } : await run(client, beside, name, { ...question, ...read });
    }
    return answer;
  } finally {
    client.release();
  }
}

// Searches once on each connection, which maps the indexes and prepares the statements.
export async function warm(pool) {
  await Promise.all(Array.from({ length: pool.options.max }, () => search(pool, { text: 'a word' })));
}

// What there is to search, and what beside it.
export async function about(pool) {
  const { rows: [row] } = await pool.query(`SELECT (SELECT count(*)::int FROM senses) AS senses,
  to_regclass('beside') IS NOT NULL AS tsvector,
  (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
  EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('beside') AND attname = 'embedding') AS embedded,
  barq_version() AS barq, current_setting('server_version') AS postgresql`);
  return { ...row, pgvector: row.embedded ? row.pgvector : null };
}
