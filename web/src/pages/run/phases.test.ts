import { describe, expect, test } from 'vitest';
import { spans } from './phases';

describe('the phases of a run', () => {
  test('last until the next one, the last until the end', () => {
    const phases = [{ phase: 'checking', after_ms: 0 }, { phase: 'copying', after_ms: 500 }];
    expect(spans(phases, 2000)).toEqual([{ phase: 'checking', ms: 500 }, { phase: 'copying', ms: 1500 }]);
  });
  test('are counted together when they come again', () => {
    const phases = [{ phase: 'copying', after_ms: 0 }, { phase: 'checking', after_ms: 100 }, { phase: 'copying', after_ms: 150 }];
    expect(spans(phases, 250)).toEqual([{ phase: 'copying', ms: 200 }, { phase: 'checking', ms: 50 }]);
  });
  test('never end before they began: the times of runs are whole seconds', () => {
    expect(spans([{ phase: 'checking', after_ms: 300 }], 0)).toEqual([{ phase: 'checking', ms: 0 }]);
  });
});
