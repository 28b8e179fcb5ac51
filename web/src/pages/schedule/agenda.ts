/** Planned runs, as the daemon lists them. */
import { get } from '../../api/client';
import type { Agenda, PlannedRun } from '../../api/types';

/** Runs by what `key` says of their time, in order. */
export function grouped(planned: PlannedRun[], key: (at: Date) => string): Map<string, PlannedRun[]> {
  const groups = new Map<string, PlannedRun[]>();
  for (const run of planned) {
    const name = key(new Date(run.at));
    const group = groups.get(name);
    if (group) group.push(run);
    else groups.set(name, [run]);
  }
  return groups;
}

/** The syncs of a planned run; one that is called as its schedule need not be named again. */
export function othersOf(run: PlannedRun): PlannedRun['items'] {
  return run.total === 1 && run.items[0]?.title === run.schedule ? [] : run.items;
}

/** As many as the daemon lists at once. */
export const LISTED_MAX = 500;

export async function agenda(from: Date, until: Date, limit: number, signal: AbortSignal): Promise<PlannedRun[]> {
  return (await get<Agenda>('/agenda', { from: from.toISOString(), until: until.toISOString(), limit }, signal)).items;
}
