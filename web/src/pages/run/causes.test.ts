import { expect, it } from 'vitest';
import type { EventView } from '../../api/types';
import { byCause } from './causes';

const event = (id: number, code: string, level: string) => ({ id, notice: { code, level } }) as EventView;

it('puts the worst first, then the most frequent', () => {
  const causes = byCause([event(1, 'skipped', 'warning'), event(2, 'denied', 'error'), event(3, 'full', 'error'), event(4, 'full', 'error')]);
  expect(causes.map((cause) => cause.events.map((event) => event.id))).toEqual([[3, 4], [2], [1]]);
});
