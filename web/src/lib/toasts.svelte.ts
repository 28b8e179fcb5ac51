/** Short words on what was done. A problem stays until it is closed; no toast has the only copy. */
import { toProblem } from './query.svelte';
import type { Problem } from '../api/types';

interface Toast {
  id: number;
  text: string;
  problem?: Problem;
  undo?: () => void;
}

const SHOWN_MS = 8000;
/** Readers of screens hear at most one thing in so long. */
const SAY_EVERY_MS = 5000;

class Toasts {
  shown = $state.raw<Toast[]>([]);
  said = $state('');
  #n = 0;
  #lastSaid = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  tell(text: string, undo?: () => void): void {
    this.#add({ text, undo });
    this.say(text, true);
  }

  /** Shows why something was not done. Everything but a refusal of the daemon is thrown on. */
  fail(error: unknown): void {
    const problem = toProblem(error);
    this.#add({ text: problem.title, problem });
  }

  /** Runs an action; shows why when it is refused. Returns whether it went well. */
  async try(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Says something to readers of screens; the newest wins when there is too much. */
  say(text: string, now = false): void {
    clearTimeout(this.#waiting);
    const wait = now ? 0 : Math.max(0, this.#lastSaid + SAY_EVERY_MS - Date.now());
    this.#waiting = setTimeout(() => {
      this.#lastSaid = Date.now();
      this.said = text;
    }, wait);
  }

  drop(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>): void {
    const id = (this.#n += 1);
    this.shown = [...this.shown.slice(-2), { ...toast, id }];
    if (!toast.problem) setTimeout(() => this.drop(id), SHOWN_MS);
  }
}

export const toasts = new Toasts();
