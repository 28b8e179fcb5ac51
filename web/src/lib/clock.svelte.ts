/** The time, as state: what is said in words of now follows it. */

const EVERY_MS = 10_000;

class Clock {
  now = $state(new Date());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = new Date();
    }, EVERY_MS);
    document.addEventListener('visibilitychange', () => (this.now = new Date()));
  }
}

export const clock = new Clock();
