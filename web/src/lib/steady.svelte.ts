/** Rows that keep their places while a person points at them or is among them with the keyboard. */
import { inOrderOf } from './order';

export class Steady<T> {
  #isPointed = $state(false);
  #isFocused = $state(false);
  #shown: T[] = [];
  #asked: T[] | undefined;
  /** The next answer is to another question: its order is meant. */
  #isReleased = true;
  readonly #rows: T[];

  constructor(ask: () => T[], key: (row: T) => string) {
    this.#rows = $derived.by(() => {
      const rows = ask();
      const isHeld = this.#isPointed || this.#isFocused;
      const isMeant = this.#isReleased && rows !== this.#asked;
      if (isMeant) this.#isReleased = false;
      this.#asked = rows;
      this.#shown = isHeld && !isMeant ? inOrderOf(this.#shown, rows, key) : rows;
      return this.#shown;
    });
  }

  get rows(): T[] {
    return this.#rows;
  }

  /** Another question is asked. */
  release(): void {
    this.#isReleased = true;
  }

  /** Of the element that the rows are in. */
  readonly watch = (node: HTMLElement): (() => void) => {
    const control = new AbortController();
    const { signal } = control;
    node.addEventListener('pointerenter', () => (this.#isPointed = true), { signal });
    node.addEventListener('pointerleave', () => (this.#isPointed = false), { signal });
    node.addEventListener('focusin', () => (this.#isFocused = true), { signal });
    // A row that has the focus may leave while rows are being drawn; nothing may change then.
    node.addEventListener('focusout', () => queueMicrotask(() => (this.#isFocused = node.contains(document.activeElement))), { signal });
    return () => control.abort();
  };
}
