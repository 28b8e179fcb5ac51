/** What the daemon says about everything together, and the runs that are open. Nothing is computed here. */
import { get } from '../api/client';
import { stream } from '../live/stream.svelte';
import type { CenterState, OpenRun, Progress } from '../api/types';

const CALM_MS = 250;

class Center {
  status = $state.raw<CenterState>();
  /** Open runs by id. */
  runs = $state<Record<string, OpenRun>>({});
  /** What the handler of a run last said. */
  texts = $state<Record<string, string>>({});
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Answers may overtake each other; only that to the last question is believed. */
  #nAsked = 0;

  /** Begins to follow; once, when signed in. */
  start(): () => void {
    const offs = [
      stream.on('reset', () => this.#load()),
      stream.on('item', () => this.#soon()),
      stream.on('item_gone', () => this.#soon()),
      stream.on('event', () => this.#soon()),
      stream.on('events', () => this.#soon()),
      stream.on('conflict', () => this.#soon()),
      stream.on('session', ({ run }) => {
        this.runs[run.run] = run;
      }),
      stream.on('session_ended', ({ run }) => {
        delete this.runs[run];
        delete this.texts[run];
        this.#soon();
      }),
      stream.on('progress', ({ run, item, progress }) => {
        const entry = this.runs[run]?.items.find((entry) => entry.item === item);
        if (entry) entry.progress = progress;
      }),
      stream.on('text', ({ run, text }) => {
        this.texts[run] = text;
      }),
    ];
    this.#load();
    return () => {
      clearTimeout(this.#timer);
      for (const off of offs) off();
    };
  }

  /** The run that works on a sync, or waits to. */
  runOf(item: string): OpenRun | undefined {
    return Object.values(this.runs).find((run) => !run.preview && run.items.some((entry) => entry.item === item));
  }

  progressOf(item: string): Progress | undefined {
    return this.runOf(item)?.items.find((entry) => entry.item === item)?.progress;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#loadStatus();
    }, CALM_MS);
  }

  #load(): void {
    void this.#loadStatus();
    void this.#loadRuns();
  }

  async #loadStatus(): Promise<void> {
    const asked = ++this.#nAsked;
    try {
      const status = await get<CenterState>('/status');
      if (asked === this.#nAsked) this.status = status;
    } catch {
      // The banner of the stream says that nobody answers; what was known stays.
    }
  }

  async #loadRuns(): Promise<void> {
    try {
      const page = await get<{ items: OpenRun[] }>('/sessions/open');
      this.runs = Object.fromEntries(page.items.map((run) => [run.run, run]));
    } catch {
      // As above.
    }
  }
}

export const center = new Center();
