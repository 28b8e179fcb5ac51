import { describe, expect, it } from 'vitest';
import { compare, fold, isPlain, linesOf, type Row } from './diff';

const show = (rows: Row[]) =>
  rows.map((row) => {
    const text = (line: Row['a']) => line?.pieces.map((piece) => (piece.isChanged ? `[${piece.text}]` : piece.text)).join('') ?? '-';
    return row.isSame ? text(row.a) : `${text(row.a)} | ${text(row.b)}`;
  });

describe('compare', () => {
  it('puts changed lines beside each other and marks words', () =>
    expect(show(compare('a\nb one\nc\n', 'a\nb two\nc\n', false)!.rows)).toEqual(['a', 'b [one] | b [two]', 'c']));
  it('shows what one side has alone', () => {
    const { rows, changes } = compare('a\nc\n', 'a\nb\nc\nd\n', false)!;
    expect(show(rows)).toEqual(['a', '- | b', 'c', '- | d']);
    expect(changes).toEqual([1, 3]);
  });
  it('counts lines on each side', () => {
    const { rows } = compare('x\na\n', 'a\n', false)!;
    expect(rows.map((row) => [row.a?.n, row.b?.n])).toEqual([[1, undefined], [2, 1]]);
  });
  it('passes over spaces, and keeps each side as it is', () => {
    const { rows } = compare('a  b\n', ' a b\n', true)!;
    expect(rows).toEqual([{ isSame: true, a: { n: 1, pieces: [{ text: 'a  b', isChanged: false }] }, b: { n: 1, pieces: [{ text: ' a b', isChanged: false }] } }]);
  });
  it('says that only the ends of lines differ', () => expect(compare('a\r\nb', 'a\nb\n', false)!.isOnlyEnds).toBe(true));
  it('takes empty texts', () => expect(show(compare('', 'a', false)!.rows)).toEqual(['- | a']));
});

describe('fold', () => {
  const rows = (text: string): Row[] => [...text].map((c) => ({ isSame: c === '.' }));
  const shape = (text: string) => fold(rows(text), 2).map((part) => `${part.at}${part.isFolded ? ':' : '='}${part.rows.length}`);
  it('keeps some lines around a change', () => expect(shape('......x......')).toEqual(['0:4', '4=2', '6=1', '7=2', '9:4']));
  it('leaves short stretches', () => expect(shape('x....x')).toEqual(['0=1', '1=4', '5=1']));
  it('folds what is all the same', () => expect(shape('....')).toEqual(['0:4']));
});

it('knows lines', () => {
  expect(linesOf('a\r\nb\n\n')).toEqual(['a', 'b', '']);
  expect(linesOf('')).toEqual([]);
  expect([isPlain('a\r\n'), isPlain('a\rb'), isPlain('a\0')]).toEqual([true, false, false]);
});
