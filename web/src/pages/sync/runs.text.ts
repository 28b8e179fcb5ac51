import { duration } from '../../lib/format';
import { words } from '../../lib/i18n/index.svelte';

/** Words about runs that several tabs need. */
const en = {
  origin: (origin: string, name: string) =>
    ({
      manual: 'by you',
      schedule: name ? `by the schedule ${name}` : 'by a schedule',
      change: 'because files changed',
      retry: 'as another try',
      'catch-up': 'to catch up',
      after: name ? `after ${name}` : 'after another sync',
      external: 'by another program',
    })[origin] ?? origin,
  kind: (kind: string) => ({ sync: '', resolve: 'Conflicts decided', undo: 'Taken back', restore: 'Version restored' })[kind] ?? kind,
  at_work: 'At work',
  took: (ms: number) => (ms < 1000 ? 'under 1 sec' : duration(ms)),
};
const de: typeof en = {
  origin: (origin: string, name: string) =>
    ({
      manual: 'von dir',
      schedule: name ? `vom Zeitplan ${name}` : 'von einem Zeitplan',
      change: 'weil sich Dateien geändert haben',
      retry: 'als neuer Versuch',
      'catch-up': 'zum Nachholen',
      after: name ? `nach ${name}` : 'nach einem anderen Abgleich',
      external: 'von einem anderen Programm',
    })[origin] ?? origin,
  kind: (kind: string) => ({ sync: '', resolve: 'Konflikte entschieden', undo: 'Zurückgenommen', restore: 'Version zurückgeholt' })[kind] ?? kind,
  at_work: 'Läuft',
  took: (ms: number) => (ms < 1000 ? 'unter 1 s' : duration(ms)),
};
export const runWords = () => words(en, de);
