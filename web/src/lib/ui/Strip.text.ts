import { list } from '../format';
import { plural, words } from '../i18n/index.svelte';

const counts = (outcomes: string[], forms: Record<string, { one: string; other: string }>, none: string) => {
  const parts = Object.entries(forms).flatMap(([outcome, form]) => {
    const n = outcomes.filter((one) => one === outcome).length;
    return n > 0 ? [plural(n, form)] : [];
  });
  return parts.length > 0 ? list(parts) : none;
};

const same = (words: string) => ({ one: `# ${words}`, other: `# ${words}` });

const en = {
  outcome: (outcome: string) =>
    ({ ok: 'Fine', warnings: 'With warnings', conflicts: 'With conflicts', held: 'Waited for your OK', failed: 'Failed', missed: 'Missed', stopped: 'Stopped by you' })[outcome] ?? outcome,
  summary: (outcomes: string[]) =>
    counts(outcomes, { ok: { one: '# run fine', other: '# runs fine' }, warnings: same('with warnings'), conflicts: same('with conflicts'), held: same('waited for your OK'), failed: same('failed'), missed: same('missed'), stopped: same('stopped') }, 'no runs yet'),
};
const de: typeof en = {
  outcome: (outcome: string) =>
    ({ ok: 'In Ordnung', warnings: 'Mit Warnungen', conflicts: 'Mit Konflikten', held: 'Wartete auf dein OK', failed: 'Fehlgeschlagen', missed: 'Verpasst', stopped: 'Von dir angehalten' })[outcome] ?? outcome,
  summary: (outcomes: string[]) =>
    counts(outcomes, { ok: { one: '# Lauf in Ordnung', other: '# Läufe in Ordnung' }, warnings: same('mit Warnungen'), conflicts: same('mit Konflikten'), held: same('warteten auf dein OK'), failed: same('fehlgeschlagen'), missed: same('verpasst'), stopped: same('angehalten') }, 'noch keine Läufe'),
};
export const stripWords = () => words(en, de);
