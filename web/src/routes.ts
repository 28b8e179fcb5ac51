/** Which page an address shows. Pages are loaded when they are first asked for. */
import type { Component } from 'svelte';
import type { shell } from './lib/i18n/shell';

type Load = () => Promise<{ default: Component<Record<string, string>> }>;
type Title = keyof typeof shell.en;

export interface Route {
  load?: Load;
  title?: Title;
  params: Record<string, string>;
}

const page = (load: () => Promise<unknown>) => load as Load;

/** `:name` stands for one part of the address, given to the page by that name. */
const ROUTES: [path: string, title: Title, load: Load][] = [
  ['/', 'overview', page(() => import('./pages/Overview.svelte'))],
  ['/syncs', 'syncs', page(() => import('./pages/Syncs.svelte'))],
  ['/syncs/:id', 'syncs', page(() => import('./pages/Sync.svelte'))],
  ['/syncs/:id/preview', 'syncs', page(() => import('./pages/Preview.svelte'))],
  ['/runs/:id', 'syncs', page(() => import('./pages/Run.svelte'))],
  ['/results', 'results', page(() => import('./pages/Results.svelte'))],
  ['/setup', 'setup', page(() => import('./pages/Setup.svelte'))],
  ['/schedule', 'schedule', page(() => import('./pages/Schedule.svelte'))],
  ['/setup/import', 'setup', page(() => import('./pages/Import.svelte'))],
  ['/conflicts', 'conflicts', page(() => import('./pages/Conflicts.svelte'))],
  ['/conflicts/view', 'conflicts', page(() => import('./pages/Conflict.svelte'))],
  ['/settings', 'settings', page(() => import('./pages/Settings.svelte'))],
  ['/settings/:section', 'settings', page(() => import('./pages/Settings.svelte'))],
  ['/help', 'help', page(() => import('./pages/Help.svelte'))],
];

export function resolve(path: string): Route {
  const parts = path.replace(/\/$/, '').split('/');
  for (const [pattern, title, load] of ROUTES) {
    const wanted = pattern.replace(/\/$/, '').split('/');
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((want, i) => {
      const part = parts[i] ?? '';
      if (!want.startsWith(':')) return want === part;
      params[want.slice(1)] = decodeURIComponent(part);
      return part !== '';
    });
    if (fits) return { load, title, params };
  }
  return { params: {} };
}
