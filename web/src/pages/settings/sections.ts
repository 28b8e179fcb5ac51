/** Where each setting of the daemon is shown, and how it is typed. */
import type { SettingKey } from '../../api/types';

export const SECTIONS = ['general', 'notifications', 'network', 'handlers', 'safety', 'access', 'data', 'about'] as const;
export type Section = (typeof SECTIONS)[number];

/** How a key begins, once its table is off; the first that fits counts. */
const BEGINS: [prefix: string, section: Section][] = [
  ['alert', 'notifications'],
  ['notify', 'notifications'],
  ['quiet', 'notifications'],
  ['max-running', 'network'],
  ['bandwidth', 'network'],
  ['network', 'network'],
  ['power', 'network'],
  ['battery', 'network'],
  ['grace', 'handlers'],
  ['patience', 'handlers'],
  ['silence', 'handlers'],
  ['handler', 'handlers'],
  ['hold', 'safety'],
  ['keep', 'safety'],
  ['versions', 'safety'],
  ['deletions', 'safety'],
  ['listen', 'access'],
  ['token', 'access'],
  ['sign-in', 'access'],
  ['history', 'data'],
  ['metrics', 'data'],
];

/** The one section a setting is shown in. */
export function sectionOf(key: string): Section {
  const bare = key.replace(/^(daemon|defaults)\./, '').replaceAll('_', '-');
  return BEGINS.find(([prefix]) => bare.startsWith(prefix))?.[1] ?? 'general';
}

/** A setting as the page needs it. */
export interface Setting {
  key: string;
  value: string;
  default: string;
  kind: string;
  words: string[];
  help: string;
  /** What it takes, in words. */
  takes: string;
}

/** A value without the quotes that it has in the file. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(shown).join(', ');
  const text = String(value);
  if (/^".*"$/.test(text)) {
    try {
      return String(JSON.parse(text));
    } catch {
      return text;
    }
  }
  return text;
}

export function settingsOf(keys: SettingKey[]): Setting[] {
  return keys.map((entry) => ({
    key: entry.key,
    value: shown(entry.value),
    default: shown(entry.default),
    kind: entry.kind,
    words: entry.kind === 'truth' ? ['true', 'false'] : entry.words,
    help: entry.help,
    takes: entry.takes,
  }));
}

const isSwitch = (value: string) => value === 'true' || value === 'false';

/** What was typed, as the daemon takes it; nothing takes a setting back to its default. */
export function typed(text: string, kind = ''): string | string[] | number | boolean | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (kind === 'list') return trimmed.split(';').map((part) => part.trim()).filter(Boolean);
  if (isSwitch(trimmed)) return trimmed === 'true';
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}
