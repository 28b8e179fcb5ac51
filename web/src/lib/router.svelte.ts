/** Where the person is. The address is the state: every view and filter has a link. */

class Router {
  path = $state(location.pathname);
  #search = $state(location.search);
  query = $derived(new URLSearchParams(this.#search));

  constructor() {
    addEventListener('popstate', () => this.#read());
    addEventListener('click', (event) => this.#click(event));
  }

  /** Goes to another place. */
  go(to: string, how: 'push' | 'replace' = 'push'): void {
    const url = new URL(to, location.href);
    if (url.href === location.href) return;
    const isNewPage = url.pathname !== location.pathname;
    if (how === 'push') history.pushState({}, '', url);
    else history.replaceState(history.state, '', url);
    this.#read();
    if (isNewPage) {
      scrollTo(0, 0);
      // Readers of screens and keyboards start at the top of the new page.
      queueMicrotask(() => document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true }));
    }
  }

  /** Changes the query: a filter, a sort, a tab. Empty texts go. */
  set(changes: Record<string, string | null | undefined>, how: 'push' | 'replace' = 'replace'): void {
    const query = new URLSearchParams(this.#search);
    for (const [key, value] of Object.entries(changes)) {
      if (value) query.set(key, value);
      else query.delete(key);
    }
    const text = query.toString();
    this.go(`${this.path}${text ? `?${text}` : ''}`, how);
  }

  get(key: string): string {
    return this.query.get(key) ?? '';
  }

  #read(): void {
    this.path = location.pathname;
    this.#search = location.search;
  }

  /** Takes over links within the page, so that nothing is loaded anew. */
  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || (link.hash && link.pathname === location.pathname)) return;
    event.preventDefault();
    this.go(link.href);
  }
}

export const router = new Router();
