/** Which way a sync goes, for its picture. */

export type Direction = 'both' | 'right' | 'left';

/** The words of handlers for one way; everything else with two sides goes both ways. */
const ONE_WAY: Record<string, Direction> = { mirror: 'right', copy: 'right', sync: 'right', 'mirror-back': 'left' };

/** Undefined for what has no two sides. */
export function direction(item: { folders: { left: string; right: string }; settings: Record<string, unknown> }): Direction | undefined {
  if (!item.folders.left || !item.folders.right) return undefined;
  const { mode, target } = item.settings;
  if (typeof mode === 'string') return ONE_WAY[mode] ?? 'both';
  return target === undefined ? 'both' : 'right';
}
