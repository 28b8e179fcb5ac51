/** What a page shows of the daemon: asked for, kept while it is asked for again, in parts. */
import { Refused } from '../api/client';
import { stream, type Kind } from '../live/stream.svelte';
import type { Message, Problem } from '../api/types';

/** Messages come in swarms; one question answers them all. */
const CALM_MS = 150;

/** Which live messages make what is shown old. */
export type Outdates = Partial<{ [K in Kind]: true | ((message: Extract<Message, { type: K }>) => boolean) }>;

export interface Query<T> {
  readonly data: T | undefined;
  /** Why the last question was not answered; `data` is then from before. */
  readonly problem: Problem | undefined;
  readonly isLoading: boolean;
  /** Asks again now. */
  refresh(): Promise<void>;
}

/**
 * Asks, and asks again whenever something `ask` reads changes or a message says that the answer is
 * old. Must be called while a component is set up. `isNew` is called when it is another question.
 */
export function query<T>(ask: (signal: AbortSignal) => Promise<T> | undefined, outdates: Outdates = {}, isNew: () => void = () => {}): Query<T> {
  let data = $state.raw<T>();
  let problem = $state.raw<Problem>();
  let isLoading = $state(true);
  let last: AbortController | undefined;

  const run = async () => {
    last?.abort();
    const control = new AbortController();
    last = control;
    const answer = ask(control.signal);
    if (!answer) {
      isLoading = false;
      return;
    }
    isLoading = true;
    try {
      const value = await answer;
      if (control.signal.aborted) return;
      data = value;
      problem = undefined;
    } catch (error) {
      if (control.signal.aborted) return;
      problem = toProblem(error);
    }
    isLoading = false;
  };

  $effect(() => {
    isNew();
    void run();
    return () => last?.abort();
  });
  whenOutdated(outdates, () => void run());

  return {
    get data() {
      return data;
    },
    get problem() {
      return problem;
    },
    get isLoading() {
      return isLoading;
    },
    refresh: run,
  };
}

/** Calls back, calmed down, when one of the messages comes; also after a gap in the stream. */
export function whenOutdated(outdates: Outdates, callback: () => void): void {
  $effect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        callback();
      }, CALM_MS);
    };
    const offs = Object.entries(outdates).map(([kind, rule]) =>
      stream.on(kind as Kind, (message) => {
        if (rule === true || (rule as (message: Message) => boolean)(message)) soon();
      }),
    );
    offs.push(stream.on('reset', soon));
    return () => {
      clearTimeout(timer);
      for (const off of offs) off();
    };
  });
}

export function toProblem(error: unknown): Problem {
  if (error instanceof Refused) return error.problem;
  throw error;
}

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export interface Pages<T> extends Query<T[]> {
  readonly rows: T[];
  readonly hasMore: boolean;
  more(): Promise<void>;
}

/** The same for a long list that comes in parts. Asking again keeps as many rows as are shown. */
export function pages<T>(
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>> | undefined,
  outdates: Outdates = {},
): Pages<T> {
  let cursor = $state<string | null>();
  let isMore = false;
  let shown = 0;
  // Another filter is another list, which begins at its top.
  const isNew = () => (shown = 0);
  const all = query<T[]>((signal) => {
    const first = ask(undefined, signal);
    if (!first) return undefined;
    return first.then(async (page) => {
      const rows = page.items;
      let next = page.next_cursor;
      while (next && rows.length < shown) {
        const more = await ask(next, signal);
        if (!more) break;
        rows.push(...more.items);
        next = more.next_cursor;
      }
      cursor = next;
      added = [];
      shown = rows.length;
      return rows;
    });
  }, outdates, isNew);
  let added = $state.raw<T[]>([]);
  const rows = $derived(added.length ? [...(all.data ?? []), ...added] : (all.data ?? []));

  return {
    get data() {
      return all.data;
    },
    get problem() {
      return all.problem;
    },
    get isLoading() {
      return all.isLoading;
    },
    get rows() {
      return rows;
    },
    get hasMore() {
      return Boolean(cursor);
    },
    refresh: all.refresh,
    async more() {
      if (!cursor || isMore) return;
      isMore = true;
      try {
        const page = await ask(cursor, new AbortController().signal);
        if (!page) return;
        added = [...added, ...page.items];
        cursor = page.next_cursor;
        shown = rows.length;
      } finally {
        isMore = false;
      }
    },
  };
}
