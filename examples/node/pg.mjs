// barq from Node with pg (node-postgres) alone: node pg.mjs ../items.tsv
import { readFileSync } from 'node:fs';
import pg from 'pg';

const redShoes = JSON.stringify([0.9, 0.2, 0.1]);   // what an embedding model makes of the words
const hats = JSON.stringify([0.1, 0.9, 0.2]);       // a vector is sent as its text
const client = new pg.Client();                      // PGHOST, PGDATABASE and so on
await client.connect();

async function show(name, text, values) {
  const { rows } = await client.query({ text, values, rowMode: 'array' });
  console.log([`${name}:`, ...rows.map((row) => row.join('='))].join(' '));
}

// many rows by one statement: an array for each column
const rows = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => line.split('\t'));
const columns = [0, 1, 2, 3].map((i) => rows.map((row) => row[i]));
await client.query(`INSERT INTO items (id, tenant, title, embedding)
  SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::vector[])`, columns);

await show('nearest', 'SELECT id FROM items ORDER BY embedding <=> $1 LIMIT 3', [redShoes]);
await show('words', 'SELECT id FROM items ORDER BY title <@> $1 LIMIT 3', ['red shoes']);
await show('filter', 'SELECT id FROM items WHERE tenant = $1 ORDER BY embedding <=> $2 LIMIT 3', [1, redShoes]);
await show('batch', 'SELECT query, (doc).id FROM barq_search_batch(NULL::items, $1::vector[], k => 2)', [[redShoes, hats]]);
await show('hybrid', `SELECT (doc).id FROM barq_hybrid(NULL::items, $1::vector, $2, k => 3,
  filter => 'tenant = $1', filter_args => ARRAY[$3])`, [redShoes, 'red shoes', 1]);
await client.end();
