import { number } from '../format';
import { plural, words } from '../i18n/index.svelte';

const en = {
  stop: 'Stop',
  stopping: 'Stopping… finishing the current file',
  still: 'No progress for 30 seconds.',
  steps: (done: string, total: string) => `${done} of ${total}`,
  checked: (n: number) => plural(n, { one: '# entry checked', other: '# entries checked' }),
  left: (s: number) =>
    s < 60 ? 'less than a minute left' : s < 5400 ? plural(Math.round(s / 60), { one: 'about # minute left', other: 'about # minutes left' }) : `about ${number(Math.round(s / 3600))} hours left`,
  phase: (phase: string) =>
    ({ waiting: 'Waiting', checking: 'Checking', comparing: 'Comparing', preparing: 'Preparing', copying: 'Copying', finishing: 'Finishing' })[phase] ?? phase,
};
const de: typeof en = {
  stop: 'Anhalten',
  stopping: 'Hält an … die laufende Datei wird beendet',
  still: 'Seit 30 Sekunden kein Fortschritt.',
  steps: (done: string, total: string) => `${done} von ${total}`,
  checked: (n: number) => plural(n, { one: '# Eintrag geprüft', other: '# Einträge geprüft' }),
  left: (s: number) =>
    s < 60 ? 'noch weniger als eine Minute' : s < 5400 ? plural(Math.round(s / 60), { one: 'noch etwa # Minute', other: 'noch etwa # Minuten' }) : `noch etwa ${number(Math.round(s / 3600))} Stunden`,
  phase: (phase: string) =>
    ({ waiting: 'Wartet', checking: 'Prüft', comparing: 'Vergleicht', preparing: 'Bereitet vor', copying: 'Kopiert', finishing: 'Schließt ab' })[phase] ?? phase,
};
export const runProgressWords = () => words(en, de);
