/** Paths as the daemon writes them; those of Windows too. */

export interface Crumb {
  name: string;
  path: string;
}

/** The folders from the root down to the path itself. */
export function crumbs(path: string): Crumb[] {
  const mark = separator(path);
  const parts = path.split(mark);
  const out: Crumb[] = [];
  let whole = '';
  for (const [i, part] of parts.entries()) {
    whole = i === 0 ? part : `${whole}${mark}${part}`;
    if (i === 0) out.push({ name: part === '' ? mark : part, path: `${part}${mark}` });
    else if (part !== '') out.push({ name: part, path: whole });
  }
  return out;
}

/** The last part of a path: what a folder is called. */
export function lastName(path: string): string {
  return path.split(separator(path)).filter(Boolean).at(-1) ?? '';
}

export function separator(path: string): string {
  return /^[A-Za-z]:\\|^\\\\/.test(path) ? '\\' : '/';
}
