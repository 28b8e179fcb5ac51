/** The short forms in which schedules say when: taken apart for fields, and written again. */

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];
export const UNITS = ['s', 'm', 'h', 'd', 'w', 'mo'] as const;
export type Unit = (typeof UNITS)[number];
export const EVENTS = ['log-on', 'log-off', 'lock', 'unlock', 'connect', 'disconnect'] as const;
export type SystemEvent = (typeof EVENTS)[number];

export type Trigger =
  | { kind: 'change' }
  | { kind: 'every'; n: number; unit: Unit; from: string }
  | { kind: 'at'; days: Day[]; times: string[] }
  | { kind: 'once'; at: string }
  | { kind: 'cron'; line: string }
  | { kind: 'after'; name: string }
  | { kind: 'event'; event: SystemEvent; network: string }
  | { kind: 'idle'; after: string; repeat: string }
  /** What no field here can say; the daemon may know it. */
  | { kind: 'text'; text: string };

export interface Window {
  days: Day[];
  from: string;
  to: string;
}

const TIME = /^\d{1,2}:\d\d$/;

/** What is not finished yet, as `once`, stays of its kind, so that fields can finish it. */
export function readTrigger(text: string): Trigger {
  const [word = '', ...more] = text.trim().split(/\s+/);
  const rest = more.join(' ');
  if (word === 'every') {
    const found = /^(\d+)(s|mo|m|h|d|w)(?: from (.+))?$/.exec(rest);
    if (found) return { kind: 'every', n: Number(found[1]), unit: found[2] as Unit, from: found[3] ?? '' };
  } else if (word === 'once') return { kind: 'once', at: rest };
  else if (word === 'cron') return { kind: 'cron', line: rest };
  else if (word === 'after') return { kind: 'after', name: rest };
  else if (word === 'on' && rest === 'change') return { kind: 'change' };
  else if (word === 'on') {
    const idle = /^idle(?: (?!repeat)(\S+))?(?: repeat (\S+))?$/.exec(rest);
    if (idle) return { kind: 'idle', after: idle[1] ?? '', repeat: idle[2] ?? '' };
    const [event = '', ...network] = rest.split(' ');
    const known = EVENTS.find((name) => name === event);
    if (known && (known === 'connect' || network.length === 0)) return { kind: 'event', event: known, network: network.join(' ') };
  } else {
    const days = readDays(word);
    const times = rest.split(',').map((time) => time.trim());
    if (days && times.every((time) => time === '' || TIME.test(time))) return { kind: 'at', days, times: times.map((time) => time && time.padStart(5, '0')) };
  }
  return { kind: 'text', text: text.trim() };
}

export function writeTrigger(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'change':
      return 'on change';
    case 'every':
      return `every ${trigger.n}${trigger.unit}${trigger.from ? ` from ${trigger.from.replace('T', ' ')}` : ''}`;
    case 'at':
      return `${writeDays(trigger.days)} ${trigger.times.filter(Boolean).join(',')}`.trim();
    case 'once':
      return `once ${trigger.at.replace('T', ' ')}`.trim();
    case 'cron':
      return `cron ${trigger.line}`.trim();
    case 'after':
      return `after ${trigger.name}`.trim();
    case 'event':
      return `on ${trigger.event}${trigger.event === 'connect' && trigger.network ? ` ${trigger.network}` : ''}`;
    case 'idle':
      return `on idle${trigger.after ? ` ${trigger.after}` : ''}${trigger.repeat ? ` repeat ${trigger.repeat}` : ''}`;
    case 'text':
      return trigger.text;
  }
}

export function readWindow(text: string): Window | undefined {
  const found = /^(\S+)\s+(\d{1,2}:\d\d)?-(\d{1,2}:\d\d)?$/.exec(text.trim());
  const days = found ? readDays(found[1] ?? '') : undefined;
  if (!found || !days) return undefined;
  const padded = (time = '') => time && time.padStart(5, '0');
  return { days, from: padded(found[2]), to: padded(found[3]) };
}

export const writeWindow = (window: Window): string => `${writeDays(window.days)} ${window.from}-${window.to}`;

/** Reads `daily`, `mon-fri`, `sat-mon`, `mon,wed,sat`. */
export function readDays(text: string): Day[] | undefined {
  if (text === 'daily' || text === '*') return [...DAYS];
  const days = new Set<Day>();
  for (const stretch of text.toLowerCase().split(',')) {
    const [first, last = first] = stretch.split('-').map((name) => DAYS.findIndex((day) => day === name.trim()));
    if (first === undefined || last === undefined || first < 0 || last < 0) return undefined;
    for (let i = 0; i <= (last - first + 7) % 7; i += 1) days.add(DAYS[(first + i) % 7]!);
  }
  return DAYS.filter((day) => days.has(day));
}

/** Writes days as briefly as can be; none at all are all, as nobody means never. */
export function writeDays(days: Day[]): string {
  if (days.length === 0 || days.length === DAYS.length) return 'daily';
  const at = DAYS.map((day, i) => (days.includes(day) ? i : -1)).filter((i) => i >= 0);
  const stretches: number[][] = [];
  for (const i of at) {
    const last = stretches.at(-1);
    if (last && last.at(-1) === i - 1) last.push(i);
    else stretches.push([i]);
  }
  return stretches.map((stretch) => (stretch.length === 1 ? DAYS[stretch[0]!] : `${DAYS[stretch[0]!]}-${DAYS[stretch.at(-1)!]}`)).join(',');
}
