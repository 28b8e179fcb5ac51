/** Results as lines of a list: under their day, and under their run where it has several. */
import type { EventView } from '../../api/types';

export type Row =
  | { kind: 'day'; key: string; at: Date }
  | { kind: 'run'; key: string; run: string; event: EventView; n: number }
  | { kind: 'event'; key: string; event: EventView; isInner: boolean };

export const keyOf = (event: EventView): string => `${event.handler}/${event.id}`;

/** The local day of a moment; asked a hundred thousand times, so each ten minutes are looked up once. */
const days = new Map<string, string>();
function dayOf(at: string): string {
  // `2026-11-20T14:2`: no zone begins a day within these ten minutes.
  const key = at.slice(0, 15);
  let day = days.get(key);
  if (day === undefined) days.set(key, (day = new Date(at).toDateString()));
  return day;
}

export function rowsOf(events: EventView[]): Row[] {
  const rows: Row[] = [];
  let day = '';
  for (let i = 0; i < events.length; ) {
    const event = events[i]!;
    if (dayOf(event.at) !== day) {
      day = dayOf(event.at);
      rows.push({ kind: 'day', key: `day ${keyOf(event)}`, at: new Date(event.at) });
    }
    let end = i + 1;
    if (event.run) while (events[end]?.run === event.run && dayOf(events[end]!.at) === day) end += 1;
    const isInner = end - i > 1;
    if (event.run && isInner) rows.push({ kind: 'run', key: `run ${keyOf(event)}`, run: event.run, event, n: end - i });
    for (; i < end; i += 1) rows.push({ kind: 'event', key: keyOf(events[i]!), event: events[i]!, isInner });
  }
  return rows;
}

/** The moment a day begins or ends, as the daemon reads it; undefined for what is no day. */
export function momentOf(day: string, edge: 'begin' | 'end'): string | undefined {
  const at = new Date(`${day}T${edge === 'begin' ? '00:00:00' : '23:59:59'}`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z');
}
