/** What to call two folders, so that nobody mistakes one for the other. */
import { separator } from './path';

/** The shortest ends of both paths that differ; whole paths when none do. */
export function sideNames(left: string, right: string): { left: string; right: string } {
  const parts = { left: left.split(separator(left)).filter(Boolean), right: right.split(separator(right)).filter(Boolean) };
  const most = Math.max(parts.left.length, parts.right.length);
  for (let n = 1; n <= most; n += 1) {
    const names = { left: parts.left.slice(-n).join('/'), right: parts.right.slice(-n).join('/') };
    if (names.left !== names.right) return { left: names.left || left, right: names.right || right };
  }
  return { left, right };
}
