/** Names of syncs that are set up. */
import { lastName } from '../../lib/path';
import type { Setting } from '../../lib/settings';

/** Numbers a name that is taken. */
export function unique(name: string, taken: string[]): string {
  let other = name;
  for (let n = 2; taken.includes(other); n += 1) other = `${name}-${n}`;
  return other;
}

/** Names come from folders, without what names of syncs cannot have. */
export function suggested(handler: string, settings: Record<string, Setting>, taken: string[]): string {
  const text = ['left', 'source', 'folder', 'repository', 'profile', 'pair', 'channel'].map((key) => settings[key]).find((value) => typeof value === 'string' && value !== '');
  const last = lastName(String(text ?? '').replace(/^[^/\\]*:(?=[^\\])/, ''));
  const name = last.replace(/[\s\p{Cc}/:\\="]+/gu, '-').replace(/^-+|-+$/g, '');
  return unique(name || (handler === 'files' ? '' : handler), taken);
}
