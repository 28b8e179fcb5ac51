/** Lists that live: they stand still when a person wants or needs it, and what is chosen in them is acted on. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enter, Example, launch, PATIENCE, type Faults } from './example';

let browser: Browser;
let example: Example;
let context: BrowserContext;
let page: Page;
let faults: Faults;

const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) }).first();
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const shown = () => page.getByRole('rowheader').getByRole('link').allInnerTexts();
const schedule = (name: string) => page.evaluate(async (name) => (await fetch(`/api/v1/schedules/${name}`)).text(), name);

beforeAll(async () => {
  example = await Example.start();
  browser = await launch();
  ({ context, page, faults } = await enter(browser, example));
});
afterAll(async () => {
  await context?.close();
  await browser?.close();
  await example?.stop();
});

test('a view that is frozen stands still until it is let go', async () => {
  await page.goto(`${example.address}/syncs`);
  await row('Archive').getByText(/paused/i).first().waitFor();
  await button('Freeze the view').click();
  await page.getByText(/^Frozen: what you see is from/).waitFor();
  await example.run('resume', 'Archive');
  const status = async () => (JSON.parse((await example.run('list', '--json')).out) as { items: { name: string; status: string }[] }).items.find((item) => item.name === 'Archive')?.status;
  await expect.poll(status, { timeout: PATIENCE }).toBe('ok');
  await page.waitForTimeout(1000);
  expect(await row('Archive').innerText()).toMatch(/paused/i);
  await button('Follow live again').click();
  await row('Archive').getByText(/up to date/i).first().waitFor();
  await page.getByText(/^Frozen/).waitFor({ state: 'detached' });
});

test('rows do not change places under the pointer', async () => {
  await page.goto(`${example.address}/syncs?sort=severity`);
  await row('Music').waitFor();
  const before = await shown();
  await row('Music').hover();
  await example.run('pause', 'Music');
  await row('Music').getByText(/paused/i).first().waitFor({ timeout: PATIENCE });
  // The list has been asked for again by then.
  await page.waitForTimeout(1000);
  expect(await shown()).toEqual(before);
  await page.getByRole('heading', { level: 1 }).hover();
  await expect.poll(shown).not.toEqual(before);
  // Another order is what the person wants, wherever the pointer is.
  await button('Name').first().click();
  await expect.poll(shown).toEqual(before.toSorted());
  await example.run('resume', 'Music');
});

test('syncs that are chosen are put on a schedule, with a way back', async () => {
  await page.goto(`${example.address}/syncs`);
  for (const name of ['Photos', 'Stick']) {
    const box = row(name).getByRole('checkbox');
    await box.click();
    expect(await box.isChecked()).toBe(true);
  }
  await page.getByText('2 selected').waitFor();
  await page.getByRole('region', { name: 'Act on the selected syncs' }).getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Schedule…' }).click();
  const dialog = page.getByRole('dialog', { name: 'When should the 2 syncs run?' });
  await dialog.getByRole('radio', { name: 'A new schedule' }).check();
  // A new one needs a name: the keyboard is there.
  await dialog.getByRole('button', { name: 'Save' }).click();
  expect(await dialog.getByLabel('Name', { exact: true }).evaluate((field) => field === document.activeElement)).toBe(true);
  await dialog.getByLabel('Name', { exact: true }).fill('evenings');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('2 syncs run by “evenings” from now on.').first().waitFor();
  await expect.poll(() => schedule('evenings'), { timeout: PATIENCE }).toMatch(/Photos[\s\S]*Stick/);

  // One more, on one that is there.
  await row('Projects').getByRole('button', { name: 'Actions for Projects' }).click();
  await page.getByRole('menuitem', { name: 'Schedule…' }).click();
  await page.getByRole('dialog').getByRole('radio', { name: /^evenings/ }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('1 sync runs by “evenings” from now on.').first().waitFor();
  expect(await schedule('evenings')).toContain('Projects');
  await button('Undo').last().click();
  await expect.poll(() => schedule('evenings'), { timeout: PATIENCE }).not.toContain('Projects');
});

test('the files of a sync are a tree that is walked with keys; why one is not synced is a key away', async () => {
  const { Documents } = await example.ids(page);
  await page.goto(`${example.address}/syncs/${Documents}?tab=files`);
  const tree = page.getByRole('tree', { name: 'Files of this sync' });
  const chosen = () => tree.getByRole('treeitem', { selected: true });
  await tree.focus();
  await page.keyboard.type('l');
  await expect.poll(() => chosen().innerText()).toContain('letters');
  expect(await chosen().getAttribute('aria-expanded')).toBe('false');
  await page.keyboard.press('ArrowRight');
  await tree.getByText('letter-00.txt', { exact: true }).waitFor();
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => chosen().getAttribute('aria-level')).toBe('2');
  await expect.poll(() => chosen().innerText()).toMatch(/letter-00\.txt[\s\S]*Conflict/);
  // The place is in the address: a reload comes back to it.
  await page.reload();
  await expect.poll(() => chosen().innerText()).toContain('letter-00.txt');
  await page.getByRole('button', { name: /^Why\?/ }).click();
  await page.getByText('It waits for your decision.').waitFor();
  await tree.focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => tree.getByText('letter-00.txt', { exact: true }).count()).toBe(0);
});

test('all syncs are paused from the overview; the way back leaves those that were paused before', async () => {
  await page.goto(example.address);
  const paused = async () => (JSON.parse((await example.run('list', '--json')).out) as { items: { name: string; status: string }[] }).items.filter((item) => item.status === 'paused').map((item) => item.name).toSorted();
  await example.run('pause', 'Archive');
  await expect.poll(paused, { timeout: PATIENCE }).toContain('Archive');
  const before = await paused();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await button('Pause all').last().click();
  await page.getByRole('menuitem', { name: /until I resume/i }).click();
  await page.getByText(/^Paused \d+ syncs\.$/).first().waitFor();
  await expect.poll(async () => (await paused()).length, { timeout: PATIENCE }).toBeGreaterThan(before.length + 2);
  await button('Undo').last().click();
  await expect.poll(paused, { timeout: PATIENCE }).toEqual(before);
});

test('the palette takes letters at once', async () => {
  await page.goto(example.address);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog', { name: 'Go to or do' }).waitFor();
  await page.keyboard.type('Recip');
  await page.getByRole('option', { name: 'Recipes', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Recipes', level: 1 }).waitFor();
  expect(faults.list).toEqual([]);
});

test('a daemon that is gone is said in full, and a page it cannot send too', async () => {
  await page.goto(example.address);
  await page.getByText('Needs you').first().waitFor();
  await example.kill();
  await page.getByText(/Reconnecting/).waitFor({ timeout: 10_000 });
  await page.getByText('syncmgr is not running.').waitFor({ timeout: 20_000 });
  await page.getByText('Your files are safe; nothing is being synced.').waitFor();
  await page.getByText('syncmgr daemon start', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Schedule', exact: true }).click();
  await page.getByText('This could not be loaded.').last().waitFor();
  expect((await example.run('daemon', 'start')).code).toBe(0);
  await page.getByRole('heading', { name: 'Schedule', level: 1 }).waitFor({ timeout: PATIENCE });
});

test('a sync that is hidden syncs as before, is found by its chip, and comes back (spec 199)', async () => {
  await page.goto(`${example.address}/syncs`);
  await row('Photos').getByRole('link', { name: 'Photos', exact: true }).click();
  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.getByRole('checkbox', { name: /^Hide in lists/ }).check();
  await page.getByText('Hid 1 sync.').first().waitFor();
  await page.goto(`${example.address}/syncs`);
  await row('Music').waitFor();
  expect(await shown()).not.toContain('Photos');
  await page.goto(`${example.address}/`);
  await page.getByRole('heading', { level: 1 }).first().waitFor();

  const ran = JSON.parse((await example.run('sync', 'Photos', '--json')).out) as { result: { status: string } };
  expect(ran.result.status).toBe('succeeded');

  await page.goto(`${example.address}/syncs`);
  await button(/^Hidden/).click();
  await row('Photos').waitFor();
  expect(await shown()).toEqual(['Photos']);
  await row('Photos').getByRole('button', { name: 'Actions for Photos' }).click();
  await page.getByRole('menuitem', { name: 'Show in lists' }).click();
  await page.getByText('1 sync is in lists again.').first().waitFor();
  await page.goto(`${example.address}/syncs`);
  await row('Photos').waitFor();
  expect(faults.list).toEqual([]);
});
