/** What the list is narrowed to, and how a question says it. */

export interface Filter {
  item: string;
  handler: string;
  kind: string;
  text: string;
}

/** Longer texts do not fit into a question once every letter stands for both its cases. */
export const TEXT_LEN_MAX = 40;

/** Conditions as the daemon reads them. */
export function where({ item, handler, kind, text }: Filter): string {
  const parts: string[] = [];
  if (handler) parts.push(`handler=${handler}`);
  if (item) parts.push(`item=${item}`);
  if (kind) parts.push(`kind=${kind}`);
  if (text.trim()) parts.push(`path~${pattern(text.trim())}`);
  return parts.join(' and ');
}

/** A pattern for paths that have a text anywhere, in any case: in the name or in a folder. */
export function pattern(text: string): string {
  const plain = [...text.slice(0, TEXT_LEN_MAX)].map(one).join('');
  return `{**/*${plain}*,**/*${plain}*/**}`;
}

function one(char: string): string {
  // `and` with spaces around it would divide the conditions.
  if (char === ' ') return '[ ]';
  if (char === '/') return char;
  const lower = char.toLowerCase();
  const upper = char.toUpperCase();
  if (lower !== upper && [...lower].length === 1 && [...upper].length === 1) return `[${lower}${upper}]`;
  return /[\p{L}\p{N}_.-]/u.test(char) ? char : `\\${char}`;
}
