/** Results with the same cause together: the worst first, then the most frequent. */
import type { EventView } from '../../api/types';

export interface Cause {
  code: string;
  level: string;
  events: EventView[];
}

const LEVELS = ['error', 'warning', 'information'];

export function byCause(events: EventView[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const event of events) {
    const { code, level } = event.notice;
    const key = `${code} ${level}`;
    const cause = causes.get(key);
    if (cause) cause.events.push(event);
    else causes.set(key, { code: key, level, events: [event] });
  }
  return [...causes.values()].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || b.events.length - a.events.length);
}
