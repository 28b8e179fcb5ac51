import { expect, it } from 'vitest';
import { named } from './command';

it('names a sync so that a shell leaves the name alone', () => {
  expect(named({ id: 'files-1', name: 'Photos' })).toBe('Photos');
  expect(named({ id: 'files-1', name: 'My $HOME' })).toBe("'My $HOME'");
  expect(named({ id: 'files-1', name: "Anna's" })).toBe(String.raw`'Anna'\''s'`);
  expect(named({ id: 'files-1', name: '--all' })).toBe('files-1');
  expect(named({ id: 'files-1', name: null })).toBe('files-1');
});
