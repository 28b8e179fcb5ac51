/** The sync that is being set up. It outlives a reload; passwords do not. */
import { ask, del, get, post, put } from '../../api/client';
import type { ItemView, Schedule, ScheduleRules, SettingHelp } from '../../api/types';
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
  /** The rule for what is different on both sides, for the first run alone; empty: that of the sync. */
  first: string;
  /** The sync, when it was saved and what follows went wrong. */
  saved: string;
  /** Its first run was started by a try before. */
  isStarted: boolean;
}

const KEY = 'syncmgr.setup';
const FILES_WHEN = (): When => ({ triggers: ['on change'] });
const OTHER_WHEN = (): When => ({ triggers: ['daily 18:00'] });

function empty(): Kept {
  return { handler: '', name: '', isNameOwn: false, settings: {}, when: FILES_WHEN(), first: '', saved: '', isStarted: false };
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
  get first() {
    return this.#kept.first;
  }
  set first(rule: string) {
    this.#kept.first = rule;
  }

  /** What the first run goes by. */
  get firstSettings(): Record<string, Setting> {
    const settings = $state.snapshot(this.settings);
    return this.first ? { ...settings, rule: this.first } : settings;
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
    // It was chosen for what these folders and these rules had to say.
    this.#kept.first = '';
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

  /** Saves the sync and its secrets; what was saved by a try before is changed. Returns its id. */
  async save(): Promise<string> {
    const { name, settings, handler } = this.#kept;
    if (this.#kept.saved) {
      const path = `/items/${this.#kept.saved}`;
      const { data: before, etag } = await ask<ItemView>('GET', path);
      const gone = Object.fromEntries(Object.keys(before.settings).filter((key) => !(key in settings)).map((key) => [key, null]));
      await ask('PATCH', path, { body: { name: name === before.name ? null : name, settings: { ...gone, ...settings } }, ifMatch: etag ?? undefined });
    } else this.#kept.saved = (await post<ItemView>('/items', { name, handler, settings })).id;
    const id = this.#kept.saved;
    for (const [key, value] of Object.entries(this.secrets)) await put(`/items/${id}/secrets/${encodeURIComponent(key)}`, { value });
    return id;
  }

  /** Starts the first run of what was saved, once, if it would still do what was shown. */
  async start(plan: string | undefined): Promise<void> {
    const { saved: id, handler, isStarted, first } = this.#kept;
    if (isStarted) return;
    if (first) await post('/runs', { item: { id, handler, settings: this.firstSettings }, mode: 'sync', work: { kind: 'sync' }, plan });
    else await post('/sessions', { items: [id], mode: 'sync', plan });
    this.#kept.isStarted = true;
  }

  /** Saves the schedule, and returns its sentence. Comes after the first run, which it might begin otherwise. */
  async schedule(): Promise<string> {
    const { name, when } = this.#kept;
    if (when.triggers.length === 0) return '';
    // Named as the command line names it. A schedule of somebody else with this name is not replaced.
    const names = (await get<{ items: Schedule[] }>('/schedules')).items.map((schedule) => schedule.name);
    const rules: ScheduleRules = { ...when, items: [name], enabled: true };
    return (await put<Schedule>(`/schedules/${encodeURIComponent(unique(name, names))}`, rules)).sentence;
  }

  /** Forgets all of it. */
  clear(): void {
    sessionStorage.removeItem(KEY);
    this.#kept = empty();
    this.secrets = {};
    this.refused = {};
  }
}
