// Mastra: PgVector, with an hnsw index (its queries set hnsw.*) and an ivfflat one.
import { PgVector } from '@mastra/pg';
import { connection, dimensions, nearest, report, texts, vector, vectors } from './data.mjs';

const store = new PgVector({ id: 'test', ...connection });
const query = vector(7000);
for (const [indexName, type, indexConfig] of [
  ['mastra_graph', 'graph', { type: 'hnsw', hnsw: { m: 16, efConstruction: 64 } }],
  ['mastra_lists', 'lists', { type: 'ivfflat', ivf: { lists: 50 } }],
]) {
  await store.createIndex({ indexName, dimension: dimensions, metric: 'cosine', indexConfig });
  await store.upsert({ indexName, vectors, ids: texts, metadata: texts.map((_, i) => ({ half: i % 2 })) });
  if (type === 'lists') await store.buildIndex({ indexName, metric: 'cosine', indexConfig });
  await store.pool.query('ANALYZE');    // autovacuum does it within a minute
  const number = ({ id }) => Number(id.split(' ')[1]);
  const found = await store.query({ indexName, queryVector: query, topK: 10, probes: 50 });
  report(`mastra ${type}`, found.map(number), nearest(query, 10));
  const half = await store.query({ indexName, queryVector: query, topK: 10, filter: { half: 1 } });
  report(`mastra ${type} filtered`, half.map(number), nearest(query, 10, (i) => i % 2 === 1));
  const about = await store.describeIndex({ indexName });
  console.log(`mastra ${type} described: ${about.type}, ${about.dimension} dimensions, ${about.count} rows, ${about.metric}`);
}
await store.disconnect();
