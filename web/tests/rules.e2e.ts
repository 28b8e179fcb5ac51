/** Rules that hold for every page: nobody is shut out, nothing comes from elsewhere, it stays small. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DESKTOP, enter, Example, launch, PATIENCE, settled } from './example';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PLACES = [
  '/', '/syncs', '/syncs?select={Photos}', '/syncs/{Recipes}', '/syncs/{Recipes}?tab=history', '/syncs/{Documents}?tab=conflicts', '/syncs/{Documents}?tab=results',
  '/syncs/{Recipes}?tab=files', '/syncs/{Recipes}?tab=versions', '/syncs/{Recipes}?tab=settings', '/syncs/{Photos}/preview', '/runs/{run}', '/results',
  '/conflicts', '/conflicts/view?address={text}', '/conflicts/view?address={image}', '/conflicts/view?address={card}', '/schedule', '/setup', '/setup/import', '/settings', '/settings/handlers',
  '/settings/access', '/settings/safety', '/help', '/nowhere',
];
let example: Example;
let browser: Browser;
let names: Record<string, string>;

beforeAll(async () => {
  example = await Example.start();
  browser = await launch();
  const { page, context } = await enter(browser, example);
  names = await example.ids(page);
  names.run = await page.evaluate(async (item) => {
    const answer = (await (await fetch(`/api/v1/sessions?item=${item}&limit=1`)).json()) as { items: { run: string }[] };
    return answer.items[0]?.run ?? '';
  }, names.Recipes);
  const conflicts = await page.evaluate(async () => (await (await fetch('/api/v1/conflicts?limit=100')).json()) as { items: { name: string; address: string }[] });
  const address = (part: string) => conflicts.items.find((entry) => entry.name.includes(part))?.address ?? '';
  names.text = address('shopping');
  names.image = address('logo');
  names.card = address('anna');
  await context.close();
});
afterAll(async () => {
  await browser?.close();
  await example?.stop();
});

const at = (place: string) =>
  example.address +
  place.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name];
    if (!value) throw new Error(`${name} is not in the example`);
    return encodeURIComponent(value);
  });

async function visit(page: Page, place: string): Promise<void> {
  await page.goto(at(place));
  await settled(page);
}

interface Finding {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (what: Document, how: object) => Promise<{ violations: Finding[] }> } };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await axe.run(document, { runOnly: tags })).violations;
  });
  return found.flatMap((finding) => finding.nodes.map((node) => `${finding.id} (${finding.help}): ${node.target.join(' ')} ${node.failureSummary ?? ''}`));
}

const MODES = [
  { name: 'light', options: { colorScheme: 'light', viewport: DESKTOP } },
  { name: 'dark', options: { colorScheme: 'dark', viewport: DESKTOP } },
  { name: 'forced colours', options: { forcedColors: 'active', viewport: DESKTOP } },
  { name: '320 px', options: { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true } },
] as const;

describe('axe finds nothing', () => {
  for (const mode of MODES) {
    test(mode.name, async () => {
      const { page, context, faults } = await enter(browser, example, { ...mode.options, reducedMotion: 'reduce' });
      const complaints: string[] = [];
      for (const place of PLACES) {
        await visit(page, place);
        for (const complaint of await axe(page)) complaints.push(`${place}: ${complaint}`);
      }
      await context.close();
      expect(complaints).toEqual([]);
      expect(faults.list).toEqual([]);
    });
  }
});

test('no page scrolls sideways at 320 px, in no language', async () => {
  const wide: string[] = [];
  for (const locale of ['en', 'de', 'xx', 'xr']) {
    const { page, context } = await enter(browser, example, { viewport: { width: 320, height: 640 }, locale: 'en-GB' });
    await page.evaluate((locale) => localStorage.setItem('syncmgr.language', locale), locale);
    for (const place of PLACES) {
      await visit(page, place);
      const over = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return '';
        const odd = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > width + 1);
        return `${document.documentElement.scrollWidth} px: ${odd.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)).join(' | ')}`;
      });
      if (over) wide.push(`${locale} ${place}: ${over}`);
    }
    await context.close();
  }
  expect(wide).toEqual([]);
});

test('every page is small by itself, and the first one soon there', async () => {
  const sizes: Record<string, number> = {};
  // What stands behind `?` is the same page.
  for (const place of new Set(PLACES.map((place) => place.replace(/\?(?!address).*/, '')))) {
    // A browser of its own, so that nothing is known from another page.
    const { page, context } = await enter(browser, example);
    const parts: Promise<number>[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/assets/') || response.request().isNavigationRequest()) parts.push(response.body().then((body) => gzipSync(body).length, () => 0));
    });
    await page.goto('about:blank');
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
    await visit(page, place);
    sizes[place] = (await Promise.all(parts)).reduce((sum, n) => sum + n, 0);
    await context.close();
  }
  const { page, context } = await enter(browser, example);
  // A machine four times as slow as this one stands for a small board.
  const cdp = await context.newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const begun = Date.now();
  await page.goto(at('/'));
  await page.locator('main h1').waitFor();
  console.log(`ready after ${Date.now() - begun} ms with the processor slowed down 4 times; compressed sizes: ${JSON.stringify(sizes)}`);
  await context.close();
  for (const [place, size] of Object.entries(sizes)) {
    expect(size, place).toBeGreaterThan(10_000);
    expect(size, place).toBeLessThan(150_000);
  }
});

test('without a sign-in nothing is shown, and a code works once', async () => {
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(at('/'));
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.getByText('Recipes').count()).toBe(0);
  const door = await example.door('conflicts');
  await page.goto(door);
  await page.getByRole('heading', { name: 'Conflicts', level: 1 }).waitFor({ timeout: PATIENCE });
  expect(page.url()).not.toContain('code=');
  await context.clearCookies();
  await page.goto('about:blank');
  await page.goto(door);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByText('used already').waitFor();
  // The code can be typed as well, as a whole address.
  await page.getByLabel(/paste/).fill(await example.door());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Conflicts', level: 1 }).waitFor({ timeout: PATIENCE });
  await context.close();
});

test('a name is only text', async () => {
  const { page, context, faults } = await enter(browser, example);
  await visit(page, `/syncs/{Documents}?tab=files`);
  await page.getByText('<img src=x onerror=alert(1)>.txt').first().waitFor({ timeout: PATIENCE });
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(faults.list).toEqual([]);
  await context.close();
});
