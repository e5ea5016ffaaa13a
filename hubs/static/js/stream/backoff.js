// When to retry: with exponential backoff and jitter, and at most six times a minute.
const MINUTE = 60000;
const MOST = 6;
const LONGEST = 30000;

export class Backoff {
  constructor() {
    this.failures = 0;
    this.tries = [];
  }

  // Milliseconds until the next try. `spread` is what the server asks for when it ends the streams of everybody.
  wait(spread = 0, atLeast = 0) {
    const grown = Math.min(LONGEST, 1000 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    const asked = atLeast * (1 + Math.random() / 2);
    const wanted = this.failures ? Math.max(grown, asked) : Math.max(Math.random() * spread, asked, 200);
    return Math.max(wanted, this.untilAllowed());
  }

  untilAllowed(now = Date.now()) {
    this.tries = this.tries.filter((moment) => moment > now - MINUTE && moment <= now);
    return this.tries.length < MOST ? 0 : this.tries[this.tries.length - MOST] + MINUTE - now;
  }

  // To be called at each try that was not asked for by a person.
  tried() {
    this.tries.push(Date.now());
  }
}
