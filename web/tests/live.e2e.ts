/** What moves by itself: progress, restarts, other programs' changes; and that all say the same. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enter, Example, launch, PATIENCE } from './example';

let example: Example;
let browser: Browser;

beforeAll(async () => {
  example = await Example.start();
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await example?.stop();
});

test('the page and the command line say the same of every sync', async () => {
  const { page, context } = await enter(browser, example);
  await page.goto(`${example.address}/syncs`);
  const { out } = await example.run('list', '--json');
  const listed = JSON.parse(out) as { items: { name: string; status: string }[] };
  expect(listed.items.length).toBeGreaterThan(8);
  const shown: { items: { title: string; status: string; words: string; reason?: { what: string } | null }[] } = await page.evaluate(async () => (await fetch('/api/v1/items?limit=100')).json());
  for (const item of listed.items) {
    const same = shown.items.find((one) => one.title === item.name);
    expect(same?.status, item.name).toBe(item.status);
    // A percentage moves on between two looks.
    const words = (same?.words ?? '').replace(/ \d+ %$/, '');
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: item.name, exact: true }) });
    await row.first().getByText(words).first().waitFor({ timeout: PATIENCE });
  }
  await context.close();
});

test('progress moves without a reload, in every tab, over one stream', async () => {
  const { page, context } = await enter(browser, example);
  const other = await context.newPage();
  await other.goto(example.address);
  const bar = page.getByRole('progressbar').first();
  await bar.waitFor();
  const steps = page.getByText(/\d+ of 900/).first();
  const before = await steps.textContent();
  await expect.poll(() => steps.textContent(), { timeout: PATIENCE }).not.toBe(before);
  const otherSteps = other.getByText(/\d+ of 900/).first();
  await expect.poll(async () => (await otherSteps.textContent()) !== before, { timeout: PATIENCE }).toBe(true);
  await context.close();
});

test('what another program does is seen at once', async () => {
  const { page, context } = await enter(browser, example);
  await page.goto(`${example.address}/syncs`);
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'Archive', exact: true }) }).first();
  await row.getByText(/paused/i).first().waitFor();
  await example.run('resume', 'Archive');
  await row.getByText(/up to date/i).first().waitFor({ timeout: PATIENCE });
  await example.run('pause', 'Archive');
  await row.getByText(/paused/i).first().waitFor({ timeout: PATIENCE });
  await context.close();
});

test('a daemon that is killed and comes back is followed without a reload', async () => {
  const { page, context, faults } = await enter(browser, example);
  await page.evaluate(() => ((window as unknown as { mark: number }).mark = 1));
  await page.getByText('Running now').waitFor();
  await example.kill();
  await page.getByText(/Reconnecting/).waitFor({ timeout: 10_000 });
  writeFileSync(join(example.dir, 'Laptop/Recipes/late.md'), 'Written while nobody looked.\n');
  expect((await example.run('daemon', 'start')).code).toBe(0);
  await page.getByText(/Reconnecting/).waitFor({ state: 'detached', timeout: PATIENCE });
  // What the crash cut off is said, here and in the history: the run that was at work did not end well.
  const need = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: 'Backup', exact: true }) });
  await need.getByText('The run was interrupted').first().waitFor({ timeout: PATIENCE });
  const { runs } = JSON.parse((await example.run('history', 'Backup', '--json')).out) as { runs: { status: string }[] };
  expect(runs[0]?.status).toBe('failed');
  // Signed in still: what it does is taken, and what happens is seen.
  await page.getByRole('link', { name: 'Syncs', exact: true }).first().click();
  await page.getByRole('link', { name: 'Recipes', exact: true }).first().click();
  await page.getByRole('button', { name: 'Sync now' }).first().click();
  await expect.poll(() => existsSync(join(example.dir, 'NAS/Recipes/late.md')), { timeout: PATIENCE }).toBe(true);
  expect(await page.evaluate(() => (window as unknown as { mark?: number }).mark)).toBe(1);
  // Only now anew: the sign-in outlived the daemon that gave it.
  await page.goto(`${example.address}/results`);
  await page.getByRole('heading', { name: 'Results', level: 1 }).waitFor({ timeout: PATIENCE });
  await page.getByText('The run was interrupted').first().waitFor({ timeout: PATIENCE });
  expect(faults.list).toEqual([]);
  await context.close();
});
