/** From nothing to a sync, to a schedule, to other settings: with the clicks and keys of a person. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Center } from './center';
import { DESKTOP, launch, PATIENCE } from './example';

/** A stranger has so long for the first sync; a machine that types needs far less. */
const FIRST_SYNC_MS = 180_000;

let center: Center;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let config: () => string;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-setup-'));
  mkdirSync(join(dir, 'Letters'));
  mkdirSync(join(dir, 'stick'));
  mkdirSync(join(dir, 'stick/Letters'));
  writeFileSync(join(dir, 'Letters/anna.txt'), 'Dear Anna\n');
  config = () => readFileSync(join(dir, 'config/config.toml'), 'utf8');
  center = await Center.start(dir, '[daemon]\nlisten = 0\n');
  browser = await launch();
  context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
  await page.goto(await center.door());
  await page.locator('main h1').first().waitFor();
});
afterAll(async () => {
  await browser?.close();
  await center?.stop();
  if (center) rmSync(center.dir, { recursive: true, force: true });
});

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
const heading = (name: string) => page.getByRole('heading', { name, exact: true });

test('a first sync is set up, seen beforehand, and runs', async () => {
  const began = Date.now();
  await page.goto(`${center.address}/setup`);
  await button(/^Two folders/).click();
  await heading('Where is it?').waitFor();

  // What is missing is said where it is missing, and the keyboard is there.
  await button(/^Next/).click();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true');

  await page.getByLabel('One folder', { exact: true }).fill(join(center.dir, 'Letters'));
  await page.getByLabel('The other folder', { exact: true }).fill(join(center.dir, 'stick/Letters'));
  expect(await page.getByLabel('Name of the sync').inputValue()).toBe('Letters');
  await button(/^Next/).click();

  await heading('How should the folders relate?').waitFor();
  await page.getByRole('radio', { name: /^Keep the newest/ }).check();
  // A reload in the middle loses nothing.
  await page.reload();
  await heading('How should the folders relate?').waitFor();
  expect(await page.getByRole('radio', { name: /^Keep the newest/ }).isChecked()).toBe(true);
  await button(/^Next/).click();

  await heading('When should it run?').waitFor();
  await page.getByRole('checkbox', { name: 'At times of day' }).check();
  await button(/^Next/).click();

  await heading('This is what would happen').waitFor();
  await page.getByText('A run would copy 1 file').waitFor();
  expect(existsSync(join(center.dir, 'stick/Letters/anna.txt'))).toBe(false);
  expect(config()).not.toContain('Letters');
  // The preview of something that is not saved leaves no sync behind.
  const items = () => page.evaluate(async () => ((await (await fetch('/api/v1/items')).json()) as { items: unknown[] }).items);
  await expect.poll(items, { timeout: PATIENCE }).toEqual([]);

  await page.goBack();
  await heading('When should it run?').waitFor();
  await page.goForward();
  await button('Start now').click();
  await page.waitForURL(/\/syncs\/files-/);
  await expect.poll(() => existsSync(join(center.dir, 'stick/Letters/anna.txt')), { timeout: PATIENCE }).toBe(true);
  expect(Date.now() - began).toBeLessThan(FIRST_SYNC_MS);
  expect(config()).toContain('rule = "newest"');
  expect(config()).toContain('18:00');
});

test('what is different on both sides is decided for the first run, which does what was shown', async () => {
  const at = (name: string) => join(center.dir, name);
  for (const side of ['Notes', 'stick/Notes']) mkdirSync(at(side));
  writeFileSync(at('Notes/a.txt'), 'from here\n');
  writeFileSync(at('stick/Notes/a.txt'), 'from the stick, longer\n');
  await page.goto(`${center.address}/setup`);
  await button(/^Two folders/).click();
  await page.getByLabel('One folder', { exact: true }).fill(at('Notes'));
  await page.getByLabel('The other folder', { exact: true }).fill(at('stick/Notes'));
  await button(/^Next/).click();
  await heading('How should the folders relate?').waitFor();
  await button(/^Next/).click();
  await heading('When should it run?').waitFor();
  await page.getByRole('radio', { name: 'Only by hand' }).check();
  await button(/^Next/).click();
  await heading('This is what would happen').waitFor();

  const first = page.getByRole('group', { name: 'What is different on both sides' });
  await first.getByRole('radio', { name: 'I decide for each, later' }).waitFor();
  await page.getByText(/1 conflict/).first().waitFor();
  await first.getByRole('radio', { name: /stick/ }).check();
  await page.getByText('A run would update 1 file').waitFor();
  expect(await first.getByRole('radio', { name: /stick/ }).isChecked()).toBe(true);

  // What was shown is not what would be done any more: nothing is done, and the new plan is there.
  writeFileSync(at('Notes/b.txt'), 'new\n');
  await button('Start now').click();
  await page.getByText('What the sync would do has changed since it was shown.').waitFor();
  await page.getByText('copy 1 file').waitFor();
  expect(readFileSync(at('Notes/a.txt'), 'utf8')).toBe('from here\n');
  expect(existsSync(at('stick/Notes/b.txt'))).toBe(false);
  await button('Start now').click();
  await page.waitForURL(/\/syncs\/files-/);
  await expect.poll(() => readFileSync(at('Notes/a.txt'), 'utf8'), { timeout: PATIENCE }).toBe('from the stick, longer\n');
  await expect.poll(() => existsSync(at('stick/Notes/b.txt')), { timeout: PATIENCE }).toBe(true);
  // It was for the first run alone.
  expect(config()).not.toContain('rule = "right"');
});

test('a name that is taken leads back to the name', async () => {
  await page.goto(`${center.address}/setup`);
  await button(/^Any command/).click();
  await page.getByLabel(/^Command/).fill('true');
  await page.getByLabel('Name of the sync').fill('Letters');
  await button(/^Next/).click();
  const name = page.getByLabel('Name of the sync');
  // A daemon that checks says it at once, another one when it saves.
  const refused = page.locator('[aria-invalid=true]').or(heading('When should it run?'));
  await refused.first().waitFor();
  if (await heading('When should it run?').isVisible()) {
    await button(/^Next/).click();
    await button('Save without starting').click();
    await page.locator('[aria-invalid=true]').waitFor();
  }
  expect(await name.getAttribute('aria-invalid')).toBe('true');
  await button('Start over').click();
});

test('a schedule is made, refused, mended, turned off and on again', async () => {
  await page.goto(`${center.address}/schedule`);
  await button('New schedule').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('nightly');
  await dialog.getByLabel('What starts a run').selectOption('cron');
  await dialog.getByLabel('Cron line').fill('at night');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.locator('[aria-invalid=true]').waitFor();
  expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('at night');
  await dialog.getByLabel('Cron line').fill('30 2 * * *');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Saved.').waitFor();
  await dialog.getByText(/02:30/).first().waitFor();
  await dialog.getByRole('button', { name: 'As text' }).click();
  expect(await dialog.locator('textarea').inputValue()).toBe('cron 30 2 * * *');
  await dialog.getByRole('button', { name: 'Done' }).click();

  await button('Actions for nightly').click();
  await page.getByRole('menuitem', { name: 'Turn off' }).click();
  await expect.poll(config, { timeout: PATIENCE }).toContain('enabled = false');
  await button('Undo').click();
  await expect.poll(config, { timeout: PATIENCE }).not.toContain('enabled = false');
});

test('a planned run is moved in the week: by a button, by dragging, and back', async () => {
  await page.goto(`${center.address}/schedule`);
  await page.getByRole('button', { name: 'Week after' }).click();
  const cell = (time: string) => page.getByRole('table').getByRole('button', { name: new RegExp(`${time} Letters`) });
  await cell('18:00').first().click();
  await button('Letters: 1 hour later').click();
  await page.locator('.toast').getByText(/19:00/).waitFor();
  await expect.poll(config, { timeout: PATIENCE }).toContain('19:00');
  // The keyboard goes with the run.
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), { timeout: PATIENCE }).toContain('19:00 Letters');

  await page.locator('.toast').getByRole('button', { name: 'Close' }).first().click();
  await cell('19:00').nth(1).dragTo(page.locator('td[data-day="3"][data-hour="7"]'));
  await expect.poll(config, { timeout: PATIENCE }).toContain('07:00');
  await page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await expect.poll(config, { timeout: PATIENCE }).toContain('19:00');

  // Arrow keys go from field to field.
  await cell('19:00').nth(2).focus();
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate(() => document.activeElement?.closest('td')?.getAttribute('data-day'))).toBe('3');
});

test('a setting says why it is refused, and a change has a way back', async () => {
  await page.goto(`${center.address}/settings/data`);
  const days = page.getByLabel('Days runs and results are kept');
  await days.fill('some');
  await days.press('Enter');
  await page.locator('[aria-invalid=true]').waitFor();
  await days.fill('60');
  await days.press('Enter');
  await expect.poll(config, { timeout: PATIENCE }).toContain('history-days = 60');
  await button('Undo').click();
  await expect.poll(config, { timeout: PATIENCE }).not.toContain('history-days = 60');
});

test('the installation is checked, and a report is read before it is saved', async () => {
  await page.goto(`${center.address}/settings/about`);
  await button('Check now').click();
  await page.getByText(/^(Everything is fine|\d+ things? needs? a look)\.$/).waitFor();
  await button('Show the report').click();
  const shown = await page.getByRole('dialog').locator('pre').innerText();
  expect(shown).toContain('syncmgr');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save the report' }).click()]);
  expect(readFileSync(await download.path(), 'utf8').split('\n')[0]).toBe(shown.split('\n')[0]);
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Notifications' }).click();
  await page.getByText('No way out is set up').waitFor();
});

test('a token is shown once, and works until it is revoked', async () => {
  await page.goto(`${center.address}/settings/access`);
  await button('New token').click();
  await page.getByLabel('Name', { exact: true }).fill('script');
  await button('Make token').click();
  const secret = (await page.locator('code.secret').textContent()) ?? '';
  const ask = async () => (await fetch(`${center.address}/api/v1/status`, { headers: { Authorization: `Bearer ${secret}` } })).status;
  expect(await ask()).toBe(200);
  await button('Done').click();
  expect(await page.getByText(secret).count()).toBe(0);
  await button('Revoke script').click();
  await button('Revoke token').click();
  await page.getByText('No tokens.').waitFor();
  expect(await ask()).toBe(401);
});
