/** What a person can do to syncs, wherever a button for it stands. */
import { post } from '../api/client';
import { toasts } from '../lib/toasts.svelte';
import { actWords } from './acts.text';
import type { ItemView, OpenRun, RunsAccepted } from '../api/types';

const text = actWords;

/** Starts a run; tells when a sync was left out, and why. */
export async function sync(items: string[], options: { full?: boolean; release?: string } = {}): Promise<RunsAccepted | undefined> {
  let accepted: RunsAccepted | undefined;
  await toasts.try(async () => {
    accepted = await post<RunsAccepted>('/sessions', { items, mode: 'sync', ...options });
    const dropped = accepted.runs.flatMap((run) => run.dropped);
    if (dropped.length > 0) toasts.tell(dropped.map((drop) => drop.notice.what).join(' '));
    else toasts.say(text().started);
  });
  return accepted;
}

/** Stops a run, or only the sync of it that is at work. */
export async function stop(run: OpenRun, scope: 'all' | 'item' = 'all'): Promise<void> {
  await toasts.try(() => post(`/sessions/${run.run}/cancel`, { scope }));
}

export async function pause(items: ItemView[], until: Date | null): Promise<void> {
  const done = await toasts.try(() =>
    Promise.all(items.map((item) => post(`/items/${item.id}/pause`, until ? { until: until.toISOString() } : {}))),
  );
  if (done) toasts.tell(text().paused(items.length), () => void resume(items));
}

export async function resume(items: ItemView[]): Promise<void> {
  const done = await toasts.try(() => Promise.all(items.map((item) => post(`/items/${item.id}/resume`))));
  if (done) toasts.say(text().resumed(items.length), true);
}

/** When "until tomorrow" ends: at six in the morning, before anybody works. */
export function tomorrow(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 6);
}
