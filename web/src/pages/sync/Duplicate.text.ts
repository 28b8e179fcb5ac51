import { words } from '../../lib/i18n/index.svelte';

const en = {
  title: 'Duplicate this sync',
  intro: 'The same settings under another name. Change what is to differ; nothing runs before you say so.',
  name: 'Name',
  copy_of: (name: string) => `${name}-2`,
  secrets: 'Passwords are not copied; set them on the page of the new sync.',
  save: 'Save the new sync',
};
const de: typeof en = {
  title: 'Abgleich duplizieren',
  intro: 'Dieselben Einstellungen unter anderem Namen. Ändere, was anders sein soll; es läuft nichts, bevor du es sagst.',
  name: 'Name',
  copy_of: (name: string) => `${name}-2`,
  secrets: 'Passwörter werden nicht mitkopiert; setze sie auf der Seite des neuen Abgleichs.',
  save: 'Neuen Abgleich speichern',
};
export const duplicateWords = () => words(en, de);
