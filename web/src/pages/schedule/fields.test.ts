import { expect, it } from 'vitest';
import type { Problem } from '../../api/types';
import { listErrors, ruleErrors } from './fields';

const problem = (field: string, detail: string) => ({ errors: [{ field, code: 'unusable', detail }] }) as unknown as Problem;

it('finds the rule where the daemon names it as a field', () => {
  expect(listErrors(ruleErrors(problem('windows[0]', 'cannot read `mon`')), 'windows')).toEqual({ 0: 'cannot read `mon`' });
});
it('finds the rule where the daemon names it in the text', () => {
  expect(listErrors(ruleErrors(problem('settings.schedule', 'triggers[1]: the cron line cannot be used: too short')), 'triggers')).toEqual({ 1: 'the cron line cannot be used: too short' });
});
it('is nothing without a problem', () => expect(ruleErrors(undefined).size).toBe(0));
