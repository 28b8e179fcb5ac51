/** Planned runs as lines to read: a schedule that follows only itself is one line. */
import { dayKey } from '../../lib/week';
import type { PlannedRun } from '../../api/types';

export interface Span {
  first: PlannedRun;
  last: PlannedRun;
  n: number;
}

/** Joins runs of one schedule that follow each other on one day. */
export function spans(planned: PlannedRun[]): Span[] {
  const lines: Span[] = [];
  for (const run of planned) {
    const line = lines.at(-1);
    if (line && line.last.schedule === run.schedule && dayKey(new Date(line.last.at)) === dayKey(new Date(run.at))) {
      line.last = run;
      line.n += 1;
    } else lines.push({ first: run, last: run, n: 1 });
  }
  return lines;
}
