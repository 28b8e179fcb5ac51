/** A plan of a run as a tree and as a list. Plans of a hundred thousand steps stay quick: folders are looked into when they are opened. */
import type { Preview } from '../api/types';

/** What can happen to a path, in the order in which it is told. */
export const ACTIONS = ['delete', 'remove folder', 'rename', 'new folder', 'copy', 'update', 'attributes', 'conflict'] as const;
export type Action = (typeof ACTIONS)[number];

/** A step of a plan or of a run, or a conflict, which is no step but stands among them. */
export interface Entry {
  path: string;
  /** On which side; empty: both. */
  side: string;
  action: string;
  from?: string | null;
  bytes: number;
  reason: string;
  held?: boolean;
  /** Of a step of a run: `done`, `not-done` or `intended`. */
  end?: string;
}

export interface Sum {
  n: number;
  bytes: number;
  held: number;
  /** How many of each action, as in `ACTIONS`. */
  actions: number[];
}

export interface Node {
  /** Names the row among all of the tree. */
  key: string;
  name: string;
  path: string;
  depth: number;
  isFolder: boolean;
  /** What happens to the path itself. */
  entry?: Entry;
  /** What happens beneath a folder, and to it. */
  sum?: Sum;
  position: number;
  siblings: number;
}

export function entriesOf(preview: Pick<Preview, 'changes' | 'conflicts'>): Entry[] {
  const conflicts = preview.conflicts.map((conflict) => ({ path: conflict.path, side: '', action: 'conflict', bytes: 0, reason: conflict.kind }));
  return conflicts.length ? [...preview.changes, ...conflicts] : preview.changes;
}

/** Messages that say why a part of the plan waits for an OK. */
const HOLDS = ['side-emptied', 'too-many-deletions', 'too-many-changes', 'folder-replaced', 'first-mirror', 'taken-back'];
export const isHold = (notice: { code: string }): boolean => HOLDS.includes(notice.code);

/** Towards which side. */
export const arrow = (side: string): string => ({ left: '←', right: '→' })[side] ?? '';

/** Comes right after `/`: the first text behind everything in a folder. */
const AFTER = '0';
const INDEX = new Map<string, number>(ACTIONS.map((action, i) => [action, i]));

export class Tree {
  readonly entries: Entry[];
  #bytes: Float64Array;
  #held: Uint32Array;
  #actions: Uint32Array[];
  #children = new Map<string, Node[]>();

  constructor(entries: Entry[]) {
    this.entries = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    // Running sums: what is in a folder is the difference of two places.
    const n = this.entries.length + 1;
    this.#bytes = new Float64Array(n);
    this.#held = new Uint32Array(n);
    this.#actions = ACTIONS.map(() => new Uint32Array(n));
    for (const [i, entry] of this.entries.entries()) {
      this.#bytes[i + 1] = this.#bytes[i]! + entry.bytes;
      this.#held[i + 1] = this.#held[i]! + (entry.held ? 1 : 0);
      const at = INDEX.get(entry.action);
      for (const [action, sums] of this.#actions.entries()) sums[i + 1] = sums[i]! + (action === at ? 1 : 0);
    }
  }

  get total(): Sum {
    return this.#sum(0, this.entries.length);
  }

  /** What stands right in a folder: `''`, or a path. Folders first. */
  children(folder: string): Node[] {
    const known = this.#children.get(folder);
    if (known) return known;
    const prefix = folder === '' ? '' : `${folder}/`;
    const end = folder === '' ? this.entries.length : this.#find(folder + AFTER, 0);
    const depth = folder === '' ? 0 : folder.split('/').length;
    const folders = new Map<string, Node>();
    const rest: Node[] = [];
    for (let i = folder === '' ? 0 : this.#find(prefix, 0); i < end; ) {
      const { path } = this.entries[i]!;
      const slash = path.indexOf('/', prefix.length);
      if (slash === -1) {
        const entry = this.entries[i]!;
        const isFolder = entry.action === 'new folder' || entry.action === 'remove folder';
        rest.push({ key: `${i}`, name: path.slice(prefix.length), path, depth, isFolder, entry, position: 0, siblings: 0 });
        i += 1;
        continue;
      }
      const inner = path.slice(0, slash);
      const to = this.#find(inner + AFTER, i);
      folders.set(inner, { key: `${inner}/`, name: inner.slice(prefix.length), path: inner, depth, isFolder: true, sum: this.#sum(i, to), position: 0, siblings: 0 });
      i = to;
    }
    const alone: Node[] = [];
    for (const node of rest) {
      const inner = folders.get(node.path);
      // A second step of the same folder, on the other side, stays a row of its own.
      if (!inner?.sum || inner.entry) alone.push(node);
      else {
        inner.entry = node.entry;
        add(inner.sum, node.entry!);
      }
    }
    const nodes = [...folders.values(), ...alone];
    for (const [i, node] of nodes.entries()) {
      node.position = i + 1;
      node.siblings = nodes.length;
    }
    this.#children.set(folder, nodes);
    return nodes;
  }

  /** The rows that are seen while some folders are open. */
  rows(open: ReadonlySet<string>): Node[] {
    const rows: Node[] = [];
    const walk = (folder: string) => {
      for (const node of this.children(folder)) {
        rows.push(node);
        if (node.sum && open.has(node.path)) walk(node.path);
      }
    };
    walk('');
    return rows;
  }

  /** The folders to open at first: from above, as long as few rows are seen. */
  opening(max: number): Set<string> {
    const open = new Set<string>();
    let n = this.children('').length;
    const queue = this.children('').filter((node) => node.sum);
    for (let node = queue.shift(); node; node = queue.shift()) {
      const inner = this.children(node.path);
      const isOnly = node.siblings === 1;
      if (n + inner.length > max && !isOnly) continue;
      open.add(node.path);
      n += inner.length;
      queue.push(...inner.filter((node) => node.sum));
    }
    return open;
  }

  /** The first place from `from` on whose path is not before a text. */
  #find(text: string, from: number): number {
    let low = from;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.path < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sum(from: number, to: number): Sum {
    return {
      n: to - from,
      bytes: this.#bytes[to]! - this.#bytes[from]!,
      held: this.#held[to]! - this.#held[from]!,
      actions: this.#actions.map((sums) => sums[to]! - sums[from]!),
    };
  }
}

function add(sum: Sum, entry: Entry): void {
  sum.n += 1;
  sum.bytes += entry.bytes;
  if (entry.held) sum.held += 1;
  const at = INDEX.get(entry.action);
  if (at !== undefined) sum.actions[at]! += 1;
}

export interface Wanted {
  /** An action, `held`, or empty for all. */
  action?: string;
  side?: string;
  text?: string;
}

export function filtered(entries: Entry[], wanted: Wanted): Entry[] {
  const text = wanted.text?.trim().toLowerCase();
  if (!wanted.action && !wanted.side && !text) return entries;
  return entries.filter((entry) => {
    if (wanted.action === 'held' ? !entry.held : wanted.action && entry.action !== wanted.action) return false;
    if (wanted.side && entry.side && entry.side !== wanted.side) return false;
    return !text || entry.path.toLowerCase().includes(text) || (entry.from?.toLowerCase().includes(text) ?? false);
  });
}

export type Order = 'path' | 'size';

export function ordered(entries: Entry[], order: Order): Entry[] {
  if (order === 'size') return [...entries].sort((a, b) => b.bytes - a.bytes);
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

export interface Group {
  action: string;
  side: string;
  n: number;
  bytes: number;
}

/** How much of what happens where, in the order of `ACTIONS`. */
export function groups(entries: Entry[]): Group[] {
  const found = new Map<string, Group>();
  for (const { action, side, bytes } of entries) {
    const key = `${action} ${side}`;
    const group = found.get(key);
    if (!group) found.set(key, { action, side, n: 1, bytes });
    else {
      group.n += 1;
      group.bytes += bytes;
    }
  }
  const rank = (group: Group) => INDEX.get(group.action) ?? ACTIONS.length;
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || (a.side < b.side ? -1 : 1));
}

// What the daemon writes for bytes that would hide: `\n`, `\u{202e}`, `\xff`. One character stands for each.
const ESCAPE = /\\(\\|[nrt]|u\{[0-9a-f]+\}|x[0-9a-f]{2})/gi;

/** The exclusion that covers exactly a path and, of a folder, what is in it (the syntax of gitignore). */
export function exclusionOf(path: string, isFolder: boolean): string {
  const name = path.replace(/[*?[\]]/g, (c) => `\\${c}`);
  const plain = name.replace(ESCAPE, (whole, what: string) => (what === '\\' ? '\\\\' : '?'));
  const end = plain.replace(/ $/, '\\ ');
  return `/${end}${isFolder ? '/' : ''}`;
}
