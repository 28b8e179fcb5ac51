import { words } from '../../lib/i18n/index.svelte';

const en = {
  open: 'Open',
  remove: 'Delete this result',
  shown: 'Its handler showed it.',
  not_web: (address: string) => `This leads to ${address}, which is no web page; it is not opened from here.`,
};
const de: typeof en = {
  open: 'Öffnen',
  remove: 'Dieses Ergebnis löschen',
  shown: 'Sein Handler hat es gezeigt.',
  not_web: (address: string) => `Das führt zu ${address}, und das ist keine Webseite; von hier wird es nicht geöffnet.`,
};
export const resultWords = () => words(en, de);
