import { words } from '../i18n/index.svelte';

/** Settings of many handlers have names for people; the others show their key. */
const LABELS: Record<string, [en: string, de: string]> = {
  left: ['One folder', 'Der eine Ordner'],
  right: ['The other folder', 'Der andere Ordner'],
  mode: ['How', 'Wie'],
  rule: ['When both changed', 'Wenn beide geändert sind'],
  exclude: ['Leave out', 'Auslassen'],
  bandwidth: ['Speed limit', 'Höchstgeschwindigkeit'],
  keep_days: ['Keep versions for (days)', 'Versionen behalten (Tage)'],
  keep_bytes: ['Space for versions', 'Platz für Versionen'],
  source: ['From', 'Von'],
  target: ['To', 'Nach'],
  max_delete: ['Deletions without asking', 'Löschungen ohne Rückfrage'],
  delete: ['Delete in the target too', 'Auch im Ziel löschen'],
  command: ['Command', 'Befehl'],
  folders: ['Folders', 'Ordner'],
  folder: ['Folder', 'Ordner'],
  dir: ['Start in', 'Starten in'],
  env: ['Environment variables', 'Umgebungsvariablen'],
  program: ['Program', 'Programm'],
  options: ['Further options', 'Weitere Optionen'],
  config: ['Configuration', 'Konfiguration'],
  repository: ['Repository', 'Repository'],
  password: ['Password', 'Passwort'],
  password_file: ['File with the password', 'Datei mit dem Passwort'],
  config_password: ['Password of the configuration', 'Passwort der Konfiguration'],
  tags: ['Tags', 'Schlagwörter'],
  keep_last: ['Snapshots kept', 'Behaltene Schnappschüsse'],
  keep_daily: ['Kept by day', 'Behalten je Tag'],
  keep_weekly: ['Kept by week', 'Behalten je Woche'],
  keep_monthly: ['Kept by month', 'Behalten je Monat'],
  profile: ['Profile', 'Profil'],
};

/** Words a setting can be; the others are shown as they are. */
const WORDS: Record<string, [en: string, de: string]> = {
  'two-way': ['Keep both the same', 'Beide gleich halten'],
  mirror: ['Copy to the other side; deletes there', 'Auf die andere Seite kopieren; löscht dort'],
  'mirror-back': ['Copy from the other side; deletes here', 'Von der anderen Seite kopieren; löscht hier'],
  'add-only': ['Add only; never deletes', 'Nur hinzufügen; löscht nie'],
  ask: ['Ask me', 'Mich fragen'],
  newest: ['Keep the newest, and the other as a version', 'Das Neueste behalten, das andere als Version'],
  left: ['Always prefer the left side', 'Immer die linke Seite bevorzugen'],
  right: ['Always prefer the right side', 'Immer die rechte Seite bevorzugen'],
  both: ['Keep both', 'Beide behalten'],
  merge: ['Merge texts, otherwise ask', 'Texte zusammenführen, sonst fragen'],
  yes: ['Yes', 'Ja'],
  no: ['No', 'Nein'],
};

const keyed = (key: string) => {
  const text = key.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

const en = {
  label: (key: string) => LABELS[key]?.[0] ?? keyed(key),
  word: (word: string) => WORDS[word]?.[0] ?? word,
  usual: (value: string) => `Default: ${WORDS[value]?.[0] ?? value}`,
  not_set: 'not set',
  required: 'needed',
  choose: 'Choose…',
  by_line: 'One per line.',
  bytes: 'A size, as 10M or 2GiB.',
  key: (key: string) => `In the configuration file: ${key}`,
  rare: 'Advanced',
};
const de: typeof en = {
  label: (key: string) => LABELS[key]?.[1] ?? keyed(key),
  word: (word: string) => WORDS[word]?.[1] ?? word,
  usual: (value: string) => `Voreinstellung: ${WORDS[value]?.[1] ?? value}`,
  not_set: 'nicht gesetzt',
  required: 'nötig',
  choose: 'Wählen …',
  by_line: 'Eins pro Zeile.',
  bytes: 'Eine Größe, etwa 10M oder 2GiB.',
  key: (key: string) => `In der Konfigurationsdatei: ${key}`,
  rare: 'Für Fortgeschrittene',
};
export const settingsFormWords = () => words(en, de);
