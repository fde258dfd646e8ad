// A retriever of LangChain.js that searches by meaning and by words: node langchain.mjs ../items.tsv
import { readFileSync } from 'node:fs';
import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { BaseRetriever } from '@langchain/core/retrievers';
import pg from 'pg';

// in the place of a model: texts about hats, and others
class SmallModel extends Embeddings {
  constructor() { super({}); }
  async embedQuery(text) { return /hat/.test(text) ? [0.1, 0.9, 0.2] : [0.9, 0.2, 0.1]; }
  async embedDocuments(texts) { return Promise.all(texts.map((text) => this.embedQuery(text))); }
}

class BarqHybridRetriever extends BaseRetriever {
  lc_namespace = ['barq', 'retrievers'];

  constructor({ pool, embeddings, k = 4, tenant, ...fields }) {
    super(fields);
    Object.assign(this, { pool, embeddings, k, tenant });
  }

  async _getRelevantDocuments(query) {
    const embedding = JSON.stringify(await this.embeddings.embedQuery(query));
    const { rows } = await this.pool.query(`
      SELECT (doc).id, (doc).title, (doc).tenant, score, vector_rank, text_rank
      FROM barq_hybrid(NULL::items, $1::vector, $2, k => $3,
        filter => '$1 IS NULL OR tenant = $1', filter_args => ARRAY[$4::int])`,
    [embedding, query, this.k, this.tenant ?? null]);
    return rows.map(({ title, ...metadata }) => new Document({ pageContent: title, metadata }));
  }
}

const pool = new pg.Pool();                          // PGHOST, PGDATABASE and so on
const embeddings = new SmallModel();
const rows = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => line.split('\t'));
await pool.query(`INSERT INTO items (id, tenant, title, embedding)
  SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::vector[])`, [0, 1, 2, 3].map((i) => rows.map((row) => row[i])));

function show(name, documents) {
  console.log([`${name}:`, ...documents.map((document) => document.metadata.id)].join(' '));
}
show('hybrid of all', await new BarqHybridRetriever({ pool, embeddings, k: 3 }).invoke('red shoes'));
show('hybrid', await new BarqHybridRetriever({ pool, embeddings, k: 3, tenant: 1 }).invoke('red shoes'));
const many = await new BarqHybridRetriever({ pool, embeddings, k: 2 }).batch(['red shoes', 'a hat']);
console.log(['hybrid batch:', ...many.flatMap((documents, i) => documents.map((d) => `${i + 1}=${d.metadata.id}`))].join(' '));
await pool.end();
