import { expect, it } from 'vitest';
import { spans } from './spans';

const run = (at: string, schedule: string) => ({ at, schedule, items: [], total: 0 });
const short = (planned: ReturnType<typeof run>[]) => spans(planned).map((span) => `${span.first.schedule}×${span.n}`);

it('joins what follows itself', () => {
  expect(short([run('2026-11-20T10:00:00', 'a'), run('2026-11-20T10:15:00', 'a'), run('2026-11-20T10:20:00', 'b'), run('2026-11-20T10:30:00', 'a')])).toEqual(['a×2', 'b×1', 'a×1']);
});
it('begins anew with each day', () => {
  expect(short([run('2026-11-20T23:00:00', 'a'), run('2026-11-21T01:00:00', 'a')])).toEqual(['a×1', 'a×1']);
});
