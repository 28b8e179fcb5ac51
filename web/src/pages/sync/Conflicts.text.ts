import { plural, words } from '../../lib/i18n/index.svelte';

const en = {
  label: 'Conflicts of this sync',
  none: 'No conflicts. If the same file changes in two places, you decide here.',
  desk: (n: number) => plural(n, { one: 'Decide # conflict', other: 'Decide # conflicts' }),
  rest: 'Everything else keeps syncing; a conflict holds up only its own file.',
  since: 'since',
  deleted: 'deleted',
};
const de: typeof en = {
  label: 'Konflikte dieses Abgleichs',
  none: 'Keine Konflikte. Ändert sich dieselbe Datei an zwei Orten, entscheidest du hier.',
  desk: (n: number) => plural(n, { one: '# Konflikt entscheiden', other: '# Konflikte entscheiden' }),
  rest: 'Alles andere wird weiter abgeglichen; ein Konflikt hält nur seine eigene Datei auf.',
  since: 'seit',
  deleted: 'gelöscht',
};
export const conflictsWords = () => words(en, de);
