/** How a setting of a handler is shown and typed. */
import type { SettingHelp } from '../api/types';

export type Setting = string | number | string[];

/** Settings that few people ever need; they are folded away until one is set. */
const RARE = new Set(['program', 'env', 'options', 'config', 'config_password', 'workdir', 'filters', 'ssh', 'hooks', 'progress', 'exits', 'depth', 'patience']);

export function isRare(spec: SettingHelp, value: unknown): boolean {
  return !spec.required && value === undefined && RARE.has(spec.key);
}

/** Takes the default off the end of a line of help, where handlers write it: `days … is kept (30)`. */
export function splitHelp(spec: Pick<SettingHelp, 'help' | 'required'>): { help: string; usual: string } {
  const found = /^(.*\S)\s*\(([^()?][^()]*)\)$/.exec(spec.help);
  if (!found || spec.required) return { help: spec.help, usual: '' };
  return { help: found[1] ?? '', usual: found[2] ?? '' };
}

/** What a field shows for a value. */
export function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join('\n') : String(value);
}

/** What was typed, as the API takes it; undefined: the default. A number that is none stays a text, for the daemon to refuse. */
export function fromText(kind: string, text: string): Setting | undefined {
  if (kind === 'list') {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.length > 0 ? lines : undefined;
  }
  if (kind === 'number' && /^\d+$/.test(text.trim())) return Number(text.trim());
  const trimmed = kind === 'secret' ? text : text.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** The errors of a refusal, by key of the setting. */
export function fieldErrors(errors: { field: string; detail: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((errors ?? []).map(({ field, detail }) => [field.replace(/^settings\./, ''), detail]));
}

/** What a change of settings sends: only what differs; null takes a setting back to its default. */
export function changes(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return Object.fromEntries(changed.map((key) => [key, after[key] ?? null]));
}
