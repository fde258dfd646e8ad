// For drizzle-kit push and generate. drizzle-kit compares all that the schema public has with
// drizzle.schema.mjs; barq is installed in a schema of its own (../README.md, Drizzle).
export default {
  dialect: 'postgresql',
  schema: './drizzle.schema.mjs',
  out: process.env.DRIZZLE_OUT ?? './drizzle',
  schemaFilter: ['public'],
  dbCredentials: { url: process.env.DATABASE_URL },
};
