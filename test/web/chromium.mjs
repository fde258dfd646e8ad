// chromium.mjs: a headless Chromium by the DevTools protocol over a pipe: no packages.
//
//   const browser = await Chromium.launch();
//   await browser.open(url, { width: 1280, height: 900, dark: false });
//   await browser.evaluate('document.title'), browser.key('ArrowDown'), browser.type('text'),
//   await browser.until('an expression', 'what it means'), browser.screenshot('file.png')
//   browser.requests, browser.problems   since open(): URLs; console errors, exceptions, CSP
//   await browser.close()
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env.CHROMIUM ?? 'chromium';
const HANG = 120_000;       // milliseconds: against hangs only
const KEYS = { '/': 'Slash', Escape: 'Escape', Enter: 'Enter', Backspace: 'Backspace' };

export class Chromium {
  static async launch() {
    const browser = new Chromium();
    browser.profile = mkdtempSync(join(tmpdir(), 'barq-chromium-'));
    browser.process = spawn(PROGRAM, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--hide-scrollbars', '--force-color-profile=srgb',
      `--user-data-dir=${browser.profile}`, '--remote-debugging-pipe', 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.waiting = new Map();
    browser.last = 0;
    browser.listeners = new Set();
    await new Promise((resolve, reject) => browser.process.once('spawn', resolve).once('error', reject));
    browser.process.once('exit', (code) => { for (const { reject } of browser.waiting.values()) reject(new Error(`${PROGRAM} ended: ${code}`)); });
    browser.process.stdio[3].on('error', () => {});
    let rest = '';
    browser.process.stdio[4].setEncoding('utf8').on('data', (data) => {
      const messages = (rest + data).split('\0');
      rest = messages.pop();
      for (const message of messages) browser.receive(JSON.parse(message));
    });
    const { targetInfos } = await browser.send('Target.getTargets');
    const page = targetInfos.find((target) => target.type === 'page');
    browser.session = (await browser.send('Target.attachToTarget', { targetId: page.targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await browser.send(`${domain}.enable`);
    return browser;
  }

  send(method, params = {}) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), HANG);
      this.waiting.set(id, { resolve: (value) => { clearTimeout(timer); resolve(value); }, reject: (error) => { clearTimeout(timer); reject(error); } });
      this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    });
  }

  receive({ id, result, error, method, params }) {
    if (id) {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      return error ? reject(new Error(error.message)) : resolve(result);
    }
    if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url);
    if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error') this.problems.push(params.args.map((arg) => arg.value).join(' '));
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.problems.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    for (const listener of this.listeners) listener(method, params);
  }

  async open(url, { width = 1280, height = 900, dark = false, mobile = false, scale = 1 } = {}) {
    this.requests = [];
    this.problems = [];
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: scale, mobile });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    const loaded = new Promise((resolve) => {
      const listener = (method) => { if (method === 'Page.loadEventFired') { this.listeners.delete(listener); resolve(); } };
      this.listeners.add(listener);
    });
    await this.send('Page.navigate', { url });
    await loaded;
  }

  // The value of a JavaScript expression in the page, awaited if it is a promise.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression, what = expression) {
    for (const began = Date.now(); Date.now() - began < HANG;) {
      if (await this.evaluate(expression)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`it never came about that ${what}`);
  }

  async key(key, modifiers = 0) {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    const code = KEYS[key] ?? key, windowsVirtualKeyCode = { Enter: 13, Escape: 27, Backspace: 8, Tab: 9 }[key];
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, text, modifiers, windowsVirtualKeyCode });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code, modifiers, windowsVirtualKeyCode });
  }

  async type(text) { for (const letter of text) await this.key(letter); }

  async screenshot(file, options = { format: 'png' }) {
    const { data } = await this.send('Page.captureScreenshot', options);
    writeFileSync(file, Buffer.from(data, 'base64'));
  }

  async close() {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.session = undefined;
    this.send('Browser.close').catch(() => {});
    await gone;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
