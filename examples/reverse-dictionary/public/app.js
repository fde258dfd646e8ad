// app.js: the page. It asks while somebody types, shows the newest answer only, and writes
// text, never HTML.
const $ = (selector, from = document) => from.querySelector(selector);
const WAYS = ['words', 'meaning', 'both'];
const KINDS = { noun: 'n.', verb: 'v.', adjective: 'adj.', adverb: 'adv.' };
const EXAMPLES = ['fear of closed spaces', 'a machine that flies', 'a place where books are kept',
  'the science of plants', '"musical instrument" +strings -bow'];
const form = $('#form'), input = $('#q'), answer = $('#answer');
const column = Object.fromEntries(WAYS.map((way) => [way, $(`section[data-way="${way}"]`)]));

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// ---- the question: the form's, which is also in the page's address

function question() {
  const all = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) all.set(name, name === 'q' ? value.trimStart() : value);
  return all;
}

function restore() {
  const all = new URLSearchParams(location.search);
  input.value = all.get('q') ?? '';
  for (const radio of form.elements.kind) radio.checked = radio.value === (all.get('kind') ?? '');
  for (const name of ['min', 'max']) form.elements[name].value = all.get(name) ?? '';
  form.elements.beside.checked = all.has('beside');
}

// ---- asking: a newer question ends the one before, whose answer is dropped

let current = null;     // AbortController of the newest question
let asked = null;       // what is asked or shown
let later = 0;          // timer of the comparison, which waits for a pause in typing

async function fetchJson(url, signal) {
  let response, body;
  try {
    response = await fetch(url, { signal });
    body = await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error('The server cannot be reached.');
  }
  if (!response.ok) throw new Error(body.error ?? `The server says ${response.status}.`);
  return body;
}

async function ask({ again = false } = {}) {
  const all = question(), key = all.toString();
  history.replaceState(null, '', key ? `?${key}` : location.pathname);
  if (key === asked && !again) return;
  asked = key;
  current?.abort();
  clearTimeout(later);
  const mine = current = new AbortController();
  $('#problem').hidden = true;
  document.title = all.has('q') ? `${all.get('q')} – Reverse dictionary` : 'Reverse dictionary';
  if (!all.has('q')) return show(null);
  if (!form.checkValidity() || (+all.get('min') || 1) > (+all.get('max') || 60)) {
    return problem('The letters are a range from 1 to 60, the smaller number first.', false);
  }
  answer.ariaBusy = 'true';
  const slow = setTimeout(() => status('Still searching.'), 2000);
  try {
    const beside = all.has('beside');
    all.delete('beside');
    const found = await fetchJson(`/api/search?${all}`, mine.signal);
    if (mine !== current) return;
    show(found, all);
    if (beside) later = setTimeout(() => compare(all, found, mine), 200);
    else for (const way of WAYS) peer(way);
  } catch (error) {
    if (mine === current) problem(error.message, true);
  } finally {
    clearTimeout(slow);
    if (mine === current) answer.ariaBusy = 'false';
  }
}

async function compare(all, found, mine) {
  try {
    const others = await fetchJson(`/api/beside?${all}`, mine.signal);
    if (mine === current) for (const way of WAYS) showBeside(way, others[way], found[way]);
  } catch (error) {
    if (mine === current) for (const way of WAYS) peer(way, [error.message]);
  }
}

// ---- showing

const status = (text) => { $('#status').textContent = text; };
const time = (ms) => `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`;

function problem(message, retry) {
  asked = retry ? null : asked;
  $('#problem p').textContent = message;
  $('#problem button').hidden = !retry;
  $('#problem').hidden = false;
  answer.ariaBusy = 'false';
}

function show(found, all) {
  $('#start').hidden = Boolean(found);
  answer.hidden = !found;
  answer.ariaBusy = 'false';
  if (!found) return status('');
  showSaid(found);
  const range = all.has('min') || all.has('max') ? [+all.get('min') || 1, +all.get('max') || 60] : null;
  for (const way of WAYS) {
    const { rows, ms, sql } = found[way];
    $('.ms', column[way]).textContent = sql ? time(ms) : '';
    $('ol', column[way]).replaceChildren(...rows.map((row, i) => element('li', '', sense(row, i, way, rows[0].score, range))));
    const none = $('.none', column[way]);
    none.hidden = rows.length > 0;
    none.textContent = nothing(way, found, all);
    $('pre', column[way]).textContent = sql ?? '';
    $('details', column[way]).hidden = !sql;
  }
  $('.sense')?.setAttribute('tabindex', '0');
  const best = found.both.rows[0];
  status(best ? `Best: ${best.words}. ${WAYS.map((way) => `${found[way].rows.length} by ${way}`).join(', ')}.` : 'Nothing found.');
}

function nothing(way, found, all) {
  const filtered = all.has('kind') || all.has('min') || all.has('max');
  if (way === 'words') return `No gloss has any of these words${filtered ? ' and passes the filters' : ''}.`;
  if (!found.meaning.sql) return way === 'meaning' ? 'None of these words has a vector.' : 'Nothing by words, and no vector.';
  return 'No sense passes the filters.';
}

// Where the question's vector comes from: the mean of its words' vectors, rare words count more.
function showSaid({ said, unfinished, ms }) {
  const known = said.filter((word) => word.known), most = Math.max(...known.map((word) => word.weight));
  const chips = said.map((word) => {
    if (!word.known) return element('s', '', word.word);
    const chip = element('span', '', word.word);
    chip.title = `weight ${word.weight.toFixed(1)}`;
    chip.style.setProperty('--share', `${Math.round(26 * word.weight / most)}%`);
    return chip;
  });
  const last = unfinished ? said.at(-1).word : '';
  $('#said').replaceChildren(known.length ? 'Meaning: the mean of the vectors of ' : 'No vector: ', ...chips, known.length ? `, in ${time(ms)}` : '',
    last ? `; ${last}… may not be finished: any word that begins so` : '');
}

function sense(row, i, way, best, range) {
  const names = row.words.split(', ').flatMap((name, j) => {
    const fits = !range || (row.letters[j] >= range[0] && row.letters[j] <= range[1]);
    return [j ? ', ' : null, fits ? name : element('span', 'other', name)];
  });
  const score = element('span', 'score', way === 'words' ? row.score.toFixed(1) : way === 'meaning' ? row.score.toFixed(3) : row.score.toFixed(4));
  score.style.setProperty('--part', Math.max(0, row.score / best).toFixed(3));
  const made = element('button', 'sense', element('span', 'rank', `${i + 1}`),
    element('span', 'term', ...names, element('i', '', KINDS[row.kind])), score, gloss(row.gloss),
    way === 'both' ? element('span', 'ranks', place('words', row.wordsRank), place('meaning', row.meaningRank)) : null);
  made.type = 'button';
  made.tabIndex = -1;
  made.dataset.id = row.id;
  made.title = 'Senses like this one';
  return made;
}

function place(way, rank) {
  return element('span', `by-${way}`, `${way} `, rank ? element('b', '', `${rank}`) : element('span', '', '–'));
}

// A gloss is a definition and, after it, examples in quotes; found words are between \2 and \3.
function gloss(text) {
  const at = text.search(/;? *\u0002?"/), made = element('span', 'gloss');
  const parts = at > 0 ? [[text.slice(0, at), made], [text.slice(at).replace(/^; */, ' '), element('em')]] : [[text, made]];
  for (const [part, into] of parts) {
    part.split(/\u0002([^\u0003]*)\u0003/).forEach((piece, i) => into.append(i % 2 ? element('mark', '', piece) : piece));
    if (into !== made) made.append(into);
  }
  return made;
}

// What another software finds: a line above the list, and its list below. What stood there
// before stays until then, so that nothing jumps while somebody types.
const PEERS = {
  words: { name: 'tsvector', how: 'ts_rank' },
  meaning: { name: 'pgvector', how: 'HNSW' },
  both: { name: 'fused by hand', how: 'RRF' },
};
function peer(way, line, list) {
  const above = $('.peer', column[way]), below = $('aside', column[way]);
  above.hidden = !line;
  below.hidden = !list;
  above.replaceChildren(...(line ?? []));
  below.replaceChildren(...(list ?? []));
}

function showBeside(way, found, ours) {
  if (!found) return peer(way);
  const same = new Set(ours.rows.map((row) => row.id)), shared = found.rows.filter((row) => same.has(row.id)).length;
  const list = element('ol', '', ...found.rows.map((row) => element('li', same.has(row.id) ? '' : 'only', row.words.split(', ')[0])));
  const { name, how } = PEERS[way];
  peer(way, [`${name}, ${how}: `, element('b', '', time(found.ms)), ours.rows.length ? `, ${shared} of these ${ours.rows.length}` : ''],
    [element('h3', '', name), found.rows.length ? list : 'finds nothing']);
}

// ---- keys and pointers

const senses = (way) => [...column[way].querySelectorAll('.sense')];
function go(way, i) {
  const target = senses(way)[Math.max(0, Math.min(i, senses(way).length - 1))];
  if (!target) return false;
  for (const other of document.querySelectorAll('.sense[tabindex="0"]')) other.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  return true;
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const here = document.activeElement, on = here.closest('.sense');
  const typing = here.matches('input:not([type=radio], [type=checkbox])');
  const done = () => event.preventDefault();
  if (event.key === '/' && !typing) { input.focus(); input.select(); return done(); }
  if (event.key === 'Escape') {
    if (here !== input) input.focus();
    else if (input.value) { input.value = ''; ask(); }
    return done();
  }
  if (here === input && event.key === 'ArrowDown') { if (WAYS.some((way) => go(way, 0))) done(); return; }
  if (!on) return;
  const way = on.closest('section').dataset.way, i = senses(way).indexOf(on), w = WAYS.indexOf(way);
  const moves = { ArrowDown: () => go(way, i + 1), ArrowUp: () => (i ? go(way, i - 1) : input.focus()),
    ArrowRight: () => WAYS.slice(w + 1).some((next) => go(next, i)), ArrowLeft: () => WAYS.slice(0, w).reverse().some((next) => go(next, i)),
    Home: () => go(way, 0), End: () => go(way, Infinity) };
  if (Object.hasOwn(moves, event.key)) { moves[event.key](); done(); }
});

// The same sense in the other columns.
function mark(event) {
  const id = event.target.closest?.('.sense')?.dataset.id;
  for (const each of document.querySelectorAll('.sense')) each.classList.toggle('same', each.dataset.id === id);
}
for (const name of ['focusin', 'pointerover']) answer.addEventListener(name, mark);

answer.addEventListener('click', (event) => {
  const on = event.target.closest('.sense');
  if (!on) return;
  const [definition] = $('.gloss', on).textContent.split(/ "/);
  input.value = definition.trim().slice(0, 300);
  input.focus();
  window.scrollTo({ top: 0 });
  ask();
});

for (const text of EXAMPLES) {
  const button = element('button', '', text);
  button.type = 'button';
  button.addEventListener('click', () => { input.value = text; input.focus(); ask(); });
  $('#start ul').append(element('li', '', button));
}
$('#problem button').addEventListener('click', () => ask({ again: true }));
form.addEventListener('input', () => ask());
form.addEventListener('submit', (event) => { event.preventDefault(); ask({ again: true }); });
addEventListener('popstate', () => { restore(); ask(); });

restore();
ask();
fetchJson('/api/about', new AbortController().signal).then((about) => {
  $('#about').textContent = `Describe a meaning; get the words that have it, out of ${about.senses.toLocaleString('en')} senses of WordNet.`;
  $('#versions').textContent = `barq ${about.barq}, PostgreSQL ${about.postgresql.split(' ')[0]}`;
  const pgvector = about.pgvector ? `, pgvector ${about.pgvector}` : '';
  $('#versions').append(pgvector);
  $('#compare span').textContent = `beside tsvector${pgvector && ' and pgvector'}`;
  $('#compare').hidden = !about.tsvector;
}).catch((error) => problem(error.message, true));
