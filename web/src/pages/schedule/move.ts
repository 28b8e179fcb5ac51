/** A planned run that is put elsewhere in the week: what that makes of its schedule. */
import type { ScheduleRules } from '../../api/types';
import { DAYS, readTrigger, writeTrigger, type Day } from '../../lib/trigger';

const dayOf = (at: Date): Day => DAYS[(at.getDay() + 6) % 7]!;
const two = (n: number) => String(n).padStart(2, '0');
export const timeOf = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}`;

/**
 * Moves the time of day that a run comes from; for a time of one day of the week also the day.
 * Nothing when no time of day says when it runs, or says it elsewhere than here.
 */
export function moved(rules: ScheduleRules, from: Date, to: Date): ScheduleRules | undefined {
  if (rules.zone || rules.jitter) return undefined;
  const triggers = (rules.triggers ?? []).map(readTrigger);
  const at = triggers.findIndex((trigger) => trigger.kind === 'at' && trigger.times.includes(timeOf(from)) && (trigger.days.length === 0 || trigger.days.includes(dayOf(from))));
  const found = triggers[at];
  if (found?.kind !== 'at') return undefined;
  const times = [...new Set(found.times.map((time) => (time === timeOf(from) ? timeOf(to) : time)))].sort();
  const days = found.days.length === 1 ? [dayOf(to)] : found.days;
  const next = writeTrigger({ kind: 'at', days, times });
  if (next === writeTrigger(found)) return undefined;
  return { ...rules, triggers: triggers.map((trigger, i) => (i === at ? next : writeTrigger(trigger))) };
}
