/** Numbers, sizes and times in the form of the person's language. */
import { locale } from './i18n/index.svelte';

const made = new Map<string, unknown>();

/** Makes a form for a language once: making one costs more than using it a hundred times. */
function form<T>(make: new (tag: string, options?: object) => T, options: object = {}): T {
  const key = `${make.name} ${locale.tag} ${JSON.stringify(options)}`;
  const known = made.get(key) as T | undefined;
  if (known) return known;
  const one = new make(locale.tag, options);
  made.set(key, one);
  return one;
}

export function number(n: number): string {
  return form(Intl.NumberFormat).format(n);
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** Says a number of bytes with three digits, in units of 1,000 as storage is sold. */
export function size(bytes: number): string {
  let unit = 0;
  let n = bytes;
  while (n >= 999.5 && unit < UNITS.length - 1) {
    n /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || n >= 100 ? 0 : 1;
  return form(Intl.NumberFormat, {
    style: 'unit',
    unit: UNITS[unit],
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: digits,
  }).format(n);
}

export function rate(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Says how long something took: `420 ms`, `6 s`, `1 min 12 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const part = (n: number, unit: string) =>
    form(Intl.NumberFormat, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 0 }).format(n);
  if (ms < 1000) return part(Math.round(ms), 'millisecond');
  const s = Math.round(ms / 1000);
  if (s < MINUTE) return part(s, 'second');
  if (s < HOUR) return s % MINUTE ? `${part(Math.floor(s / MINUTE), 'minute')} ${part(s % MINUTE, 'second')}` : part(s / MINUTE, 'minute');
  if (s < DAY) return s % HOUR < MINUTE ? part(Math.floor(s / HOUR), 'hour') : `${part(Math.floor(s / HOUR), 'hour')} ${part(Math.floor((s % HOUR) / MINUTE), 'minute')}`;
  return part(Math.round(s / DAY), 'day');
}

/** Says when, from now: `3 minutes ago`, `in 2 hours`. */
export function relative(at: Date, now: Date): string {
  const s = (at.getTime() - now.getTime()) / 1000;
  const far = Math.abs(s);
  const words = form(Intl.RelativeTimeFormat, { numeric: 'auto' });
  if (far < 45) return words.format(0, 'second');
  if (far < 45 * MINUTE) return words.format(Math.round(s / MINUTE), 'minute');
  if (far < 22 * HOUR) return words.format(Math.round(s / HOUR), 'hour');
  if (far < 26 * DAY) return words.format(Math.round(s / DAY), 'day');
  if (far < 320 * DAY) return words.format(Math.round(s / (30 * DAY)), 'month');
  return words.format(Math.round(s / (365 * DAY)), 'year');
}

/** Says a moment in full. */
export function moment(at: Date): string {
  return form(Intl.DateTimeFormat, { dateStyle: 'full', timeStyle: 'medium' }).format(at);
}

/** Says a moment shortly: only the time of day for today, the day of the week for the days to come. */
export function short(at: Date, now: Date): string {
  const time = { hour: '2-digit', minute: '2-digit' };
  if (at.toDateString() === now.toDateString()) return form(Intl.DateTimeFormat, time).format(at);
  const days = (at.getTime() - now.getTime()) / (DAY * 1000);
  if (days > 0 && days < 6) return form(Intl.DateTimeFormat, { weekday: 'short', ...time }).format(at);
  const year = at.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return form(Intl.DateTimeFormat, { day: 'numeric', month: 'short', year, ...time }).format(at);
}

export function time(at: Date): string {
  return form(Intl.DateTimeFormat, { timeStyle: 'short' }).format(at);
}

/** Says a time of day to the second. */
export function clockTime(at: Date): string {
  return form(Intl.DateTimeFormat, { timeStyle: 'medium' }).format(at);
}

export function day(at: Date): string {
  return form(Intl.DateTimeFormat, { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
}

/** Joins words: `a, b and c`. */
export function list(words: string[]): string {
  return form(Intl.ListFormat).format(words);
}

// Control characters, and marks that turn the direction of text: a name must not hide what it is.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Makes what hides in a name visible, as `‹U+202E›`. For every name a stranger may have chosen. */
export function visible(name: string): string {
  return name.replace(HIDDEN, (c) => `‹U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}›`);
}
