import { describe, expect, it } from 'vitest';
import type { ConflictVersion, ItemPreview, ListedConflict } from '../../api/types';
import { common, commonPlace, decisionOf, folderOf, keptNames, marks, nameOf, offered, tally, tallyAll } from './choices';

const version = (place: string, more: Partial<ConflictVersion> = {}): ConflictVersion => ({
  name: 'a.txt', place, location: `${place}/a.txt`, deleted: false, readable: true, size: 1, modified: '2026-01-01T00:00:00Z', ...more,
});
const conflict = (more: Partial<ListedConflict> = {}): ListedConflict => ({
  address: 'conflict://files/one/a', handler: 'files', item: 'one', kind: 'both-changed', name: 'docs/a.txt', description: '', seen: 's',
  versions: [version('~/A'), version('~/B')], can: ['several', 'newest', 'other'], ...more,
});
const preview = (changes: { path: string; side: string }[], conflicts: string[] = []): ItemPreview =>
  ({ item: 'one', preview: { changes, conflicts: conflicts.map((path) => ({ path })) } }) as unknown as ItemPreview;

describe('offered', () => {
  it('follows what the conflict can', () => {
    expect(offered(conflict())).toEqual(['v0', 'v1', 'newest', 'both', 'merge']);
    expect(offered(conflict({ can: ['nothing'] }))).toEqual(['v0', 'v1', 'nothing']);
  });
  it('has as many versions as there are', () =>
    expect(offered(conflict({ versions: [version('a'), version('b'), version('c')], can: [] }))).toEqual(['v0', 'v1', 'v2']));
  it('keeps no deletion beside a file, and merges none', () =>
    expect(offered(conflict({ versions: [version('a'), version('b', { deleted: true })] }))).toEqual(['v0', 'v1', 'newest']));
});

describe('common', () => {
  it('is what all can', () => expect(common([conflict(), conflict({ can: ['newest'] })])).toEqual(['v0', 'v1', 'newest']));
  it('is nothing for none', () => expect(common([])).toEqual([]));
  it('names a place only when it is the same', () => {
    expect(commonPlace([conflict(), conflict()], 0)).toBe('~/A');
    expect(commonPlace([conflict(), conflict({ versions: [version('x'), version('y')] })], 0)).toBeUndefined();
  });
});

describe('decisionOf', () => {
  it('names versions by index', () => expect(decisionOf(conflict(), 'v1')).toEqual({ keep: 'items', items: [1] }));
  it('keeps all that are there', () => expect(decisionOf(conflict(), 'both')).toEqual({ keep: 'items', items: [0, 1] }));
  it('sends what was merged', () => {
    const content = { encoding: 'utf-8', data: 'x' };
    expect(decisionOf(conflict(), 'merge', content)).toEqual({ keep: 'content', content });
  });
});

describe('marks', () => {
  it('say which is newer and larger', () =>
    expect(marks([version('a', { size: 2 }), version('b', { modified: '2026-01-02T00:00:00Z' })])).toEqual([
      { isNewer: false, isLarger: true },
      { isNewer: true, isLarger: false },
    ]));
  it('say nothing about equal ones, or about one that is alone', () => {
    const none = { isNewer: false, isLarger: false };
    expect(marks([version('a'), version('b')])).toEqual([none, none]);
    expect(marks([version('a'), version('b', { deleted: true })])).toEqual([none, none]);
  });
});

describe('names', () => {
  it('are divided', () => expect([folderOf(conflict()), nameOf(conflict())]).toEqual(['docs', 'a.txt']));
  it('have no folder at the top', () => expect([folderOf(conflict({ name: 'a' })), nameOf(conflict({ name: 'a' }))]).toEqual(['', 'a']));
  it('of what is kept come from its handler, or from the plan', () => {
    const named = conflict({ versions: [version('a', { kept_name: 'k' }), version('b')] });
    expect(keptNames(named, [])).toEqual(['k']);
    const plan = preview([{ path: 'docs/a (conflict).txt', side: 'left' }, { path: 'docs/a.txt', side: 'left' }]);
    expect(keptNames(conflict(), [plan])).toEqual(['docs/a (conflict).txt']);
  });
});

describe('tally', () => {
  it('counts by the place that wins', () =>
    expect(tally([conflict(), conflict()], 'v0', [], new Set())).toEqual({ from: [{ place: '~/A', n: 2 }], others: 0, left: 0 }));
  it('asks the plan which is newest', () => {
    const file = { path: 'a' } as ListedConflict['file'];
    const rows = [conflict({ file }), conflict({ name: 'b', address: 'x', file: { path: 'b' } as ListedConflict['file'] })];
    const plan = preview([{ path: 'a', side: 'left' }], ['b']);
    expect(tally(rows, 'newest', [plan], new Set())).toEqual({ from: [{ place: '~/B', n: 1 }], others: 0, left: 1 });
  });
  it('leaves what fails', () => expect(tally([conflict()], 'v0', [], new Set(['conflict://files/one/a'])).left).toBe(1));
});

describe('tallyAll', () => {
  const places = () => ['~/A', '~/B'];
  it('names the place', () => expect(tallyAll(10, 'v0', [preview([], ['x'])], 2, '~/A', places)).toEqual({ from: [{ place: '~/A', n: 7 }], others: 0, left: 3 }));
  it('counts the newest by the sides that change', () =>
    expect(tallyAll(2, 'newest', [preview([{ path: 'a', side: 'left' }, { path: 'b', side: 'right' }])], 0, undefined, places).from).toEqual([{ place: '~/B', n: 1 }, { place: '~/A', n: 1 }]));
  it('says only the sum where changes are not conflicts', () =>
    expect(tallyAll(1, 'newest', [preview([{ path: 'a/b', side: 'left' }, { path: 'a/c', side: 'left' }])], 0, undefined, places)).toEqual({ from: [], others: 1, left: 0 }));
});
