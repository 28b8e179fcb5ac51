import { expect, it } from 'vitest';
import { sign, steps } from './files';

it('walks down to a folder', () => {
  expect(steps('a/b c')).toEqual([{ name: 'a', path: 'a' }, { name: 'b c', path: 'a/b c' }]);
  expect(steps('')).toEqual([]);
});

it('has a sign for every state', () => {
  expect(sign('same')).toBe('ok');
  expect(sign('only-left')).toBe('waiting');
  expect(sign('conflict')).toBe('conflicts');
});
