/** What can be done to one sync or to many, and why not: the same in the list and on its page. */
import { ask, del, get, patch, post, type Query } from '../api/client';
import type { ItemNew, ItemView } from '../api/types';
import { named } from '../lib/command';
import { visible } from '../lib/format';
import { each, parts } from '../lib/crowd';
import { router } from '../lib/router.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { Action } from '../lib/ui/Menu.svelte';
import { resume, stop, sync, tomorrow } from './acts';
import { actWords } from './acts.text';
import { center } from './center.svelte';
import { itemWords } from './itemActs.text';

const text = itemWords();

/** Syncs that one request for a run names at most. */
const RUN_MAX = 500;
const HOUR_MS = 3_600_000;

/** As many as one answer holds. */
const PAGE_MAX = 1000;

/** All syncs that fit, not only those that are shown. */
export async function everyItem(filter: Query = {}): Promise<ItemView[]> {
  const all: ItemView[] = [];
  let cursor: string | undefined;
  do {
    const page = await get<{ items: ItemView[]; next_cursor?: string | null }>('/items', { ...filter, limit: PAGE_MAX, cursor });
    all.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return all;
}

/** Acts on many; tells what was done, with a way back, and the first thing that was refused. */
async function many(items: ItemView[], act: (item: ItemView) => Promise<unknown>, told: (n: number) => string, undo?: (done: ItemView[]) => void): Promise<void> {
  const { done, error } = await each(items, act);
  if (done.length > 0) toasts.tell(told(done.length), undo && (() => undo(done)));
  if (error !== undefined) toasts.fail(error);
}

export async function syncAll(items: ItemView[], options: { full?: boolean } = {}): Promise<void> {
  for (const some of parts(items.map((item) => item.id), RUN_MAX)) await sync(some, options);
}

export function pauseAll(items: ItemView[], until: Date | null): Promise<void> {
  return many(items, (item) => pause(item, until?.toISOString()), actWords().paused, (done) => void unpauseAll(done));
}

function pause(item: ItemView, until?: string): Promise<unknown> {
  return post(`/items/${item.id}/pause`, until ? { until } : {});
}

/** Puts each back to what it was: a pause from before stays. */
function unpauseAll(items: ItemView[]): Promise<void> {
  const before = (item: ItemView) => (item.paused_until === 'forever' ? pause(item) : item.paused_until ? pause(item, item.paused_until) : post(`/items/${item.id}/resume`));
  return many(items, before, () => actWords().resumed(items.filter((item) => !item.paused_until).length));
}

export function turnAll(items: ItemView[], on: boolean): Promise<void> {
  const back = (done: ItemView[]) => void turnAll(done, !on);
  return many(items, (item) => patch(`/items/${item.id}`, { enabled: on }), on ? text.turned_on : text.turned_off, back);
}

/** Leaves syncs out of lists, or shows them again. */
export function hideAll(items: ItemView[], hidden: boolean): Promise<void> {
  const back = (done: ItemView[]) => void hideAll(done, !hidden);
  return many(items, (item) => patch(`/items/${item.id}`, { hidden }), hidden ? text.hid : text.unhid, back);
}

/** Removes syncs. Saving the same settings again carries on where they were. */
export function removeAll(items: ItemView[], canUndo: boolean): Promise<void> {
  const back = (done: ItemView[]) => void toasts.try(() => Promise.all(done.map(saveAgain)));
  return many(items, (item) => del(`/items/${item.id}`), text.removed, canUndo ? back : undefined);
}

async function saveAgain(item: ItemView): Promise<void> {
  const body: ItemNew = { handler: item.handler, name: item.name ?? item.title, settings: item.settings };
  const { data } = await ask<ItemView>('POST', '/items', { body });
  if (!item.enabled) await patch(`/items/${data.id}`, { enabled: false });
}

/** How long a pause can last. */
export function pauses(choose: (until: Date | null) => void): Action[] {
  return [
    { label: text.pause_hour, icon: 'pause', run: () => choose(new Date(Date.now() + HOUR_MS)) },
    { label: text.pause_tomorrow, icon: 'pause', run: () => choose(tomorrow(new Date())) },
    { label: text.pause_open, icon: 'pause', run: () => choose(null) },
  ];
}

/** Why a run cannot begin now. */
export function whyNotSync(item: ItemView): string | undefined {
  if (!item.enabled) return text.is_off;
  if (item.running.length > 0) return text.is_running;
  return item.queued.length > 0 ? text.is_queued : undefined;
}

function copy(what: string): void {
  void navigator.clipboard.writeText(what).then(() => toasts.tell(text.copied(what)));
}

interface Dialogs {
  remove: (item: ItemView) => void;
  duplicate: (item: ItemView) => void;
  schedule: (item: ItemView) => void;
}

/** The menu of one sync. */
export function actions(item: ItemView, dialogs: Dialogs, isOnItsPage = false): Action[] {
  const run = center.runOf(item.id);
  const all: Action[] = [];
  if (!isOnItsPage) {
    if (run) all.push({ label: text.stop, icon: 'stop', run: () => void stop(run) });
    else all.push({ label: text.sync, icon: 'play', run: () => void sync([item.id]), reason: whyNotSync(item) });
    all.push({ label: text.preview, icon: 'eye', run: () => router.go(`/syncs/${item.id}/preview`) });
    if (item.paused_until) all.push({ label: text.resume, icon: 'play', run: () => void resume([item]) });
    else all.push(...pauses((until) => void pauseAll([item], until)));
  }
  all.push(
    { label: item.enabled ? text.off : text.on, icon: item.enabled ? 'close' : 'check', run: () => void turnAll([item], !item.enabled) },
    { label: item.hidden ? text.unhide : text.hide, icon: 'eye', run: () => void hideAll([item], !item.hidden) },
    { label: text.schedule, icon: 'schedule', run: () => dialogs.schedule(item), reason: item.name == null ? text.not_saved : undefined },
    { label: text.duplicate, icon: 'plus', run: () => dialogs.duplicate(item), reason: item.saved ? undefined : text.not_saved },
    { label: text.copy_link, icon: 'link', run: () => copy(`${location.origin}/syncs/${item.id}`) },
    ...[item.folders.left, item.folders.right].filter(Boolean).map((folder) => ({ label: text.copy_path(visible(folder)), icon: 'folder' as const, run: () => copy(folder) })),
    { label: text.copy_command, icon: 'copy', run: () => copy(`syncmgr sync ${named(item)}`) },
    { label: text.remove, icon: 'trash', run: () => dialogs.remove(item), isDanger: true },
  );
  return all;
}
