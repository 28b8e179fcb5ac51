import { describe, expect, it } from 'vitest';
import { readDays, readTrigger, readWindow, writeDays, writeTrigger, writeWindow } from './trigger';

describe('triggers', () => {
  const same = ['every 15m', 'every 1mo from 2026-01-31 08:00', 'once 2026-12-24 18:00', 'mon-fri 08:00,18:00', 'daily 18:00', 'cron 30 2 * * *', 'on change', 'on log-on', 'on idle 10m repeat 1h', 'on idle 10m', 'on connect', 'on connect Office 5G', 'on disconnect', 'after Photos of Anna'];
  it.each(same)('%s reads and writes the same', (text) => {
    expect(readTrigger(text).kind).not.toBe('text');
    expect(writeTrigger(readTrigger(text))).toBe(text);
  });
  it.each(['evry 15m', 'every 15 minutes', 'on lock now', ''])('%s stays as it is', (text) => {
    expect(readTrigger(text)).toEqual({ kind: 'text', text });
  });
  it.each(['once', 'cron', 'after', 'on idle', 'daily'])('%s is begun, and stays of its kind', (text) => {
    expect(readTrigger(text).kind).not.toBe('text');
    expect(writeTrigger(readTrigger(text))).toBe(text);
  });
  it('takes what a field for a moment gives', () => {
    expect(writeTrigger({ kind: 'once', at: '2026-12-24T18:00' })).toBe('once 2026-12-24 18:00');
  });
});

describe('days', () => {
  it('go over the end of the week', () => expect(readDays('sat-mon')).toEqual(['mon', 'sat', 'sun']));
  it('are written in stretches', () => expect(writeDays(['mon', 'tue', 'wed', 'sat'])).toBe('mon-wed,sat'));
  it('are all when none is named', () => expect(writeDays([])).toBe('daily'));
  it('are nothing when unknown', () => expect(readDays('someday')).toBeUndefined());
});

describe('windows', () => {
  it('read and write the same', () => expect(writeWindow(readWindow('mon-fri 08:00-18:00')!)).toBe('mon-fri 08:00-18:00'));
  it('are nothing when unreadable', () => expect(readWindow('always')).toBeUndefined());
});
