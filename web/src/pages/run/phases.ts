/** How long the phases of a run took. */
import type { PhaseAt } from '../../api/types';

export interface Span {
  phase: string;
  ms: number;
}

/** Cuts a run into its phases; a phase that comes again is counted together with its first time. `total`: milliseconds of the whole run. */
export function spans(phases: PhaseAt[], total: number): Span[] {
  const found = new Map<string, number>();
  phases.forEach(({ phase, after_ms }, i) => {
    const end = phases[i + 1]?.after_ms ?? Math.max(total, after_ms);
    found.set(phase, (found.get(phase) ?? 0) + end - after_ms);
  });
  return [...found].map(([phase, ms]) => ({ phase, ms }));
}
