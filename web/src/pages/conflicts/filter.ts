/** What the list is narrowed to, and how a question says it. */

export interface Filter {
  item: string;
  handler: string;
  kind: string;
  text: string;
  age: Age | '';
}

/** By when a conflict was found; a dash stands for all that are older. */
export const AGES = ['1d', '7d', '-7d', '-30d'] as const;
export type Age = (typeof AGES)[number];

/** Longer texts do not fit into a question beside the other conditions. */
export const TEXT_LEN_MAX = 200;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Conditions as the daemon reads them. */
export function where({ item, handler, kind, text, age }: Filter, now: Date): string {
  const parts: string[] = [];
  if (handler) parts.push(`handler=${handler}`);
  if (item) parts.push(`item=${item}`);
  if (kind) parts.push(`kind=${kind}`);
  // The word that joins conditions would divide them: both halves have to be there then.
  for (const words of text.split(/\sand\s/)) if (words.trim()) parts.push(`text~${words.trim()}`);
  if (age) parts.push(found(age, now));
  return parts.join(' and ');
}

/** To the hour, so that the same filter is the same question for a while. */
function found(age: Age, now: Date): string {
  const isOlder = age.startsWith('-');
  const at = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS - Number.parseInt(age.replace('-', ''), 10) * DAY_MS);
  return `${isOlder ? 'until' : 'since'}=${at.toISOString().replace('.000', '')}`;
}
