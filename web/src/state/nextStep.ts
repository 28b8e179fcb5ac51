/** The one thing to do about a sync, by its status: the same wherever a sync is shown. */
import type { ItemView } from '../api/types';

/** A step is a place to go to, or something that is done at once. */
export type NextStep =
  | { kind: 'resolve' | 'review' | 'handler' | 'settings' | 'look' | 'preview' | 'warnings'; href: string }
  | { kind: 'retry' | 'now' | 'resume' | 'on'; href?: undefined };

type Facts = Pick<ItemView, 'id' | 'status' | 'queued' | 'reason'>;

/** What is wrong in what a person typed, or with the folders that were named. */
const OF_SETTINGS = new Set(['setting-unusable', 'same-folder', 'nested-folders', 'folder-missing', 'folder-unusable', 'secret-missing', 'folders-shared', 'folder-kept-out']);
/** What its handler needs before anything else helps. */
const OF_HANDLER = new Set(['handler-unknown', 'handler-too-old', 'handler-off', 'handler-stopped', 'handler-silent', 'protocol-fault', 'not-set-up', 'not-sandboxed', 'tool-missing']);

/** Nothing is to be done about what works, or is as it should be. */
export function nextStep({ id, status, queued, reason }: Facts): NextStep | undefined {
  const its = (tab: string) => `/syncs/${id}?tab=${tab}`;
  switch (status) {
    case 'off':
      return { kind: 'on' };
    case 'paused':
      return { kind: 'resume' };
    case 'unknown':
      return { kind: 'handler', href: '/settings/handlers' };
    case 'held':
      return { kind: 'review', href: `/syncs/${id}/preview` };
    case 'failed':
      if (reason && OF_SETTINGS.has(reason.code)) return { kind: 'settings', href: its('settings') };
      if (reason && OF_HANDLER.has(reason.code)) return { kind: 'handler', href: '/settings/handlers' };
      return reason?.retry === 'never' ? { kind: 'look', href: its('results') } : { kind: 'retry' };
    case 'conflicts':
      return { kind: 'resolve', href: `/conflicts?item=${id}` };
    case 'overdue':
      return { kind: 'now' };
    case 'offline':
      return { kind: 'retry' };
    case 'waiting':
      // What waits for its turn is started already; what waits for a condition need not.
      return queued[0] ? { kind: 'look', href: `/runs/${queued[0]}` } : { kind: 'now' };
    case 'never':
      return { kind: 'preview', href: `/syncs/${id}/preview` };
    case 'warnings':
      return { kind: 'warnings', href: its('results') };
    default:
      return undefined;
  }
}
