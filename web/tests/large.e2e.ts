/**
 * 10,000 syncs, 100,000 results, 10,000 conflicts. What is checked does not hang on the machine:
 * how much of them is in the document. How fast it was is measured and printed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Center } from './center';
import { DESKTOP, launch, PATIENCE } from './example';

const N_SYNCS = 10_000;
const N_RESULTS = 100_000;
const N_CONFLICTS = 10_000;
/** As many as one report may carry. */
const PER_REPORT = 1_000;
/** What a list of any length may have in the document. */
const ELEMENTS_MAX = 6_000;

let center: Center;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-large-'));
  for (const side of ['left', 'right']) {
    mkdirSync(join(dir, side));
    for (let n = 0; n < N_CONFLICTS; n += 1) writeFileSync(join(dir, side, `file-${n}.txt`), `${side} ${n}\n`);
  }
  const syncs = Array.from({ length: N_SYNCS - 1 }, (_, n) => `[sync.many-${n}]\nid = "many-${n}"\nleft = "${dir}/l/${n}"\nright = "${dir}/r/${n}"\n`);
  const text = `[daemon]\nlisten = 0\n\n[sync.conflicting]\nid = "conflicting"\nleft = "${dir}/left"\nright = "${dir}/right"\n\n${syncs.join('\n')}`;
  center = await Center.start(dir, text);
  await center.run('sync', 'conflicting');
  browser = await launch();
  context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
  await page.goto(await center.door());
  await page.locator('main h1').first().waitFor();
  // Told as programs outside tell of their runs.
  const told = await page.evaluate(
    async ([nReports, perReport]) => {
      const { csrf } = (await (await fetch('/api/v1/sign-in')).json()) as { csrf: string };
      let last = 0;
      for (let n = 0; n < nReports; n += 1) {
        const at = new Date(Date.now() - (nReports - n) * 60_000);
        const stamp = at.toISOString().replace(/[-:.Z]/g, '').replace('T', '-');
        const body = {
          subject: { item: 'script' },
          run: `${stamp.slice(0, 15)}${stamp.slice(15, 18)}-${n.toString(16).padStart(4, '0')}`,
          began: at.toISOString(),
          ended: new Date(at.getTime() + 1000).toISOString(),
          end: { status: 'succeeded' },
          events: Array.from({ length: perReport }, (_, i) => ({ level: i % 50 ? 'information' : 'warning', title: `Report ${n}, line ${i}` })),
        };
        const answer = await fetch('/api/v1/sessions/past', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
          body: JSON.stringify(body),
        });
        last = answer.status;
        if (last >= 300) return `${last}: ${await answer.text()}`;
      }
      return String(last);
    },
    [N_RESULTS / PER_REPORT, PER_REPORT] as const,
  );
  expect(told).toBe('200');
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await center?.stop();
  if (center) rmSync(center.dir, { recursive: true, force: true });
});

interface Figures {
  /** Longest time the main thread was taken, in ms. */
  blocked: number;
  /** Longest time from an input to its picture, in ms. */
  paint: number;
  elements: number;
}

/** Opens a page, scrolls and types, and says what that cost. */
async function measure(path: string, filter: string): Promise<Figures> {
  await page.goto(center.address + path);
  await page.locator('main h1').first().waitFor();
  await page.getByRole('list').or(page.getByRole('table')).first().waitFor();
  await page.evaluate(() => {
    const seen = { blocked: 0, paint: 0 };
    (window as unknown as { seen: typeof seen }).seen = seen;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.blocked = Math.max(seen.blocked, entry.duration);
    }).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.paint = Math.max(seen.paint, entry.duration);
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  for (let n = 0; n < 30; n += 1) {
    await page.mouse.wheel(0, 1500);
    await page.waitForTimeout(50);
  }
  await page.locator('main input[type=search]').first().pressSequentially(filter, { delay: 30 });
  await page.waitForTimeout(1000);
  return page.evaluate(() => {
    const { seen } = window as unknown as { seen: { blocked: number; paint: number } };
    return { ...seen, elements: document.querySelectorAll('*').length };
  });
}

for (const [what, path, filter] of [
  [`${N_SYNCS} syncs`, '/syncs', 'many-77'],
  [`${N_RESULTS} results`, '/results', 'line 7'],
  [`${N_CONFLICTS} conflicts`, '/conflicts', 'file-77'],
] as const) {
  test(`${what} stay smooth`, async () => {
    const figures = await measure(path, filter);
    console.log(`${what}: main thread taken for at most ${Math.round(figures.blocked)} ms, input to paint at most ${Math.round(figures.paint)} ms, ${figures.elements} elements`);
    expect(figures.elements).toBeLessThan(ELEMENTS_MAX);
    await page.getByText(filter).first().waitFor();
  });
}

test('of 10000 conflicts all that match are decided together, and taken back', async () => {
  const n = 111;
  await page.goto(`${center.address}/conflicts`);
  await page.getByRole('heading', { level: 1, name: '10,000 conflicts' }).waitFor();
  await page.getByRole('searchbox').fill('file-77');
  await page.getByRole('checkbox', { name: `Select all ${n} that match` }).click();
  await page.getByText(`${n} selected`).waitFor();
  const begun = Date.now();
  await page.getByRole('button', { name: /^Keep .*left/ }).click();
  await page.getByRole('dialog').getByText(new RegExp(`^${n} files: ${n} from `)).waitFor();
  const seen = Date.now();
  await page.getByRole('button', { name: `Resolve ${n}` }).click();
  await page.getByText(`Resolved ${n} conflicts.`).waitFor();
  console.log(`${n} of 10000 conflicts: looked at in ${seen - begun} ms, decided in ${Date.now() - seen} ms`);
  expect(readFileSync(join(center.dir, 'right/file-77.txt'), 'utf8')).toBe('left 77\n');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Taken back.').waitFor();
  await expect.poll(() => readFileSync(join(center.dir, 'right/file-77.txt'), 'utf8'), { timeout: PATIENCE }).toBe('right 77\n');
});
