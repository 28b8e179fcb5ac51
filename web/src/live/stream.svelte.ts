/** The live messages in this tab: who wants to hear of what, and whether the stream stands. */
import type { Message } from '../api/types';
import { openSource, type Report } from './source';

export type Kind = Message['type'];
type Of<K extends Kind> = Extract<Message, { type: K }>;
type Hear = (message: Message) => void;

class Stream {
  /** `lost` is said only after a while: a short break is nobody's concern. */
  state = $state<'connecting' | 'open' | 'lost'>('connecting');
  /** When what is shown was last known to be true. */
  since = $state(new Date());
  /** Since when nothing moves, because the person wants it so (WCAG 2.2.2). */
  frozen = $state.raw<Date>();
  #hearers = new Map<Kind, Set<Hear>>();
  /** What a page asked for before the stream stood may have changed before it stood. */
  #isBegun = false;
  #send: ((word: 'start' | 'bye') => void) | undefined;
  #onSignedOut: () => void = () => {};

  /** Opens the stream; once signed in. */
  start(onSignedOut: () => void): void {
    this.#onSignedOut = onSignedOut;
    if (this.#send) {
      this.#send('start');
      return;
    }
    const take = (report: Report) => this.#take(report);
    if (typeof SharedWorker === 'undefined') {
      let close: (() => void) | undefined = openSource(take);
      this.#send = (word) => {
        close?.();
        close = word === 'start' ? openSource(take) : undefined;
      };
      return;
    }
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'syncmgr' });
    worker.port.onmessage = (event: MessageEvent<Report>) => take(event.data);
    this.#send = (word) => worker.port.postMessage(word);
    this.#send('start');
    addEventListener('pagehide', () => this.#send?.('bye'));
    // A page that comes back from the memory of the browser has missed what happened.
    addEventListener('pageshow', (event) => {
      if (!event.persisted) return;
      this.#send?.('start');
      this.#hear({ type: 'reset' });
    });
  }

  /** Calls back for messages of a kind until the returned function is called. */
  on<K extends Kind>(kind: K, callback: (message: Of<K>) => void): () => void {
    const hearers = this.#hearers.get(kind) ?? new Set();
    this.#hearers.set(kind, hearers);
    hearers.add(callback as Hear);
    return () => hearers.delete(callback as Hear);
  }

  /** Holds everything on the page as it is, or lets it go on from how things stand by now. */
  freeze(isFrozen: boolean): void {
    this.frozen = isFrozen ? new Date() : undefined;
    if (!isFrozen) this.#hear({ type: 'reset' });
  }

  #take(report: Report): void {
    switch (report.kind) {
      case 'open':
        this.state = 'open';
        this.#begin();
        break;
      case 'lost':
        if (this.state === 'open') this.since = new Date();
        this.state = 'lost';
        break;
      case 'signed-out':
        this.#onSignedOut();
        break;
      case 'message':
        this.state = 'open';
        this.#begin();
        if (!this.frozen) this.#hear(JSON.parse(report.data) as Message);
        break;
    }
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#hear({ type: 'reset' });
  }

  #hear(message: Message): void {
    for (const hear of this.#hearers.get(message.type) ?? []) hear(message);
  }
}

export const stream = new Stream();
