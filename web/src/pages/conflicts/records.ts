/** Contacts, appointments, JSON and lists of `key: value`, taken apart into fields. */

export type Form = 'card' | 'calendar' | 'json' | 'pairs';

export interface Field {
  /** The same in all versions of a record. */
  key: string;
  /** What the field is called in its form: `TEL`, `address.city`. */
  name: string;
  /** Tells fields of one name apart: `work`, `2`. */
  detail: string;
  /** For people. */
  value: string;
  /** As it stands in the file. */
  raw: string;
}

export interface Parsed {
  form: Form;
  fields: Field[];
}

/** Records of more fields are compared as text. */
const FIELDS_MAX = 500;

/** Takes a text apart; `undefined` when it is no record. */
export function parse(text: string): Parsed | undefined {
  const parsed = /^\uFEFF?BEGIN:/i.test(text) ? lines(text) : /^\s*\{/.test(text) ? json(text) : pairs(text);
  return parsed && parsed.fields.length > 0 && parsed.fields.length <= FIELDS_MAX ? parsed : undefined;
}

/** vCard (RFC 6350) and iCalendar (RFC 5545): properties in components, long lines folded. */
function lines(text: string): Parsed | undefined {
  const fields: Field[] = [];
  const open: { path: string; n: Map<string, number> }[] = [{ path: '', n: new Map() }];
  const first = /^\uFEFF?BEGIN:(\w+)/i.exec(text)?.[1]?.toUpperCase();
  for (const raw of unfolded(text)) {
    const match = /^\uFEFF?(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":])*)?):([\s\S]*)$/.exec(raw.replace(/\r?\n[ \t]/g, ''));
    if (!match) return undefined;
    const [, given = '', parameters = '', value = ''] = match;
    const name = given.toUpperCase();
    const top = open.at(-1)!;
    if (name === 'BEGIN') {
      const of = count(top.n, value.toUpperCase());
      open.push({ path: `${top.path}${value.toUpperCase()}${of > 1 ? of : ''}/`, n: new Map() });
      continue;
    }
    if (name === 'END') {
      if (open.length === 1) return undefined;
      open.pop();
      continue;
    }
    if (open.length === 1) return undefined;
    const types = [...parameters.matchAll(/TYPE="?([^;:"]*)/gi)].map((found) => found[1]!.toLowerCase()).join(',');
    const of = count(top.n, `${name} ${types}`);
    const detail = [types.replaceAll(',', ', '), of > 1 ? String(of) : ''].filter(Boolean).join(' ');
    // The outermost component is the record itself; of a calendar, the event is.
    const inside = top.path.split('/').slice(first === 'VCALENDAR' ? 2 : 1, -1).join('/');
    fields.push({ key: `${top.path}${name} ${types} ${of}`, name, detail: [inside, detail].filter(Boolean).join(' '), value: said(name, value), raw });
  }
  if (open.length !== 1) return undefined;
  return { form: first === 'VCARD' ? 'card' : 'calendar', fields };
}

function count(n: Map<string, number>, key: string): number {
  const of = (n.get(key) ?? 0) + 1;
  n.set(key, of);
  return of;
}

/** Whole properties, each with the lines it was folded into. */
function unfolded(text: string): string[] {
  const out: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^[ \t]/.test(line) && out.length) out[out.length - 1] += `\r\n${line}`;
    else if (line !== '') out.push(line);
  }
  return out;
}

const STRUCTURED = new Set(['N', 'ADR', 'ORG', 'GENDER']);

function said(name: string, value: string): string {
  const plain = (text: string) => text.replace(/\\([\\;,nN])/g, (_, c: string) => (c.toLowerCase() === 'n' ? '\n' : c));
  if (!STRUCTURED.has(name)) return plain(value);
  return value.split(/(?<!\\);/).map(plain).filter((part) => part !== '').join(', ');
}

/** JSON whose every byte but the spaces comes back when it is written again. */
function json(text: string): Parsed | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || JSON.stringify(value) !== spaceless(text)) return undefined;
  const fields: Field[] = [];
  const walk = (object: Record<string, unknown>, path: string[]) => {
    for (const [key, inner] of Object.entries(object)) {
      const at = [...path, key];
      if (isObject(inner) && Object.keys(inner).length > 0) walk(inner, at);
      else fields.push({ key: JSON.stringify(at), name: at.join(' › '), detail: '', value: typeof inner === 'string' ? inner : JSON.stringify(inner), raw: JSON.stringify(inner) });
    }
  };
  walk(value, []);
  return { form: 'json', fields };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function spaceless(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string: string | undefined) => string ?? '');
}

function pairs(text: string): Parsed | undefined {
  const fields: Field[] = [];
  for (const raw of text.split(/\r?\n/)) {
    if (raw.trim() === '') continue;
    const match = /^([\p{L}][\p{L}\p{N} ._-]{0,40}):(?:\s+(.*))?$/u.exec(raw);
    if (!match) return undefined;
    const name = match[1]!.trim();
    if (fields.some((field) => field.key === name)) return undefined;
    fields.push({ key: name, name, detail: '', value: match[2] ?? '', raw });
  }
  return fields.length > 1 ? { form: 'pairs', fields } : undefined;
}

export interface Difference {
  key: string;
  name: string;
  detail: string;
  base?: string;
  left?: string;
  right?: string;
  /** What only one side changed needs no decision. */
  usual?: 'left' | 'right';
}

/** What is not the same in two records of one form; `undefined` when they cannot be compared so. */
export function differences(base: string | undefined, left: string, right: string): Difference[] | undefined {
  const [b, l, r] = [base === undefined ? undefined : parse(base), parse(left), parse(right)];
  if (!l || !r || l.form !== r.form) return undefined;
  const by = (parsed: Parsed | undefined) => new Map((parsed?.form === l.form ? parsed.fields : []).map((field) => [field.key, field]));
  const [inBase, inLeft, inRight] = [by(b), by(l), by(r)];
  const keys = new Set([...inLeft.keys(), ...inRight.keys()]);
  const out: Difference[] = [];
  for (const key of keys) {
    const [old, x, y] = [inBase.get(key), inLeft.get(key), inRight.get(key)];
    if (bare(x?.raw) === bare(y?.raw)) continue;
    const usual = !b ? undefined : bare(old?.raw) === bare(x?.raw) ? 'right' : bare(old?.raw) === bare(y?.raw) ? 'left' : undefined;
    const { name, detail } = (x ?? y)!;
    out.push({ key, name, detail, base: old?.value, left: x?.value, right: y?.value, usual });
  }
  return out;
}

const bare = (raw: string | undefined) => raw?.replace(/\r?\n[ \t]/g, '');

/** Writes the left record with what was chosen of the right one. */
export function compose(left: string, right: string, isRight: (key: string) => boolean): string | undefined {
  const [l, r] = [parse(left), parse(right)];
  if (!l || !r || l.form !== r.form) return undefined;
  return l.form === 'json' ? composeJson(left, l, r, isRight) : composeLines(left, right, l, r, isRight);
}

function composeJson(left: string, l: Parsed, r: Parsed, isRight: (key: string) => boolean): string {
  const indent = /\n([ \t]+)"/.exec(left)?.[1];
  const out: Record<string, unknown> = {};
  const put = (path: string[], value: unknown) => {
    let at = out;
    for (const key of path.slice(0, -1)) {
      if (!isObject(at[key])) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    at[path.at(-1)!] = value;
  };
  const inRight = new Map(r.fields.map((field) => [field.key, field]));
  const inLeft = new Set(l.fields.map((field) => field.key));
  for (const field of l.fields) {
    const chosen = isRight(field.key) ? inRight.get(field.key) : field;
    if (chosen) put(JSON.parse(field.key) as string[], JSON.parse(chosen.raw));
  }
  for (const field of r.fields) {
    if (!inLeft.has(field.key) && isRight(field.key)) put(JSON.parse(field.key) as string[], JSON.parse(field.raw));
  }
  const text = JSON.stringify(out, null, indent);
  return left.endsWith('\n') ? `${text}\n` : text;
}

/** Keeps every line of the left text that was not decided against, and the order of its fields. */
function composeLines(left: string, right: string, l: Parsed, r: Parsed, isRight: (key: string) => boolean): string | undefined {
  const end = left.includes('\r\n') ? '\r\n' : '\n';
  const inRight = new Map(r.fields.map((field) => [field.key, field]));
  const inLeft = new Set(l.fields.map((field) => field.key));
  const own = l.form === 'pairs' ? left.split(/\r?\n/).filter((line) => line.trim() !== '') : unfolded(left);
  const out: { key?: string; raw: string }[] = [];
  const fields = [...l.fields];
  for (const raw of own) {
    const isField = fields[0]?.raw === raw;
    const field = isField ? fields.shift() : undefined;
    if (!field || !isRight(field.key)) out.push({ key: field?.key, raw });
    else {
      const other = inRight.get(field.key);
      if (other) out.push({ key: field.key, raw: other.raw });
    }
  }
  for (const [i, field] of r.fields.entries()) {
    if (inLeft.has(field.key) || !isRight(field.key)) continue;
    const at = placeOf(field, r.fields.slice(0, i), out, l.form);
    if (at === undefined) return undefined;
    out.splice(at, 0, { key: field.key, raw: field.raw });
  }
  const text = out.map((line) => line.raw.replace(/\r?\n/g, end)).join(end);
  return left.endsWith('\n') ? text + end : text;
}

/** Behind the nearest field before it that is there too, in the same component. */
function placeOf(field: Field, before: Field[], out: { key?: string }[], form: Form): number | undefined {
  const component = (key: string) => (form === 'pairs' ? '' : key.slice(0, key.lastIndexOf('/')));
  for (const other of before.toReversed()) {
    if (component(other.key) !== component(field.key)) continue;
    const at = out.findIndex((line) => line.key === other.key);
    if (at >= 0) return at + 1;
  }
  const at = out.findIndex((line) => line.key !== undefined && component(line.key) === component(field.key));
  // A component that only one side has cannot be put together from single fields.
  return at >= 0 ? at : undefined;
}
