/** Every status there is: the page and the command line say the same of it. What is counted, and what can be set up. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Center } from './center';
import { enter, launch, PATIENCE, type Faults } from './example';
import { endStatuses, startStatuses } from './statuses';

let browser: Browser;
let center: Center;
let context: BrowserContext;
let page: Page;
let faults: Faults;

interface Told {
  id: string;
  name: string;
  handler: string;
  status: string;
  words: string;
  reason: { what: string; meaning: string } | null;
}

/** What moves on between two looks. */
const still = (text: string) => text.replace(/\d+ %/, '… %').replace(/[\d.]+ (?:ms|s|min) ago/, '… ago');

const list = async () => (JSON.parse((await center.run('list', '--json')).out) as { items: Told[] }).items;
const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

beforeAll(async () => {
  center = await startStatuses();
  browser = await launch();
  ({ context, page, faults } = await enter(browser, center));
});
afterAll(async () => {
  await context?.close();
  await browser?.close();
  if (center) await endStatuses(center);
});

test('every status is said with the same word and reason by the page and the command line (spec 186)', async () => {
  await page.goto(`${center.address}/syncs`);
  const of = async (name: string) => (await list()).find((item) => item.name === name);
  await expect.poll(async () => (await of('overdue'))?.status, { timeout: PATIENCE }).toBe('overdue');
  await expect.poll(async () => (await of('syncing'))?.words, { timeout: PATIENCE }).toMatch(/\d %/);
  const told = await list();
  // The syncs are called as the status they show.
  expect(told.map((item) => [item.name, item.status])).toEqual(told.map((item) => [item.name, item.name]));
  expect(told.length).toBe(14);
  await page.getByText('14 syncs', { exact: true }).waitFor();
  for (const item of told) {
    const words = await row(item.name).getByRole('cell').filter({ has: page.locator('svg') }).first().innerText();
    expect(still(words).toLowerCase(), item.name).toContain(still(item.words).toLowerCase());
    if (item.reason && item.status !== 'syncing' && item.status !== 'checking') expect(still(words), item.name).toContain(still(item.reason.what));
  }
  for (const item of told) {
    await page.goto(`${center.address}/syncs/${item.id}`);
    const head = page.locator('main header').first();
    await head.locator('.says').waitFor();
    const said = still(await head.innerText());
    expect(said.toLowerCase(), item.name).toContain(still(item.words).toLowerCase());
    if (!item.reason) continue;
    // A pause says until when beside its word, and needs no more.
    expect(said, item.name).toContain(item.status === 'paused' ? 'until you resume' : still(item.reason.what));
    if (item.status !== 'off' && item.status !== 'paused') expect(said, item.name).toContain(still(item.reason.meaning));
  }
  expect(faults.list).toEqual([]);
});

test('syncs have their state, progress and counts; handlers their syncs (spec 186)', async () => {
  await page.goto(`${center.address}/syncs`);
  const bar = row('syncing').getByRole('progressbar');
  const at = async () => Number(await bar.getAttribute('aria-valuenow'));
  await bar.waitFor();
  const before = await at();
  await expect.poll(at, { timeout: PATIENCE }).toBeGreaterThan(before);
  await row('conflicts').getByText('1 conflict').waitFor();

  await page.getByRole('checkbox', { name: 'Group by handler' }).check();
  const of: Record<string, string[]> = {};
  for (const item of await list()) (of[item.handler] ??= []).push(item.name);
  for (const [handler, name] of [['files', 'Two folders'], ['command', 'Any command'], ['nowhere', 'nowhere']] as const) {
    const table = page.getByRole('table', { name, exact: true });
    const names = () => table.getByRole('rowheader').getByRole('link').allInnerTexts();
    await expect.poll(names, { message: name }).toEqual(of[handler]?.toSorted());
    const head = page.getByRole('heading', { name, exact: false, level: 2 });
    expect(await head.innerText()).toContain(String(of[handler]?.length));
  }
});

test('what is not set up yet stands among what can be set up, each with its button (spec 187)', async () => {
  await page.goto(`${center.address}/setup`);
  const card = (name: string) => page.getByRole('listitem').filter({ has: page.getByRole('button', { name: new RegExp(`^${name}`) }) });
  const setUp = (name: string) => card(name).getByRole('button', { name: `Set up ${name}`, exact: true });
  await setUp('rclone').waitFor();
  for (const name of ['rsync', 'restic', 'git', 'Unison']) expect(await setUp(name).count(), name).toBe(1);
  // Two folders need nothing.
  await card('Two folders').first().waitFor();
  expect(await setUp('Two folders').count()).toBe(0);

  // While the program is missing, that is said, with what brings it.
  await card('rclone').getByText('not installed').waitFor();
  await setUp('rclone').click();
  await card('rclone').getByText('rclone is not there yet. Install it in a terminal').waitFor();
  await card('rclone').getByRole('button', { name: 'Copy command' }).waitFor();
  expect(await setUp('rclone').count()).toBe(1);

  const tool = join(center.dir, 'bin/rclone');
  writeFileSync(tool, '#!/bin/sh\necho "rclone v1.68.0"\n');
  chmodSync(tool, 0o755);
  await setUp('rclone').click();
  await page.getByRole('heading', { name: 'rclone: what exactly?' }).waitFor();
  const { out } = await center.run('handler', 'list', '--json');
  const rclone = (JSON.parse(out) as { handlers: { id: string; active: boolean }[] }).handlers.find((handler) => handler.id === 'rclone');
  expect(rclone?.active).toBe(true);
  await page.getByRole('button', { name: 'Start over' }).click();
});

test('a sign says how everything stands: at rest, at work, conflict, error (spec 192)', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-sign-'));
  for (const side of ['l', 'r']) mkdirSync(join(dir, side));
  const will = (line: string) => writeFileSync(join(dir, 'todo.sh'), `${line}\n`);
  will('true');
  writeFileSync(join(dir, 'l/note.txt'), 'as it was\n');
  const other = await Center.start(
    dir,
    `[daemon]\nlisten = 0\n\n[sync.notes]\nid = "notes"\nleft = "${dir}/l"\nright = "${dir}/r"\n\n[sync.tool]\nid = "tool"\nhandler = "command"\ncommand = ["sh", "${dir}/todo.sh"]\n`,
  );
  const { page, context } = await enter(browser, other);
  try {
    await other.run('sync', '--all');
    await page.goto(`${other.address}/results`);
    const sign = () => page.evaluate(() => /icon\w*-?(bad|warn|busy)?-[^/]*\.svg$/.exec(document.querySelector<HTMLLinkElement>('#icon')?.href ?? '')?.[1] ?? 'rest');
    const summary = page.getByRole('banner').getByRole('link');
    const shows = async (wanted: string, words: RegExp, title: RegExp) => {
      await expect.poll(sign, { timeout: 10_000 }).toBe(wanted);
      await expect.poll(() => summary.innerText(), { timeout: 10_000 }).toMatch(words);
      await expect.poll(() => page.title(), { timeout: 10_000 }).toMatch(title);
      // The command line says the same sentence.
      expect(await summary.innerText()).toBe((JSON.parse((await other.run('status', '--json')).out) as { summary: string }).summary);
      // What the sign points at is there.
      const href = await page.evaluate(() => document.querySelector<HTMLLinkElement>('#icon')?.href ?? '');
      expect(await page.evaluate(async (href) => (await fetch(href)).headers.get('content-type'), href)).toContain('svg');
    };
    await shows('rest', /^Everything is up to date$/, /^Results/);
    will('sleep 600');
    await other.run('sync', 'tool', '--no-wait');
    await shows('busy', /^1 running/, /^Results/);
    await other.run('stop', '--all', '--now');
    writeFileSync(join(dir, 'l/note.txt'), 'one of them\n');
    writeFileSync(join(dir, 'r/note.txt'), 'the other one\n');
    await other.run('sync', 'notes');
    await shows('warn', /^1 sync needs you/, /^\(1\) Results/);
    will('exit 3');
    await other.run('sync', 'tool');
    await shows('bad', /^2 syncs need you/, /^\(2\) Results/);
    // Its menu: from here to every page and sync, and to all actions.
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('option', { name: 'Sync notes now' }).waitFor();
  } finally {
    await context.close();
    await other.run('stop', '--all', '--now');
    await other.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
