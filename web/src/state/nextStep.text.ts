import { words } from '../lib/i18n/index.svelte';
import type { NextStep } from './nextStep';

type Labels = Record<NextStep['kind'], string>;

const en: Labels = {
  resolve: 'Resolve',
  review: 'Review',
  handler: 'See handler',
  settings: 'Change settings',
  look: 'See why',
  preview: 'Preview',
  warnings: 'Show warnings',
  retry: 'Try again',
  now: 'Sync now',
  resume: 'Resume',
  on: 'Turn on',
};
const de: Labels = {
  resolve: 'Lösen',
  review: 'Prüfen',
  handler: 'Zum Handler',
  settings: 'Einstellungen',
  look: 'Warum?',
  preview: 'Vorschau',
  warnings: 'Warnungen',
  retry: 'Neu versuchen',
  now: 'Abgleichen',
  resume: 'Fortsetzen',
  on: 'Einschalten',
};
export const nextStepWords = () => words(en, de);
