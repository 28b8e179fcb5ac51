import { list, size } from '../format';
import { plural, words } from '../i18n/index.svelte';
import type { Group } from '../plan';

const files = (n: number) => plural(n, { one: '# file', other: '# files' });
const folders = (n: number) => plural(n, { one: '# folder', other: '# folders' });
const dateien = (n: number) => plural(n, { one: '# Datei', other: '# Dateien' });
const ordner = (n: number) => plural(n, { one: '# Ordner', other: '# Ordner' });

/** Nothing is said of no bytes. */
const much = (bytes: number) => (bytes ? ` (${size(bytes)})` : '');

const en = {
  first: 'These folders were never synced with each other: nothing is deleted.',
  equal: 'Nothing to do: both sides are equal.',
  impossible: 'Nothing can be done.',
  would: (parts: string[]) => `A run would ${list(parts)}.`,
  part: ({ action, n, bytes }: Group, where: string) =>
    ({
      delete: `delete ${files(n)} in ${where}${much(bytes)}`,
      'remove folder': `remove ${folders(n)} in ${where}`,
      rename: `rename ${files(n)} in ${where}`,
      'new folder': `make ${folders(n)} in ${where}`,
      copy: `copy ${files(n)} to ${where}${much(bytes)}`,
      update: `update ${files(n)} in ${where}${much(bytes)}`,
      attributes: `set permissions or times of ${files(n)} in ${where}`,
    })[action] ?? `${action} ${n}`,
  conflicts: (n: number) => plural(n, { one: '# conflict waits for your decision; everything else goes on.', other: '# conflicts wait for your decision; everything else goes on.' }),
  decide: 'Decide',
  holds: (n: number) => plural(n, { one: '# change waits for your OK', other: '# changes wait for your OK' }),
  held: 'waits for your OK',
  held_only: 'Waiting for your OK',
  numbers: 'What would happen',
  action: (action: string) =>
    ({ delete: 'Delete', 'remove folder': 'Remove folder', rename: 'Rename', 'new folder': 'New folder', copy: 'Copy', update: 'Update', attributes: 'Permissions, times', conflict: 'Conflict' })[action] ?? action,
  count: (action: string, n: string) =>
    ({ delete: `${n} deleted`, 'remove folder': `${n} removed`, rename: `${n} renamed`, 'new folder': `${n} made`, copy: `${n} copied`, update: `${n} updated`, attributes: `${n} with other permissions`, conflict: `${n} in conflict` })[action] ?? n,
  reason: (word: string, left: string, right: string) => {
    const [stem, name] = word.endsWith('-left') ? [word.slice(0, -5), left] : word.endsWith('-right') ? [word.slice(0, -6), right] : [word, ''];
    return (
      {
        'new-on': `new in ${name}`,
        'changed-on': `changed in ${name}`,
        'deleted-on': `deleted in ${name}`,
        'kind-changed-on': `became another kind of thing in ${name}`,
        'attributes-changed': 'permissions or time changed',
        'rule-chose': `both changed, the rule chose ${name}`,
        'rule-merged': 'both changed, merged by the rule',
        'rule-kept-both': 'both changed, the rule keeps both',
        'mirror-of': `made equal to ${name}`,
        'never-deletes': 'missing there; this sync never deletes',
        resolved: 'decided by you',
        undone: 'taken back',
        'already-equal': 'equal already',
        'both-changed': 'both changed',
        'changed-and-deleted': 'changed and deleted',
        'both-new': 'new on both sides',
        'kinds-differ': 'a file here, a folder there',
      }[stem] ?? stem
    );
  },
  shown_as: 'Shown as',
  tree: 'Tree',
  list: 'List',
  all: 'All',
  what: 'What',
  side: 'Where',
  both: 'Both sides',
  text: 'Part of a path',
  order: 'Sort by',
  by_path: 'Path',
  by_size: 'Size',
  none: 'Nothing of the plan fits.',
  clear: 'Show everything',
  exclude: 'Exclude…',
  from: (name: string) => `was ${name}`,
  steps: (n: number) => plural(n, { one: '# change', other: '# changes' }),
  choose: 'Choose a row to see it in full.',
  end: (word: string) => ({ done: 'Done', 'not-done': 'Not done', intended: 'Begun, end unknown' })[word] ?? word,
};
const de: typeof en = {
  first: 'Diese Ordner wurden noch nie miteinander abgeglichen: Es wird nichts gelöscht.',
  equal: 'Nichts zu tun: Beide Seiten sind gleich.',
  impossible: 'Es kann nichts getan werden.',
  would: (parts: string[]) => `Ein Lauf würde ${list(parts)}.`,
  part: ({ action, n, bytes }: Group, where: string) =>
    ({
      delete: `${dateien(n)} in ${where} löschen${much(bytes)}`,
      'remove folder': `${ordner(n)} in ${where} entfernen`,
      rename: `${dateien(n)} in ${where} umbenennen`,
      'new folder': `${ordner(n)} in ${where} anlegen`,
      copy: `${dateien(n)} nach ${where} kopieren${much(bytes)}`,
      update: `${dateien(n)} in ${where} ersetzen${much(bytes)}`,
      attributes: `Rechte oder Zeiten von ${dateien(n)} in ${where} setzen`,
    })[action] ?? `${action} ${n}`,
  conflicts: (n: number) => plural(n, { one: '# Konflikt wartet auf deine Entscheidung; alles andere läuft weiter.', other: '# Konflikte warten auf deine Entscheidung; alles andere läuft weiter.' }),
  decide: 'Entscheiden',
  holds: (n: number) => plural(n, { one: '# Änderung wartet auf dein OK', other: '# Änderungen warten auf dein OK' }),
  held: 'wartet auf dein OK',
  held_only: 'Wartet auf dein OK',
  numbers: 'Was geschehen würde',
  action: (action: string) =>
    ({ delete: 'Löschen', 'remove folder': 'Ordner entfernen', rename: 'Umbenennen', 'new folder': 'Neuer Ordner', copy: 'Kopieren', update: 'Ersetzen', attributes: 'Rechte, Zeiten', conflict: 'Konflikt' })[action] ?? action,
  count: (action: string, n: string) =>
    ({ delete: `${n} gelöscht`, 'remove folder': `${n} entfernt`, rename: `${n} umbenannt`, 'new folder': `${n} angelegt`, copy: `${n} kopiert`, update: `${n} ersetzt`, attributes: `${n} mit anderen Rechten`, conflict: `${n} im Konflikt` })[action] ?? n,
  reason: (word: string, left: string, right: string) => {
    const [stem, name] = word.endsWith('-left') ? [word.slice(0, -5), left] : word.endsWith('-right') ? [word.slice(0, -6), right] : [word, ''];
    return (
      {
        'new-on': `neu in ${name}`,
        'changed-on': `geändert in ${name}`,
        'deleted-on': `gelöscht in ${name}`,
        'kind-changed-on': `wurde in ${name} zu etwas anderem`,
        'attributes-changed': 'Rechte oder Zeit geändert',
        'rule-chose': `beide geändert, die Regel wählte ${name}`,
        'rule-merged': 'beide geändert, von der Regel zusammengeführt',
        'rule-kept-both': 'beide geändert, die Regel behält beide',
        'mirror-of': `angeglichen an ${name}`,
        'never-deletes': 'fehlt dort; dieser Abgleich löscht nie',
        resolved: 'von dir entschieden',
        undone: 'rückgängig gemacht',
        'already-equal': 'schon gleich',
        'both-changed': 'beide geändert',
        'changed-and-deleted': 'geändert und gelöscht',
        'both-new': 'auf beiden Seiten neu',
        'kinds-differ': 'hier Datei, dort Ordner',
      }[stem] ?? stem
    );
  },
  shown_as: 'Zeigen als',
  tree: 'Baum',
  list: 'Liste',
  all: 'Alles',
  what: 'Was',
  side: 'Wo',
  both: 'Beide Seiten',
  text: 'Teil eines Pfads',
  order: 'Sortieren nach',
  by_path: 'Pfad',
  by_size: 'Größe',
  none: 'Nichts im Plan passt.',
  clear: 'Alles zeigen',
  exclude: 'Ausschließen …',
  from: (name: string) => `vorher ${name}`,
  steps: (n: number) => plural(n, { one: '# Änderung', other: '# Änderungen' }),
  choose: 'Wähle eine Zeile, um sie ganz zu sehen.',
  end: (word: string) => ({ done: 'Getan', 'not-done': 'Nicht getan', intended: 'Begonnen, Ende unbekannt' })[word] ?? word,
};
export const planWords = () => words(en, de);
