/** Brings two changed texts together, by what both last agreed on. */
import { diffArrays } from 'diff';
import { linesOf } from './diff';

/** Lines that need no decision; who changed them. */
interface Settled {
  kind: 'same' | 'left' | 'right' | 'both';
  lines: string[];
}
/** Lines that both changed in different ways. */
export interface Block {
  kind: 'open';
  base: string[];
  left: string[];
  right: string[];
}
export type Chunk = Settled | Block;

export type Take = 'left' | 'right' | 'both';

const TIME_MAX_MS = 2000;

/** Divides into chunks; without a base every difference is open. `undefined`: too different. */
export function threeWay(base: string | undefined, left: string, right: string): Chunk[] | undefined {
  const l = linesOf(left);
  const r = linesOf(right);
  const b = base === undefined ? shared(l, r) : linesOf(base);
  if (!b) return undefined;
  const toLeft = pairs(b, l);
  const toRight = pairs(b, r);
  if (!toLeft || !toRight) return undefined;
  const hasBase = base !== undefined;
  const chunks: Chunk[] = [];
  let at = [0, 0, 0] as [number, number, number];
  const close = (to: [number, number, number]) => {
    const chunk = settle(b.slice(at[0], to[0]), l.slice(at[1], to[1]), r.slice(at[2], to[2]), hasBase);
    if (chunk) chunks.push(chunk);
    at = to;
  };
  for (let i = 0; i < b.length; i += 1) {
    const j = toLeft.get(i);
    const k = toRight.get(i);
    if (j === undefined || k === undefined) continue;
    if (i !== at[0] || j !== at[1] || k !== at[2]) close([i, j, k]);
    const last = chunks.at(-1);
    if (last?.kind === 'same') last.lines.push(b[i]!);
    else chunks.push({ kind: 'same', lines: [b[i]!] });
    at = [i + 1, j + 1, k + 1];
  }
  close([b.length, l.length, r.length]);
  return chunks;
}

function settle(base: string[], left: string[], right: string[], hasBase: boolean): Chunk | undefined {
  const same = (x: string[], y: string[]) => x.length === y.length && x.every((line, i) => line === y[i]);
  if (base.length + left.length + right.length === 0) return undefined;
  if (same(left, right)) return { kind: 'both', lines: left };
  if (hasBase && same(left, base)) return { kind: 'right', lines: right };
  if (hasBase && same(right, base)) return { kind: 'left', lines: left };
  return { kind: 'open', base, left, right };
}

/** Where each line of the first is in the second. */
function pairs(from: string[], to: string[]): Map<number, number> | undefined {
  const parts = diffArrays(from, to, { timeout: TIME_MAX_MS });
  if (!parts) return undefined;
  const map = new Map<number, number>();
  let i = 0;
  let j = 0;
  for (const part of parts) {
    if (part.removed) i += part.value.length;
    else if (part.added) j += part.value.length;
    else {
      for (let k = 0; k < part.value.length; k += 1) map.set(i + k, j + k);
      i += part.value.length;
      j += part.value.length;
    }
  }
  return map;
}

function shared(left: string[], right: string[]): string[] | undefined {
  return diffArrays(left, right, { timeout: TIME_MAX_MS })?.flatMap((part) => (part.added || part.removed ? [] : part.value));
}

export const blocksOf = (chunks: Chunk[]): Block[] => chunks.filter((chunk) => chunk.kind === 'open');

/** Where an open block is in the text of the result. */
export interface Span {
  start: number;
  end: number;
}

export interface Draft {
  text: string;
  spans: Span[];
}

const joined = (lines: string[]) => lines.map((line) => `${line}\n`).join('');

/** Stands in the result where nothing was decided yet. */
export const placeholder = (n: number): string => `<<<<<<< ${n} >>>>>>>\n`;

/** The result as far as it goes by itself. */
export function draftOf(chunks: Chunk[]): Draft {
  let text = '';
  const spans: Span[] = [];
  for (const chunk of chunks) {
    const start = text.length;
    text += chunk.kind === 'open' ? placeholder(spans.length + 1) : joined(chunk.lines);
    if (chunk.kind === 'open') spans.push({ start, end: text.length });
  }
  return { text, spans };
}

/** Puts lines of a block into the result. */
export function take(draft: Draft, i: number, block: Block, which: Take): Draft {
  const lines = which === 'both' ? [...block.left, ...block.right] : block[which];
  const span = draft.spans[i]!;
  const text = draft.text.slice(0, span.start) + joined(lines) + draft.text.slice(span.end);
  const delta = text.length - draft.text.length;
  const spans = draft.spans.map((other, j) => {
    if (j === i) return { start: span.start, end: span.end + delta };
    return j > i ? { start: other.start + delta, end: other.end + delta } : other;
  });
  return { text, spans };
}

/** Follows what a person typed. */
export function edited(draft: Draft, text: string): Draft {
  const old = draft.text;
  let begin = 0;
  while (begin < old.length && begin < text.length && old[begin] === text[begin]) begin += 1;
  let tail = 0;
  while (tail < old.length - begin && tail < text.length - begin && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1;
  const oldEnd = old.length - tail;
  const newEnd = text.length - tail;
  const spans = draft.spans.map(({ start, end }) => {
    const from = start >= oldEnd ? start + newEnd - oldEnd : Math.min(start, begin);
    const to = end <= begin ? end : end >= oldEnd ? end + newEnd - oldEnd : newEnd;
    return { start: from, end: Math.max(from, to) };
  });
  return { text, spans };
}

/** Whether a block still waits. */
export const isOpen = (draft: Draft, i: number): boolean => {
  const span = draft.spans[i]!;
  return draft.text.slice(span.start, span.end).includes(placeholder(i + 1).trimEnd());
};

/** What a block has got, when it is what one of the buttons puts there. */
export function takenOf(draft: Draft, i: number, block: Block): Take | undefined {
  const span = draft.spans[i]!;
  const text = draft.text.slice(span.start, span.end);
  if (text === joined(block.left)) return 'left';
  if (text === joined(block.right)) return 'right';
  return text === joined([...block.left, ...block.right]) ? 'both' : undefined;
}

/** The bytes-to-be: with the ends of lines, and the end of the text, that the sides have. */
export function finished(text: string, left: string, right: string): string {
  const isCrlf = (side: string) => side.includes('\r\n') && !/(^|[^\r])\n/.test(side);
  const hasEnd = (side: string) => side === '' || side.endsWith('\n');
  const whole = !hasEnd(left) && !hasEnd(right) ? text.replace(/\n$/, '') : text;
  return isCrlf(left) && isCrlf(right) ? whole.replace(/\r?\n/g, '\r\n') : whole;
}
