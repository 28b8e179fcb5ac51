import { words } from '../lib/i18n/index.svelte';

const en = {
  title: 'Sign in',
  how: 'This page can change your files, so it wants to know that it is you. Run this command on this computer; it opens the page signed in:',
  code: 'Or paste the address or code it prints',
  code_help: 'As from “syncmgr open --print”. It works once, for a short time.',
  enter: 'Sign in',
};
const de: typeof en = {
  title: 'Anmelden',
  how: 'Diese Seite kann deine Dateien ändern, darum will sie wissen, dass du es bist. Führe diesen Befehl auf diesem Computer aus; er öffnet die Seite angemeldet:',
  code: 'Oder füge die Adresse oder den Code ein, den er ausgibt',
  code_help: 'Zum Beispiel von „syncmgr open --print“. Er gilt einmal und nur kurz.',
  enter: 'Anmelden',
};
export const signInWords = () => words(en, de);
