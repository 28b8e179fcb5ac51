import { plural, words } from '../lib/i18n/index.svelte';

const en = {
  started: 'Started.',
  paused: (n: number) => plural(n, { one: 'Paused # sync.', other: 'Paused # syncs.' }),
  resumed: (n: number) => plural(n, { one: 'Resumed # sync.', other: 'Resumed # syncs.' }),
};
const de: typeof en = {
  started: 'Gestartet.',
  paused: (n: number) => plural(n, { one: '# Abgleich pausiert.', other: '# Abgleiche pausiert.' }),
  resumed: (n: number) => plural(n, { one: '# Abgleich fortgesetzt.', other: '# Abgleiche fortgesetzt.' }),
};
export const actWords = () => words(en, de);
