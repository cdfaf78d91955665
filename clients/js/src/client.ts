// The client: its queue, and how it is sent. index.ts and node.ts say what it runs on.
import { backoff, bodyOf, byteLength, encode, judge, maxEventBytes, retryAfter, uuid7, type Result } from "./core.js";
import { Queue, type Item } from "./queue.js";
import { Reports, type Dropped, type DropReason } from "./reports.js";
import { checkSettings, type Settings } from "./settings.js";

/** An event, as docs/sending.md describes it. */
export interface Event {
  /** A UUID that a site makes for a visit; without it that of the settings. */
  session_id?: string;
  /** The type: category and name, 1 to 200 characters each. */
  category: string;
  name: string;
  /** An object that can be written as JSON; it is written before enqueue returns. */
  data?: object | null;
  /** When it happened, without it now. */
  timestamp?: string | Date;
  /** Identifies the event within the application; without it a new UUID of version 7. */
  event_id?: string;
  /** The revision of the schema that the event is written for. */
  schema_version?: number;
}

/** The counts of a client: enqueued + recovered is accepted + refused + dropped + queued. */
export interface Stats {
  enqueued: number;
  /** The events that the spool held at the start. */
  recovered: number;
  accepted: number;
  refused: number;
  dropped: number;
  droppedBy: Record<DropReason, number>;
  /** The events that wait or are being sent, and their bytes. */
  queued: number;
  queuedBytes: number;
  requests: number;
  /** The requests after which the same events were to be sent again. */
  failedRequests: number;
  /** Why the last request failed; "" after one that succeeded. */
  lastFailure: string;
}

/** An answer to a request. */
export interface Answer {
  status: number;
  text: string;
  header(name: string): string | null;
}

/** What a spool has at its start. */
export interface Opened {
  /** It keeps no event where it is false. */
  isUsable: boolean;
  /** The events of earlier processes, the oldest first. */
  events: string[];
  /** Bytes that cannot be read. */
  damaged: number;
  /** What failed, "" if nothing did. */
  fault: string;
}

/** A queue that survives the end of the process: spool.ts. */
export interface Spool {
  /** Calls back once with what there is. */
  open(opened: (found: Opened) => void): void;
  /** Writes an event. It throws if it cannot; then it writes none for a while, and returns false. */
  append(seq: number, event: string): boolean;
  /** Ends such a while. */
  resume(): void;
  /** Records that every event below seq is settled. */
  settleBelow(seq: number): void;
  close(): void;
}

/** What a client runs on. */
export interface Platform {
  now(): number;
  /** Milliseconds of a clock that nobody sets. */
  monotonic(): number;
  random(): number;
  setTimer(f: () => void, ms: number): unknown;
  clearTimer(timer: any): void;
  /** Sends a body; it rejects if there is no answer, or when signal aborts. */
  send(body: string | Uint8Array, isCompressed: boolean, signal: AbortSignal): Promise<Answer>;
  /** Absent where nothing compresses. */
  gzip?(body: string): Promise<Uint8Array>;
  spool?: Spool;
}

/** The clocks and timers that all platforms have. */
export const timing: Pick<Platform, "now" | "monotonic" | "random" | "setTimer" | "clearTimer"> = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  setTimer: (f, ms) => setTimeout(f, ms),
  clearTimer: (timer) => clearTimeout(timer),
};

interface Waiter {
  seq: number;
  finish(result: boolean): void;
}

/** The number of a client's first event: those of its spool have lower ones. */
const firstSeq = 2 ** 40;
/** The longest time of a timer; browsers and Node take longer ones for 0. */
const longestTimer = 2 ** 31 - 1;
/** Milliseconds that a moment may be early: sums of floats are. */
const slack = 1e-3;

const isUUID = (text: unknown): boolean =>
  typeof text == "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** Reports whether a text has 1 to 200 characters. */
const isName = (text: unknown): boolean =>
  typeof text == "string" && text != "" && (text.length <= 200 || (text.length <= 400 && [...text].length <= 200));

/** Returns what the collector will reject an event for, "" if nothing is seen to be wrong. */
function faultOf(event: any): string {
  if (!isUUID(event.session_id)) return "session_id must be a UUID of 36 characters";
  for (const member of ["category", "name", "event_id"]) {
    if (!isName(event[member])) return member + " must be a text of 1 to 200 characters";
  }
  return typeof event.data != "object" || Array.isArray(event.data) ? "data must be an object" : "";
}

/** What BaseClient knows of the requests so far. */
interface Series {
  /** Failures in a row. */
  failures: number;
  nextAttempt: number;
  /** An answer asked for the wait. */
  isAsked: boolean;
  /** Events of a batch, after one that could not be read. */
  limit: number;
  /** gzip is not taken. */
  isPlain: boolean;
}

/**
 * A client of The Eye: it takes events, and sends them in batches, one request at a time, until
 * each is accepted or refused. No method throws or waits for the network.
 */
export class BaseClient {
  #settings: Required<Settings>;
  #platform: Platform;
  #reports: Reports;
  #queue = new Queue();
  #away: Item[] = [];
  #awayBytes = 0;
  #next = firstSeq;
  /** The first event that need not be sent before a batch is full. */
  #due = 0;
  #stats: Stats = {
    enqueued: 0, recovered: 0, accepted: 0, refused: 0, dropped: 0,
    droppedBy: { queue_full: 0, too_large: 0, unserialisable: 0, closed: 0 },
    queued: 0, queuedBytes: 0, requests: 0, failedRequests: 0, lastFailure: "",
  };
  #series: Series;
  #waiters: Waiter[] = [];
  #timer: unknown;
  #timerAt = Infinity;
  #isSending = false;
  #abort: AbortController | undefined;
  #spool: Spool | undefined;
  /** The spool is not open yet: its events come first, so nothing is sent. */
  #isOpening = false;
  #isClosing = false;
  #isEnded = false;
  #isAllSent = true;
  #deadline = Infinity;

  /** It throws SettingsError, which names every fault of the settings. */
  constructor(settings: Settings, platform: Platform) {
    this.#settings = checkSettings(settings);
    this.#platform = platform;
    this.#reports = new Reports(this.#settings, (f) => platform.setTimer(f, 0));
    this.#series = { failures: 0, nextAttempt: 0, isAsked: false, limit: this.#settings.batchEvents, isPlain: !platform.gzip };
    this.#openSpool(platform.spool);
  }

  /**
   * Takes an event to be sent, and returns at once; false says that it is dropped. What the
   * collector will reject is sent, so that it can be found there, and reported once.
   */
  enqueue(event: Event): boolean {
    try {
      return this.#enqueue(event);
    } catch (e) {
      return this.#dropCall("unserialisable", e);
    }
  }

  /** Takes an event of the session of the settings that happens now. */
  track(category: string, name: string, data?: object | null): boolean {
    return this.enqueue({ category, name, data });
  }

  /**
   * Sends what waits. It is fulfilled with true when every event that was enqueued before is
   * accepted, refused or dropped, or with false after so many milliseconds; the events stay in
   * the queue then. A wait after a failed request is not shortened.
   */
  flush(timeout = 30_000): Promise<boolean> {
    if (this.#isEnded || (!this.#isOpening && this.#settledBelow() >= this.#next)) return Promise.resolve(true);
    this.#due = this.#next;
    const done = this.#wait(this.#next, timeout);
    this.#step();
    return done;
  }

  /**
   * Sends what waits, and ends the client. It is fulfilled with true when every event is accepted,
   * refused or dropped for want of room; or with false after so many milliseconds, or as soon as
   * the next attempt would come later. Events that are left stay in the spool; without one they
   * are dropped. Of several calls, the earliest deadline counts.
   */
  close(timeout = 5_000): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(this.#isAllSent);
    const done = this.#wait(Infinity, Infinity);
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#series.failures = 0;
      if (!this.#series.isAsked) this.#series.nextAttempt = 0;
    }
    if (timeout < Infinity) {
      this.#deadline = Math.min(this.#deadline, this.#platform.monotonic() + timeout);
      const timer = this.#platform.setTimer(() => this.#finish(), Math.min(Math.max(timeout, 0), longestTimer));
      void done.then(() => this.#platform.clearTimer(timer));
    }
    this.#step();
    return done;
  }

  /** Returns the counts. */
  stats(): Stats {
    return {
      ...this.#stats, droppedBy: { ...this.#stats.droppedBy },
      queued: this.#queue.length + this.#away.length, queuedBytes: this.#queue.bytes + this.#awayBytes,
    };
  }

  // The way into the queue.

  #enqueue(event: any): boolean {
    const now = this.#platform.now();
    const { session_id = this.#settings.sessionId, category, name, data, timestamp, event_id = uuid7(now), schema_version } = event;
    const whole: any = {
      event_id, session_id, category, name, data: data ?? {}, timestamp: timestamp ?? new Date(now).toISOString(),
    };
    if (schema_version !== undefined) whole.schema_version = schema_version;
    const text = encode(whole);
    const bytes = byteLength(text);
    if (bytes > maxEventBytes) return this.#dropCall("too_large", `the event has ${bytes} bytes, ${maxEventBytes} are allowed`);
    if (this.#isClosing) return this.#dropCall("closed");
    const fault = faultOf(whole);
    if (fault) this.#reports.addMessage("invalid_event", fault);
    const item: Item = { seq: this.#next++, at: this.#platform.monotonic(), text, bytes, id: String(event_id), isKept: false };
    this.#stats.enqueued++;
    item.isKept = this.#write(item.seq, text);
    this.#queue.push(item);
    this.#makeRoom();
    this.#plan();
    return true;
  }

  #dropCall(reason: DropReason, detail: unknown = ""): boolean {
    if (this.#isClosing) [reason, detail] = ["closed", ""];
    this.#stats.enqueued++;
    this.#countDrop(reason, "", detail);
    return false;
  }

  #countDrop(reason: DropReason, event: string, detail?: unknown): void {
    this.#stats.dropped++;
    this.#stats.droppedBy[reason]++;
    this.#reports.addMessage(reason, detail);
    this.#reports.addDrop(reason, event);
  }

  /** Drops the oldest events, those under way excepted, until the rest has room. */
  #makeRoom(): void {
    const { queueEvents, queueBytes } = this.#settings;
    let n = 0;
    let bytes = this.#queue.bytes + this.#awayBytes;
    const events = this.#queue.length + this.#away.length;
    while (n < this.#queue.length && (events - n > queueEvents || bytes > queueBytes)) bytes -= this.#queue.at(n++)!.bytes;
    if (!n) return;
    for (const item of this.#queue.take(n)) this.#countDrop("queue_full", item.text);
    if (!this.#away.length) this.#spool?.settleBelow(this.#settledBelow());
  }

  // The spool.

  #openSpool(spool: Spool | undefined): void {
    if (!spool) return;
    this.#spool = spool;
    this.#isOpening = true;
    spool.open(({ isUsable, events, damaged, fault }) => {
      this.#isOpening = false;
      if (this.#isEnded) return;
      if (!isUsable) this.#spool = undefined;
      if (fault) this.#reports.addMessage("spool_failed", fault);
      if (damaged) this.#reports.addMessage("spool_damaged", damaged + " bytes");
      const items = events.map((text, i): Item => ({
        seq: firstSeq - events.length + i, at: 0, text, bytes: byteLength(text), id: idOf(text), isKept: true,
      }));
      this.#stats.recovered = items.length;
      this.#queue.putBack(items);
      this.#due = Math.max(this.#due, firstSeq);
      this.#makeRoom();
      this.#step();
    });
  }

  /** Writes an event into the spool, and returns whether it is there. */
  #write(seq: number, text: string): boolean {
    try {
      return this.#spool?.append(seq, text) ?? false;
    } catch (e) {
      this.#reports.addMessage("spool_failed", e);
      return false;
    }
  }

  /** Returns the number below which every event is settled. */
  #settledBelow(): number {
    return (this.#away[0] ?? this.#queue.at(0))?.seq ?? this.#next;
  }

  // When something is sent.

  /** Sees to it that the next step comes in time. */
  #plan(): void {
    if (this.#isSending || this.#isOpening || this.#isEnded) return;
    const wait = this.#timeToBatch();
    const at = this.#platform.monotonic() + wait;
    if (wait == Infinity || at >= this.#timerAt - slack) return;
    this.#platform.clearTimer(this.#timer);
    this.#timerAt = at;
    this.#timer = this.#platform.setTimer(() => this.#step(), Math.min(Math.ceil(wait), longestTimer));
  }

  /** Sends a batch, or waits for the moment of the next, or ends the client. */
  #step(): void {
    this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
    if (this.#isSending || this.#isOpening || this.#isEnded) return;
    this.#releaseWaiters();
    const wait = this.#timeToBatch();
    if (this.#isClosing && (!this.#queue.length || this.#series.nextAttempt > this.#deadline)) {
      this.#finish();
    } else if (wait <= slack) {
      void this.#send();
    } else {
      this.#plan();
    }
  }

  /** Returns how many milliseconds there is nothing to send. */
  #timeToBatch(): number {
    const first = this.#queue.at(0);
    if (!first) return this.#isClosing ? 0 : Infinity;
    const { batchEvents, batchBytes, maxWait } = this.#settings;
    const isDue = first.seq < this.#due || this.#isClosing || this.#queue.length >= batchEvents || this.#queue.bytes >= batchBytes;
    return Math.max(this.#series.nextAttempt, isDue ? 0 : first.at + maxWait) - this.#platform.monotonic();
  }

  // Sending.

  #takeBatch(): Item[] {
    const most = Math.min(this.#settings.batchEvents, this.#series.limit);
    let n = 0;
    let bytes = 0;
    while (n < Math.min(most, this.#queue.length)) {
      bytes += this.#queue.at(n)!.bytes;
      if (n && bytes > this.#settings.batchBytes) break;
      n++;
    }
    this.#away = this.#queue.take(n);
    this.#awayBytes = this.#away.reduce((sum, item) => sum + item.bytes, 0);
    return this.#away;
  }

  async #send(): Promise<void> {
    const batch = this.#takeBatch();
    this.#isSending = true;
    const controller = this.#abort = new AbortController();
    const timer = this.#platform.setTimer(() => controller.abort(), Math.min(this.#settings.requestTimeout, longestTimer));
    let status = 0;
    let text = "";
    let after = 0;
    let detail = "";
    let isCompressed = false;
    try {
      let body: string | Uint8Array = bodyOf(this.#platform.now(), batch.map((item) => item.text));
      isCompressed = !this.#series.isPlain && this.#settings.gzipFrom > 0 && byteLength(body) >= this.#settings.gzipFrom;
      if (isCompressed) body = await this.#platform.gzip!(body);
      const answer = await this.#platform.send(body, isCompressed, controller.signal);
      ({ status, text } = answer);
      after = retryAfter(answer.header("Retry-After"), answer.header("Date") ?? "", this.#platform.now(), this.#settings.retryAfterMax);
    } catch (e) {
      detail = "no answer: " + describe(e);
    }
    this.#platform.clearTimer(timer);
    this.#isSending = false;
    if (this.#isEnded) return; // close has given the events up
    this.#settle(batch, status, text, after, detail, isCompressed);
    this.#step();
  }

  /** Does what an answer means. */
  #settle(batch: Item[], status: number, text: string, after: number, detail: string, isCompressed: boolean): void {
    const series = this.#series;
    const { results, kind, code, message } = judge(status, text, batch.length);
    const fallback = kind === undefined ? "" : "status_" + status;
    this.#stats.requests++;
    if (results && !(isCompressed && status == 415)) {
      if (kind === undefined) {
        series.failures = series.nextAttempt = 0;
        series.isAsked = false;
        series.limit = Math.min(series.limit * 2, this.#settings.batchEvents);
        this.#stats.lastFailure = "";
        this.#reports.forgetMessages("unauthorized", "not_the_eye");
      }
      this.#complete(batch, results, fallback);
      return;
    }
    this.#stats.failedRequests++;
    const sentence = textOf(message);
    this.#stats.lastFailure = detail || `${status}${sentence && ` ${textOf(code) || fallback}: ${sentence}`}`;
    if (kind == "unreadable") {
      if (isCompressed && status == 415) series.isPlain = true;
      else series.limit = batch.length >> 1;
    } else {
      series.isAsked = after > 0;
      series.nextAttempt = this.#platform.monotonic() +
        backoff(++series.failures, after, this.#settings.backoffMin, this.#settings.backoffMax, this.#platform.random());
      if (kind) this.#reports.addMessage(kind, this.#stats.lastFailure);
    }
    this.#putBack();
  }

  /** Counts and reports the events of a batch, each of which has a result. fallback stands for a code. */
  #complete(batch: Item[], results: Result[], fallback: string): void {
    this.#away = [];
    this.#awayBytes = 0;
    this.#spool?.settleBelow(this.#settledBelow());
    const accepted: string[] = [];
    const refused = [];
    for (const [i, { status, code, message }] of results.entries()) {
      if (status == "accepted") accepted.push(batch[i].id);
      else refused.push({ eventId: batch[i].id, code: textOf(code) || fallback, message: textOf(message), event: batch[i].text });
    }
    this.#stats.accepted += accepted.length;
    this.#stats.refused += refused.length;
    if (refused[0]) this.#reports.addMessage("refused", refused[0].code + ": " + refused[0].message);
    if (accepted[0] !== undefined) this.#reports.callBack(this.#settings.onAccepted, accepted);
    if (refused[0]) this.#reports.callBack(this.#settings.onRefused, refused);
  }

  /** Returns the events under way to the head of the queue, to be sent without waiting for others. */
  #putBack(): void {
    if (!this.#away.length) return;
    this.#due = Math.max(this.#due, this.#away[this.#away.length - 1].seq + 1);
    this.#queue.putBack(this.#away);
    this.#away = [];
    this.#awayBytes = 0;
  }

  // Waiting, and the end.

  #wait(seq: number, timeout: number): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: unknown;
      const waiter = {
        seq, finish: (result: boolean) => {
          this.#platform.clearTimer(timer);
          resolve(result);
        },
      };
      this.#waiters.push(waiter);
      if (timeout < Infinity) {
        timer = this.#platform.setTimer(() => {
          this.#waiters = this.#waiters.filter((w) => w != waiter);
          resolve(false);
        }, Math.min(Math.max(timeout, 0), longestTimer));
      }
    });
  }

  #releaseWaiters(): void {
    const below = this.#isEnded ? Infinity : this.#settledBelow();
    const done = this.#waiters.filter((w) => w.seq <= below);
    this.#waiters = this.#waiters.filter((w) => w.seq > below);
    for (const w of done) w.finish(this.#isAllSent);
  }

  /** Ends the client, and accounts for the events that are left. */
  #finish(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#putBack();
    const left = this.#queue.length;
    if (left) {
      this.#isAllSent = false;
      const reason = this.#stats.lastFailure;
      this.#reports.addMessage("left_behind", `${left} events${reason ? "; the last request: " + reason : ""}`);
    }
    this.#spool?.resume(); // what the disk did not take before, it may take now
    for (const item of this.#queue.take(left)) {
      if (this.#spool && (item.isKept || this.#write(this.#next++, item.text))) {
        this.#queue.push(item);
        continue;
      }
      this.#stats.dropped++;
      this.#stats.droppedBy.closed++;
      this.#reports.addDrop("closed", item.text);
    }
    this.#abort?.abort();
    this.#platform.clearTimer(this.#timer);
    this.#spool?.close();
    this.#reports.deliver();
    this.#releaseWaiters();
  }
}

/** Returns a text of an answer, "" in the place of anything else: not every object becomes a text. */
const textOf = (value: unknown): string => typeof value == "string" ? value : "";

/** Returns the id of an encoded event. */
function idOf(text: string): string {
  try {
    return String(JSON.parse(text).event_id);
  } catch {
    return "";
  }
}

function describe(e: any): string {
  const cause = e?.cause;
  return String(cause?.message || cause?.code || e?.message || e);
}

export type { Dropped, DropReason };
