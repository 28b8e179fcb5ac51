/** What can be chosen for a conflict, or for many at once, and how a request says it. */
import type { ConflictVersion, Content, Decision, ItemPreview, ListedConflict } from '../../api/types';

/** `v0`, `v1`, …: one of its versions. */
export type Choice = `v${number}` | 'newest' | 'both' | 'merge' | 'nothing';

export const versionOf = (choice: Choice): number | undefined => (choice.startsWith('v') ? Number(choice.slice(1)) : undefined);

/** Choices of one conflict, in the order in which they are shown. */
export function offered(conflict: ListedConflict): Choice[] {
  const can = new Set(conflict.can);
  const nPresent = conflict.versions.filter((version) => !version.deleted).length;
  const choices: Choice[] = conflict.versions.map((_, index) => `v${index}` as const);
  if (can.has('newest')) choices.push('newest');
  if (can.has('several') && nPresent > 1) choices.push('both');
  if (can.has('other') && nPresent > 1) choices.push('merge');
  if (can.has('nothing')) choices.push('nothing');
  return choices;
}

/** What every one of them can, but merging, which needs a look at each. */
export function common(conflicts: ListedConflict[]): Choice[] {
  const [first, ...others] = conflicts;
  if (!first) return [];
  let choices = offered(first).filter((choice) => choice !== 'merge');
  for (const other of others) {
    const its = new Set(offered(other));
    choices = choices.filter((choice) => its.has(choice));
  }
  return choices;
}

/** The place that a version stands for, when it is the same one for all. */
export function commonPlace(conflicts: ListedConflict[], index: number): string | undefined {
  const place = conflicts[0]?.versions[index]?.place;
  return conflicts.every((conflict) => conflict.versions[index]?.place === place) ? place : undefined;
}

export function decisionOf(conflict: ListedConflict, choice: Choice, content?: Content): Decision {
  const index = versionOf(choice);
  if (index !== undefined) return { keep: 'items', items: [index] };
  switch (choice) {
    case 'both':
      return { keep: 'items', items: conflict.versions.flatMap((version, i) => (version.deleted ? [] : [i])) };
    case 'merge':
      return content ? { keep: 'content', content } : { keep: 'merge' };
    case 'nothing':
      return { keep: 'nothing' };
    default:
      return { keep: 'newest' };
  }
}

export interface Marks {
  isNewer: boolean;
  isLarger: boolean;
}

/** Which version was modified last, and which is the largest; nothing is said about equal ones. */
export function marks(versions: ConflictVersion[]): Marks[] {
  const newest = single(versions, (version) => (version.modified ? Date.parse(version.modified) : undefined));
  const largest = single(versions, (version) => version.size ?? undefined);
  return versions.map((_, i) => ({ isNewer: i === newest, isLarger: i === largest }));
}

function single(versions: ConflictVersion[], value: (version: ConflictVersion) => number | undefined): number | undefined {
  const known = versions.flatMap((version, i) => {
    const n = version.deleted ? undefined : value(version);
    return n === undefined ? [] : [{ i, n }];
  });
  if (known.length < 2) return undefined;
  const top = Math.max(...known.map((one) => one.n));
  const those = known.filter((one) => one.n === top);
  return those.length === 1 ? those[0]!.i : undefined;
}

/** The path that a conflict is about, or its name. */
export const pathOf = (conflict: ListedConflict): string => conflict.file?.path ?? conflict.name;

export const folderOf = (conflict: ListedConflict): string => {
  const path = pathOf(conflict);
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
};

export const nameOf = (conflict: ListedConflict): string => pathOf(conflict).slice(folderOf(conflict).length).replace(/^\//, '');

export interface Tally {
  /** How many are decided, by the version that wins. */
  from: { place: string; n: number }[];
  /** How many are kept more than once, or not synced any more. */
  others: number;
  /** How many stay conflicts. */
  left: number;
}

/** Counts what the plans of a preview say about each conflict. */
export function tally(conflicts: ListedConflict[], choice: Choice, previews: ItemPreview[], failed: Set<string>): Tally {
  const plans = new Map(previews.map((one) => [one.item, planOf(one)]));
  const from = new Map<string, number>();
  let others = 0;
  let left = 0;
  const index = versionOf(choice);
  for (const conflict of conflicts) {
    const plan = plans.get(conflict.item ?? '');
    const isLeft = failed.has(conflict.address) || (plan !== undefined && conflict.file != null && plan.conflicts.has(pathOf(conflict)));
    if (isLeft) {
      left += 1;
      continue;
    }
    const winner = index ?? (choice === 'newest' ? newestOf(conflict, plan) : undefined);
    const place = winner === undefined ? undefined : conflict.versions[winner]?.place;
    if (place === undefined) others += 1;
    else from.set(place, (from.get(place) ?? 0) + 1);
  }
  return { from: [...from].map(([place, n]) => ({ place, n })).sort((a, b) => b.n - a.n), others, left };
}

interface Plan {
  /** The side that is changed, by path. */
  sides: Map<string, string>;
  conflicts: Set<string>;
}

function planOf(one: ItemPreview): Plan {
  return {
    sides: new Map(one.preview.changes.map((change) => [change.path, change.side])),
    conflicts: new Set(one.preview.conflicts.map((conflict) => conflict.path)),
  };
}

/** The side that is not changed has the newest; without a plan the times tell. */
function newestOf(conflict: ListedConflict, plan: Plan | undefined): number | undefined {
  const side = plan?.sides.get(pathOf(conflict));
  if (side) return side === 'left' ? 1 : 0;
  const at = marks(conflict.versions).findIndex((mark) => mark.isNewer);
  if (at >= 0) return at;
  const present = conflict.versions.flatMap((version, i) => (version.deleted ? [] : [i]));
  return present.length === 1 ? present[0] : undefined;
}

/** The same where only addresses are known of most: all that fit a filter. `places` are those of a sync. */
export function tallyAll(nMeant: number, choice: Choice, previews: ItemPreview[], nFailed: number, place: string | undefined, places: (item: string) => string[]): Tally {
  const left = nFailed + previews.reduce((sum, one) => sum + one.preview.conflicts.length, 0);
  const nDecided = nMeant - left;
  if (versionOf(choice) !== undefined && place !== undefined) return { from: nDecided ? [{ place, n: nDecided }] : [], others: 0, left };
  const from = new Map<string, number>();
  if (choice === 'newest') {
    for (const one of previews) {
      const [first = '', second = ''] = places(one.item);
      for (const side of planOf(one).sides.values()) {
        const winner = side === 'left' ? second : first;
        from.set(winner, (from.get(winner) ?? 0) + 1);
      }
    }
  }
  const list = [...from].map(([place, n]) => ({ place, n })).sort((a, b) => b.n - a.n);
  // A folder is many changes and one conflict; then only the sum is said.
  const isExact = list.reduce((sum, one) => sum + one.n, 0) === nDecided;
  return { from: isExact ? list : [], others: isExact ? 0 : nDecided, left };
}

/** The name a version gets when all are kept. */
export function keptNames(conflict: ListedConflict, previews: ItemPreview[]): string[] {
  const named = conflict.versions.flatMap((version) => version.kept_name ?? []);
  if (named.length) return named;
  const own = pathOf(conflict);
  const paths = previews.flatMap((one) => one.preview.changes.map((change) => change.path)).filter((path) => path !== own);
  return [...new Set(paths)];
}
