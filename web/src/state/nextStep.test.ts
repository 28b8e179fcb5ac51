import { describe, expect, it } from 'vitest';
import type { Notice } from '../api/types';
import { nextStep } from './nextStep';

const item = (status: string, more: { queued?: string[]; reason?: Partial<Notice> } = {}) => ({
  id: 'a',
  status,
  queued: more.queued ?? [],
  reason: more.reason ? ({ retry: 'later', ...more.reason } as Notice) : null,
});

describe('the next step', () => {
  it.each([
    ['off', 'on'],
    ['paused', 'resume'],
    ['unknown', 'handler'],
    ['held', 'review'],
    ['failed', 'retry'],
    ['conflicts', 'resolve'],
    ['overdue', 'now'],
    ['offline', 'retry'],
    ['waiting', 'now'],
    ['never', 'preview'],
    ['warnings', 'warnings'],
  ])('of %s is %s', (status, kind) => {
    expect(nextStep(item(status))?.kind).toBe(kind);
  });

  it.each(['ok', 'syncing', 'checking', 'something new'])('of %s is none', (status) => {
    expect(nextStep(item(status))).toBeUndefined();
  });

  it('is where the cause of a failure can be mended', () => {
    expect(nextStep(item('failed', { reason: { code: 'folder-missing' } }))).toEqual({ kind: 'settings', href: '/syncs/a?tab=settings' });
    expect(nextStep(item('failed', { reason: { code: 'handler-too-old', retry: 'never' } }))?.kind).toBe('handler');
    expect(nextStep(item('failed', { reason: { code: 'permission-denied', retry: 'never' } }))).toEqual({ kind: 'look', href: '/syncs/a?tab=results' });
    expect(nextStep(item('failed', { reason: { code: 'disk-full' } }))?.kind).toBe('retry');
  });

  it('of what waits for its turn is to see for what', () => {
    expect(nextStep(item('waiting', { queued: ['r1'] }))).toEqual({ kind: 'look', href: '/runs/r1' });
  });
});
