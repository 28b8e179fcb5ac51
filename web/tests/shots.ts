/**
 * Pictures of every page: desktop and phone, light and dark. `SHOTS` says into which folder,
 * `SHOTS_ONLY` which pages (addresses with spaces between; `{Name}` stands for the id of a sync).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DESKTOP, enter, Example, launch, PHONE } from './example';

const DIR = process.env.SHOTS ?? 'shots';
const PLACES = process.env.SHOTS_ONLY?.split(' ') ?? [
  '/', '/syncs', '/syncs/{Recipes}', '/syncs/{Recipes}?tab=history', '/syncs/{Recipes}?tab=files', '/syncs/{Recipes}?tab=versions',
  '/syncs/{Recipes}?tab=settings', '/syncs/{Photos}/preview', '/results', '/conflicts', '/schedule', '/setup', '/setup/import',
  '/settings', '/settings/handlers', '/settings/access', '/help',
];
/** Pages draw what they asked for within so long. */
const SETTLE_MS = 800;

test('every page has its picture', async () => {
  mkdirSync(DIR, { recursive: true });
  const example = await Example.start();
  const browser = await launch();
  const faults: string[] = [];
  try {
    for (const [size, viewport] of [['desktop', DESKTOP], ['phone', PHONE]] as const) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { context, page, faults: found } = await enter(browser, example, { viewport, colorScheme, reducedMotion: 'reduce' });
        const ids = await example.ids(page);
        for (const place of PLACES) {
          await page.goto(example.address + place.replace(/\{(\w+)\}/g, (_, title: string) => ids[title] ?? ''));
          await page.locator('main h1').first().waitFor();
          await page.waitForTimeout(SETTLE_MS);
          const name = place.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'overview';
          await page.screenshot({ path: join(DIR, `${name}-${size}-${colorScheme}.png`), fullPage: true });
        }
        faults.push(...found.list);
        await context.close();
      }
    }
  } finally {
    await browser.close();
    await example.stop();
  }
  expect(faults).toEqual([]);
});
