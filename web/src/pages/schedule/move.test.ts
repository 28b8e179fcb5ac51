import { describe, expect, it } from 'vitest';
import type { ScheduleRules } from '../../api/types';
import { moved } from './move';

// A Tuesday.
const at = (hour: number, minute = 0, day = 1) => new Date(2026, 11, day, hour, minute);
const rules = (...triggers: string[]): ScheduleRules => ({ enabled: true, triggers });

describe('a planned run is moved', () => {
  it('with its time on all its days', () => {
    expect(moved(rules('daily 08:00,18:00'), at(18), at(20))?.triggers).toEqual(['daily 08:00,20:00']);
    expect(moved(rules('mon-fri 18:00', 'on change'), at(18), at(6, 0, 3))?.triggers).toEqual(['mon-fri 06:00', 'on change']);
  });
  it('to another day, when it has only one', () => {
    expect(moved(rules('tue 18:30'), at(18, 30), at(9, 30, 4))?.triggers).toEqual(['fri 09:30']);
  });
  it('onto a time it has already', () => {
    expect(moved(rules('daily 08:00,18:00'), at(18), at(8))?.triggers).toEqual(['daily 08:00']);
  });
  it('not at all, when it is not a time of day that says so', () => {
    expect(moved(rules('every 6h'), at(18), at(20))).toBeUndefined();
    expect(moved({ ...rules('daily 18:00'), zone: 'Asia/Tokyo' }, at(18), at(20))).toBeUndefined();
    expect(moved(rules('daily 18:00'), at(18), at(18, 0, 2))).toBeUndefined();
  });
});
