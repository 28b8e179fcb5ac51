import { describe, expect, it } from 'vitest';
import { compose, differences, parse } from './records';

const card = (...rows: string[]) => ['BEGIN:VCARD', 'VERSION:3.0', ...rows, 'END:VCARD', ''].join('\r\n');
const event = (...rows: string[]) => ['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', 'UID:1', ...rows, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

describe('parse', () => {
  it('reads contacts', () => {
    const { form, fields } = parse(card('FN:Anna\\, B', 'N:Berg;Anna;;;', 'item1.TEL;TYPE=work,voice:1', 'TEL;TYPE=home:2', 'NOTE:a', ' b\\nc'))!;
    expect(form).toBe('card');
    expect(fields.map((field) => [field.name, field.detail, field.value])).toEqual([
      ['VERSION', '', '3.0'], ['FN', '', 'Anna, B'], ['N', '', 'Berg, Anna'], ['TEL', 'work, voice', '1'], ['TEL', 'home', '2'], ['NOTE', '', 'ab\nc'],
    ]);
  });
  it('reads appointments with what is in them', () => {
    const { form, fields } = parse(event('SUMMARY:Tea', 'BEGIN:VALARM', 'TRIGGER:-PT5M', 'END:VALARM'))!;
    expect(form).toBe('calendar');
    expect(fields.at(-1)).toMatchObject({ name: 'TRIGGER', detail: 'VALARM', value: '-PT5M' });
  });
  it('counts what is there more than once', () => expect(parse(card('TEL:1', 'TEL:2'))!.fields.map((field) => field.detail)).toEqual(['', '', '2']));
  it('reads JSON', () =>
    expect(parse('{"a": 1, "b": {"c": "x", "d": [1, 2]}}')!.fields.map((field) => [field.name, field.value])).toEqual([['a', '1'], ['b › c', 'x'], ['b › d', '[1,2]']]));
  it('reads pairs', () => expect(parse('name: Anna\nE-mail: a@b\n')!.fields.map((field) => field.value)).toEqual(['Anna', 'a@b']));
  it.each([
    ['prose', 'Dear Anna,\nhow are you: fine'], ['an unclosed card', 'BEGIN:VCARD\nFN:x'], ['numbers that would change', '{"a": 12345678901234567890}'],
    ['keys that are there twice', '{"a":1,"a":2}'], ['a list', '[1]'], ['pairs of one name', 'a: 1\na: 2'], ['nothing', ''],
  ])('refuses %s', (_, text) => expect(parse(text)).toBeUndefined());
});

describe('differences', () => {
  const base = card('FN:Anna', 'TEL:1', 'NOTE:x');
  it('says which side changed a field', () => {
    const found = differences(base, card('FN:Anna B', 'TEL:1', 'NOTE:y'), card('FN:Anna', 'TEL:2', 'NOTE:z'))!;
    expect(found.map(({ name, left, right, usual }) => [name, left, right, usual])).toEqual([
      ['FN', 'Anna B', 'Anna', 'left'], ['TEL', '1', '2', 'right'], ['NOTE', 'y', 'z', undefined],
    ]);
  });
  it('knows what is new or gone', () =>
    expect(differences(base, card('FN:Anna', 'TEL:1', 'NOTE:x', 'URL:u'), card('FN:Anna', 'NOTE:x'))).toMatchObject([
      { name: 'TEL', usual: 'right', left: '1' }, { name: 'URL', usual: 'left', left: 'u' },
    ]));
  it('decides nothing without a base', () => expect(differences(undefined, card('FN:a'), card('FN:b'))![0]!.usual).toBeUndefined());
  it('passes over how long lines are folded', () => expect(differences(undefined, card('NOTE:ab'), card('NOTE:a', ' b'))).toEqual([]));
  it('needs one form', () => expect(differences(undefined, card('FN:a'), '{"a":1}')).toBeUndefined());
});

describe('compose', () => {
  const all = (names: string[]) => (key: string) => names.some((name) => key.includes(name));
  it('puts fields of both together', () =>
    expect(compose(card('FN:Anna', 'TEL:1'), card('FN:Anna B', 'TEL:2', 'URL:u'), all(['TEL', 'URL']))).toBe(card('FN:Anna', 'TEL:2', 'URL:u')));
  it('removes what the chosen side has not', () => expect(compose(card('FN:a', 'TEL:1'), card('FN:a'), all(['TEL']))).toBe(card('FN:a')));
  it('is the left one when nothing else is chosen', () => {
    const left = event('SUMMARY:a long', '  one', 'BEGIN:VALARM', 'TRIGGER:x', 'END:VALARM');
    expect(compose(left, event('SUMMARY:b'), () => false)).toBe(left);
  });
  it('gives up where a whole component would be missing', () =>
    expect(compose(event('SUMMARY:a'), event('SUMMARY:a', 'BEGIN:VALARM', 'TRIGGER:x', 'END:VALARM'), all(['TRIGGER']))).toBeUndefined());
  it('writes JSON as it was written', () =>
    expect(compose('{\n    "a": 1,\n    "b": {"c": 2}\n}\n', '{"a":5,"b":{"c":3,"d":4}}', all(['"d"', '"a"']))).toBe('{\n    "a": 5,\n    "b": {\n        "c": 2,\n        "d": 4\n    }\n}\n'));
  it('writes pairs', () => expect(compose('a: 1\nb: 2\n', 'x: 0\na: 1\nb: 3\n', () => true)).toBe('x: 0\na: 1\nb: 3\n'));
});
