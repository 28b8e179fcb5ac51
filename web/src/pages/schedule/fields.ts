/** What is wrong with which rule of a schedule. */
import type { Problem } from '../../api/types';

/** Rules that can only be judged together are named in front of what is wrong: `triggers[1]: …`. */
const NAMED = /^([a-z_]+(?:\[\d+\])?): (.+)$/s;

/** By field, as `zone` or `triggers[1]`. */
export function ruleErrors(problem: Problem | undefined): Map<string, string> {
  return new Map(
    (problem?.errors ?? []).map(({ field, detail }) => {
      const named = NAMED.exec(detail);
      return named ? [named[1] ?? '', named[2] ?? ''] : [field.replace(/^settings\./, ''), detail];
    }),
  );
}

/** Those of a list, by place in it. */
export function listErrors(errors: Map<string, string>, list: string): Record<number, string> {
  const found: Record<number, string> = {};
  for (const [field, detail] of errors) {
    const place = new RegExp(`^${list}\\[(\\d+)\\]$`).exec(field)?.[1];
    if (place !== undefined) found[Number(place)] = detail;
  }
  return found;
}
