import { describe, expect, it } from 'vitest';
import { SECTIONS, sectionOf, settingsOf, shown, typed } from './sections';

describe('settings', () => {
  it.each([
    ['listen', 'access'],
    ['daemon.history-days', 'data'],
    ['daemon.max_running', 'network'],
    ['alerts.quiet', 'notifications'],
    ['silence', 'handlers'],
    ['something-new', 'general'],
  ])('%s is shown in %s', (key, section) => {
    expect(SECTIONS).toContain(section);
    expect(sectionOf(key)).toBe(section);
  });
  it('are shown without quotes', () => {
    expect(shown('"10s"')).toBe('10s');
    expect(shown(90)).toBe('90');
    expect(shown(null)).toBe('');
  });
  it('are typed as what they are', () => {
    expect(typed(' 90 ')).toBe(90);
    expect(typed('true')).toBe(true);
    expect(typed('10m')).toBe('10m');
    expect(typed('22:00-07:00; sat,sun 00:00-24:00', 'list')).toEqual(['22:00-07:00', 'sat,sun 00:00-24:00']);
    expect(typed('')).toBeNull();
  });
  it('are shown as they are described', () => {
    const key = { default: null, words: [], takes: '', help: '' };
    expect(settingsOf([{ ...key, key: 'metrics', value: 'true', kind: 'truth' }])[0]).toMatchObject({ key: 'metrics', words: ['true', 'false'] });
    expect(settingsOf([{ ...key, key: 'grace', value: '"10s"', default: '"10s"', kind: 'text', takes: 'a duration', help: 'h' }])[0]).toMatchObject({ value: '10s', default: '10s', help: 'h' });
  });
});
