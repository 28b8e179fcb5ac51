/** Tables as text (RFC 4180), for programs that calculate. */

export type Cell = string | number | boolean | null | undefined;

/** Writes rows. A text that such a program would take for a formula gets a mark before it: names are made by strangers. */
export function csv(rows: Cell[][]): string {
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

function cell(value: Cell): string {
  if (typeof value !== 'string') return String(value ?? '');
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hands a text to the person as a file. */
export function save(name: string, text: string, type: string): void {
  // A mark in front: without it some programs read names in the wrong letters.
  const url = URL.createObjectURL(new Blob(['\ufeff', text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
