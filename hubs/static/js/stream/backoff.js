// Decides when to retry: exponential backoff with jitter, at most six attempts a minute.
const MINUTE = 60000;
const MOST = 6;
const LONGEST = 30000;

export class Backoff {
  constructor() {
    this.failures = 0;
    this.tries = [];
  }

  // Returns the milliseconds until the next attempt. The server sends `spread` when it closes all streams at once.
  wait(spread = 0, atLeast = 0) {
    const grown = Math.min(LONGEST, 1000 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    const asked = atLeast * (1 + Math.random() / 2);
    const delay = this.failures ? Math.max(grown, asked) : Math.max(Math.random() * spread, asked, 200);
    return Math.max(delay, this.untilAllowed());
  }

  untilAllowed(now = Date.now()) {
    this.tries = this.tries.filter((moment) => moment > now - MINUTE && moment <= now);
    return this.tries.length < MOST ? 0 : this.tries[this.tries.length - MOST] + MINUTE - now;
  }

  // Call this for each attempt that no person requested.
  tried() {
    this.tries.push(Date.now());
  }
}
