/** How the person wants the page to look; kept in this browser. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const DENSITIES = ['wide', 'close'] as const;
export type Density = (typeof DENSITIES)[number];

function stored<T extends string>(key: string, words: readonly T[], usual: T): T {
  const value = localStorage.getItem(`syncmgr.${key}`);
  return words.find((word) => word === value) ?? usual;
}

class Look {
  theme = $state(stored('theme', THEMES, 'system'));
  density = $state(stored('density', DENSITIES, 'wide'));
  /** Single letters as shortcuts (WCAG 2.1.4: they can be switched off). */
  hasShortcuts = $state(stored('shortcuts', ['on', 'off'], 'on') === 'on');

  choose(change: Partial<{ theme: Theme; density: Density; hasShortcuts: boolean }>): void {
    Object.assign(this, change);
    localStorage.setItem('syncmgr.theme', this.theme);
    localStorage.setItem('syncmgr.density', this.density);
    localStorage.setItem('syncmgr.shortcuts', this.hasShortcuts ? 'on' : 'off');
  }
}

export const look = new Look();
