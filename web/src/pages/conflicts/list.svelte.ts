/** All conflicts that fit a filter, in the order people read them; the list and the comparison share it. */
import { get } from '../../api/client';
import type { Conflicts, ItemView, ListedConflict, Items, Silent } from '../../api/types';
import { locale } from '../../lib/i18n/index.svelte';
import { query, type Query } from '../../lib/query.svelte';
import { router } from '../../lib/router.svelte';
import { toasts } from '../../lib/toasts.svelte';
import { folderOf, nameOf } from './choices';
import { AGES, where, type Filter } from './filter';

/** Most of a list come in one part; a longer one is read on as it is scrolled. */
const PART = 500;

/** How rows are put together; by when they were found they are not. */
export const GROUPS = ['sync', 'folder', 'found'] as const;
export type Group = (typeof GROUPS)[number];
const ORDERS: Record<Group, string> = { sync: 'sync', folder: 'path', found: '-found' };

interface Read {
  /** The question that it answers. */
  key: string;
  where: string;
  order: string;
  rows: ListedConflict[];
  silent: Silent[];
  cursor: string | null | undefined;
  /** How many fit, read or not. */
  total: number;
}

/** The comparison begins with what the list had. */
let last: Read | undefined;

export class List {
  isReading = $state(false);
  #where = $derived(where(this.filter, new Date()));
  #order = $derived(ORDERS[this.group]);
  #key = $derived(`${this.#order} ${this.#where}`);
  #all: Query<Read>;
  #items: Query<Items>;
  #titles = $derived.by(() => new Map((this.#items.data?.items ?? []).map((item) => [item.id, item.title])));
  #added = $state.raw<Read>();
  #read = $derived.by(() => [this.#added, this.#all.data, last].find((read) => read?.key === this.#key));
  rows = $derived.by(() => this.#sorted(this.#read));

  constructor() {
    this.#all = query((signal) => this.#ask(this.#where, this.#order, signal), { conflict: true, item_gone: true, handler: true });
    this.#items = query(() => get<Items>('/items', { limit: 1000 }), { item: true, item_gone: true });
    // Folders are in no order until all are known.
    $effect(() => {
      if (this.group === 'folder' && this.hasMore && !this.isReading) void this.more();
    });
  }

  /** What the address says. */
  get filter(): Filter {
    return { item: router.get('item'), handler: router.get('handler'), kind: router.get('kind'), text: router.get('text'), age: AGES.find((age) => age === router.get('age')) ?? '' };
  }

  get where(): string {
    return this.#where;
  }

  get group(): Group {
    return GROUPS.find((group) => group === router.get('group')) ?? 'sync';
  }

  get total(): number {
    return this.#read?.total ?? 0;
  }

  get isReady(): boolean {
    return this.#read !== undefined;
  }

  get hasMore(): boolean {
    return Boolean(this.#read?.cursor);
  }

  get silent(): Silent[] {
    return this.#read?.silent ?? [];
  }

  get problem() {
    return this.#all.problem;
  }

  get items(): ItemView[] {
    return this.#items.data?.items ?? [];
  }

  titleOf(conflict: Pick<ListedConflict, 'item' | 'handler'>): string {
    return (conflict.item && this.#titles.get(conflict.item)) || conflict.handler;
  }

  /** Reads on. */
  async more(): Promise<void> {
    const from = this.#read;
    if (!from?.cursor || this.isReading) return;
    this.isReading = true;
    try {
      const part = await get<Conflicts>('/conflicts', { where: from.where, order: from.order, limit: PART, cursor: from.cursor });
      if (this.#read !== from) return;
      last = { ...from, rows: [...from.rows, ...part.items], silent: part.silent, cursor: part.next_cursor, total: part.total };
      this.#added = last;
    } catch (error) {
      toasts.fail(error);
    } finally {
      this.isReading = false;
    }
  }

  /** Asks for as many as are shown, so that nothing is lost below. */
  async #ask(where: string, order: string, signal: AbortSignal): Promise<Read> {
    const key = `${order} ${where}`;
    const nShown = last?.key === key ? last.rows.length : 0;
    const read: Read = { key, where, order, rows: [], silent: [], cursor: undefined, total: 0 };
    do {
      const part: Conflicts = await get<Conflicts>('/conflicts', { where, order, limit: PART, cursor: read.cursor }, signal);
      read.rows.push(...part.items);
      read.silent = part.silent;
      read.cursor = part.next_cursor;
      read.total = part.total;
    } while (read.cursor && read.rows.length < nShown - PART / 2);
    last = read;
    this.#added = undefined;
    return read;
  }

  /**
   * A list that is whole is put into the order of the person's language; one that is not keeps the
   * order in which it comes: nothing moves while one reads.
   */
  #sorted(read: Read | undefined): ListedConflict[] {
    if (!read || read.cursor || this.group === 'found') return read?.rows ?? [];
    const { compare } = new Intl.Collator(locale.tag, { numeric: true });
    const keyed = read.rows.map((row) => ({ row, title: this.titleOf(row), item: row.item ?? '', folder: folderOf(row), name: nameOf(row) }));
    const bySync = (a: (typeof keyed)[0], b: (typeof keyed)[0]) => compare(a.title, b.title) || compare(a.item, b.item);
    const byPath = (a: (typeof keyed)[0], b: (typeof keyed)[0]) => compare(a.folder, b.folder) || compare(a.name, b.name);
    keyed.sort(this.group === 'folder' ? (a, b) => byPath(a, b) || bySync(a, b) : (a, b) => bySync(a, b) || byPath(a, b));
    return keyed.map(({ row }) => row);
  }
}

/** The address that compares a conflict, within the same filter. */
export function linkTo(address: string): string {
  const query = new URLSearchParams(router.query);
  query.set('address', address);
  return `/conflicts/view?${query.toString()}`;
}

/** The address of the list, within the same filter. */
export function linkToList(): string {
  const query = new URLSearchParams(router.query);
  query.delete('address');
  query.delete('compare');
  const text = query.toString();
  return `/conflicts${text ? `?${text}` : ''}`;
}
