/** All conflicts that fit a filter, in the order people read them; the list and the comparison share it. */
import { get } from '../../api/client';
import type { Conflicts, ItemView, ListedConflict, PageItemView, Silent } from '../../api/types';
import { locale } from '../../lib/i18n/index.svelte';
import { query, type Query } from '../../lib/query.svelte';
import { router } from '../../lib/router.svelte';
import { folderOf, nameOf, pathOf } from './choices';
import { where, type Filter } from './filter';

const PART = 1000;
/** As many as can be decided at once. */
const ROWS_MAX = 10_000;

interface Read {
  where: string;
  rows: ListedConflict[];
  silent: Silent[];
  /** There are more than are shown. */
  isCut: boolean;
}

let last: Read | undefined;

export class List {
  /** How many were read while the list is not whole yet. */
  nRead = $state(0);
  #all: Query<Read>;
  #items: Query<PageItemView>;
  #titles = $derived.by(() => new Map((this.#items.data?.items ?? []).map((item) => [item.id, item.title])));
  #read = $derived.by(() => {
    const read = this.#all.data ?? last;
    return read?.where === this.#where ? read : undefined;
  });
  #where = $derived(where(this.filter));
  rows = $derived.by(() => this.#sorted(this.#read?.rows ?? []));

  constructor() {
    this.#all = query((signal) => this.#ask(this.#where, signal), { conflict: true, item_gone: true, handler: true });
    this.#items = query(() => get<PageItemView>('/items', { limit: 1000 }), { item: true, item_gone: true });
  }

  /** What the address says. */
  get filter(): Filter {
    return { item: router.get('item'), handler: router.get('handler'), kind: router.get('kind'), text: router.get('text') };
  }

  get where(): string {
    return this.#where;
  }

  get byFolder(): boolean {
    return router.get('group') === 'folder';
  }

  get isReady(): boolean {
    return this.#read !== undefined;
  }

  get silent(): Silent[] {
    return this.#read?.silent ?? [];
  }

  get isCut(): boolean {
    return this.#read?.isCut ?? false;
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

  refresh(): Promise<void> {
    return this.#all.refresh();
  }

  async #ask(where: string, signal: AbortSignal): Promise<Read> {
    const rows: ListedConflict[] = [];
    let silent: Silent[] = [];
    let cursor: string | null | undefined;
    this.nRead = 0;
    do {
      const part: Conflicts = await get<Conflicts>('/conflicts', { where, limit: PART, cursor }, signal);
      rows.push(...part.items);
      silent = part.silent;
      cursor = part.next_cursor;
      this.nRead = rows.length;
    } while (cursor && rows.length < ROWS_MAX);
    last = { where, rows, silent, isCut: Boolean(cursor) };
    return last;
  }

  #sorted(rows: ListedConflict[]): ListedConflict[] {
    const { compare } = new Intl.Collator(locale.tag, { numeric: true });
    const keyed = rows.map((row) => ({ row, title: this.titleOf(row), item: row.item ?? '', folder: folderOf(row), name: nameOf(row), path: pathOf(row) }));
    const bySync = (a: (typeof keyed)[0], b: (typeof keyed)[0]) => compare(a.title, b.title) || compare(a.item, b.item);
    const byPath = (a: (typeof keyed)[0], b: (typeof keyed)[0]) => compare(a.folder, b.folder) || compare(a.name, b.name);
    keyed.sort(this.byFolder ? (a, b) => byPath(a, b) || bySync(a, b) : (a, b) => bySync(a, b) || byPath(a, b));
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
