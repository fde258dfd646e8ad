// server.mjs: a reverse dictionary over HTTP. The page's files are read once; /api/search,
// /api/beside and /api/about answer in JSON (README.md).
//
//   PORT=8080 ADDRESS=127.0.0.1  where it listens; a port that is taken gives way to a free one
//   STATEMENT_TIMEOUT=2000       milliseconds that one search may take
//   PGHOST, PGPORT, PGDATABASE … which database (demo, as reverse_dictionary)
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { KINDS, MOST_LETTERS, about, connect, search, searchBeside, warm } from './search.mjs';

process.env.PGDATABASE ??= 'demo';
process.env.PGUSER ??= 'reverse_dictionary';
const host = process.env.ADDRESS ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8080);
const pool = connect({ statementTimeout: Number(process.env.STATEMENT_TIMEOUT ?? 2000) });

const LONGEST = 300;    // characters of a question
const HEADERS = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    + "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-cache',
};

const file = (name, type) => [type, readFileSync(new URL(`public/${name}`, import.meta.url))];
const files = {
  '/': file('index.html', 'text/html; charset=utf-8'),
  '/style.css': file('style.css', 'text/css; charset=utf-8'),
  '/app.js': file('app.js', 'text/javascript; charset=utf-8'),
  '/icon.svg': file('icon.svg', 'image/svg+xml'),
};

class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

// The question of a request's parameters: { text, kind, letters }, or an error that says why not.
function question(parameters) {
  const text = (parameters.get('q') ?? '').replace(/[\u0000-\u001f]/g, ' ').trimStart();
  if (!text.trim()) throw new Refused(400, 'q, the question, is missing');
  if (text.length > LONGEST) throw new Refused(400, `a question has at most ${LONGEST} characters`);
  const kind = parameters.get('kind') || null;
  if (kind && !KINDS.includes(kind)) throw new Refused(400, `kind is one of ${KINDS.join(', ')}`);
  const [min, max] = [['min', 1], ['max', MOST_LETTERS]].map(([name, otherwise]) => {
    const given = parameters.get(name);
    if (!given) return otherwise;
    if (!/^\d{1,2}$/.test(given) || +given < 1 || +given > MOST_LETTERS) throw new Refused(400, `${name} is 1 to ${MOST_LETTERS}`);
    return +given;
  });
  if (min > max) throw new Refused(400, 'min is more than max');
  const letters = min > 1 || max < MOST_LETTERS ? Array.from({ length: max - min + 1 }, (_, i) => min + i) : null;
  return { text, kind, letters };
}

// What a client is told of an error: never the database's own words.
function explain(error) {
  if (error instanceof Refused) return [error.status, error.message];
  console.error(error);
  if (error.code === '57014') return [503, 'The search took too long and was ended.'];
  if (error.code === '42P01' || error.code === '3D000' || error.code === '28000') return [503, 'The dictionary is not loaded yet.'];
  if (/^(08|57P|53)|^E[A-Z]+$/.test(error.code ?? '') || /timeout|terminated/i.test(error.message)) {
    return [503, 'The database cannot be reached just now.'];
  }
  return [500, 'Something went wrong in the application.'];
}

let known = null;       // what about() says, once it has said it
const described = async () => known ??= await about(pool);

const routes = {
  '/api/search': (parameters, wanted) => search(pool, question(parameters), wanted),
  '/api/beside': async (parameters, wanted) => {
    const has = await described();
    if (!has.tsvector) throw new Refused(404, 'nothing else is loaded to compare with (beside.sql)');
    return searchBeside(pool, question(parameters), has, wanted);
  },
  '/api/about': described,
};

const server = createServer(async (request, response) => {
  const send = (status, type, body, more = {}) => {
    response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...more });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const json = (status, value, more) => send(status, 'application/json; charset=utf-8', JSON.stringify(value), more);
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'GET or HEAD' }, { Allow: 'GET, HEAD' });
    const url = `http://localhost${request.url}`;
    if (!URL.canParse(url)) throw new Refused(400, 'this address cannot be read');
    const { pathname, searchParams } = new URL(url);
    if (Object.hasOwn(files, pathname)) return send(200, ...files[pathname]);
    if (!Object.hasOwn(routes, pathname)) throw new Refused(404, 'not found');
    // A browser that goes on typing drops the connection: the searches not begun yet are left out.
    const answer = await routes[pathname](searchParams, () => !response.destroyed);
    if (answer) json(200, answer);
  } catch (error) {
    const [status, message] = explain(error);
    if (!response.headersSent && !response.destroyed) json(status, { error: message });
  }
});

server.on('error', (error) => {
  if (error.code !== 'EADDRINUSE' || !port) throw error;
  server.listen(0, host);
});
await warm(pool).catch(explain);       // a database that is not there yet is no reason to stop
server.listen(port, host, () => {
  const { address, family, port: taken } = server.address();
  console.log(`The reverse dictionary is at http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => pool.end().then(() => process.exit(0)));
    server.closeAllConnections();
  });
}
