/** The order of rows that a person looks at. */

/** Rows as they are now, in the places they had: what is new comes last, what is gone leaves. */
export function inOrderOf<T>(before: T[], now: T[], key: (row: T) => string): T[] {
  const left = new Map(now.map((row) => [key(row), row]));
  const kept: T[] = [];
  for (const row of before) {
    const name = key(row);
    const fresh = left.get(name);
    if (fresh === undefined) continue;
    kept.push(fresh);
    left.delete(name);
  }
  return [...kept, ...left.values()];
}
