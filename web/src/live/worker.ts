/** Shares one stream among all tabs: browsers open six connections to a host and no more. */
import { openSource, type Report } from './source';

const ports = new Set<MessagePort>();
let close: (() => void) | undefined;
let last: Report = { kind: 'lost' };

function tell(report: Report): void {
  if (report.kind !== 'message') last = report;
  if (report.kind === 'signed-out') stop();
  for (const port of ports) port.postMessage(report);
}

function stop(): void {
  close?.();
  close = undefined;
}

// A tab opens the worker, and the worker is told by an event of this name.
addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  ports.add(port);
  port.onmessage = (message: MessageEvent<'start' | 'bye'>) => {
    if (message.data === 'bye') {
      ports.delete(port);
      if (ports.size === 0) stop();
      return;
    }
    if (close) port.postMessage(last);
    else close = openSource(tell);
  };
});
