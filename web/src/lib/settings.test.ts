import { describe, expect, it } from 'vitest';
import { changes, fieldErrors, fromText, isRare, splitHelp, toText } from './settings';

const spec = (key: string, required = false) => ({ key, kind: 'text', words: [], required, help: '' });

describe('settings', () => {
  it('finds the default at the end of the help', () => {
    const split = (help: string, required = false) => splitHelp({ help, required });
    expect(split('days a version is kept (30)')).toEqual({ help: 'days a version is kept', usual: '30' });
    expect(split('one folder')).toEqual({ help: 'one folder', usual: '' });
    expect(split('groups as (?P<percent>[0-9]+)')).toEqual({ help: 'groups as (?P<percent>[0-9]+)', usual: '' });
    expect(split('as restic writes it (rest:)', true).usual).toBe('');
  });

  it('reads lists by line, numbers as numbers, and nothing as the default', () => {
    expect(fromText('list', '*.tmp\n\n  \ncache/')).toEqual(['*.tmp', 'cache/']);
    expect(fromText('list', '\n')).toBeUndefined();
    expect(fromText('number', ' 30 ')).toBe(30);
    expect(fromText('number', '-1')).toBe('-1');
    expect(fromText('text', '  ')).toBeUndefined();
    expect(fromText('secret', ' a ')).toBe(' a ');
  });

  it('shows what it reads', () => {
    expect(toText(['a', 'b'])).toBe('a\nb');
    expect(toText(undefined)).toBe('');
    expect(toText(7)).toBe('7');
  });

  it('names errors by setting', () => {
    expect(fieldErrors([{ field: 'settings.left', detail: 'gone' }, { field: 'name', detail: 'taken' }])).toEqual({ left: 'gone', name: 'taken' });
  });

  it('sends what differs', () => {
    expect(changes({ a: 1, b: ['x'], c: 'y' }, { a: 1, b: ['x', 'z'] })).toEqual({ b: ['x', 'z'], c: null });
  });

  it('folds rare settings until they are set', () => {
    expect(isRare(spec('program'), undefined)).toBe(true);
    expect(isRare(spec('program'), '/usr/bin/x')).toBe(false);
    expect(isRare(spec('program', true), undefined)).toBe(false);
    expect(isRare(spec('mode'), undefined)).toBe(false);
  });
});
