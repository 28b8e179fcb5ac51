/** Results as lines of a list: under their day, and under their run where it has several. */
import type { EventView } from '../../api/types';

export type Row =
  | { kind: 'day'; key: string; at: Date }
  | { kind: 'run'; key: string; run: string; event: EventView; n: number }
  | { kind: 'event'; key: string; event: EventView; isInner: boolean };

export const keyOf = (event: EventView): string => `${event.handler}/${event.id}`;

export function rowsOf(events: EventView[]): Row[] {
  const rows: Row[] = [];
  let day = '';
  for (let i = 0; i < events.length; ) {
    const event = events[i]!;
    const at = new Date(event.at);
    if (at.toDateString() !== day) {
      day = at.toDateString();
      rows.push({ kind: 'day', key: `day ${keyOf(event)}`, at });
    }
    let end = i + 1;
    if (event.run) while (events[end]?.run === event.run && new Date(events[end]!.at).toDateString() === day) end += 1;
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
