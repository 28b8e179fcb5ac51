import { describe, expect, it } from 'vitest';
import { pattern, where } from './filter';

const none = { item: '', handler: '', kind: '', text: '' };

describe('where', () => {
  it('is empty for all', () => expect(where(none)).toBe(''));
  it('joins conditions', () => expect(where({ ...none, item: 'i', kind: 'both-new' })).toBe('item=i and kind=both-new'));
  it('never divides at words of the text', () => expect(where({ ...none, text: ' a and b ' }).split(' and ')).toHaveLength(1));
});

describe('pattern', () => {
  it('takes both cases, in names and folders', () => expect(pattern('a1')).toBe('{**/*[aA]1*,**/*[aA]1*/**}'));
  it('takes signs as they are', () => expect(pattern('*{')).toBe('{**/*\\*\\{*,**/*\\*\\{*/**}'));
  it('fits into a question', () => expect(pattern('x'.repeat(200)).length).toBeLessThan(400));
});
