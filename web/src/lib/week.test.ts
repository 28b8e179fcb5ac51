import { expect, it } from 'vitest';
import { addDays, dayKey, monday, readDay } from './week';

const sunday = new Date(2026, 10, 29, 23, 59);

it('begins on Monday', () => {
  expect(dayKey(monday(sunday))).toBe('2026-11-23');
  expect(dayKey(monday(new Date(2026, 10, 23)))).toBe('2026-11-23');
});
it('goes over the end of a month', () => expect(dayKey(addDays(sunday, 2))).toBe('2026-12-01'));
it('reads what it writes', () => expect(dayKey(readDay('2026-11-30', sunday))).toBe('2026-11-30'));
it('keeps to the given day when there is none', () => expect(readDay('soon', sunday)).toBe(sunday));
