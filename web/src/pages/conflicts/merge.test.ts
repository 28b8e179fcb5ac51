import { describe, expect, it } from 'vitest';
import { blocksOf, draftOf, edited, finished, isOpen, placeholder, take, takenOf, threeWay, type Draft } from './merge';

const text = (words: string) => words.split(' ').filter(Boolean).map((word) => `${word}\n`).join('');
const chunks = (base: string | undefined, left: string, right: string) =>
  threeWay(base === undefined ? undefined : text(base), text(left), text(right))!.map((chunk) =>
    chunk.kind === 'open' ? `open ${chunk.base}|${chunk.left}|${chunk.right}` : `${chunk.kind} ${chunk.lines}`,
  );

describe('threeWay', () => {
  it('takes what only one side changed', () => expect(chunks('a b c d', 'a B c d', 'a b c d e')).toEqual(['same a', 'left B', 'same c,d', 'right e']));
  it('leaves what both changed', () => expect(chunks('a b c', 'a x c', 'a y c')).toEqual(['same a', 'open b|x|y', 'same c']));
  it('takes the same change once', () => expect(chunks('a b', 'a x', 'a x')).toEqual(['same a', 'both x']));
  it('takes deletions', () => expect(chunks('a b c', 'a c', 'a b c')).toEqual(['same a', 'left ', 'same c']));
  it('leaves a deletion of what was changed', () => expect(chunks('a b c', 'a c', 'a x c')).toEqual(['same a', 'open b||x', 'same c']));
  it('leaves every difference without a base', () => expect(chunks(undefined, 'a b c', 'a c d')).toEqual(['same a', 'open |b|', 'same c', 'open ||d']));
  it('leaves additions at one place', () => expect(chunks('a', 'a x', 'a y')).toEqual(['same a', 'open |x|y']));
  it('takes empty texts', () => expect(chunks('', '', '')).toEqual([]));
});

describe('draft', () => {
  const parts = threeWay(text('a b c d e'), text('a x c y e'), text('a p c q e'))!;
  const blocks = blocksOf(parts);
  const start = draftOf(parts);
  const inside = (draft: Draft) => draft.spans.map((span) => draft.text.slice(span.start, span.end));

  it('has places for what is open', () => {
    expect(start.text).toBe(`a\n${placeholder(1)}c\n${placeholder(2)}e\n`);
    expect([isOpen(start, 0), isOpen(start, 1)]).toEqual([true, true]);
  });
  it('takes a side, and another one after it', () => {
    const one = take(start, 0, blocks[0]!, 'both');
    expect(one.text).toBe(`a\nx\np\nc\n${placeholder(2)}e\n`);
    expect([isOpen(one, 0), isOpen(one, 1), takenOf(one, 0, blocks[0]!)]).toEqual([false, true, 'both']);
    const two = take(take(one, 1, blocks[1]!, 'right'), 0, blocks[0]!, 'left');
    expect(two.text).toBe('a\nx\nc\nq\ne\n');
    expect(inside(two)).toEqual(['x\n', 'q\n']);
  });
  it('follows typing before, in and behind a block', () => {
    const before = edited(start, `new\n${start.text}`);
    expect(inside(before)).toEqual([placeholder(1), placeholder(2)]);
    const within = edited(start, start.text.replace(placeholder(1), 'own words\n'));
    expect([isOpen(within, 0), isOpen(within, 1)]).toEqual([false, true]);
    expect(inside(within)[1]).toBe(placeholder(2));
    const behind = edited(start, `${start.text}more\n`);
    expect(inside(behind)).toEqual(inside(start));
  });
  it('survives that everything is replaced', () => {
    const other = edited(start, 'z');
    expect(other.spans.every((span) => span.start <= span.end && span.end <= 1)).toBe(true);
    expect(take(other, 1, blocks[1]!, 'left').text).toContain('y');
  });
});

describe('finished', () => {
  it('keeps the ends of lines', () => expect(finished('a\nb\n', 'a\r\n', 'b\r\n')).toBe('a\r\nb\r\n'));
  it('keeps a missing last end', () => expect(finished('a\nb\n', 'a', 'b')).toBe('a\nb'));
  it('is left as it is otherwise', () => expect(finished('a\n', 'a', 'b\n')).toBe('a\n'));
});
