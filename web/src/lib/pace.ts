/** How fast a run goes and how long it will take; silent while that would be a guess. */
import type { Progress } from '../api/types';

/** Time over which the speed is smoothed, in seconds. */
const SMOOTH_S = 30;
/** Less time than this between two reports is no measure. */
const LEAST_S = 0.1;
/** Nothing is said before so long, and before so much is done. */
const AFTER_S = 5;
const AFTER_PERCENT = 2;
/** When an estimate differs by more than this share from the last ones, it is no estimate. */
const SPREAD_MAX = 0.5;

export class Pace {
  /** Bytes per second. */
  rate = 0;
  secondsLeft: number | undefined;
  #start: number | undefined;
  #last: { at: number; bytes: number; percent: number; key: string } | undefined;
  #percentRate = 0;
  #seconds = 0;
  #guesses: number[] = [];

  /** Takes a report at a time in milliseconds; says whether the run moved. */
  take(progress: Progress, at: number): boolean {
    this.#start ??= at;
    const key = `${progress.phase} ${progress.done} ${progress.bytes_done} ${progress.seen.left} ${progress.seen.right}`;
    const now = { at, bytes: progress.bytes_done, percent: progress.percent ?? 0, key };
    const last = this.#last;
    this.#last = now;
    if (!last || now.bytes < last.bytes) return true;
    const s = (at - last.at) / 1000;
    // Reports that were held up come in a bunch; what lies between those says nothing of speed.
    if (s >= LEAST_S) {
      // Until there is as much past as is smoothed over, all of the past counts the same.
      this.#seconds += s;
      const weight = Math.max(1 - Math.exp(-s / SMOOTH_S), s / this.#seconds);
      this.rate += ((now.bytes - last.bytes) / s - this.rate) * weight;
      this.#percentRate += (Math.max(0, now.percent - last.percent) / s - this.#percentRate) * weight;
    } else {
      this.#last = { ...last, key };
    }
    this.#guess(progress, at);
    return key !== last.key;
  }

  #guess(progress: Progress, at: number): void {
    const percent = progress.percent ?? 0;
    const elapsed = (at - (this.#start ?? at)) / 1000;
    this.secondsLeft = undefined;
    if (elapsed < AFTER_S || percent < AFTER_PERCENT || this.#percentRate <= 0) return;
    const guess = (100 - percent) / this.#percentRate;
    this.#guesses = [...this.#guesses.slice(-7), guess];
    const spread = (Math.max(...this.#guesses) - Math.min(...this.#guesses)) / guess;
    if (this.#guesses.length >= 3 && spread <= SPREAD_MAX) this.secondsLeft = guess;
  }
}
