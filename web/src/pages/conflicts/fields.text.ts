/** What the fields of contacts and appointments are called; others keep the name they have. */
import { visible } from '../../lib/format';
import { words } from '../../lib/i18n/index.svelte';

const en = {
  FN: 'Name', N: 'Name, in parts', NICKNAME: 'Nickname', TEL: 'Phone', EMAIL: 'E-mail', ADR: 'Address', ORG: 'Organisation', TITLE: 'Title', ROLE: 'Role',
  BDAY: 'Birthday', ANNIVERSARY: 'Anniversary', NOTE: 'Note', URL: 'Web page', PHOTO: 'Photo', CATEGORIES: 'Categories', REV: 'Last changed', UID: 'Identifier',
  SUMMARY: 'Title', DESCRIPTION: 'Description', LOCATION: 'Place', DTSTART: 'Begins', DTEND: 'Ends', DUE: 'Due', DURATION: 'Takes', RRULE: 'Repeats', EXDATE: 'Except on',
  ATTENDEE: 'Guest', ORGANIZER: 'Organiser', STATUS: 'Status', PRIORITY: 'Priority', TRIGGER: 'Reminder', CREATED: 'Created', DTSTAMP: 'Stamp', SEQUENCE: 'Revision', COMPLETED: 'Completed',
};
const de: typeof en = {
  FN: 'Name', N: 'Name, in Teilen', NICKNAME: 'Spitzname', TEL: 'Telefon', EMAIL: 'E-Mail', ADR: 'Anschrift', ORG: 'Organisation', TITLE: 'Titel', ROLE: 'Funktion',
  BDAY: 'Geburtstag', ANNIVERSARY: 'Jahrestag', NOTE: 'Notiz', URL: 'Webseite', PHOTO: 'Foto', CATEGORIES: 'Kategorien', REV: 'Zuletzt geändert', UID: 'Kennung',
  SUMMARY: 'Titel', DESCRIPTION: 'Beschreibung', LOCATION: 'Ort', DTSTART: 'Beginn', DTEND: 'Ende', DUE: 'Fällig', DURATION: 'Dauer', RRULE: 'Wiederholung', EXDATE: 'Außer am',
  ATTENDEE: 'Gast', ORGANIZER: 'Veranstalter', STATUS: 'Status', PRIORITY: 'Wichtigkeit', TRIGGER: 'Erinnerung', CREATED: 'Angelegt', DTSTAMP: 'Zeitstempel', SEQUENCE: 'Fassung', COMPLETED: 'Erledigt',
};
const text = words(en, de);

export function fieldWord(name: string): string {
  return name in en ? text[name as keyof typeof en] : visible(name);
}
