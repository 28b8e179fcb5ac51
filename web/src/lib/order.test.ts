import { expect, test } from 'vitest';
import { inOrderOf } from './order';

const row = (id: string, status = 'ok') => ({ id, status });
const of = (before: { id: string; status: string }[], now: { id: string; status: string }[]) => inOrderOf(before, now, ({ id }) => id);

test('rows keep their places and show what they are now', () => {
  expect(of([row('a'), row('b')], [row('b', 'failed'), row('a')])).toEqual([row('a'), row('b', 'failed')]);
});

test('what is new comes last, what is gone leaves', () => {
  expect(of([row('a'), row('b'), row('c')], [row('new'), row('c'), row('a')]).map(({ id }) => id)).toEqual(['a', 'c', 'new']);
});

test('a row that comes twice is not lost and not doubled', () => {
  expect(of([row('a'), row('a')], [row('a')]).map(({ id }) => id)).toEqual(['a']);
});
