/** Two texts side by side: which lines, and which words in them, differ. */
import { diffArrays, diffWordsWithSpace } from 'diff';

export interface Piece {
  text: string;
  isChanged: boolean;
}

export interface Line {
  /** Counted from 1. */
  n: number;
  pieces: Piece[];
}

export interface Row {
  isSame: boolean;
  a?: Line;
  b?: Line;
}

export interface Comparison {
  rows: Row[];
  /** First rows of the places that differ. */
  changes: number[];
  /** The lines are the same, and what ends them is not. */
  isOnlyEnds: boolean;
}

/** A comparison that takes longer is of no use to a person either. */
const TIME_MAX_MS = 2000;
/** Words are not looked for in longer lines. */
const LINE_LEN_MAX = 2000;

/** A text that can be shown and edited: no lone returns, no zero bytes. */
export const isPlain = (text: string): boolean => !/\0|\r(?!\n)/.test(text);

export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const bare = (line: string) => line.replace(/\s+/g, ' ').trim();

/** Compares; `undefined` when they are too different to say how. */
export function compare(a: string, b: string, ignoresSpaces: boolean): Comparison | undefined {
  const left = linesOf(a);
  const right = linesOf(b);
  const comparator = ignoresSpaces ? (x: string, y: string) => bare(x) === bare(y) : undefined;
  const parts = diffArrays(left, right, { timeout: TIME_MAX_MS, comparator });
  if (!parts) return undefined;
  const rows: Row[] = [];
  const changes: number[] = [];
  let i = 0;
  let j = 0;
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at]!;
    if (!part.added && !part.removed) {
      for (let k = 0; k < part.value.length; k += 1) {
        rows.push({ isSame: true, a: whole(i, left), b: whole(j, right) });
        i += 1;
        j += 1;
      }
      continue;
    }
    changes.push(rows.length);
    let nA = part.removed ? part.value.length : 0;
    let nB = part.added ? part.value.length : 0;
    const next = parts[at + 1];
    if (next && (part.removed ? next.added : next.removed)) {
      if (part.removed) nB = next.value.length;
      else nA = next.value.length;
      at += 1;
    }
    for (let k = 0; k < Math.max(nA, nB); k += 1) {
      const hasA = k < nA;
      const hasB = k < nB;
      const [a, b] = hasA && hasB ? words(left[i + k]!, right[j + k]!) : [undefined, undefined];
      rows.push({
        isSame: false,
        a: hasA ? { n: i + k + 1, pieces: a ?? [{ text: left[i + k]!, isChanged: false }] } : undefined,
        b: hasB ? { n: j + k + 1, pieces: b ?? [{ text: right[j + k]!, isChanged: false }] } : undefined,
      });
    }
    i += nA;
    j += nB;
  }
  return { rows, changes, isOnlyEnds: changes.length === 0 && a !== b && !ignoresSpaces };
}

function whole(i: number, lines: string[]): Line {
  return { n: i + 1, pieces: [{ text: lines[i]!, isChanged: false }] };
}

function words(a: string, b: string): [Piece[] | undefined, Piece[] | undefined] {
  if (a.length > LINE_LEN_MAX || b.length > LINE_LEN_MAX) return [undefined, undefined];
  const parts = diffWordsWithSpace(a, b);
  const pieces = (skip: 'added' | 'removed') =>
    parts.filter((part) => !part[skip]).map((part) => ({ text: part.value, isChanged: part.added || part.removed }));
  return [pieces('added'), pieces('removed')];
}

export type Stretch = { at: number; rows: Row[]; isFolded: boolean };

/** Folds away what is the same, but for some lines around each difference. */
export function fold(rows: Row[], around = 3): Stretch[] {
  const out: Stretch[] = [];
  let at = 0;
  while (at < rows.length) {
    let end = at;
    const { isSame } = rows[at]!;
    while (end < rows.length && rows[end]!.isSame === isSame) end += 1;
    const head = at === 0 ? 0 : around;
    const tail = end === rows.length ? 0 : around;
    if (!isSame || end - at <= head + tail + 1) out.push({ at, rows: rows.slice(at, end), isFolded: false });
    else {
      if (head) out.push({ at, rows: rows.slice(at, at + head), isFolded: false });
      out.push({ at: at + head, rows: rows.slice(at + head, end - tail), isFolded: true });
      if (tail) out.push({ at: end - tail, rows: rows.slice(end - tail, end), isFolded: false });
    }
    at = end;
  }
  return out;
}
