// For drizzle-kit push and generate. barq lives in a schema of its own, so that drizzle-kit,
// which compares all that a schema has with the file, leaves barq's views alone.
export default {
  dialect: 'postgresql',
  schema: './drizzle.schema.mjs',
  out: process.env.DRIZZLE_OUT ?? './drizzle',
  schemaFilter: ['public'],
  dbCredentials: { url: process.env.DATABASE_URL },
};
