/** Whole ways through the page: by keys alone, by ear, through a crash, and from nothing to a first sync. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Center, freePort } from './center';
import { enter, launch, PATIENCE } from './example';

const N_FILES = 40;
const FILE_BYTES = 20_000;

let browser: Browser;
const centers: Center[] = [];

beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  for (const center of centers) {
    await center.run('stop', '--all', '--now');
    await center.stop();
    rmSync(center.dir, { recursive: true, force: true });
  }
});

const folder = () => mkdtempSync(join(tmpdir(), 'syncmgr-journey-'));

async function start(dir: string, syncs: string): Promise<Center> {
  const center = await Center.start(dir, `[daemon]\nlisten = ${await freePort()}\n\n${syncs}`);
  centers.push(center);
  return center;
}

/** A sync whose run takes about so long: many files, and so many bytes in a second. */
function slow(dir: string, name: string, seconds: number): string {
  for (const side of ['l', 'r']) mkdirSync(join(dir, name, side), { recursive: true });
  for (let n = 0; n < N_FILES; n += 1) writeFileSync(join(dir, name, 'l', `${n}.bin`), Buffer.alloc(FILE_BYTES, n));
  return `[sync.${name}]\nid = "${name}"\nleft = "${dir}/${name}/l"\nright = "${dir}/${name}/r"\nbandwidth = "${Math.round((N_FILES * FILE_BYTES) / seconds)}"\n\n`;
}

const ours = (dir: string) => readdirSync(dir).filter((name) => name !== '.syncmgr');

/** Every file that is there is there whole. */
function expectWhole(dir: string, name: string): void {
  for (const file of ours(join(dir, name, 'r'))) expect(readFileSync(join(dir, name, 'r', file)).equals(readFileSync(join(dir, name, 'l', file))), file).toBe(true);
}

const history = async (center: Center, name: string) =>
  (JSON.parse((await center.run('history', name, '--json')).out) as { runs: { status: string; origin: string }[] }).runs;

/** A person without a mouse. */
class Keys {
  constructor(private readonly page: Page) {}

  press(...keys: string[]): Promise<void> {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  type(text: string): Promise<void> {
    return this.page.keyboard.type(text);
  }

  /** Goes on with Tab until something has the focus. */
  async to(target: Locator, key = 'Tab'): Promise<void> {
    await target.first().waitFor({ timeout: PATIENCE });
    for (let n = 0; n < 120; n += 1) {
      if (await target.first().evaluate((element) => element === document.activeElement)) return;
      await this.page.keyboard.press(key);
    }
    throw new Error(`Tab does not lead to ${target}`);
  }

  async enter(target: Locator): Promise<void> {
    await this.to(target);
    await this.page.keyboard.press('Enter');
  }
}

test('by keys alone: set up, look, run, stop; decide three conflicts and take one back; change a schedule', async () => {
  const dir = folder();
  for (const place of ['Letters', 'stick/Letters']) mkdirSync(join(dir, place), { recursive: true });
  for (let n = 0; n < N_FILES; n += 1) writeFileSync(join(dir, 'Letters', `${n}.txt`), Buffer.alloc(FILE_BYTES, 65));
  for (const side of ['l', 'r']) mkdirSync(join(dir, 'notes', side), { recursive: true });
  const note = (side: string, name: string) => join(dir, 'notes', side, name);
  const say = (name: string, left: string, right: string) => {
    writeFileSync(note('l', name), left);
    writeFileSync(note('r', name), right);
  };
  const names = ['1.txt', '2.txt', '3.txt'];
  for (const name of names) say(name, 'Milk\nBread\nTea\n', 'Milk\nBread\nTea\n');
  const center = await start(
    dir,
    `[sync.notes]\nid = "notes"\nleft = "${dir}/notes/l"\nright = "${dir}/notes/r"\n\n[schedule.evening]\nsyncs = ["notes"]\nat = ["18:00"]\n`,
  );
  await center.run('sync', 'notes');
  for (const name of names) say(name, `Milk\nPears ${name}\nTea\n`, `Milk\nPlums ${name}\nTea\n`);
  await center.run('sync', 'notes');

  const { page, context, faults } = await enter(browser, center);
  await page.evaluate(() => {
    const seen = { n: 0 };
    (window as unknown as { seen: typeof seen }).seen = seen;
    for (const kind of ['mousedown', 'pointerdown', 'touchstart', 'wheel']) addEventListener(kind, () => (seen.n += 1), true);
  });
  const keys = new Keys(page);
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });

  // Set up.
  await keys.press('g', 'n');
  await keys.enter(button(/^Two folders/));
  await keys.to(page.getByLabel('One folder', { exact: true }));
  await keys.type(join(dir, 'Letters'));
  await keys.to(page.getByLabel('The other folder', { exact: true }));
  await keys.type(join(dir, 'stick/Letters'));
  await keys.press('Enter');
  await page.getByRole('heading', { name: 'How should the folders relate?' }).waitFor();
  await keys.to(page.locator('summary').filter({ hasText: 'More settings' }));
  await keys.press('Enter');
  await keys.to(page.getByLabel('Speed limit'));
  await keys.type('40k');
  await keys.enter(button(/^Next/));
  await page.getByRole('heading', { name: 'When should it run?' }).waitFor();
  await keys.to(page.getByRole('radio', { name: 'By itself' }));
  await keys.press('ArrowDown');
  await expect.poll(() => page.getByRole('radio', { name: 'Only by hand' }).isChecked()).toBe(true);
  await keys.enter(button(/^Next/));
  await page.getByText('A run would make 1 folder').or(page.getByText(`copy ${N_FILES} files`)).first().waitFor();
  await keys.enter(button('Save without starting'));
  await page.waitForURL(/\/syncs\/files-/);

  // Look, run, stop.
  await keys.enter(page.getByRole('link', { name: 'Preview', exact: true }).first());
  await page.getByText(`copy ${N_FILES} files`).first().waitFor();
  await keys.enter(button('Sync now'));
  await page.waitForURL(/\/runs\//);
  await expect.poll(() => ours(join(dir, 'stick/Letters')).length, { timeout: PATIENCE }).toBeGreaterThan(1);
  await keys.enter(button(/^Stop/));
  await page.getByText(/^Stopped after/).waitFor();
  const copied = ours(join(dir, 'stick/Letters'));
  expect(copied.length).toBeLessThan(N_FILES);
  for (const name of copied) expect(statSync(join(dir, 'stick/Letters', name)).size, name).toBe(FILE_BYTES);

  // Three conflicts: this side, the other side, and put together.
  await keys.press('g', 'c');
  await page.getByRole('heading', { name: '3 conflicts', level: 1 }).waitFor();
  await keys.press('j');
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain('1.txt');
  await keys.press('Enter');
  const radio = (name: string | RegExp) => page.getByRole('radio', { name });
  const applicable = page.locator('button[aria-disabled=false]', { hasText: 'Apply' });
  const at = (name: string) => page.getByRole('heading', { level: 1 }).filter({ hasText: name });
  await at('1.txt').waitFor();
  await radio(/^Keep /).first().waitFor();
  await keys.press('1');
  await applicable.waitFor();
  await keys.to(applicable);
  await keys.press('Enter');
  await at('2.txt').waitFor();
  expect(readFileSync(note('r', '1.txt'), 'utf8')).toContain('Pears');
  await radio(/^Keep /).first().waitFor();
  await keys.press('2');
  await applicable.waitFor();
  await keys.to(applicable);
  await keys.press('Enter');
  await at('3.txt').waitFor();
  expect(readFileSync(note('l', '2.txt'), 'utf8')).toContain('Plums');
  await radio(/^Merge/).waitFor();
  await keys.press('m');
  await keys.enter(button('Take both'));
  await keys.to(page.getByRole('textbox', { name: 'Result' }));
  await keys.press('Control+End');
  await keys.type('Honey');
  await keys.enter(applicable);
  const merged = 'Milk\nPears 3.txt\nPlums 3.txt\nTea\nHoney';
  await expect.poll(() => readFileSync(note('l', '3.txt'), 'utf8').trim(), { timeout: PATIENCE }).toBe(merged);
  expect(readFileSync(note('r', '3.txt'), 'utf8').trim()).toBe(merged);
  await page.getByText('Resolved 1 conflict.').waitFor();

  // And back: both sides have what they had.
  await page.getByText('No conflicts.').waitFor();
  await keys.press('u');
  await page.getByText('Taken back.').waitFor();
  await expect.poll(() => readFileSync(note('l', '3.txt'), 'utf8'), { timeout: PATIENCE }).toBe('Milk\nPears 3.txt\nTea\n');
  expect(readFileSync(note('r', '3.txt'), 'utf8')).toBe('Milk\nPlums 3.txt\nTea\n');

  // A schedule.
  await keys.press('g', 'p');
  await keys.enter(page.getByRole('main').getByRole('button', { name: 'evening', exact: true }).first());
  const dialog = page.getByRole('dialog');
  await keys.to(dialog.getByLabel('Time', { exact: true }));
  await keys.type('1930');
  await keys.enter(dialog.getByRole('button', { name: 'Save' }));
  await dialog.getByText('Saved.').waitFor();
  await keys.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(readFileSync(join(dir, 'config/config.toml'), 'utf8')).toContain('19:30');
  // The keyboard is where it was before.
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('evening');

  expect(await page.evaluate(() => (window as unknown as { seen: { n: number } }).seen.n)).toBe(0);
  expect(faults.list).toEqual([]);
  await context.close();
});

test('readers of screens hear the start, each quarter, the end and what is held, and never too much', async () => {
  const dir = folder();
  const center = await start(dir, slow(dir, 'music', 24));
  const { page, context } = await enter(browser, center);
  await page.evaluate(() => {
    const heard: { at: number; text: string }[] = [];
    (window as unknown as { heard: typeof heard }).heard = heard;
    const region = document.querySelector('[aria-live=polite][role=status]');
    if (!region) throw new Error('there is no region');
    new MutationObserver(() => heard.push({ at: performance.now(), text: region.textContent ?? '' })).observe(region, { childList: true, characterData: true, subtree: true });
  });
  const heard = () => page.evaluate(() => (window as unknown as { heard: { at: number; text: string }[] }).heard);
  const texts = async () => (await heard()).map((one) => one.text).join('\n');
  await page.getByRole('button', { name: 'Sync all' }).click();
  await expect.poll(() => ours(join(dir, 'music/r')).length, { timeout: PATIENCE }).toBeGreaterThan(0);
  // It is heard on every page, in every place of the page, and whatever else is done meanwhile.
  await page.getByRole('link', { name: 'Results', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Results', level: 1 }).waitFor();
  await expect.poll(texts, { timeout: 60_000 }).toContain('music: up to date');
  const said = await texts();
  for (const wanted of [/music: (Checking|Comparing|Preparing|Copying)/, /Copying, (2[5-9]|3\d|4\d) %/, /Copying, (5\d|6\d|7[0-4]) %/, /(Copying|Finishing), (7[5-9]|[89]\d|100) %/]) expect(said).toMatch(wanted);

  for (let n = 0; n < 30; n += 1) rmSync(join(dir, 'music/r', `${n}.bin`));
  await center.run('sync', 'music');
  // Much at once is not heard at once.
  for (let n = 0; n < 6; n += 1) await center.run(n % 2 ? 'resume' : 'pause', 'music');
  await expect.poll(texts, { timeout: PATIENCE }).toContain('music: waiting for your OK');
  const times = (await heard()).map((one) => one.at);
  const gaps = times.slice(1).map((time, n) => time - times[n]!);
  expect(Math.min(...gaps)).toBeGreaterThan(4_900);
  await context.close();
});

test('a crash in the middle of a run is shown, nothing is half, and the page goes on by itself', async () => {
  const dir = folder();
  const center = await start(dir, slow(dir, 'photos', 20));
  const { page, context, faults } = await enter(browser, center);
  await page.goto(`${center.address}/syncs/photos`);
  await page.evaluate(() => ((window as unknown as { mark: number }).mark = 1));
  await page.getByRole('button', { name: 'Sync now' }).first().click();
  await expect.poll(() => ours(join(dir, 'photos/r')).length, { timeout: PATIENCE }).toBeGreaterThan(2);
  await center.kill();
  await page.getByText(/Reconnecting/).waitFor({ timeout: 5_000 });
  await page.getByText('Your files are safe').waitFor();
  const copied = ours(join(dir, 'photos/r')).length;
  expect(copied).toBeLessThan(N_FILES);
  expectWhole(dir, 'photos');

  expect((await center.run('daemon', 'start')).code).toBe(0);
  await page.getByText(/Reconnecting/).waitFor({ state: 'detached', timeout: PATIENCE });
  const words = 'The run was interrupted: the program or the computer stopped.';
  await page.getByText(words).first().waitFor();
  expect(await history(center, 'photos')).toMatchObject([{ status: 'failed', origin: 'manual' }]);
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('tabpanel').getByText(/failed/i).first().waitFor();
  await page.getByRole('tab', { name: /^Results/ }).click();
  await page.getByRole('tabpanel').getByText(words).first().waitFor();

  // It still may act, and the next run does the rest.
  await center.run('set', 'photos', 'bandwidth=');
  await page.getByRole('button', { name: /^(Sync now|Try again)$/ }).first().click();
  await expect.poll(() => ours(join(dir, 'photos/r')).length, { timeout: PATIENCE }).toBe(N_FILES);
  await page.locator('.says').getByText(/up to date/i).waitFor();
  expectWhole(dir, 'photos');
  expect(await page.evaluate(() => (window as unknown as { mark?: number }).mark)).toBe(1);
  expect(faults.list).toEqual([]);
  await context.close();
});

test('from nothing to a first sync in few steps, and what would be deleted is on the screen', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'Photos'));
  mkdirSync(join(dir, 'backup/Photos'), { recursive: true });
  writeFileSync(join(dir, 'Photos/anna.jpg'), 'a picture');
  writeFileSync(join(dir, 'backup/Photos/old.jpg'), 'another one');
  const center = await start(dir, '');
  const { page, context } = await enter(browser, center);
  await page.evaluate(() => {
    const steps = { clicks: 0, keys: 0, pages: 0 };
    (window as unknown as { steps: typeof steps }).steps = steps;
    addEventListener('click', (event) => (steps.clicks += event.detail > 0 ? 1 : 0), true);
    addEventListener('keydown', () => (steps.keys += 1), true);
    const push = history.pushState.bind(history);
    history.pushState = (...words) => {
      steps.pages += 1;
      push(...words);
    };
  });
  const began = Date.now();
  const next = () => page.getByRole('button', { name: /^Next/ }).click();
  await page.getByRole('link', { name: 'Set up a sync' }).first().click();
  await page.getByRole('button', { name: /^Two folders/ }).click();
  await page.getByLabel('One folder', { exact: true }).click();
  await page.keyboard.type(join(dir, 'Photos'));
  await page.keyboard.press('Tab');
  await page.getByLabel('The other folder', { exact: true }).click();
  await page.keyboard.type(join(dir, 'backup/Photos'));
  await next();
  await page.getByRole('heading', { name: 'How should the folders relate?' }).waitFor();
  await next();
  await page.getByRole('heading', { name: 'When should it run?' }).waitFor();
  await next();
  // What will be deleted? Nothing, and nothing later without a question.
  await page.getByText('nothing is deleted').waitFor();
  await page.getByText(/copy 1 file to/).first().waitFor();
  expect(ours(join(dir, 'backup/Photos'))).toEqual(['old.jpg']);
  await page.getByRole('button', { name: 'Start now' }).click();
  await page.waitForURL(/\/syncs\/files-/);
  await expect.poll(() => ours(join(dir, 'backup/Photos')).toSorted(), { timeout: PATIENCE }).toEqual(['anna.jpg', 'old.jpg']);
  expect(ours(join(dir, 'Photos')).toSorted()).toEqual(['anna.jpg', 'old.jpg']);
  const steps = await page.evaluate(() => (window as unknown as { steps: { clicks: number; keys: number; pages: number } }).steps);
  const typed = join(dir, 'Photos').length + join(dir, 'backup/Photos').length;
  console.log(`first sync after ${Date.now() - began} ms: ${steps.clicks} clicks, ${steps.keys} keys (${typed} of them are the two folders), ${steps.pages} pages`);
  expect(steps.clicks).toBeLessThanOrEqual(8);
  expect(steps.keys - typed).toBeLessThanOrEqual(2);
  expect(steps.pages).toBeLessThanOrEqual(6);
  expect(Date.now() - began).toBeLessThan(60_000);
  await context.close();
});
