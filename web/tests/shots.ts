/**
 * Pictures of every page: desktop and phone, light and dark; of a living example, of a daemon that
 * has nothing yet, of syncs in every status, and of a daemon that is gone; some in German.
 * `SHOTS` says into which folder; `SHOTS_ONLY` which pictures: parts of their names, with spaces
 * between. `SHOTS_FOR=readme` makes only those that the README shows.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Center } from './center';
import { DESKTOP, enter, Example, launch, PHONE, settled } from './example';
import { endStatuses, startStatuses } from './statuses';

const DIR = process.env.SHOTS ?? 'shots';
const ONLY = process.env.SHOTS_ONLY?.split(' ') ?? [];
/** Higher than this nothing new is seen. */
const HIGH_MAX = 2400;
const isForReadme = process.env.SHOTS_FOR === 'readme';

type Looks = 'all' | 'light';
interface Place {
  /** How the picture is called. */
  name: string;
  /** Its address; `{Name}` stands for the id of a sync, `{run}` and `{conflict}` for the newest ones. */
  at: string;
  /** What is done there before the picture is taken. */
  act?: (page: Page, isPhone: boolean, dir: string) => Promise<unknown>;
}

const LIVING: Place[] = [
  { name: 'overview', at: '/' },
  { name: 'syncs', at: '/syncs' },
  { name: 'syncs-chosen', at: '/syncs', act: (page) => page.getByRole('checkbox', { name: /Recipes/ }).click() },
  { name: 'sync-activity', at: '/syncs/{Recipes}' },
  { name: 'sync-held', at: '/syncs/{Photos}' },
  { name: 'sync-history', at: '/syncs/{Recipes}?tab=history' },
  { name: 'sync-conflicts', at: '/syncs/{Recipes}?tab=conflicts' },
  { name: 'sync-results', at: '/syncs/{Recipes}?tab=results' },
  { name: 'sync-files', at: '/syncs/{Recipes}?tab=files' },
  { name: 'sync-versions', at: '/syncs/{Recipes}?tab=versions' },
  { name: 'sync-settings', at: '/syncs/{Recipes}?tab=settings' },
  { name: 'preview', at: '/syncs/{Recipes}/preview' },
  { name: 'preview-held', at: '/syncs/{Photos}/preview' },
  { name: 'run', at: '/runs/{run}' },
  { name: 'results', at: '/results' },
  { name: 'conflicts', at: '/conflicts' },
  { name: 'conflict', at: '/conflicts/view?address={conflict}' },
  { name: 'schedule', at: '/schedule' },
  { name: 'schedule-list', at: '/schedule?view=list' },
  { name: 'setup', at: '/setup' },
  { name: 'import', at: '/setup/import' },
  { name: 'settings', at: '/settings' },
  ...['alerts', 'network', 'handlers', 'safety', 'access', 'data', 'about'].map((section) => ({ name: `settings-${section}`, at: `/settings/${section}` })),
  { name: 'help', at: '/help' },
  { name: 'not-found', at: '/nowhere' },
  { name: 'palette', at: '/', act: (page) => page.keyboard.press('Control+k') },
  { name: 'remove', at: '/syncs/{Recipes}', act: async (page) => {
    await page.locator('main').getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: /Remove/ }).click();
  } },
  { name: 'more', at: '/', act: async (page, isPhone) => isPhone && page.getByRole('button', { name: 'More', exact: true }).click() },
];
const EMPTY: Place[] = ['', 'syncs', 'results', 'conflicts', 'schedule', 'setup'].map((at) => ({ name: `empty-${at || 'overview'}`, at: `/${at}` }));
const STATUSES: Place[] = [
  { name: 'statuses-overview', at: '/' },
  { name: 'statuses-syncs', at: '/syncs' },
  { name: 'statuses-results', at: '/results' },
  ...['unknown', 'failed', 'offline', 'syncing', 'checking', 'waiting', 'paused', 'never', 'held'].map((status) => ({ name: `status-${status}`, at: `/syncs/${status}` })),
  { name: 'run-failed', at: '/syncs/failed?tab=history', act: async (page) => {
    const href = await page.locator('main a[href^="/runs/"]').first().getAttribute('href');
    await page.goto(new URL(href ?? '', page.url()).href);
  } },
];
const GONE: Place[] = ['', 'syncs', 'results'].map((at) => ({ name: `gone-${at || 'overview'}`, at: `/${at}` }));
const GERMAN: Place[] = ['overview', 'syncs', 'sync-activity', 'preview-held', 'conflicts', 'schedule', 'setup', 'settings'].map((name) => {
  const place = LIVING.find((place) => place.name === name);
  return { name: `de-${name}`, at: place?.at ?? '/' };
});

const isWanted = ({ name }: Place) => ONLY.length === 0 || ONLY.some((part) => name.includes(part));

let browser: Browser;
beforeAll(async () => {
  mkdirSync(DIR, { recursive: true });
  browser = await launch();
});
afterAll(() => browser?.close());

/** What `{…}` in an address stands for. */
async function names(page: Page, example: Example | undefined): Promise<Record<string, string>> {
  if (!example) return {};
  const newest = await page.evaluate(async () => {
    const ask = async (path: string) => (await (await fetch(`/api/v1${path}`)).json()) as { items: { id: string; run?: string; address?: string }[] };
    const [runs, conflicts] = [await ask('/sessions?limit=1&outcome=ok,warnings,conflicts'), await ask('/conflicts?limit=1')];
    return { run: runs.items[0]?.run ?? runs.items[0]?.id ?? '', conflict: encodeURIComponent(conflicts.items[0]?.address ?? '') };
  });
  return { ...(await example.ids(page)), ...newest };
}

/** Takes the pictures of places, in each size and each set of colours. */
async function take(of: Example | Center, places: Place[], { looks = 'all' as Looks, locale = 'en-GB' } = {}): Promise<void> {
  const wanted = places.filter(isWanted);
  if (!wanted.length) return;
  for (const [size, viewport] of [['desktop', DESKTOP], ['phone', PHONE]] as const) {
    for (const colorScheme of looks === 'all' ? (['light', 'dark'] as const) : (['light'] as const)) {
      const { context, page, faults } = await enter(browser, of, { viewport, colorScheme, locale, reducedMotion: 'reduce' });
      const ids = await names(page, of instanceof Example ? of : undefined);
      for (const { name, at, act } of wanted) {
        const address = at.replace(/\{(\w+)\}/g, (_, title: string) => ids[title] ?? '');
        await page.goto(of.address + address);
        await settled(page);
        if (act) {
          await act(page, size === 'phone', of.dir);
          await settled(page);
        }
        // A window as high as the page: then bars stand at its edges, and long lists are whole.
        const isLayer = (await page.locator('dialog[open], .sheet, [popover]').count()) > 0;
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        if (!isLayer && height > viewport.height) await page.setViewportSize({ ...viewport, height: Math.min(height, HIGH_MAX) });
        await page.screenshot({ path: join(DIR, `${name}-${size}-${colorScheme}.png`) });
        await page.setViewportSize(viewport);
      }
      expect(faults.list).toEqual([]);
      await context.close();
    }
  }
}

/** Takes the pictures of pages whose daemon went away while they were shown; the daemon is gone then. */
async function takeGone(example: Example): Promise<void> {
  const wanted = GONE.filter(isWanted);
  if (!wanted.length) return;
  const shown = await Promise.all(
    wanted.flatMap(({ name, at }) =>
      ([['desktop', DESKTOP], ['phone', PHONE]] as const).map(async ([size, viewport]) => {
        const { context, page } = await enter(browser, example, { viewport, colorScheme: 'light', reducedMotion: 'reduce' });
        await page.goto(example.address + at);
        await settled(page);
        return { context, page, path: join(DIR, `${name}-${size}-light.png`) };
      }),
    ),
  );
  await example.kill();
  for (const { context, page, path } of shown) {
    await page.locator('.banner').waitFor();
    await page.screenshot({ path, fullPage: true });
    await context.close();
  }
}

test.skipIf(isForReadme)('a living example has its pictures', async () => {
  const example = await Example.start();
  try {
    await take(example, LIVING);
    await take(example, GERMAN, { looks: 'light', locale: 'de-DE' });
    await takeGone(example);
  } finally {
    await example.stop();
  }
});

test.skipIf(isForReadme)('a daemon that has nothing yet has its pictures', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'syncmgr-empty-'));
  const center = await Center.start(dir, '[daemon]\nlisten = 0\n');
  try {
    await take(center, EMPTY);
  } finally {
    await center.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

test.skipIf(isForReadme)('every status has its pictures', async () => {
  const center = await startStatuses();
  try {
    await take(center, STATUSES);
  } finally {
    await endStatuses(center);
  }
});

/** What the README shows: small, and always called the same. */
const README: (Place & { isPhone?: boolean; isDark?: boolean })[] = [
  { name: 'overview', at: '/' },
  { name: 'held', at: '/syncs/{Photos}/preview' },
  { name: 'conflict', at: '/conflicts?item={Documents}', act: async (page) => {
    await page.getByRole('link', { name: /report\.md/ }).first().click();
  } },
  { name: 'schedule', at: '/schedule', act: (page) => page.locator('main section').last().evaluate((week) => week.scrollIntoView()) },
  { name: 'setup', at: '/setup', act: async (page, _, dir) => {
    const sides = [['One folder', 'Laptop/Letters'], ['The other folder', 'NAS/Letters']] as const;
    await page.getByRole('button', { name: /^Two folders/ }).click();
    for (const [label, folder] of sides) {
      mkdirSync(join(dir, folder), { recursive: true });
      await page.getByLabel(label, { exact: true }).fill(join(dir, folder));
    }
    await page.getByRole('button', { name: /^Next/ }).click();
    await page.getByRole('heading', { name: 'How should the folders relate?' }).waitFor();
  } },
  { name: 'phone', at: '/', isPhone: true, isDark: true },
];
const README_SIZE = { width: 1120, height: 720 };
/** Letters stay sharp, and none has more than some 50 kB. */
const README_QUALITY = 80;

test.runIf(isForReadme)('the README has its pictures', async () => {
  const example = await Example.start();
  try {
    for (const { name, at, act, isPhone = false, isDark = false } of README.filter(isWanted)) {
      const { context, page, faults } = await enter(browser, example, {
        viewport: isPhone ? PHONE : README_SIZE,
        colorScheme: isDark ? 'dark' : 'light',
        reducedMotion: 'reduce',
      });
      const ids = await names(page, example);
      await page.goto(example.address + at.replace(/\{(\w+)\}/g, (_, title: string) => ids[title] ?? ''));
      await settled(page);
      await act?.(page, isPhone, example.dir);
      await settled(page);
      const session = await context.newCDPSession(page);
      const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: README_QUALITY });
      writeFileSync(join(DIR, `${name}.webp`), Buffer.from(data, 'base64'));
      expect(faults.list).toEqual([]);
      await context.close();
    }
  } finally {
    await example.stop();
  }
});
