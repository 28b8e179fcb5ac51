/** Files of a sync as they are now. */

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
