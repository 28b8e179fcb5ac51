/**
 * One connection to the stream of live messages, kept open. Runs in the worker that all tabs
 * share, or in the tab itself where browsers have no shared workers.
 */
export type Report =
  | { kind: 'open' }
  | { kind: 'lost' }
  | { kind: 'signed-out' }
  | { kind: 'message'; data: string };

/** Names of the messages; each is an event of its own in the stream. */
const NAMES = [
  'item', 'item_gone', 'session', 'session_ended', 'progress', 'text', 'event', 'events', 'conflict', 'handler',
  'reset',
];
const AGAIN_AFTER_MS = 1000;

export function openSource(tell: (report: Report) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  let wasLost = false;

  const connect = () => {
    source = new EventSource('/api/v1/stream');
    source.onopen = () => {
      tell({ kind: 'open' });
      // A new connection knows no place in the stream, so what happened in between is asked for.
      if (wasLost) tell({ kind: 'message', data: '{"type":"reset"}' });
      wasLost = false;
    };
    source.onerror = () => {
      tell({ kind: 'lost' });
      // The browser goes on by itself, with the place in the stream, unless it was refused.
      if (source?.readyState === EventSource.CLOSED) void again();
    };
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        tell({ kind: 'message', data: (event as MessageEvent<string>).data });
      });
    }
  };

  /** Finds out why the stream was refused; a browser does not say it. */
  const again = async () => {
    source?.close();
    wasLost = true;
    try {
      const response = await fetch('/api/v1/sign-in');
      if (response.status === 401) {
        tell({ kind: 'signed-out' });
        return;
      }
    } catch {
      // Not there yet.
    }
    if (!isClosed) timer = setTimeout(connect, AGAIN_AFTER_MS);
  };

  connect();
  return () => {
    isClosed = true;
    clearTimeout(timer);
    source?.close();
  };
}
