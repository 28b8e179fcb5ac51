import { plural, words } from '../../lib/i18n/index.svelte';

const en = {
  title: (n: number) => plural(n, { one: 'When should it run?', other: 'When should the # syncs run?' }),
  which: 'Schedule',
  all: 'It is for all syncs already.',
  new: 'A new schedule',
  name: 'Name',
  taken: 'There is a schedule of this name already.',
  save: 'Save',
  unsaved: (n: number) => plural(n, { one: '# sync is left out: it is not saved here, only known from its runs.', other: '# syncs are left out: they are not saved here, only known from their runs.' }),
  done: (n: number, schedule: string) => plural(n, { one: `# sync runs by “${schedule}” from now on.`, other: `# syncs run by “${schedule}” from now on.` }),
};
const de: typeof en = {
  title: (n: number) => plural(n, { one: 'Wann soll er laufen?', other: 'Wann sollen die # Abgleiche laufen?' }),
  which: 'Zeitplan',
  all: 'Er gilt schon für alle Abgleiche.',
  new: 'Ein neuer Zeitplan',
  name: 'Name',
  taken: 'Einen Zeitplan mit diesem Namen gibt es schon.',
  save: 'Speichern',
  unsaved: (n: number) => plural(n, { one: '# Abgleich bleibt weg: Er ist hier nicht gespeichert, nur von seinen Läufen bekannt.', other: '# Abgleiche bleiben weg: Sie sind hier nicht gespeichert, nur von ihren Läufen bekannt.' }),
  done: (n: number, schedule: string) => plural(n, { one: `# Abgleich läuft von jetzt an nach „${schedule}“.`, other: `# Abgleiche laufen von jetzt an nach „${schedule}“.` }),
};
export const putOnScheduleWords = () => words(en, de);
