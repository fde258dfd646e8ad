// LangChain.js: PGVectorStore, createHnswIndex() included.
import { PGVectorStore } from '@langchain/community/vectorstores/pgvector';
import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { connection, dimensions, nearest, report, texts, vector, vectors } from './data.mjs';

class KnownVectors extends Embeddings {
  constructor() { super({}); }
  async embedQuery(text) { return vector(Number(text.split(' ')[1])); }
  async embedDocuments(documents) { return Promise.all(documents.map((d) => this.embedQuery(d))); }
}

const store = await PGVectorStore.initialize(new KnownVectors(), {
  postgresConnectionOptions: connection, tableName: 'langchain_items', distanceStrategy: 'cosine', dimensions,
});
await store.addVectors(vectors, texts.map((pageContent, i) => new Document({ pageContent, metadata: { half: i % 2 } })));
await store.createHnswIndex({ dimensions, m: 16, efConstruction: 64 });
await store.pool.query('ANALYZE');    // autovacuum does it within a minute

const query = vector(5000);
const number = ([document]) => Number(document.pageContent.split(' ')[1]);
const found = await store.similaritySearchVectorWithScore(query, 10);
report('langchain search', found.map(number), nearest(query, 10));
const half = await store.similaritySearchVectorWithScore(query, 10, { half: 1 });
report('langchain filtered search', half.map(number), nearest(query, 10, (i) => i % 2 === 1));
const diverse = await store.maxMarginalRelevanceSearch('text 17', { k: 4, fetchK: 20 });
console.log(`langchain diverse search: ${diverse.length} rows, first ${diverse[0].pageContent}`);
await store.end();
