/** Which syncs are selected: some by themselves, or all that match. */
import { SvelteMap } from 'svelte/reactivity';
import type { Query } from '../../api/client';
import type { ItemView } from '../../api/types';
import { everyItem } from '../../state/itemActs';

export class Selection {
  chosen = new SvelteMap<string, ItemView>();
  /** Set while all that match are meant, also those not loaded. */
  isAll = $state(false);
  /** From where Shift reaches. */
  #anchor: { list: string; at: number } | undefined;

  has(id: string): boolean {
    return this.isAll || this.chosen.has(id);
  }

  /** Selects a row or lets it go; with Shift, all up to it as well. */
  toggle(list: string, rows: ItemView[], at: number, isRange: boolean): void {
    const row = rows[at];
    if (!row) return;
    if (this.isAll) {
      this.isAll = false;
      for (const one of rows) this.chosen.set(one.id, one);
    }
    const on = !this.chosen.has(row.id);
    const from = isRange && this.#anchor?.list === list ? this.#anchor.at : at;
    for (const one of rows.slice(Math.min(from, at), Math.max(from, at) + 1)) {
      if (on) this.chosen.set(one.id, one);
      else this.chosen.delete(one.id);
    }
    this.#anchor = { list, at };
  }

  add(rows: ItemView[]): void {
    for (const row of rows) this.chosen.set(row.id, row);
  }

  clear(): void {
    this.chosen.clear();
    this.isAll = false;
    this.#anchor = undefined;
  }

  /** The syncs that are meant, as they are now. */
  async items(filter: Query): Promise<ItemView[]> {
    if (!this.isAll) return [...this.chosen.values()];
    return everyItem(filter);
  }
}
