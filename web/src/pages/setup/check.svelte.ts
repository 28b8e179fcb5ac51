/** What the daemon says about a sync before it is saved. */
import { ask, del, get, post } from '../../api/client';
import type { ItemPreview, Notice, Preview, RunsAccepted } from '../../api/types';
import { query, type Query } from '../../lib/query.svelte';

// until the description has it
export interface Checked {
  notices: Notice[];
}

export interface Wish {
  handler: string;
  name?: string;
  settings: Record<string, unknown>;
}

const CALM_MS = 350;

/** Waits until nothing was typed for a moment. */
export function calm(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CALM_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

/** Asks what is to be said about a sync, whenever it changes. Nothing is saved by it. */
export function checked(wish: () => Wish | undefined): Query<Checked> {
  return query((signal) => {
    const body = wish();
    if (!body) return undefined;
    return calm(signal).then(async () => (await ask<Checked>('POST', '/items/check', { body, signal })).data);
  });
}

/** Notices about one setting stand at its field; the others stand together. */
export function sort(notices: Notice[], keys: string[]): { fields: Record<string, string>; others: Notice[] } {
  const isField = (notice: Notice) => notice.level === 'error' && keys.includes(notice.params.key ?? '');
  return {
    fields: Object.fromEntries(notices.filter(isField).map((notice) => [notice.params.key, notice.params.detail ?? notice.what])),
    others: notices.filter((notice) => !isField(notice)),
  };
}

const LOOK_MS = 700;

/** A sync that is not saved needs an id for its preview; it is forgotten after it. */
const idOf = (wish: Wish) => `${wish.handler}-setup`;

/** Begins a preview of a sync that is not saved. */
export async function beginPreview(wish: Wish): Promise<{ run: string; item: string; dropped: Notice[] }> {
  const item = idOf(wish);
  const body = { item: { id: item, handler: wish.handler, settings: wish.settings }, mode: 'preview', work: { kind: 'sync' } };
  const [run] = (await post<RunsAccepted>('/runs', body)).runs;
  return { run: run?.run ?? '', item, dropped: run?.dropped.map((drop) => drop.notice) ?? [] };
}

/** Waits for the preview, and forgets the sync again. */
export async function awaitPreview(run: string, item: string, signal: AbortSignal): Promise<Preview | undefined> {
  try {
    for (;;) {
      try {
        const page = await get<{ items: ItemPreview[] }>(`/sessions/${run}/preview`, {}, signal);
        return page.items[0]?.preview;
      } catch (error) {
        if (!isStillMade(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      signal.throwIfAborted();
    }
  } finally {
    void del(`/items/${item}`).catch(() => undefined);
  }
}

function isStillMade(error: unknown): boolean {
  return (error as { problem?: { code?: string } }).problem?.code === 'still-running';
}
