/** Numbers of runs, for columns and pictures. */
import type { Run, SidesTally } from '../../api/types';

type Tally = SidesTally['left'];

/** Files and folders changed on one side, deletions apart. */
export function changed(tally: Tally): number {
  return tally.copied + tally.updated + tally.renamed + tally.attributes + tally.folders_made;
}

export function deleted(tally: Tally): number {
  return tally.deleted + tally.folders_removed;
}

export interface Figures {
  /** Milliseconds; undefined while it works. */
  took?: number;
  bytes: number;
  /** Everything done on either side. */
  changes: number;
}

export function figures(run: Run): Figures {
  const { left, right } = run.summary.done;
  return {
    took: run.ended ? Date.parse(run.ended) - Date.parse(run.started) : undefined,
    bytes: left.bytes + right.bytes,
    changes: changed(left) + changed(right) + deleted(left) + deleted(right),
  };
}

/** Heights from 0 to 1; what is not nothing can be seen. */
export function heights(values: number[]): number[] {
  const top = Math.max(...values, 0);
  const LEAST = 0.03;
  return values.map((value) => (top === 0 || value === 0 ? 0 : Math.max(LEAST, value / top)));
}
