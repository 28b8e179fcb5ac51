import { describe, expect, it } from 'vitest';
import { ACTIONS, entriesOf, exclusionOf, filtered, groups, ordered, Tree, type Entry } from './plan';

const step = (path: string, action = 'copy', bytes = 1, more: Partial<Entry> = {}): Entry => ({ path, side: 'left', action, bytes, reason: 'new-on-right', ...more });
const names = (tree: Tree, open: string[] = []) => tree.rows(new Set(open)).map((node) => node.path);

describe('Tree', () => {
  it('shows folders first, and sums what is in them', () => {
    const tree = new Tree([step('z'), step('b/y', 'delete', 5, { held: true }), step('b/c/x', 'copy', 7), step('a/1')]);
    expect(names(tree)).toEqual(['a', 'b', 'z']);
    const b = tree.children('')[1]!;
    expect(b.sum).toMatchObject({ n: 2, bytes: 12, held: 1 });
    expect(b.sum!.actions[ACTIONS.indexOf('delete')]).toBe(1);
    expect(names(tree, ['b'])).toEqual(['a', 'b', 'b/c', 'b/y', 'z']);
    expect(tree.total).toMatchObject({ n: 4, bytes: 14 });
  });

  it('puts the step of a folder itself on its row', () => {
    // `a!b` sorts between `a` and `a/…`.
    const tree = new Tree([step('a', 'new folder', 0), step('a!b'), step('a/x', 'copy', 3)]);
    const [a, other] = tree.children('');
    expect(a).toMatchObject({ path: 'a', isFolder: true, sum: { n: 2, bytes: 3 } });
    expect(a!.entry?.action).toBe('new folder');
    expect(other).toMatchObject({ path: 'a!b', isFolder: false });
  });

  it('keeps two steps of one path apart', () => {
    const tree = new Tree([step('f', 'attributes'), step('f', 'attributes', 1, { side: 'right' })]);
    const rows = tree.children('');
    expect(rows.map((node) => node.entry?.side)).toEqual(['left', 'right']);
    expect(new Set(rows.map((node) => node.key)).size).toBe(2);
  });

  it('knows the place of each row among its own', () => {
    const tree = new Tree([step('a/1'), step('a/2'), step('b')]);
    expect(tree.rows(new Set(['a'])).map((node) => [node.depth, node.position, node.siblings])).toEqual([
      [0, 1, 2],
      [1, 1, 2],
      [1, 2, 2],
      [0, 2, 2],
    ]);
  });

  it('opens from above while few rows are seen, and the only folder always', () => {
    const many = Array.from({ length: 50 }, (_, i) => step(`only/big/${i}`));
    expect([...new Tree([...many, step('only/small/x')]).opening(20)]).toEqual(['only', 'only/small']);
    expect([...new Tree(many).opening(20)]).toEqual(['only', 'only/big']);
  });

  it('stays quick with a hundred thousand steps', () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => step(`d${i % 100}/e${i % 1000}/f${i}`));
    const start = performance.now();
    const tree = new Tree(entries);
    expect(tree.rows(tree.opening(200)).length).toBeLessThanOrEqual(200);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

it('takes conflicts among the steps', () => {
  const conflict = { id: '', item: 'i', path: 'b', kind: 'both-changed', within: 0, sides: { left: { state: 'present' }, right: { state: 'present' } } };
  const entries = entriesOf({ changes: [{ ...step('a'), held: false }], conflicts: [conflict] });
  expect(groups(entries).map((group) => group.action)).toEqual(['copy', 'conflict']);
});

it('filters by what, where and text', () => {
  const entries = [step('a/Photo', 'delete', 1, { held: true }), step('b', 'copy', 2, { side: 'right' }), step('c', 'rename', 0, { from: 'photos' }), step('d', 'conflict', 0, { side: '' })];
  expect(filtered(entries, { text: 'photo' }).map((entry) => entry.path)).toEqual(['a/Photo', 'c']);
  expect(filtered(entries, { action: 'held' }).length).toBe(1);
  expect(filtered(entries, { side: 'right' }).map((entry) => entry.path)).toEqual(['b', 'd']);
  expect(filtered(entries, {})).toBe(entries);
});

it('orders by size or path', () => {
  const entries = [step('b', 'copy', 1), step('a', 'copy', 0), step('c', 'copy', 9)];
  expect(ordered(entries, 'size').map((entry) => entry.path)).toEqual(['c', 'b', 'a']);
  expect(ordered(entries, 'path').map((entry) => entry.path)).toEqual(['a', 'b', 'c']);
});

it('excludes exactly one path', () => {
  expect(exclusionOf('2019/a.txt', false)).toBe('/2019/a.txt');
  expect(exclusionOf('2019', true)).toBe('/2019/');
  expect(exclusionOf('a*[1]?', false)).toBe('/a\\*\\[1\\]\\?');
  expect(exclusionOf('line\\nend \\u{202e}\\xff', false)).toBe('/line?end ??');
  expect(exclusionOf('back\\\\slash ', false)).toBe('/back\\\\slash\\ ');
});
