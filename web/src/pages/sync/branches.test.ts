import { expect, it } from 'vitest';
import type { SyncFile } from '../../api/types';
import { rowsOf, type Branch } from './branches';

const file = (path: string, kind = 'file'): SyncFile => ({ path, name: path.split('/').at(-1) ?? '', kind, state: 'same' }) as SyncFile;
const top: [string, Branch] = ['', { files: [file('a', 'folder'), file('b')] }];
const inner: [string, Branch] = ['a', { files: [file('a/c')], cursor: 'next' }];

it('shows what is in open folders under them', () => {
  const rows = rowsOf(new Map([top, inner]), new Set(['a']));
  expect(rows.map(({ path, depth }) => [path, depth])).toEqual([['a', 0], ['a/c', 1], ['a/', 1], ['b', 0]]);
  expect(rows[1]).toMatchObject({ position: 1, siblings: 2, folder: 'a' });
  expect(rows[2]?.file).toBeUndefined();
});

it('shows no more of a folder that is closed, or not there yet', () => {
  expect(rowsOf(new Map([top, inner]), new Set()).map(({ path }) => path)).toEqual(['a', 'b']);
  expect(rowsOf(new Map([top]), new Set(['a'])).map(({ path }) => path)).toEqual(['a', 'b']);
  expect(rowsOf(new Map(), new Set())).toEqual([]);
});
