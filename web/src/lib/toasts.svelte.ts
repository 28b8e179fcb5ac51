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
/** So many of the things that must be heard are said at once; who was away longer reads the page. */
const SAID_MAX = 3;

class Toasts {
  shown = $state.raw<Toast[]>([]);
  said = $state('');
  #n = 0;
  #lastSaid = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #toBeHeard: string[] = [];
  #news: string | undefined;

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

  /** Says something to readers of screens. What must be heard waits for its turn; of the rest the newest is said. */
  say(text: string, isToBeHeard = false): void {
    if (isToBeHeard) this.#toBeHeard = [...this.#toBeHeard, text].slice(-SAID_MAX);
    else this.#news = text;
    this.#waiting ??= setTimeout(() => this.#speak(), Math.max(0, this.#lastSaid + SAY_EVERY_MS - Date.now()));
  }

  #speak(): void {
    const texts = this.#news === undefined ? this.#toBeHeard : [...this.#toBeHeard, this.#news];
    this.said = texts.map((text) => text.replace(/\.$/, '')).join('. ');
    this.#waiting = undefined;
    this.#lastSaid = Date.now();
    this.#toBeHeard = [];
    this.#news = undefined;
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
