import { expect, it } from 'vitest';
import type { EventView } from '../../api/types';
import { momentOf, rowsOf } from './rows';

const event = (id: number, at: string, run: string | null = null) => ({ id, handler: 'files', at, run }) as EventView;
const kinds = (events: EventView[]) => rowsOf(events).map((row) => (row.kind === 'event' ? row.event.id : row.kind));

it('puts results under their day, and several of one run under the run', () => {
  const events = [event(5, '2026-12-02T10:00:00', 'b'), event(4, '2026-12-02T10:00:00', 'b'), event(3, '2026-12-02T09:00:00', 'a'), event(2, '2026-12-01T09:00:00', 'a'), event(1, '2026-12-01T08:00:00')];
  expect(kinds(events)).toEqual(['day', 'run', 5, 4, 3, 'day', 2, 1]);
  expect(new Set(rowsOf(events).map((row) => row.key)).size).toBe(8);
});

it('takes results outside of any run one by one', () => {
  expect(kinds([event(2, '2026-12-01T09:00:00'), event(1, '2026-12-01T09:00:00')])).toEqual(['day', 2, 1]);
  expect(rowsOf([])).toEqual([]);
});

it('turns days into moments', () => {
  expect(momentOf('2026-12-01', 'begin')).toMatch(/^2026-1[12]-\d\dT\d\d:\d\d:00Z$/);
  expect(Date.parse(momentOf('2026-12-01', 'end')!) - Date.parse(momentOf('2026-12-01', 'begin')!)).toBe(86_399_000);
  expect(momentOf('', 'begin')).toBeUndefined();
});
