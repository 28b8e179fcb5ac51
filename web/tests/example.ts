/** A living example (`syncmgr demo --page`) and a browser that is signed in to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { command, door, freePort, pidOf, SYNCMGR } from './center';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Long enough for a busy machine; nothing waits it out when all is well. */
export const PATIENCE = 30_000;

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

export class Example {
  private constructor(
    readonly dir: string,
    readonly address: string,
    private readonly demo: ChildProcess,
  ) {}

  /** Makes the example; takes some seconds. */
  static async start(): Promise<Example> {
    const dir = mkdtempSync(join(tmpdir(), 'syncmgr-page-'));
    const port = await freePort();
    const demo = spawn(SYNCMGR, ['demo', '--page', '--print', '--port', String(port), dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const address = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        said += chunk.toString();
        const found = /(http:\/\/[^/\s]+)\/#code=/.exec(said);
        if (found?.[1]) resolve(found[1]);
      };
      demo.stdout.on('data', read);
      demo.stderr.on('data', read);
      demo.on('error', reject);
      demo.on('exit', (code) => reject(new Error(`the example ended with ${code}: ${said}`)));
    });
    return new Example(dir, address, demo);
  }

  run(...words: string[]): Promise<{ code: number | null; out: string }> {
    return command(this.dir, words);
  }

  /** Kills the daemon as if the power had gone. */
  async kill(): Promise<void> {
    const pid = await pidOf(this.dir);
    this.demo.removeAllListeners('exit');
    const gone = new Promise((resolve) => this.demo.once('exit', resolve));
    process.kill(pid, 'SIGKILL');
    // The example notices and ends; the daemon that comes next is another one.
    if (this.demo.exitCode === null) await gone;
  }

  /** Returns an address that signs a browser in, once. */
  door(page = ''): Promise<string> {
    return door(this.dir, page);
  }

  /** Returns the ids of the syncs by their names. */
  async ids(page: Page): Promise<Record<string, string>> {
    return page.evaluate(async () => {
      const answer = await (await fetch('/api/v1/items')).json() as { items: { id: string; title: string }[] };
      return Object.fromEntries(answer.items.map((item) => [item.title, item.id]));
    });
  }

  async stop(): Promise<void> {
    this.demo.removeAllListeners('exit');
    const gone = new Promise((resolve) => this.demo.once('exit', resolve));
    const isRunning = this.demo.exitCode === null;
    this.demo.kill('SIGTERM');
    if (isRunning) await gone;
    await this.run('daemon', 'stop');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** What a page did that it must not: errors, refused contents, requests elsewhere. */
export interface Faults {
  list: string[];
}

/** Opens a window that is signed in. */
export async function enter(
  browser: Browser,
  example: Pick<Example, 'address' | 'door'>,
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; page: Page; faults: Faults }> {
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', ...options });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript(countPending);
  const page = await context.newPage();
  const faults: Faults = { list: [] };
  page.on('pageerror', (error) => faults.list.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // The browser itself reports answers that are no success; the page shows those.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.list.push(`${page.url()}: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(example.address)) faults.list.push(`asked ${request.url()}`);
  });
  await page.goto(await example.door());
  await page.locator('main h1').first().waitFor();
  return { context, page, faults };
}

/** Nothing more is drawn when nothing has changed for so long. */
const STILL_MS = 150;
/** A page on which something always moves is looked at as it is then. */
const MOVING_MS = 700;

/** Counts what a page asks for and has no answer to. */
function countPending(): void {
  const pending = { n: 0 };
  (window as unknown as { pending: typeof pending }).pending = pending;
  const ask = window.fetch.bind(window);
  window.fetch = async (...words) => {
    pending.n += 1;
    try {
      return await ask(...words);
    } finally {
      pending.n -= 1;
    }
  };
}

/** Waits until a page that `enter` opened has drawn what it asked for. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  await page.evaluate(
    ([still, moving]) =>
      new Promise<void>((done) => {
        const { pending } = window as unknown as { pending: { n: number } };
        const began = performance.now();
        let changed = began;
        const observer = new MutationObserver(() => (changed = performance.now()));
        observer.observe(document.documentElement, { subtree: true, childList: true, characterData: true, attributes: true });
        const timer = setInterval(() => {
          const now = performance.now();
          if (pending.n > 0) changed = now;
          else if (now - changed >= still || now - began >= moving) {
            clearInterval(timer);
            observer.disconnect();
            done();
          }
        }, 20);
      }),
    [STILL_MS, MOVING_MS] as const,
  );
}
