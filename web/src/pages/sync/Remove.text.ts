import { plural, words } from '../../lib/i18n/index.svelte';

const en = {
  title: (n: number) => plural(n, { one: 'Remove this sync?', other: 'Remove # syncs?' }),
  folders: (left: string, right: string) => `Files in ${left} and ${right} stay as they are.`,
  files: 'No file is changed or deleted.',
  schedules: 'It runs no more, by itself or by hand.',
  state: 'Its history and kept versions stay. Saving the same folders again carries on where it was.',
  unsaved: 'It is not saved here. Its handler may take it out of its own set-up, and it cannot be brought back from here.',
  secrets: 'Its stored passwords are removed for good.',
  type_name: (name: string) => `Type ${name} to confirm`,
  remove: (name: string) => `Remove ${name}`,
  remove_many: (n: number) => plural(n, { one: 'Remove # sync', other: 'Remove # syncs' }),
  keep: 'Keep',
};
const de: typeof en = {
  title: (n: number) => plural(n, { one: 'Diesen Abgleich entfernen?', other: '# Abgleiche entfernen?' }),
  folders: (left: string, right: string) => `Dateien in ${left} und ${right} bleiben, wie sie sind.`,
  files: 'Es wird keine Datei geändert oder gelöscht.',
  schedules: 'Er läuft nicht mehr, weder von selbst noch von Hand.',
  state: 'Sein Verlauf und behaltene Versionen bleiben. Wer dieselben Ordner wieder speichert, macht dort weiter.',
  unsaved: 'Er ist hier nicht gespeichert. Sein Handler nimmt ihn vielleicht aus seiner eigenen Einrichtung; von hier aus ist er nicht zurückzuholen.',
  secrets: 'Seine gespeicherten Passwörter werden endgültig entfernt.',
  type_name: (name: string) => `Zur Bestätigung ${name} eingeben`,
  remove: (name: string) => `${name} entfernen`,
  remove_many: (n: number) => plural(n, { one: '# Abgleich entfernen', other: '# Abgleiche entfernen' }),
  keep: 'Behalten',
};
export const removeWords = () => words(en, de);
