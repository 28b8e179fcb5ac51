/** Planned runs, as the daemon lists them. */
import { get } from '../../api/client';

// until the description has it
export interface Planned {
  at: string;
  schedule: string;
  items: { id: string; title: string }[];
  /** Syncs in all; the first of them are named. */
  total: number;
}

/** Runs by what `key` says of their time, in order. */
export function grouped(planned: Planned[], key: (at: Date) => string): Map<string, Planned[]> {
  const groups = new Map<string, Planned[]>();
  for (const run of planned) {
    const name = key(new Date(run.at));
    const group = groups.get(name);
    if (group) group.push(run);
    else groups.set(name, [run]);
  }
  return groups;
}

/** As many as the daemon lists at once. */
export const LISTED_MAX = 500;

export async function agenda(from: Date, until: Date, limit: number, signal: AbortSignal): Promise<Planned[]> {
  return (await get<{ items: Planned[] }>('/agenda', { from: from.toISOString(), until: until.toISOString(), limit }, signal)).items;
}
