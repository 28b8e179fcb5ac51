/** The icon of the window: it says from afar how everything stands. */
import { tone } from '../lib/ui/StatusIcon.svelte';

const ICONS = {
  ok: new URL('../icons/ok.svg', import.meta.url).href,
  warn: new URL('../icons/warn.svg', import.meta.url).href,
  bad: new URL('../icons/bad.svg', import.meta.url).href,
  busy: new URL('../icons/busy.svg', import.meta.url).href,
  idle: new URL('../icons/idle.svg', import.meta.url).href,
};

/** The icon without a sign. */
export const ICON = ICONS.ok;

/** Shows a status; none: nobody knows. */
export function showStatus(status: string | undefined): void {
  const link = document.querySelector<HTMLLinkElement>('#icon');
  const icon = ICONS[status ? tone(status) : 'idle'];
  if (link && link.href !== icon) link.href = icon;
}
