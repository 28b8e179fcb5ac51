/** Kept versions, by day. */
import type { Version } from '../../api/types';

/** Names one version among all. */
export function keyOf(version: Version): string {
  return `${version.run} ${version.side} ${version.path}`;
}

export type Line = { day: string; key: string } | { version: Version; key: string };

/** The versions with a line before each new day of the person's calendar. */
export function byDay(versions: Version[]): Line[] {
  const lines: Line[] = [];
  let last = '';
  for (const version of versions) {
    const at = new Date(version.replaced);
    const day = `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
    if (day !== last) lines.push({ day: version.replaced, key: `day ${day} ${lines.length}` });
    last = day;
    lines.push({ version, key: keyOf(version) });
  }
  return lines;
}
