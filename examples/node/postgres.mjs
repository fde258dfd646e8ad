// barq from Node with postgres.js: node postgres.mjs ../items.tsv
// Each ${} in a statement becomes a parameter.
import { readFileSync } from 'node:fs';
import postgres from 'postgres';

const redShoes = JSON.stringify([0.9, 0.2, 0.1]);    // what an embedding model makes of the words
const hats = JSON.stringify([0.1, 0.9, 0.2]);
const sql = postgres();                              // PGHOST, PGDATABASE and so on

function show(name, rows) {
  console.log([`${name}:`, ...rows.map((row) => Object.values(row).join('='))].join(' '));
}

const items = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [id, tenant, title, embedding] = line.split('\t');
  return { id, tenant, title, embedding };
});
await sql`INSERT INTO items ${sql(items)}`;

show('nearest', await sql`SELECT id FROM items ORDER BY embedding <=> ${redShoes} LIMIT 3`);
show('words', await sql`SELECT id FROM items ORDER BY title <@> ${'red shoes'} LIMIT 3`);
show('filter', await sql`SELECT id FROM items WHERE tenant = ${1} ORDER BY embedding <=> ${redShoes} LIMIT 3`);
show('batch', await sql`
  SELECT query, (doc).id FROM barq_search_batch(NULL::items, ${[redShoes, hats]}::text[]::vector[], k => 2)`);
show('hybrid', await sql`
  SELECT (doc).id FROM barq_hybrid(NULL::items, ${redShoes}::vector, ${'red shoes'}, k => 3,
    filter => 'tenant = $1', filter_args => ARRAY[${1}::int])`);
await sql.end();
