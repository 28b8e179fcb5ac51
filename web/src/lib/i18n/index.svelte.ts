/**
 * The language of the page. Every page keeps its words beside it, in all languages; the compiler
 * sees that none is missing. What the daemon says comes in the language that is asked for.
 */
import { shell } from './shell';

export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** `xx`: English, longer and accented; `xr`: the same from right to left. They show what breaks. */
type Shown = Language | 'xx' | 'xr';

type Text = string | ((...args: never[]) => string);
export type Words = Record<string, Text>;

const KEY = 'syncmgr.language';

function wanted(): Shown {
  const stored = localStorage.getItem(KEY);
  for (const tag of [stored ?? '', ...navigator.languages]) {
    const base = tag.split('-')[0] ?? '';
    if (base === 'xx' || base === 'xr') return base;
    if ((LANGUAGES as readonly string[]).includes(base)) return base as Language;
  }
  return 'en';
}

class Locale {
  shown = $state<Shown>(wanted());
  /** What the daemon is asked for. */
  language = $derived<Language>(this.shown === 'de' ? 'de' : 'en');
  /** For numbers and times: the person's own form of the language, where there is one. */
  tag = $derived(navigator.languages.find((tag) => tag.split('-')[0] === this.language) ?? this.language);
  direction = $derived(this.shown === 'xr' ? 'rtl' : 'ltr');

  /** Words of no page in particular. */
  get text() {
    return words(shell.en, shell.de);
  }

  /** `system`: the first language of the browser that the page knows. */
  chosen = $state(localStorage.getItem(KEY) ?? 'system');

  choose(language: Shown | 'system'): void {
    if (language === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, language);
    this.chosen = language;
    this.shown = wanted();
  }
}

export const locale = new Locale();

/** Returns the words in the language of the page; follows it. */
export function words<T extends Words>(en: T, de: T): T {
  return new Proxy(en, {
    get(target, key: string) {
      if (locale.shown === 'de') return de[key];
      const text = target[key];
      if (locale.shown === 'en' || text === undefined) return text;
      if (typeof text === 'string') return pseudo(text);
      return (...args: never[]) => pseudo(text(...args));
    },
  });
}

const ACCENTS: Record<string, string> = {
  a: 'á', e: 'ê', i: 'ï', o: 'ø', u: 'ü', c: 'ç', n: 'ñ', s: 'š', y: 'ý', A: 'Å', E: 'É', I: 'Î', O: 'Ö', U: 'Ü',
};

/** Makes a text as long as translations get, with every letter that can go wrong. */
function pseudo(text: string): string {
  const accented = text.replace(/[a-zA-Z]/g, (letter) => ACCENTS[letter] ?? letter);
  return `[${accented} ${'~'.repeat(Math.ceil(text.length / 3))}]`;
}

/** Says a number with its noun, by the rules of the language. */
export function plural(n: number, forms: { one: string; other: string }): string {
  const rule = new Intl.PluralRules(locale.tag).select(n);
  const form = rule === 'one' ? forms.one : forms.other;
  return form.replace('#', new Intl.NumberFormat(locale.tag).format(n));
}
