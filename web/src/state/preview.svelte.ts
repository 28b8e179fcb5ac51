/** A preview that is asked for, followed while it is made, and read when it is done. */
import { get, post } from '../api/client';
import { toProblem } from '../lib/query.svelte';
import { stream } from '../live/stream.svelte';
import type { ItemPreview, Problem, RunsAccepted } from '../api/types';

/** The stream says when a run ends; this is for the moment between its end and its plan. */
const ASK_EVERY_MS = 1000;

export class PreviewRun {
  state = $state<'none' | 'running' | 'done' | 'failed'>('none');
  run = $state('');
  items = $state.raw<ItemPreview[]>([]);
  problem = $state.raw<Problem>();
  #control: AbortController | undefined;

  /** Starts one; what was shown before stays until it is done. */
  async start(ask: () => Promise<RunsAccepted>): Promise<void> {
    const { signal } = this.#begin();
    try {
      const accepted = await ask();
      if (signal.aborted) return;
      await this.#follow(accepted.runs[0]?.run ?? '', signal);
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  /** Takes up one that was started before. Returns whether it is known still. */
  async take(run: string): Promise<boolean> {
    const { signal } = this.#begin();
    try {
      await this.#follow(run, signal);
      return true;
    } catch (error) {
      const problem = signal.aborted ? undefined : toProblem(error);
      if (problem && problem.status !== 404) this.#fail(error, signal);
      return problem?.status !== 404;
    }
  }

  /** Has it stopped; the page then says so. */
  async stop(): Promise<void> {
    if (this.state === 'running' && this.run) await post(`/sessions/${this.run}/cancel`, { scope: 'all' });
  }

  /** Nobody looks any more. */
  leave(): void {
    this.#control?.abort();
    if (this.state === 'running') void this.stop().catch(() => {});
  }

  #begin(): AbortController {
    this.#control?.abort();
    this.#control = new AbortController();
    this.state = 'running';
    this.run = '';
    this.problem = undefined;
    return this.#control;
  }

  async #follow(run: string, signal: AbortSignal): Promise<void> {
    this.run = run;
    while (!signal.aborted) {
      try {
        const page = await get<{ items: ItemPreview[] }>(`/sessions/${run}/preview`, {}, signal);
        this.items = page.items;
        this.state = 'done';
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (toProblem(error).code !== 'still-running') throw error;
      }
      await ended(run, signal);
    }
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.problem = toProblem(error);
    this.state = 'failed';
  }
}

function ended(run: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      off();
      clearTimeout(timer);
      resolve();
    };
    const off = stream.on('session_ended', (message) => {
      if (message.run === run) done();
    });
    const timer = setTimeout(done, ASK_EVERY_MS);
    signal.addEventListener('abort', done, { once: true });
  });
}
