import { expect, it } from 'vitest';
import { each, parts } from './crowd';

it('works on some at a time, and on all in the end', async () => {
  let working = 0;
  let most = 0;
  const numbers = Array.from({ length: 40 }, (_, i) => i);
  const { done, error } = await each(numbers, async () => {
    most = Math.max(most, (working += 1));
    await Promise.resolve();
    working -= 1;
  });
  expect(done).toHaveLength(40);
  expect(most).toBe(6);
  expect(error).toBeUndefined();
});

it('goes on after a failure and tells the first', async () => {
  const { done, error } = await each([1, 2, 3, 4], (n) => (n % 2 ? Promise.resolve() : Promise.reject(new Error(`no ${n}`))));
  expect(done).toEqual([1, 3]);
  expect((error as Error).message).toBe('no 2');
});

it('cuts lists', () => {
  expect(parts([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(parts([], 2)).toEqual([]);
});
