import { describe, expect, it } from 'vitest';
import { where, type Filter } from './filter';

const none: Filter = { item: '', handler: '', kind: '', text: '', age: '' };
const now = new Date('2026-12-01T09:41:12Z');

describe('where', () => {
  it('is empty for all', () => expect(where(none, now)).toBe(''));
  it('joins conditions', () => expect(where({ ...none, item: 'i', kind: 'both-new' }, now)).toBe('item=i and kind=both-new'));
  it('has texts as they are', () => expect(where({ ...none, text: ' *{ä ' }, now)).toBe('text~*{ä'));
  it('is not divided by the words of a text', () => expect(where({ ...none, text: 'salt and pepper' }, now)).toBe('text~salt and text~pepper'));
  it('says how new or how old', () => {
    expect(where({ ...none, age: '7d' }, now)).toBe('since=2026-11-24T09:00:00Z');
    expect(where({ ...none, age: '-30d' }, now)).toBe('until=2026-11-01T09:00:00Z');
  });
});
