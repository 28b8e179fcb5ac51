import { expect, it } from 'vitest';
import { direction } from './direction';

const folders = { left: '~/a', right: '~/b' };

it('knows which way a sync goes', () => {
  expect(direction({ folders, settings: {} })).toBe('both');
  expect(direction({ folders, settings: { mode: 'add-only' } })).toBe('both');
  expect(direction({ folders, settings: { mode: 'mirror' } })).toBe('right');
  expect(direction({ folders, settings: { mode: 'mirror-back' } })).toBe('left');
  expect(direction({ folders, settings: { mode: 'bisync', left: 'x', right: 'y' } })).toBe('both');
  expect(direction({ folders, settings: { source: '/a', target: '/b' } })).toBe('right');
  expect(direction({ folders: { left: '', right: '' }, settings: {} })).toBeUndefined();
});
