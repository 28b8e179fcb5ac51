/** What would happen is shown, and exactly that happens; what waits for an OK; what was done, and taken back. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Center } from './center';
import { DESKTOP, launch, PATIENCE } from './example';

const N_FILES = 60;
const N_GONE = 55;

let center: Center;
let browser: Browser;
let page: Page;
let left: string;
let right: string;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-plan-'));
  left = join(dir, 'laptop');
  right = join(dir, 'stick');
  for (const side of [left, right]) mkdirSync(join(side, 'photos'), { recursive: true });
  for (let n = 0; n < N_FILES; n += 1) writeFileSync(join(left, 'photos', `${n}.txt`), `photo ${n}\n`);
  center = await Center.start(dir, `[daemon]\nlisten = 0\n\n[sync.pair]\nid = "pair"\nleft = "${left}"\nright = "${right}"\n`);
  await center.run('sync', 'pair');
  browser = await launch();
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
  await page.goto(await center.door());
  await page.locator('main h1').first().waitFor();
});
beforeEach(async () => {
  await page.goto(`${center.address}/syncs/pair/preview`);
});
afterAll(async () => {
  await browser?.close();
  await center?.stop();
  if (center) rmSync(center.dir, { recursive: true, force: true });
});

const button = (name: RegExp | string) => page.getByRole('button', { name });
const again = async () => {
  await button('Preview again').click();
  await page.getByText('Nothing has been changed yet.').waitFor();
};
/** The page of the run that was begun, when it is over. */
const over = async () => {
  await page.waitForURL(/\/runs\//);
  await page.getByText(/^Finished in/).waitFor();
};

test('a plan that has changed meanwhile is not carried out, but shown', async () => {
  await page.getByText('Nothing to do: both sides are equal.').waitFor();
  writeFileSync(join(left, 'one.txt'), '1');
  await again();
  await page.getByText(/would copy 1 file /).waitFor();
  writeFileSync(join(left, 'two.txt'), '2');
  await button('Sync now').click();
  await page.getByRole('alert').getByText(/plan has changed/).waitFor();
  await page.getByText(/would copy 2 files /).waitFor();
  expect(existsSync(join(right, 'one.txt'))).toBe(false);
  await button('Sync now').click();
  await over();
  expect(existsSync(join(right, 'two.txt'))).toBe(true);
});

test('the tree is walked by keys, and a row of it left out by a rule', async () => {
  writeFileSync(join(left, 'photos', 'a [1].tmp'), 'x');
  writeFileSync(join(left, 'z.txt'), 'x');
  await again();
  const tree = page.getByRole('tree');
  await tree.focus();
  const chosen = page.locator('[role=treeitem][aria-selected=true]');
  await expect.poll(() => chosen.textContent()).toMatch(/photos/);
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => chosen.textContent()).toMatch(/a \[1\]\.tmp/);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => chosen.getAttribute('aria-expanded')).toBe('false');
  await page.keyboard.press('End');
  await expect.poll(() => chosen.textContent()).toMatch(/z\.txt/);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await button(/^Exclude/).click();
  const field = page.getByRole('textbox', { name: 'What to leave out' });
  expect(await field.inputValue()).toBe('/photos/a \\[1\\].tmp');
  await button(/^Leave out/).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText(/would copy 1 file /).waitFor();
  expect((await center.run('show', 'pair', '--json')).out).toContain('[1');
  await button('Sync now').click();
  await over();
  expect(readdirSync(join(right, 'photos'))).not.toContain('a [1].tmp');
});

test('held deletions are brought back, or carried out, and that is taken back', async () => {
  for (let n = 0; n < N_GONE; n += 1) rmSync(join(right, 'photos', `${n}.txt`));
  await again();
  await button('Bring them back…').click();
  await button(`Copy ${N_GONE} files back`).click();
  await over();
  expect(existsSync(join(right, 'photos', '0.txt'))).toBe(true);

  for (let n = 0; n < N_GONE; n += 1) rmSync(join(right, 'photos', `${n}.txt`));
  await page.goto(`${center.address}/syncs/pair/preview`);
  await button(`Delete ${N_GONE} files`).click();
  await over();
  expect(existsSync(join(left, 'photos', '0.txt'))).toBe(false);
  const [download] = await Promise.all([page.waitForEvent('download'), button('Report (CSV)').click()]);
  const table = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
  expect(table.length).toBe(N_GONE + 1);

  await button('Undo this run…').click();
  await page.getByRole('dialog').getByText(/would copy 55 files/).waitFor();
  await button('Undo the run').click();
  await page.getByRole('heading', { name: /taken back/ }).waitFor();
  await over();
  for (const side of [left, right]) expect(readFileSync(join(side, 'photos', '0.txt'), 'utf8')).toBe('photo 0\n');
});

test('results are opened, filtered and seen', async () => {
  await page.goto(`${center.address}/results?level=error`);
  for (let n = 0; n < N_GONE; n += 1) rmSync(join(right, 'photos', `${n}.txt`), { force: true });
  await center.run('sync', 'pair');
  const row = button(/not seen yet/).first();
  await row.click();
  await page.getByText('None of them was deleted; everything else was synced.').first().waitFor();
  await button('Mark all as seen').click();
  await expect.poll(() => button(/not seen yet/).count()).toBe(0);
  expect(new URL(page.url()).searchParams.get('open')).toMatch(/^files\//);
});
