// barq from Node with Knex: node knex.mjs ../items.tsv
// Each ? is a parameter. Knex would take an operator with a question mark for one; barq has none.
import { readFileSync } from 'node:fs';
import knex from 'knex';

const redShoes = JSON.stringify([0.9, 0.2, 0.1]);    // what an embedding model makes of the words
const hats = JSON.stringify([0.1, 0.9, 0.2]);
const db = knex({ client: 'pg', connection: {} });   // PGHOST, PGDATABASE and so on

function show(name, rows) {
  console.log([`${name}:`, ...rows.map((row) => Object.values(row).join('='))].join(' '));
}

await db('items').insert(readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [id, tenant, title, embedding] = line.split('\t');
  return { id, tenant, title, embedding };
}));

const items = () => db('items').select('id').limit(3);
show('nearest', await items().orderByRaw('embedding <=> ?', [redShoes]));
show('words', await items().orderByRaw('title <@> ?', ['red shoes']));
show('filter', await items().where({ tenant: 1 }).orderByRaw('embedding <=> ?', [redShoes]));
show('batch', await db.select('query', db.raw('(doc).id'))
  .fromRaw('barq_search_batch(NULL::items, ?::vector[], k => 2)', [[redShoes, hats]]));
show('hybrid', await db.select(db.raw('(doc).id'))
  .fromRaw(`barq_hybrid(NULL::items, ?::vector, ?, k => 3,
    filter => 'tenant = $1', filter_args => ARRAY[?])`, [redShoes, 'red shoes', 1]));
await db.destroy();
