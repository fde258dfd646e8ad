// The table and barq's indexes as Drizzle knows them; drizzle-kit makes both from this file.
import { bigint, index, integer, pgTable, text, vector } from 'drizzle-orm/pg-core';

export const items = pgTable('items', {
  id: bigint('id', { mode: 'number' }).primaryKey(),
  tenant: integer('tenant').notNull(),
  title: text('title').notNull(),
  embedding: vector('embedding', { dimensions: 3 }).notNull(),
}, (table) => [
  index('items_embedding').using('barq_hnsw', table.embedding.op('vector_cosine_ops')),
  index('items_title').using('barq_bm25', table.title).with({ text_config: 'english' }),
]);
