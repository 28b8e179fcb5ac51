import { expect, it } from 'vitest';
import { figures, heights } from './runs';
import type { Run } from '../../api/types';

const none = { copied: 0, updated: 0, deleted: 0, folders_made: 0, folders_removed: 0, renamed: 0, attributes: 0, bytes: 0 };

it('sums a run up', () => {
  const run = {
    started: '2026-12-01T03:00:00Z',
    ended: '2026-12-01T03:00:05Z',
    summary: { done: { left: { ...none, deleted: 2, bytes: 10 }, right: { ...none, copied: 3, folders_made: 1, bytes: 5 } } },
  } as Run;
  expect(figures(run)).toEqual({ took: 5000, bytes: 15, changes: 6 });
  expect(figures({ ...run, ended: null }).took).toBeUndefined();
});

it('keeps what is small visible, and nothing nothing', () => {
  expect(heights([0, 1, 1000])).toEqual([0, 0.03, 1]);
  expect(heights([0, 0])).toEqual([0, 0]);
  expect(heights([])).toEqual([]);
});
