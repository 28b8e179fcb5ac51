/** What the daemon says about a sync before it is saved. */
import { ask, del, get, post } from '../../api/client';
import type { ItemPreview, Notice, Notices, Preview, RunsAccepted } from '../../api/types';
import { query, type Query } from '../../lib/query.svelte';

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
export function checked(wish: () => Wish | undefined): Query<Notices> {
  return query((signal) => {
    const body = wish();
    if (!body) return undefined;
    return calm(signal).then(async () => (await ask<Notices>('POST', '/items/check', { body, signal })).data);
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

/** Says what a run of a sync that is not saved would do. Stops looking when it is called off. */
export async function previewOf(wish: Wish, signal: AbortSignal, begun: (run: string) => void): Promise<{ preview?: Preview; dropped: Notice[] }> {
  const item = idOf(wish);
  const body = { item: { id: item, handler: wish.handler, settings: wish.settings }, mode: 'preview', work: { kind: 'sync' } };
  const [accepted] = (await post<RunsAccepted>('/runs', body)).runs;
  if (!accepted) return { dropped: [] };
  const { run } = accepted;
  begun(run);
  const stop = () => void post(`/sessions/${run}/cancel`, { scope: 'all' }).catch(() => undefined);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop);
  try {
    const dropped = accepted.dropped.map((drop) => drop.notice);
    return dropped.length > 0 ? { dropped } : { preview: await made(run), dropped };
  } finally {
    // Only a run that has ended lets go of it.
    void del(`/items/${item}`).catch(() => undefined);
  }
}

/** Waits for the preview, as the run does. */
async function made(run: string): Promise<Preview | undefined> {
  for (;;) {
    try {
      return (await get<{ items: ItemPreview[] }>(`/sessions/${run}/preview`)).items[0]?.preview;
    } catch (error) {
      if (!isStillMade(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function isStillMade(error: unknown): boolean {
  return (error as { problem?: { code?: string } }).problem?.code === 'still-running';
}
