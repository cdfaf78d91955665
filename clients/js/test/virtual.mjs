// A clock that moves when nothing is left to do, and a transport that a test answers.
import { gunzipSync, gzipSync } from "node:zlib";

/** Lets everything happen that does not wait for the clock. */
async function settle() {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

/** The virtual time, in milliseconds since the start of a case. */
export class Virtual {
  now = 0;
  base = 1_790_000_000_000; // milliseconds since 1970
  timers = new Set();
  order = 0;

  constructor(numbers = []) {
    this.numbers = [...numbers];
  }

  setTimer(f, ms) {
    const timer = { f, at: this.now + ms, order: this.order++ };
    this.timers.add(timer);
    return timer;
  }

  /** Lets everything happen up to a moment. */
  async advanceTo(moment) {
    for (;;) {
      await settle();
      const [first] = [...this.timers].filter((t) => t.at <= moment).sort((a, b) => a.at - b.at || a.order - b.order);
      if (!first) break;
      this.timers.delete(first);
      this.now = Math.max(this.now, first.at);
      first.f();
    }
    this.now = Math.max(this.now, moment);
  }
}

/** A platform on a virtual clock. Its requests are in open, until a test answers them. */
export class VirtualPlatform {
  open = [];
  isDead = false;

  constructor(virtual, spool) {
    this.virtual = virtual;
    this.spool = spool;
  }

  now = () => this.virtual.base + this.virtual.now;
  monotonic = () => this.virtual.now;
  random = () => this.virtual.numbers.shift() ?? 0.5;
  setTimer = (f, ms) => this.virtual.setTimer(() => this.isDead || f(), ms);
  clearTimer = (timer) => this.virtual.timers.delete(timer);
  gzip = async (body) => gzipSync(body);

  send = (body, isCompressed, signal) => new Promise((resolve, reject) => {
    const parsed = JSON.parse(isCompressed ? gunzipSync(body) : body);
    const request = { at: this.virtual.now, encoding: isCompressed ? "gzip" : "identity", body: parsed, events: parsed.events, resolve, reject };
    this.open.push(request);
    signal.addEventListener("abort", () => reject(new Error("aborted")));
  });
}
