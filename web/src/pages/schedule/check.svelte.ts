/** What the daemon makes of rules before they are saved: a sentence, and when they would start runs. */
import { ask, Refused } from '../../api/client';
import type { Problem, ScheduleRules } from '../../api/types';
import { query } from '../../lib/query.svelte';
import { calm } from '../setup/check.svelte';

// until the description has it
export interface RulesChecked {
  sentence: string;
  next: string[];
}

/** An older daemon does not know the question. */
const UNKNOWN = [404, 405];

/** Asks whenever the rules change; must be called while a component is set up. */
export function checkedRules(rules: () => ScheduleRules | undefined) {
  const asked = query<{ of: ScheduleRules; checked?: RulesChecked; problem?: Problem }>((signal) => {
    const body = rules();
    if (!body) return undefined;
    return calm(signal).then(async () => {
      try {
        return { of: body, checked: (await ask<RulesChecked>('POST', '/schedules/check', { body, signal })).data };
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return UNKNOWN.includes(error.problem.status) ? { of: body } : { of: body, problem: error.problem };
      }
    });
  });
  const now = $derived(asked.data && asked.data.of === rules() ? asked.data : undefined);
  return {
    /** Of the rules as they are now. */
    get checked(): RulesChecked | undefined {
      return now?.checked;
    },
    /** Why they cannot be saved like this. */
    get problem(): Problem | undefined {
      return now?.problem;
    },
  };
}
