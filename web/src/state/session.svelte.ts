/** Whether this browser is signed in. A code comes behind `#`, which no server and no log sees (S4). */
import { ask, Refused, setCsrf, whenSignedOut } from '../api/client';
import { stream } from '../live/stream.svelte';
import type { Problem, SignedIn } from '../api/types';

class Session {
  state = $state<'asking' | 'in' | 'out' | 'away'>('asking');
  problem = $state.raw<Problem>();

  async start(): Promise<void> {
    whenSignedOut(() => (this.state = 'out'));
    // An address with a code that leads to the page that is open already loads nothing anew.
    addEventListener('hashchange', () => void this.#takeCode());
    if (!(await this.#takeCode())) await this.look();
  }

  /** Takes the code out of the address, before anybody looks at it; says whether it let in. */
  async #takeCode(): Promise<boolean> {
    const code = new URLSearchParams(location.hash.slice(1)).get('code');
    if (!code) return false;
    history.replaceState({}, '', location.pathname + location.search);
    await this.exchange(code);
    return this.state === 'in';
  }

  /** Signs in with a code that `syncmgr open` made. */
  async exchange(code: string): Promise<void> {
    await this.#enter('POST', { code: code.trim() });
  }

  /** Finds out whether the cookie still counts. */
  async look(): Promise<void> {
    await this.#enter('GET');
  }

  async leave(): Promise<void> {
    await ask('DELETE', '/sign-in');
    this.problem = undefined;
    this.state = 'out';
  }

  async #enter(method: 'GET' | 'POST', body?: unknown): Promise<void> {
    try {
      const { data } = await ask<SignedIn>(method, '/sign-in', { body });
      setCsrf(data.csrf);
      this.problem = undefined;
      this.state = 'in';
      stream.start(() => void this.look());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.state = error.isAway ? 'away' : 'out';
      if (method === 'POST') this.problem = error.problem;
      if (error.isAway) setTimeout(() => void this.look(), 2000);
    }
  }
}

export const session = new Session();
