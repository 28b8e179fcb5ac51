import { expect, it } from 'vitest';
import { byDay } from './versions';
import type { Version } from '../../api/types';

const version = (path: string, replaced: string) => ({ path, replaced, run: 'r', side: 'left' }) as Version;

it('puts a line before each day', () => {
  const lines = byDay([version('a', '2026-12-01T12:00:00Z'), version('b', '2026-12-01T11:00:00Z'), version('c', '2026-11-29T11:00:00Z')]);
  expect(lines.map((line) => ('day' in line ? 'day' : line.version.path))).toEqual(['day', 'a', 'b', 'day', 'c']);
  expect(new Set(lines.map((line) => line.key)).size).toBe(5);
});
