/** The conflict desk with a mouse: many at once and back, put together, and what changes meanwhile. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Center, install } from './center';
import { enter, launch, PATIENCE, type Faults } from './example';

const SIDES = ['laptop', 'stick'] as const;
const BASE = 'Milk\nBread\nTea\n';
const NAMES = ['a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt', 'f.txt', 'merge.txt', 'moving.txt'];
/** Whose version is newer. */
const NEWER = { 'a.txt': 'laptop', 'b.txt': 'stick', 'c.txt': 'stick' } as const;

/** Conflicts of a handler that can leave out what they are about. */
const TASKS = ['paint', 'sweep', 'water'];
const HANDLER = `from syncmgr_handler import Conflict, Content, Handler, folder


class Tasks(Handler):
    id = "tasks"
    name = "Tasks"
    settings = {"lists": folder("where the lists are")}
    conflict_abilities = ("remove_from_sync_set",)

    def sync(self, run):
        run.progress(1, 1)

    def conflicts(self, item):
        for task in (item.path("lists") / "open.txt").read_text().split():
            yield Conflict(task, task, [Content("open", "mine", "mine"), Content("done", "yours", "yours")])

    def resolve(self, item, conflict, decision):
        file = item.path("lists") / "open.txt"
        left = [task for task in file.read_text().split() if task != conflict.id]
        file.write_text("".join(task + "\\n" for task in left))


Tasks().serve()
`;

let center: Center;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: Faults;

const file = (side: string, name: string) => join(center.dir, side, name);
const read = (side: string, name: string) => readFileSync(file(side, name), 'utf8');
const both = (name: string) => SIDES.map((side) => read(side, name));
const said = (side: string, name: string) => `Milk\n${side} ${name}\nTea\n`;
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const box = (name: string) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true });

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-desk-'));
  for (const side of SIDES) mkdirSync(join(dir, side));
  for (const name of NAMES) for (const side of SIDES) writeFileSync(join(dir, side, name), BASE);
  mkdirSync(join(dir, 'lists'));
  writeFileSync(join(dir, 'lists/open.txt'), TASKS.map((task) => `${task}\n`).join(''));
  install(dir, 'tasks', HANDLER, ['lists']);
  center = await Center.start(dir, `[daemon]\nlisten = 0\n\n[sync.notes]\nid = "notes"\nleft = "${dir}/laptop"\nright = "${dir}/stick"\n\n[sync.tasks]\nid = "tasks"\nhandler = "tasks"\nlists = "${dir}/lists"\n`);
  await center.run('sync', 'notes');
  await center.run('sync', 'tasks');
  const now = Date.now() / 1000;
  for (const name of NAMES) {
    for (const side of SIDES) {
      writeFileSync(file(side, name), said(side, name));
      const isNewer = NEWER[name as keyof typeof NEWER] === side;
      utimesSync(file(side, name), now, now - (isNewer ? 60 : 3600));
    }
  }
  await center.run('sync', 'notes');
  browser = await launch();
  ({ context, page, faults } = await enter(browser, center));
});
afterEach(() => expect(faults.list).toEqual([]));
afterAll(async () => {
  await context?.close();
  await browser?.close();
  await center?.stop();
  if (center) rmSync(center.dir, { recursive: true, force: true });
});

const toList = async (n: number) => {
  await page.goto(`${center.address}/conflicts`);
  await page.getByRole('heading', { level: 1, name: `${n} conflicts` }).waitFor();
};

test('several conflicts are looked at, decided together, and taken back (spec 188)', async () => {
  await toList(NAMES.length + TASKS.length);
  await box('a.txt').click();
  await box('c.txt').click({ modifiers: ['Shift'] });
  await page.getByText('3 selected').waitFor();
  await button('Keep newest').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/^3 files: /).waitFor();
  expect(await dialog.getByText(/^3 files: /).innerText()).toMatch(/1 from .*laptop.* 2 from .*stick|2 from .*stick.* 1 from .*laptop/);
  await dialog.getByText('Replaced versions are kept, and you can undo this.').waitFor();
  // Looking changes nothing.
  expect(both('a.txt')).toEqual([said('laptop', 'a.txt'), said('stick', 'a.txt')]);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(both('b.txt')).toEqual([said('laptop', 'b.txt'), said('stick', 'b.txt')]);

  await button('Keep newest').click();
  await dialog.getByRole('button', { name: 'Resolve 3' }).click();
  await page.getByText('Resolved 3 conflicts.').waitFor();
  for (const [name, side] of Object.entries(NEWER)) expect(both(name), name).toEqual([said(side, name), said(side, name)]);
  await page.getByRole('heading', { level: 1, name: `${NAMES.length + TASKS.length - 3} conflicts` }).waitFor();
  // The way back is in view, wherever in the list one is.
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  const bar = await button('Undo').boundingBox();
  expect(bar && bar.y > 0 && bar.y + bar.height <= 800).toBe(true);
  await button('Undo').click();
  await page.getByText('Taken back.').waitFor();
  for (const name of Object.keys(NEWER)) await expect.poll(() => both(name), { timeout: PATIENCE }).toEqual([said('laptop', name), said('stick', name)]);
  // What was decided is a conflict again.
  await page.getByRole('heading', { level: 1, name: `${NAMES.length + TASKS.length} conflicts` }).waitFor();
});

test('several conflicts are removed together: what they are about is not synced any more (spec 188)', async () => {
  await toList(NAMES.length + TASKS.length);
  const isOpen = () => readFileSync(file('lists', 'open.txt'), 'utf8').split('\n').filter(Boolean);
  for (const name of ['paint', 'sweep']) await box(name).click();
  await button('Stop syncing it').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/2 are not synced any more/).waitFor();
  expect(isOpen()).toEqual(TASKS);
  await dialog.getByRole('button', { name: 'Resolve 2' }).click();
  await page.getByText('Resolved 2 conflicts.').waitFor();
  await page.getByRole('heading', { level: 1, name: `${NAMES.length + 1} conflicts` }).waitFor();
  expect(isOpen()).toEqual(['water']);
  expect(await box('paint').count()).toBe(0);
  expect(await box('water').count()).toBe(1);
});

test('a filter chooses, and all that match are meant (spec 188)', async () => {
  await toList(NAMES.length + 1);
  await page.getByLabel('Name, folder or sync').fill('b.txt');
  await page.getByRole('checkbox', { name: 'Select the one that matches' }).click();
  await page.getByText('1 selected').waitFor();
  await button(/^Keep .*laptop/).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resolve 1' }).click();
  await page.getByText('Resolved 1 conflict.').waitFor();
  expect(both('b.txt')).toEqual([said('laptop', 'b.txt'), said('laptop', 'b.txt')]);
  expect(both('a.txt')).toEqual([said('laptop', 'a.txt'), said('stick', 'a.txt')]);
});

async function open(name: string) {
  await page.goto(`${center.address}/conflicts`);
  await page.getByRole('link', { name: new RegExp(name.replace('.', '\\.')) }).first().click();
  await page.getByRole('heading', { level: 1 }).filter({ hasText: name }).waitFor();
  await page.getByRole('radio', { name: /^Merge/ }).check();
}

test('two texts are put together place by place, and both sides get the result', async () => {
  await open('merge.txt');
  await page.getByText('1 of 1 left').waitFor();
  // Nothing can be applied while a place waits.
  expect(await button('Apply').getAttribute('aria-disabled')).toBe('true');
  await button('Take both').click();
  const result = page.getByRole('textbox', { name: 'Result' });
  const wanted = 'Milk\nlaptop merge.txt\nstick merge.txt\nTea\n';
  expect(await result.inputValue()).toBe(wanted);
  await result.fill(`${wanted}Honey\n`);
  await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).click();
  await page.getByText('Resolved 1 conflict.').waitFor();
  expect(both('merge.txt')).toEqual([`${wanted}Honey\n`, `${wanted}Honey\n`]);
  // What was replaced is kept.
  const { out } = await center.run('versions', 'list', file('laptop', 'merge.txt'));
  expect(out).not.toContain('error');
  expect(out).toMatch(/\d/);
});

test('a side that changes meanwhile is not written over, and the typed merge is kept', async () => {
  await open('moving.txt');
  await button(/^Take .*laptop/).click();
  const result = page.getByRole('textbox', { name: 'Result' });
  const mine = 'Milk\nlaptop moving.txt\nTea\nTyped for a long time\n';
  await result.fill(mine);
  const theirs = 'Milk\nchanged while you typed\nTea\n';
  writeFileSync(file('stick', 'moving.txt'), theirs);
  await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).click();
  await page.getByText('One of the sides changed just now.').waitFor();
  expect(both('moving.txt')).toEqual([said('laptop', 'moving.txt'), theirs]);
  expect(await result.inputValue()).toBe(mine);

  await button('Sync, and show the new state').click();
  await page.getByText('Your text is kept as you left it.').waitFor();
  expect(await result.inputValue()).toBe(mine);
  await page.getByText('changed while you typed').first().waitFor();
  await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).click();
  await expect.poll(() => both('moving.txt'), { timeout: PATIENCE }).toEqual([mine, mine]);
  expect(existsSync(file('stick', 'moving.txt'))).toBe(true);
});

test('after three equal choices a rule is offered, and it stands in the settings of the sync', async () => {
  const settings = () => readFileSync(join(center.dir, 'config/config.toml'), 'utf8');
  await page.goto(`${center.address}/conflicts`);
  for (const name of ['d.txt', 'e.txt', 'f.txt']) {
    expect(await page.getByText(/three times/).count()).toBe(0);
    await page.getByRole('link', { name: new RegExp(name) }).first().click();
    await page.getByRole('heading', { level: 1 }).filter({ hasText: name }).waitFor();
    // By its key, as one who decides many does.
    await page.getByRole('radio', { name: /^Keep .*laptop/ }).waitFor();
    await page.keyboard.press('1');
    await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).waitFor();
    await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).click();
    await expect.poll(() => both(name), { timeout: PATIENCE }).toEqual([said('laptop', name), said('laptop', name)]);
    await page.getByText('Resolved 1 conflict.').waitFor();
    await page.getByRole('link', { name: 'All conflicts' }).click();
    await page.getByRole('heading', { level: 1, name: /^\d+ conflicts?$/ }).waitFor();
  }
  await page.getByText(/three times/).waitFor();
  await button('Always do this').click();
  await expect.poll(settings, { timeout: PATIENCE }).toContain('rule = "left"');
  await page.goto(`${center.address}/syncs/notes?tab=settings`);
  await expect.poll(() => page.getByLabel('When both changed').inputValue(), { timeout: PATIENCE }).toBe('left');
});
