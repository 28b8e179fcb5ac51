/** Files of a sync as they are now. */

// until the description has it
export interface FileRow {
  name: string;
  path: string;
  kind: string;
  state: string;
  left: { size: number | null; modified: string | null } | null;
  right: { size: number | null; modified: string | null } | null;
  reason: string | null;
}

/** The folders down to a path below the folders of a sync. */
export function steps(folder: string): { name: string; path: string }[] {
  const parts = folder.split('/').filter(Boolean);
  return parts.map((name, i) => ({ name, path: parts.slice(0, i + 1).join('/') }));
}

const SIGNS: Record<string, string> = { same: 'ok', conflict: 'conflicts', excluded: 'off', own: 'off', unsynced: 'warnings' };

/** The sign that goes with a state; what the next run takes care of waits. */
export function sign(state: string): string {
  return SIGNS[state] ?? 'waiting';
}
