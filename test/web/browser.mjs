// browser.mjs: the reverse dictionary in a headless Chromium, as people use it: typing,
// keys, filters, a phone, the dark, a server that is away. Prints TAP.
//
//   node browser.mjs http://127.0.0.1:8080 [FOLDER]     FOLDER: pictures of it go there
import { Chromium } from './chromium.mjs';

const [base, pictures] = process.argv.slice(2);
let tests = 0, failed = 0;
function ok(good, title, detail) {
  tests++;
  if (!good) failed++;
  console.log(`${good ? 'ok' : 'not ok'} ${tests} - ${title}`);
  if (!good && detail !== undefined) console.log(`# ${JSON.stringify(detail)}`);
}
const is = (got, wanted, title) => ok(JSON.stringify(got) === JSON.stringify(wanted), title, { got, wanted });

const b = await Chromium.launch();
const page = (expression) => b.evaluate(expression);
const shown = "document.querySelector('#answer').ariaBusy === 'false' && !document.querySelector('#answer').hidden";
const open = async (query = '', options = {}) => {
  await b.open(`${base}/${query}`, options);
  if (query) await b.until(shown, 'the answer is shown');
};
const picture = (name) => (pictures ? b.screenshot(`${pictures}/${name}.png`) : null);
const terms = (way) => page(`[...document.querySelectorAll('[data-way="${way}"] .term')].map((e) => e.firstChild.textContent.split(',')[0])`);
const WAYS = ['words', 'meaning', 'both'];
// Chooses or clears all that is in the field, as a person does, then types.
const retype = async (text) => {
  await page("{ const q = document.querySelector('#q'); q.focus(); q.select(); }");
  await b.key('Backspace');
  await b.type(text);
};

// ---- the first page

await open();
is(await page("document.querySelector('#answer').hidden"), true, 'nothing is asked yet');
ok(await page("document.querySelectorAll('#start button').length") >= 4, 'there are examples');
is(await page('document.activeElement.id'), 'q', 'the field has the focus');
await b.until("/117,659 senses/.test(document.querySelector('#about').textContent)", 'it says how many senses there are');
await picture('start');
await page("document.querySelector('#start button').click()");
await b.until(shown, 'an example is answered');
for (const way of WAYS) {
  is((await terms(way)).length, 8, `eight senses by ${way}`);
  is((await terms(way))[0], 'claustrophobia', `the best by ${way}`);
  ok(await page(`/^[\\d.]+ ms$/.test(document.querySelector('[data-way="${way}"] .ms').textContent)`), `the time of ${way}`);
  is(await page(`[...document.querySelectorAll('[data-way="${way}"] .rank')].map((e) => +e.textContent)`), [1, 2, 3, 4, 5, 6, 7, 8], `ranks of ${way}`);
  const scores = await page(`[...document.querySelectorAll('[data-way="${way}"] .score')].map((e) => +e.textContent)`);
  ok(scores.every((score, i) => score > 0 && (!i || score <= scores[i - 1])), `scores of ${way}, best first`, scores);
}
is(await page("[...document.querySelectorAll('[data-way=\"words\"] li:first-child mark')].map((e) => e.textContent)"), ['fear', 'closed', 'space'], 'the words found are marked');
is(await page("document.querySelector('[data-way=\"both\"] .ranks').textContent"), 'words 1meaning 1', 'both: the ranks by words and by meaning');
ok(await page("/Best: claustrophobia/.test(document.querySelector('#status').textContent)"), 'the answer is announced');
is(await page('new URLSearchParams(location.search).get("q")'), 'fear of closed spaces', 'the address has the question');
is(b.requests.filter((url) => !url.startsWith(`${base}/`)), [], 'nothing is requested from elsewhere');
is(b.problems, [], 'no errors, and nothing that the policy refuses');
ok(await page("fetch('https://example.org/').then(() => false, () => true)"), 'the policy refuses other hosts');
ok(await page("{ const s = document.createElement('script'); s.textContent = 'window.inlined = 1'; document.body.append(s); s.remove(); window.inlined === undefined }"), 'and inline scripts');

// ---- typing

await retype('a machine that fl');
await b.until(`${shown} && /fl… may not be finished/.test(document.querySelector('#said').textContent)`, 'half a word is taken as a beginning');
ok(true, 'half a word is taken as a beginning');
await b.type('ies');
await b.until(`${shown} && !/finished/.test(document.querySelector('#said').textContent) && /flies/.test(document.querySelector('#said').textContent)`, 'the whole question is answered');
ok((await terms('both')).slice(0, 8).some((term) => /plane|aircraft|flying machine|heavier-than-air craft/.test(term)), 'and an aircraft is found', await terms('both'));

// the answers to earlier keystrokes come last here, even to a page that did not end its requests
await page(`{ const real = window.fetch, late = []; let go; const gate = new Promise((resolve) => { go = resolve; });
  window.fetch = (url) => { const answered = (async () => { const response = await real(url), body = await response.json();
    if (!url.includes('q=trees')) await gate; return { ok: response.ok, json: () => body }; })();
    if (!url.includes('q=trees')) late.push(answered); return answered; };
  window.release = async () => { window.fetch = real; go(); await Promise.all(late); await new Promise((r) => setTimeout(r, 50)); return late.length; }; }`);
await retype('trees');
await b.until(`${shown} && document.querySelector('#said').textContent.includes('trees')`, 'the newest answer is shown');
is(await page('window.release()'), 4, 'four answers come late');
ok(await page("document.querySelector('#said').textContent.includes('trees')"), 'answers to earlier keystrokes are dropped');

// ---- keys

await open('?q=fear+of+closed+spaces');
await page('document.activeElement.blur()');
await b.key('/');
is(await page("[document.activeElement.id, document.querySelector('#q').value]"), ['q', 'fear of closed spaces'], '/ goes to the question, and is not typed');
const at = "(() => { const e = document.activeElement, s = e.closest('section'); return [s?.dataset.way, [...(s?.querySelectorAll('.sense') ?? [])].indexOf(e)]; })()";
for (const [key, wanted] of [['ArrowDown', ['words', 0]], ['ArrowDown', ['words', 1]], ['ArrowRight', ['meaning', 1]], ['ArrowRight', ['both', 1]], ['ArrowRight', ['both', 1]],
  ['End', ['both', 7]], ['ArrowDown', ['both', 7]], ['ArrowLeft', ['meaning', 7]], ['Home', ['meaning', 0]]]) {
  await b.key(key);
  is(await page(at), wanted, `${key}: ${wanted.join(' ')}`);
}
is(await page("document.querySelectorAll('.sense.same').length"), 3, 'the same sense is shown in each list');
is(await page("document.querySelectorAll('.sense[tabindex=\"0\"]').length"), 1, 'Tab stops once in the lists');
await b.key('ArrowUp');
is(await page('document.activeElement.id'), 'q', 'ArrowUp from the first goes back to the question');
await b.key('ArrowDown');
await b.key('Escape');
is(await page('document.activeElement.id'), 'q', 'Escape does so too');
await b.key('ArrowDown');
await b.key('Enter');
await b.until(`${shown} && document.querySelector('#q').value === 'a morbid fear of being closed in a confined space'`, 'Enter asks for senses like this one');
ok(true, 'Enter asks for senses like this one');
await b.key('Escape');
is(await page("[document.querySelector('#q').value, document.querySelector('#answer').hidden, location.search]"), ['', true, ''], 'Escape there clears it');

// ---- filters

await open('?q=fear+of+closed+spaces');
await page("document.querySelector('[value=verb]').click()");
await b.until(`${shown} && [...document.querySelectorAll('.term i')].every((e) => e.textContent === 'v.')`, 'verbs only');
ok((await terms('meaning')).length === 8, 'verbs only');
await page("{ const e = document.querySelector('[name=max]'); e.value = '5'; e.dispatchEvent(new Event('input', { bubbles: true })); }");
await b.until(`${shown} && location.search.includes('max=5') && [...document.querySelectorAll('.term')].every((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim().length > 1 && n.data.replace(/[^a-z0-9]/gi, '').length <= 5))`, 'words of up to five letters');
ok(true, 'words of up to five letters');
await page("{ const e = document.querySelector('[name=min]'); e.value = '9'; e.dispatchEvent(new Event('input', { bubbles: true })); }");
is(await page("document.querySelector('#problem').hidden"), false, 'a range that cannot be is said to be one');
await open('?q=fear&kind=adverb&min=4&max=6');
is(await page("[document.querySelector('[name=kind]:checked').value, document.querySelector('[name=min]').value, document.querySelector('[name=max]').value]"), ['adverb', '4', '6'], 'an address restores the filters');

// ---- nothing found, text that is code, a server that is slow or away

await open('?q=xqzzt');
is(await page("[...document.querySelectorAll('.none')].filter((e) => !e.hidden).length"), 3, 'nothing found: each list says so');
await picture('nothing');
await open(`?q=${encodeURIComponent('<img src=x onerror="window.shot = 1"> fear')}`);
is(await page("[document.querySelectorAll('img').length, window.shot === undefined]"), [0, true], 'what is typed is text');
await open('?q=fear');
await page(`{ const real = window.fetch; let go; const gate = new Promise((resolve) => { go = resolve; });
  window.fetch = async (...all) => { await gate; return real(...all); }; window.undo = () => { window.fetch = real; go(); }; }`);
await b.type(' of');
is(await page("document.querySelector('#answer').ariaBusy"), 'true', 'a slow search is seen');
await b.until("document.querySelector('#status').textContent === 'Still searching.'", 'and announced');
ok(true, 'and announced');
await page('window.undo()');
await b.until(shown, 'it is answered');
await page("{ const real = window.fetch; window.fetch = () => Promise.reject(new TypeError('away')); window.undo = () => { window.fetch = real; }; }");
await b.type(' heights');
await b.until("!document.querySelector('#problem').hidden", 'an error is shown');
is(await page("document.querySelector('#problem p').textContent"), 'The server cannot be reached.', 'an error is shown');
ok((await terms('both')).length > 0, 'above the answers that were there');
await picture('problem');
await page("window.undo(); document.querySelector('#problem button').click()");
await b.until(`${shown} && document.querySelector('#problem').hidden && /heights/.test(document.querySelector('#said').textContent)`, 'trying again helps');
ok(true, 'trying again helps');

// ---- beside tsvector and pgvector

await open('?q=fear+of+closed+spaces&beside=on');
await b.until("!document.querySelector('aside').hidden", 'the comparison is shown');
ok(await page("/^tsvector, .* ms, \\d of these 8$/.test(document.querySelector('[data-way=\"words\"] .peer').textContent)"), 'tsvector: its time and how many are the same');
const pgvector = await page("fetch('/api/about').then((r) => r.json()).then((about) => about.pgvector)");
is(await page("document.querySelector('[data-way=\"meaning\"] aside').hidden"), !pgvector, pgvector ? `pgvector ${pgvector} too` : 'pgvector is not installed, and not shown');

// ---- small screens, the dark, contrast, names

const contrast = `(() => {
  // text against the first background below it that is not transparent; marks and chips are mixed
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (...layers) => { canvas.clearRect(0, 0, 1, 1); for (const color of layers) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); } return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || e.closest('.hidden, script')) continue;
    const layers = [];
    for (let up = e; up; up = up.parentElement) layers.unshift(getComputedStyle(up).backgroundColor);
    const a = light(rgb('#fff', ...layers, getComputedStyle(e).color)), z = light(rgb('#fff', ...layers));
    const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
    if (ratio < 4.5) bad.push([node.data.trim().slice(0, 30), +ratio.toFixed(2)]);
  }
  return bad; })()`;
for (const dark of [false, true]) {
  for (const [name, options] of [['desktop', { width: 1280, height: 900 }], ['tablet', { width: 820, height: 1100 }], ['phone', { width: 360, height: 740, mobile: true }]]) {
    await open('?q=fear+of+closed+spaces&beside=on', { ...options, dark });
    await b.until("!document.querySelector('aside').hidden");
    const title = `${name}, ${dark ? 'dark' : 'light'}`;
    is(await page('document.documentElement.scrollWidth > innerWidth'), false, `${title}: the page is no wider than the screen`);
    is(await page(contrast), [], `${title}: contrast of all texts is 4.5 and more`);
    is(await page("matchMedia('(prefers-color-scheme: dark)').matches && getComputedStyle(document.body).backgroundColor === 'rgb(21, 22, 25)'"), dark, `${title}: its colours`);
    await picture(title.replace(', ', '-'));
  }
}
is(await page("(() => { const s = document.querySelector('#columns'); s.scrollLeft = 9999; return s.scrollLeft > 300; })()"), true, 'a phone: the lists can be swiped');
const { nodes } = await b.send('Accessibility.getFullAXTree');
const controls = nodes.filter((node) => !node.ignored && ['button', 'searchbox', 'textbox', 'spinbutton', 'radio', 'checkbox', 'region', 'group'].includes(node.role?.value));
is(controls.filter((node) => !['group'].includes(node.role.value) && !node.name?.value).map((node) => node.role.value), [], `${controls.length} controls and regions have names`);
ok(nodes.some((node) => node.role?.value === 'status') && nodes.some((node) => node.role?.value === 'search'), 'a status and a search landmark');

// ---- the picture that opens README.md; without the comparison, whose times want a quiet machine

if (pictures) {
  for (const dark of [false, true]) {
    await open('?q=fear+of+closed+spaces', { width: 1180, height: 800, dark, scale: 1.5 });
    await b.until("!document.querySelector('#compare').hidden");
    await b.screenshot(`${pictures}/reverse-dictionary-${dark ? 'dark' : 'light'}.webp`, { format: 'webp', quality: 60 });
  }
}
is(b.problems, [], 'no errors to the end');
await b.close();
console.log(`1..${tests}`);
process.exit(failed ? 1 : 0);
