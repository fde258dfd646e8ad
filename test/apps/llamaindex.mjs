// LlamaIndex.TS: PGVectorStore. The store makes no index of vectors: its users do.
import { BaseEmbedding, Document } from 'llamaindex';
import { PGVectorStore } from '@llamaindex/postgres';
import { connection, dimensions, nearest, report, texts, vector, vectors } from './data.mjs';

class KnownVectors extends BaseEmbedding {
  async getTextEmbedding(text) { return vector(Number(text.split(' ')[1])); }
}

const embeddingModel = new KnownVectors();
const store = new PGVectorStore({ clientConfig: connection, tableName: 'llamaindex_items', dimensions, embeddingModel });
store.setCollection('all');
const nodes = texts.map((text, i) => new Document({ text, embedding: vectors[i], metadata: { number: i } }));
for (let i = 0; i < nodes.length; i += 200) await store.add(nodes.slice(i, i + 200));

const db = await store.client();
await db.query('CREATE INDEX llamaindex_hnsw ON public.llamaindex_items USING hnsw (embeddings vector_cosine_ops)');
await db.query('ANALYZE public.llamaindex_items');

const query = vector(6000);
const result = await store.query({ queryEmbedding: query, similarityTopK: 10, mode: 'default' });
report('llamaindex search', result.nodes.map((node) => node.metadata.number), nearest(query, 10));
await db.close();
