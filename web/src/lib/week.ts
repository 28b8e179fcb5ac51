/** Days and weeks in the person's own time. */

/** The Monday on which the week of a day begins, at midnight. */
export function monday(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - ((at.getDay() + 6) % 7));
}

export const addDays = (at: Date, n: number): Date => new Date(at.getFullYear(), at.getMonth(), at.getDate() + n);

/** A day as it stands in an address: `2026-11-30`. */
export function dayKey(at: Date): string {
  return [at.getFullYear(), String(at.getMonth() + 1).padStart(2, '0'), String(at.getDate()).padStart(2, '0')].join('-');
}

/** Reads a day from an address; the given one when there is none. */
export function readDay(text: string, usual: Date): Date {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!found) return usual;
  return new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
}
