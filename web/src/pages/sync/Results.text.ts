import { words } from '../../lib/i18n/index.svelte';

const en = {
  label: 'Results of this sync',
  none: 'No results. What goes wrong, or is worth knowing, is told here.',
  none_level: 'No results of this kind.',
  show: 'Show',
  all: 'All',
  error: 'Errors',
  warning: 'Warnings',
  information: 'Information',
  seen: 'Mark as seen',
  told_seen: 'Marked as seen; nothing is removed.',
  whole: 'All results',
  level: (level: string) => ({ error: 'Error', warning: 'Warning', information: 'Information' })[level] ?? level,
  run: 'To the run',
};
const de: typeof en = {
  label: 'Ergebnisse dieses Abgleichs',
  none: 'Keine Ergebnisse. Was schiefgeht oder wissenswert ist, steht hier.',
  none_level: 'Keine Ergebnisse dieser Art.',
  show: 'Zeigen',
  all: 'Alle',
  error: 'Fehler',
  warning: 'Warnungen',
  information: 'Hinweise',
  seen: 'Als gesehen merken',
  told_seen: 'Als gesehen gemerkt; nichts wird entfernt.',
  whole: 'Alle Ergebnisse',
  level: (level: string) => ({ error: 'Fehler', warning: 'Warnung', information: 'Hinweis' })[level] ?? level,
  run: 'Zum Lauf',
};
export const resultsWords = () => words(en, de);
