/** What goes wrong outside of us: names made to deceive, a side that is empty, a full disk, a handler that does not answer. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Center, freePort, install } from './center';
import { enter, launch, PATIENCE } from './example';

const N_FILES = 60;
const MEGABYTE = 1_048_576;
/** A line break, escape codes of a terminal, text that runs backwards, and elements of a page. */
const NAMES = ['two\nlines.txt', '\u001b[31mred\u001b[0m.txt', 'holiday\u202Egpj.exe', '<img src=x onerror=alert(1)>.txt', '<script>alert(2)<\u2215script>.txt', 'zero\u200Bwidth.txt'];
const HANDLER = `import os, sys

from syncmgr_handler import Handler

PLACE = os.path.dirname(os.path.abspath(__file__))
if os.path.exists(os.path.join(PLACE, "broken")):
    sys.exit(1)


class Quiet(Handler):
    id = "quiet"
    name = "Quiet"

    def sync(self, run):
        run.progress(1, 1)


Quiet().serve()
`;

let browser: Browser;
let center: Center;
let disk: string | undefined;

const ours = (dir: string) => readdirSync(dir).filter((name) => name !== '.syncmgr');

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-trouble-'));
  const syncs = ['names', 'emptied', 'full'].map((name) => {
    for (const side of ['l', 'r']) mkdirSync(join(dir, name, side), { recursive: true });
    return `[sync.${name}]\nid = "${name}"\nleft = "${dir}/${name}/l"\nright = "${dir}/${name}/r"\n`;
  });
  for (const name of NAMES) writeFileSync(join(dir, 'names/l', name), 'as it was\n');
  for (let n = 0; n < N_FILES; n += 1) writeFileSync(join(dir, 'emptied/l', `${n}.txt`), `${n}\n`);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', join(dir, 'full/r')], { stdio: 'ignore' });
    disk = join(dir, 'full/r');
  } catch {
    // Only who may mount can fill a disk of its own.
  }
  install(dir, 'quiet', HANDLER);
  center = await Center.start(dir, `[daemon]\nlisten = ${await freePort()}\n\n${syncs.join('\n')}\n[sync.talk]\nid = "talk"\nhandler = "quiet"\n`);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await center?.stop();
  if (disk) execFileSync('umount', [disk]);
  if (center) rmSync(center.dir, { recursive: true, force: true });
});

/** What a page shows may hold nothing that is not seen, and no element that came from a name. */
async function faultsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const out: string[] = [];
    const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (node instanceof Element) {
        if (node.matches('img[src="x"], [onerror], body script')) out.push(node.outerHTML.slice(0, 80));
        for (const word of ['title', 'aria-label', 'value', 'placeholder']) {
          const text = node.getAttribute(word);
          if (text && hidden.test(text)) out.push(`${node.tagName} ${word}: ${JSON.stringify(text)}`);
        }
      } else if (hidden.test(node.textContent ?? '') || /two\nlines/.test(node.textContent ?? '')) out.push(JSON.stringify(node.textContent));
    }
    return out;
  });
}

test('names made to deceive are only text, on every page', async () => {
  await center.run('sync', 'names');
  const { page, context, faults } = await enter(browser, center);
  page.on('dialog', (dialog) => {
    faults.list.push(`a name could ask: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const dir = join(center.dir, 'names');
  for (const name of NAMES) {
    writeFileSync(join(dir, 'l', name), `laptop\n\u202Eevil\u001b[2J <b>bold</b>\n`);
    writeFileSync(join(dir, 'r', name), 'stick\nother\n');
    writeFileSync(join(dir, 'l', `new ${name}`), 'new\n');
  }
  await center.run('sync', 'names');
  const conflicts = await page.evaluate(async () => ((await (await fetch('/api/v1/conflicts')).json()) as { items: { address: string }[] }).items);
  expect(conflicts.length).toBe(NAMES.length);
  const run = await page.evaluate(async () => ((await (await fetch('/api/v1/sessions?item=names&limit=1')).json()) as { items: { run: string }[] }).items[0]?.run);
  for (const name of NAMES) writeFileSync(join(dir, 'l', `more ${name}`), 'more\n');
  const shown = 'holiday\\u{202e}gpj.exe';
  const places: [path: string, text: string][] = [
    ['/conflicts', shown],
    ['/syncs/names?tab=conflicts', shown],
    ['/syncs/names?tab=files', shown],
    [`/runs/${run}`, shown],
    ['/syncs/names/preview', shown],
    ['/syncs/names?tab=versions', ''],
    ['/syncs/names?tab=results', ''],
    ['/results', ''],
    ['/', ''],
    ...conflicts.map(({ address }): [string, string] => [`/conflicts/view?address=${encodeURIComponent(address)}`, '‹U+202E›evil‹U+001B›[2J <b>bold</b>']),
  ];
  for (const [path, text] of places) {
    await page.goto(center.address + path);
    await page.locator('main h1').first().waitFor();
    if (text) await expect.poll(() => page.locator('main').innerText(), { message: path, timeout: PATIENCE }).toContain(text);
    expect(await faultsOf(page), path).toEqual([]);
  }
  // Decided, the name is in what was done, and in the versions.
  await page.getByRole('radio', { name: /^Keep / }).first().check();
  await page.locator('button[aria-disabled=false]', { hasText: 'Apply' }).click();
  await page.getByText('Resolved 1 conflict.').waitFor();
  expect(await faultsOf(page)).toEqual([]);
  await page.goto(`${center.address}/syncs/names?tab=versions`);
  await page.locator('main h1').first().waitFor();
  await page.getByRole('tabpanel').getByText(/u\{1b\}|u\{202e\}|<img|<script|lines|u\{200b\}/).first().waitFor();
  expect(await faultsOf(page)).toEqual([]);
  expect(faults.list).toEqual([]);
  await context.close();
});

test('a side that is suddenly empty holds everything, and both answers are there', async () => {
  await center.run('sync', 'emptied');
  const side = join(center.dir, 'emptied/r');
  for (const name of ours(side)) rmSync(join(side, name));
  const { page, context, faults } = await enter(browser, center);
  await page.goto(`${center.address}/syncs/emptied`);
  await page.getByRole('button', { name: 'Sync now' }).first().click();
  await page.locator('.says').getByText(/waiting for your OK/i).waitFor();
  const told = JSON.parse((await center.run('show', 'emptied', '--json')).out) as unknown;
  expect(JSON.stringify(told)).toContain('side-emptied');
  await page.getByText(/suddenly empty|is empty/).first().waitFor();
  expect(ours(join(center.dir, 'emptied/l')).length).toBe(N_FILES);
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByText(`${N_FILES} changes wait for your OK`).first().waitFor();
  await page.getByRole('button', { name: `Delete ${N_FILES} files` }).waitFor();
  await page.getByRole('button', { name: 'Bring them back…' }).click();
  await page.getByRole('button', { name: `Copy ${N_FILES} files back` }).click();
  await page.waitForURL(/\/runs\//);
  await expect.poll(() => ours(side).length, { timeout: PATIENCE }).toBe(N_FILES);
  expect(faults.list).toEqual([]);
  await context.close();
});

describe.runIf(process.getuid?.() === 0)('a disk of its own', () => {
  test('a full disk fails in words, leaves nothing half, and goes on when there is room', async (context) => {
    if (!disk) return context.skip('no disk could be mounted');
    const left = join(center.dir, 'full/l');
    for (let n = 0; n < 4; n += 1) writeFileSync(join(left, `${n}.bin`), Buffer.alloc(0.75 * MEGABYTE, n + 1));
    const { page, context: window, faults } = await enter(browser, center);
    await page.goto(`${center.address}/syncs/full`);
    await page.getByRole('button', { name: 'Sync now' }).first().click();
    await page.locator('.says').getByText(/failed/i).waitFor();
    const said = await page.locator('main header').first().innerText();
    expect(said).toContain('Not enough space');
    const list = JSON.parse((await center.run('list', '--json')).out) as { items: { name: string; reason: { what: string } | null }[] };
    expect(said).toContain(list.items.find((item) => item.name === 'full')?.reason?.what);
    for (const name of ours(disk)) expect(readFileSync(join(disk, name)).equals(readFileSync(join(left, name))), name).toBe(true);
    expect(ours(disk).length).toBeLessThan(4);

    execFileSync('mount', ['-o', 'remount,size=16m', disk]);
    await page.getByRole('button', { name: /^(Try again|Sync now)$/ }).first().click();
    await page.locator('.says').getByText(/up to date/i).waitFor();
    for (const name of ours(left)) expect(statSync(join(disk, name)).size, name).toBe(0.75 * MEGABYTE);
    expect(faults.list).toEqual([]);
    await window.close();
  });
});

test('a handler that does not answer is shown as such, everywhere the same, until it answers again', async () => {
  const broken = join(center.dir, 'handlers/quiet/broken');
  const talk = async () => {
    const { items } = JSON.parse((await center.run('list', '--json')).out) as { items: { name: string; words: string; reason: { what: string } | null }[] };
    return items.find((item) => item.name === 'talk');
  };
  expect((await talk())?.words).toBe('not synced yet');
  writeFileSync(broken, '');
  await center.stop();
  await center.run('daemon', 'start');
  await expect.poll(async () => (await talk())?.words, { timeout: 2 * PATIENCE, interval: 500 }).toBe('no answer');
  const { page, context, faults } = await enter(browser, center);
  await page.goto(`${center.address}/syncs/talk`);
  await page.locator('.says').getByText(/no answer/i).waitFor();
  await page.locator('main header').getByText((await talk())?.reason?.what ?? 'a reason').first().waitFor();
  await page.getByRole('link', { name: 'See handler' }).waitFor();
  rmSync(broken);
  await center.run('handler', 'restart', 'quiet');
  await page.locator('.says').getByText(/not synced yet/i).waitFor();
  expect(faults.list).toEqual([]);
  await context.close();
});
