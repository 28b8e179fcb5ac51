/** Files of a sync, folder by folder, asked for when a folder is opened. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { get, Refused } from '../../api/client';
import type { Problem, SyncFile } from '../../api/types';
import { rowsOf, type Branch } from './branches';
import { steps } from './files';

const PAGE = 500;

export class FileTree {
  open = new SvelteSet<string>();
  problem = $state.raw<Problem>();
  isThere = $state(false);
  #branches = new SvelteMap<string, Branch>();
  #asking = new Set<string>();
  rows = $derived(rowsOf(this.#branches, this.open));

  constructor(readonly item: string) {}

  /** Opens all folders down to a path. */
  async start(path: string): Promise<void> {
    const folders = steps(path).slice(0, -1).map((step) => step.path);
    await this.#load('');
    for (const folder of folders) await this.toggle(folder, true);
  }

  async toggle(folder: string, isOpen = !this.open.has(folder)): Promise<void> {
    if (!isOpen) {
      this.open.delete(folder);
      return;
    }
    this.open.add(folder);
    if (!this.#branches.has(folder)) await this.#load(folder);
  }

  /** Asks for the rest of a folder, a part at a time. */
  async more(folder: string): Promise<void> {
    const branch = this.#branches.get(folder);
    if (branch?.cursor) await this.#load(folder, branch);
  }

  /** Asks again for what is shown; what is closed is asked for when it is opened. */
  async refresh(): Promise<void> {
    for (const folder of this.#branches.keys()) if (folder && !this.open.has(folder)) this.#branches.delete(folder);
    for (const [folder, { files }] of [...this.#branches]) await this.#load(folder, undefined, files.length);
  }

  async #load(folder: string, before?: Branch, atLeast = 0): Promise<void> {
    if (this.#asking.has(folder)) return;
    this.#asking.add(folder);
    try {
      let files = before?.files ?? [];
      let cursor = before?.cursor;
      do {
        const page = await get<{ items: SyncFile[]; next_cursor?: string | null }>(`/items/${this.item}/files`, { folder, limit: PAGE, cursor });
        files = [...files, ...page.items];
        cursor = page.next_cursor;
      } while (cursor && files.length < atLeast);
      this.#branches.set(folder, { files, cursor });
      this.problem = undefined;
      this.isThere = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // A folder that went away meanwhile is no fault of the others.
      if (folder && error.problem.status === 404) {
        this.#branches.delete(folder);
        this.open.delete(folder);
      } else this.problem = error.problem;
    } finally {
      this.#asking.delete(folder);
    }
  }
}
