/** A sync, as a command line names it. */
export function named(item: { id: string; name?: string | null }): string {
  const { name } = item;
  if (!name || name.startsWith('-')) return item.id;
  return /^[\w./+@-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}
