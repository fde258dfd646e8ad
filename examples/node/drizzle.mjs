// barq from Node with Drizzle: drizzle-kit push, then node drizzle.mjs ../items.tsv
// Each ${} in sql`` becomes a parameter.
import { readFileSync } from 'node:fs';
import { cosineDistance, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { items } from './drizzle.schema.mjs';

const redShoes = [0.9, 0.2, 0.1];                    // what an embedding model makes of the words
const hats = [0.1, 0.9, 0.2];
const pool = new pg.Pool();                          // PGHOST, PGDATABASE and so on
const db = drizzle(pool);

function show(name, rows) {
  console.log([`${name}:`, ...rows.map((row) => Object.values(row).join('='))].join(' '));
}

await db.insert(items).values(readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [id, tenant, title, embedding] = line.split('\t');
  return { id: Number(id), tenant: Number(tenant), title, embedding: JSON.parse(embedding) };
}));

const distance = cosineDistance(items.embedding, redShoes);
const ids = () => db.select({ id: items.id }).from(items).$dynamic();
show('nearest', await ids().orderBy(distance).limit(3));
show('words', await ids().orderBy(sql`${items.title} <@> ${'red shoes'}`).limit(3));
show('filter', await ids().where(eq(items.tenant, 1)).orderBy(distance).limit(3));
show('batch', (await db.execute(sql`
  SELECT query, (doc).id FROM barq_search_batch(NULL::items, ${sql.param([redShoes, hats].map((v) => JSON.stringify(v)))}::vector[], k => 2)`)).rows);
show('hybrid', (await db.execute(sql`
  SELECT (doc).id FROM barq_hybrid(NULL::items, ${JSON.stringify(redShoes)}::vector, ${'red shoes'}, k => 3,
    filter => 'tenant = $1', filter_args => ARRAY[${1}])`)).rows);
await pool.end();
