/** What choices and changes are called. */
import type { Change, ListedConflict } from '../../api/types';
import { visible } from '../../lib/format';
import type { conflictsWords } from '../Conflicts.text';
import { commonPlace, versionOf, type Choice } from './choices';

type Text = ReturnType<typeof conflictsWords>;

export function labelOf(text: Text, choice: Choice, conflicts: ListedConflict[]): string {
  const index = versionOf(choice);
  if (index !== undefined) {
    const place = commonPlace(conflicts, index);
    if (place !== undefined) return text.keep(visible(place));
    const isPair = conflicts.every((conflict) => conflict.file && conflict.versions.length === 2);
    if (isPair) return index === 0 ? text.keep_left : text.keep_right;
    return text.keep_nth(index + 1);
  }
  switch (choice) {
    case 'newest':
      return text.keep_newest;
    case 'both': {
      const n = conflicts[0]?.versions.length ?? 2;
      return n === 2 ? text.keep_both : text.keep_all(n);
    }
    case 'merge':
      return text.merge;
    default:
      return text.keep_nothing;
  }
}

export function kindWord(text: Text, kind: string): string {
  const known: Record<string, string> = {
    'both-changed': text.both_changed,
    'changed-and-deleted': text.changed_and_deleted,
    'both-new': text.both_new,
    'kinds-differ': text.kinds_differ,
  };
  return known[kind] ?? visible(kind);
}

/** What a planned change does, where. */
export function changeWords(text: Text, change: Change, places: { left: string; right: string }): string {
  const path = visible(change.path);
  const place = visible(change.side === 'left' ? places.left : places.right);
  switch (change.action) {
    case 'copy':
      return text.add(path, place);
    case 'update':
      return text.update(path, place);
    case 'delete':
      return text.remove(path, place);
    case 'rename':
      return text.rename(path, visible(change.from ?? ''), place);
    default:
      return text.other_change(path, place);
  }
}
