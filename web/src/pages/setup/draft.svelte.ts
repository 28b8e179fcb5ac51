/** The sync that is being set up. It outlives a reload; passwords do not. */
import { ask, del, get, post, put } from '../../api/client';
import type { ItemView, RunsAccepted, Schedule, ScheduleRules, SettingHelp } from '../../api/types';
import type { Setting } from '../../lib/settings';
import { suggested, unique } from './names';

export const STEPS = ['what', 'where', 'how', 'when', 'check'] as const;
export type Step = (typeof STEPS)[number];

export type When = Pick<ScheduleRules, 'on_external_power' | 'on_unmetered_network' | 'idle'> & { triggers: string[] };

interface Kept {
  handler: string;
  name: string;
  /** The person typed the name; it is not suggested any more. */
  isNameOwn: boolean;
  settings: Record<string, Setting>;
  when: When;
  /** The sync, when it was saved and what follows went wrong. */
  saved: string;
}

const KEY = 'syncmgr.setup';
const FILES_WHEN = (): When => ({ triggers: ['on change'] });
const OTHER_WHEN = (): When => ({ triggers: ['daily 18:00'] });

function empty(): Kept {
  return { handler: '', name: '', isNameOwn: false, settings: {}, when: FILES_WHEN(), saved: '' };
}

function kept(): Kept {
  try {
    return { ...empty(), ...(JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Kept>) };
  } catch {
    return empty();
  }
}

export class Draft {
  #kept = $state<Kept>(kept());
  /** Typed secrets, by key; they go to the daemon and nowhere else. */
  secrets = $state<Record<string, string>>({});
  /** What is wrong with which setting, as the daemon said. */
  refused = $state<Record<string, string>>({});

  get handler() {
    return this.#kept.handler;
  }
  get name() {
    return this.#kept.name;
  }
  get settings() {
    return this.#kept.settings;
  }
  get when() {
    return this.#kept.when;
  }

  get isFiles(): boolean {
    return this.handler === 'files';
  }

  get steps(): Step[] {
    return this.isFiles || !this.handler ? [...STEPS] : STEPS.filter((step) => step !== 'how');
  }

  /** Keeps it for a reload. Reads all of it, so that an effect follows. */
  keep(): void {
    sessionStorage.setItem(KEY, JSON.stringify(this.#kept));
  }

  choose(handler: string): void {
    if (handler === this.handler) return;
    const saved = this.#kept.saved;
    this.#kept = { ...empty(), handler, when: handler === 'files' ? FILES_WHEN() : OTHER_WHEN() };
    this.secrets = {};
    this.refused = {};
    if (saved) void del(`/items/${saved}`).catch(() => undefined);
  }

  set(key: string, value: Setting | undefined, specs: SettingHelp[] = []): void {
    if (specs.find((spec) => spec.key === key)?.kind === 'secret') {
      if (value === undefined) delete this.secrets[key];
      else this.secrets[key] = String(value);
      return;
    }
    delete this.refused[key];
    if (value === undefined) delete this.#kept.settings[key];
    else this.#kept.settings[key] = value;
  }

  rename(name: string): void {
    delete this.refused.name;
    this.#kept.name = name;
    this.#kept.isNameOwn = name !== '';
  }

  /** Suggests a name that no sync has. */
  suggest(taken: string[]): void {
    if (this.#kept.isNameOwn) return;
    this.#kept.name = suggested(this.handler, this.settings, taken);
  }

  setWhen(change: Partial<When>): void {
    Object.assign(this.#kept.when, change);
  }

  /** Saves the sync, its secrets and its schedule; what was saved by a try before is changed. */
  async save(): Promise<{ id: string; sentence: string }> {
    const { name, settings, handler, when } = this.#kept;
    if (this.#kept.saved) {
      const path = `/items/${this.#kept.saved}`;
      const { data: before, etag } = await ask<ItemView>('GET', path);
      const gone = Object.fromEntries(Object.keys(before.settings).filter((key) => !(key in settings)).map((key) => [key, null]));
      await ask('PATCH', path, { body: { name: name === before.name ? null : name, settings: { ...gone, ...settings } }, ifMatch: etag ?? undefined });
    } else this.#kept.saved = (await post<ItemView>('/items', { name, handler, settings })).id;
    const id = this.#kept.saved;
    for (const [key, value] of Object.entries(this.secrets)) await put(`/items/${id}/secrets/${encodeURIComponent(key)}`, { value });
    let sentence = '';
    if (when.triggers.length > 0) {
      // Named as the command line names it. A schedule of somebody else with this name is not replaced.
      const names = (await get<{ items: Schedule[] }>('/schedules')).items.map((schedule) => schedule.name);
      const rules: ScheduleRules = { ...when, items: [name], enabled: true };
      sentence = (await put<Schedule>(`/schedules/${encodeURIComponent(unique(name, names))}`, rules)).sentence;
    }
    return { id, sentence };
  }

  /** Forgets all of it. */
  clear(): void {
    sessionStorage.removeItem(KEY);
    this.#kept = empty();
    this.secrets = {};
    this.refused = {};
  }
}

export const start = (id: string): Promise<RunsAccepted> => post<RunsAccepted>('/sessions', { items: [id], mode: 'sync' });
