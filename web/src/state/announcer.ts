/** What readers of screens hear of runs, on every page: that one works, each quarter, and how it ended. */
import { get, part, Refused } from '../api/client';
import type { ItemView, Message } from '../api/types';
import { runProgressWords } from '../lib/ui/RunProgress.text';
import { visible } from '../lib/format';
import { toasts } from '../lib/toasts.svelte';
import { stream } from '../live/stream.svelte';
import { center } from './center.svelte';

const QUARTER = 25;

/** What was said of a sync in a run. */
interface Said {
  title: Promise<string | undefined>;
  phase: string;
  quarter: number;
}

/** By run, then by sync. */
const heard = new Map<string, Map<string, Said>>();

/** Begins to follow; returns what ends it. */
export function announce(): () => void {
  const offs = [
    stream.on('progress', (message) => void onProgress(message)),
    stream.on('session_ended', ({ run }) => {
      const syncs = heard.get(run);
      heard.delete(run);
      for (const item of syncs?.keys() ?? []) void sayEnd(item);
    }),
    stream.on('reset', () => heard.clear()),
  ];
  return () => {
    for (const off of offs) off();
  };
}

async function onProgress({ run, item, progress }: Extract<Message, { type: 'progress' }>): Promise<void> {
  // A preview is heard of on its own page.
  if (center.runs[run]?.preview !== false) return;
  const syncs = heard.get(run) ?? new Map<string, Said>();
  heard.set(run, syncs);
  const said = syncs.get(item) ?? { title: look(item).then((found) => found?.title), phase: '', quarter: 0 };
  syncs.set(item, said);
  const percent = progress.percent ?? 0;
  const quarter = Math.floor(percent / QUARTER);
  if (progress.phase === said.phase && quarter <= said.quarter) return;
  said.phase = progress.phase;
  said.quarter = Math.max(said.quarter, quarter);
  const title = await said.title;
  const words = runProgressWords().phase(progress.phase);
  if (title && heard.get(run) === syncs) toasts.say(`${visible(title)}: ${words}${percent ? `, ${percent} %` : ''}`);
}

/** What the daemon says of the sync, now that the run is over. */
async function sayEnd(item: string): Promise<void> {
  const found = await look(item);
  if (found) toasts.say(`${visible(found.title)}: ${found.words}`, true);
}

async function look(item: string): Promise<ItemView | undefined> {
  try {
    return await get<ItemView>(`/items/${part(item)}`);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
