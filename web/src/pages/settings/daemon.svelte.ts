/** The settings of the daemon, read and changed. */
import { ask, Refused } from '../../api/client';
import type { DaemonSettings as Answer } from '../../api/types';
import { query, type Query } from '../../lib/query.svelte';
import { toasts } from '../../lib/toasts.svelte';
import { settingsWords } from '../Settings.text';
import { settingsOf, typed, type Setting } from './sections';

export class DaemonSettings {
  #query: Query<{ settings: Setting[]; etag: string | null }>;

  /** Must be made while a component is set up. */
  constructor() {
    this.#query = query(async (signal) => {
      const { data, etag } = await ask<Answer>('GET', '/settings', { signal });
      return { settings: settingsOf(data.keys ?? []), etag };
    });
  }

  get all(): Setting[] {
    return this.#query.data?.settings ?? [];
  }

  get problem() {
    return this.#query.problem;
  }

  /** Changes a setting; empty takes it back to its default. Returns why not. */
  async change(key: string, value: string): Promise<string> {
    const before = this.all.find((setting) => setting.key === key);
    let why = '';
    try {
      await ask('PATCH', '/settings', { body: { settings: { [key]: typed(value, before?.kind) } }, ifMatch: this.#query.data?.etag ?? undefined });
      const undo = before && value !== before.value ? () => void this.change(key, before.value === before.default ? '' : before.value) : undefined;
      toasts.tell(settingsWords().changed(settingsWords().label(key)), undo);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      why = error.problem.params?.detail?.replace(/^\S+:\d+: /, '') ?? error.problem.errors?.[0]?.detail ?? error.problem.title;
    }
    await this.#query.refresh();
    return why;
  }
}
