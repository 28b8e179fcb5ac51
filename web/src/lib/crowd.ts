/** Work on many things at once, but not on all. */

/** As many as a browser sends to one place at a time. */
const AT_ONCE = 6;

/** Does the same for each; returns what went well and the first thing that did not. */
export async function each<T>(all: readonly T[], act: (one: T) => Promise<unknown>): Promise<{ done: T[]; error?: unknown }> {
  const done: T[] = [];
  let error: unknown;
  let next = 0;
  const worker = async () => {
    while (next < all.length) {
      const one = all[next++] as T;
      try {
        await act(one);
        done.push(one);
      } catch (cause) {
        error ??= cause;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, worker));
  return { done, error };
}

/** Cuts a list into parts of at most so many. */
export function parts<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
