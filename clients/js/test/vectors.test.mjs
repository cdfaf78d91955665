// The vectors that the clients of all languages share: clients/testdata/vectors/README.md.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BaseClient } from "../dist/client.js";
import { FolderSpool } from "../dist/spool.js";
import { Virtual, VirtualPlatform } from "./virtual.mjs";

const folder = new URL("../../testdata/vectors/", import.meta.url);
const session = "e2085be5-9137-4e4e-80b5-f1ffddc25423";
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// There is no client before there is one.
const lacking = new Set(["calls before start"]);
const having = new Set([
  "bigint", "broken text", "callbacks", "close", "cycles", "data of any kind", "functions", "gzip", "mutable data", "nan", "spool",
  "throwing values",
]);

/** Returns the numbers of a list of numbers and of [first, last]. */
const expand = (numbers) => numbers.flatMap((n) =>
  Array.isArray(n) ? Array.from({ length: n[1] - n[0] + 1 }, (_, i) => n[0] + i) : [n]);

const isNear = (a, b, what) => assert.ok(Math.abs(a - b) <= 1, `${what}: ${a}, want ${b}`);

function specialData(kind, n) {
  const data = { n };
  switch (kind) {
    case "none": return undefined;
    case "cycle": return Object.assign(data, { self: data });
    case "nan": return { n, x: NaN };
    case "infinity": return { n, x: -Infinity };
    case "function": return { n, x: specialData };
    case "bigint": return { n, x: 1n };
    case "throws": return { n, get x() { throw new Error("a member throws"); } };
    case "broken text": return { n, x: "a\ud800b" };
    case "array": return [n];
    case "text": return String(n);
  }
  throw new Error("unknown special data " + kind);
}

/** A case that runs. */
class Case {
  accepted = [];
  refused = [];
  dropped = [];
  messages = [];
  ids = new Map(); // of events, by number
  numbers = new Map(); // of events, by id
  enqueuedAt = new Map();
  results = new Map();
  counts = []; // of the clients that were killed or closed

  constructor(spec, spoolFolder) {
    this.spec = spec;
    this.virtual = new Virtual(spec.random);
    this.settings = {
      batch_events: 100, batch_bytes: 500_000, batch_wait_ms: 1000, queue_events: 1000, queue_bytes: 50_000_000,
      backoff_min_ms: 1000, backoff_max_ms: 60_000, retry_after_max_ms: 3_600_000, request_timeout_ms: 30_000,
      gzip_from_bytes: 0, callbacks_fail: false, ...spec.settings,
    };
    this.spoolFolder = spec.needs?.includes("spool") ? spoolFolder : undefined;
    this.begin();
  }

  begin() {
    const s = this.settings;
    const failing = (f) => (value) => {
      f(value);
      if (s.callbacks_fail) throw new Error("a callback fails");
    };
    this.spool = this.spoolFolder && new FolderSpool(this.spoolFolder);
    const platform = this.platform = new VirtualPlatform(this.virtual, this.spool);
    this.client = new BaseClient({
      url: "http://127.0.0.1:1", writeKey: "key", batchEvents: s.batch_events, batchBytes: s.batch_bytes, maxWait: s.batch_wait_ms,
      queueEvents: s.queue_events, queueBytes: s.queue_bytes, backoffMin: s.backoff_min_ms, backoffMax: s.backoff_max_ms,
      retryAfterMax: s.retry_after_max_ms, requestTimeout: s.request_timeout_ms, gzipFrom: s.gzip_from_bytes,
      log: (_, code) => platform.isDead || this.messages.push(code),
      onAccepted: failing((ids) => this.accepted.push(...ids.map((id) => this.numbers.get(id)))),
      onRefused: failing((refused) => {
        for (const { eventId, code, event } of refused) {
          assert.equal(JSON.parse(event).event_id, eventId);
          this.refused.push({ n: this.numbers.get(eventId), code });
        }
      }),
      onDropped: failing((dropped) => this.dropped.push(dropped)),
    }, platform);
  }

  async run() {
    for (const step of this.spec.steps) {
      await this.virtual.advanceTo(step.at);
      if (step.request) {
        await this.expectRequest(step);
        continue;
      }
      this.expectNoRequest(step);
      if (step.returns) {
        assert.deepEqual(this.results.get(step.returns), [step.result, step.at], JSON.stringify(step));
        this.results.delete(step.returns);
        continue;
      }
      this[step.call](step);
      await this.virtual.advanceTo(step.at);
    }
    await this.virtual.advanceTo(this.spec.end.at);
    this.expectNoRequest("the end");
    assert.equal(this.results.size, 0);
    this.expectEnd(this.spec.end);
  }

  expectNoRequest(step) {
    assert.deepEqual(this.platform.open.map((r) => r.events), [], `requests that no step has, at ${JSON.stringify(step)}`);
  }

  // Calls.

  enqueue(step) {
    for (const n of expand(step.n)) {
      const { special, value, text_bytes: textBytes, then } = step.data ?? {};
      const data = special ? specialData(special, n) : { n, ...structuredClone(value) };
      if (textBytes) data.text = "x".repeat(textBytes);
      this.enqueuedAt.set(n, this.virtual.now);
      this.client.enqueue({ session_id: session, category: "page interaction", name: "pageview", ...step.event, data });
      if (then) {
        Object.assign(data.b, then.b);
        Object.assign(data, then);
      }
    }
  }

  flush(step) {
    this.await(step, this.client.flush(step.deadline ?? Infinity), "late");
  }

  close(step) {
    this.await(step, this.client.close(step.deadline ?? Infinity), "left");
  }

  await(step, promise, otherwise) {
    promise.then((isSent) => this.results.set(step.as, [isSent ? "sent" : otherwise, Math.round(this.virtual.now)]));
  }

  /** As the end of the process: what the client does from now on reaches nothing. */
  kill() {
    this.counts.push(this.client.stats());
    this.platform.isDead = true;
    this.platform.open = [];
    this.spool.close();
  }

  start() {
    if (!this.platform.isDead) this.counts.push(this.client.stats()); // it was closed
    this.begin();
  }

  // Requests.

  async expectRequest(step) {
    const { request: want, answer: spec } = step;
    if (!this.platform.open.length) await this.virtual.advanceTo(step.at + 1); // what a client may be off
    const request = this.platform.open.shift();
    assert.ok(request, `no request at ${JSON.stringify(step)}`);
    isNear(request.at, step.at, "the time of a request");
    const numbers = request.events.map((event) => this.numberOf(event));
    assert.deepEqual(numbers, expand(want.n), JSON.stringify(step));
    this.expectIdentity(request, numbers);
    if (want.encoding) assert.equal(request.encoding, want.encoding);
    if (want.body_members) assert.deepEqual(Object.keys(request.body).sort(), [...want.body_members].sort());
    want.events?.forEach((members, i) => {
      for (const [name, value] of Object.entries(members)) {
        const have = request.events[i][name];
        if (name == "timestamp") assert.equal(Date.parse(have), Date.parse(value));
        else assert.deepEqual(have, value);
      }
    });
    if (want.members) for (const event of request.events) assert.deepEqual(Object.keys(event).sort(), [...want.members].sort());
    if (spec.fails == "hangs") return;
    const end = spec.fails ? () => request.reject(new Error(spec.fails)) : () => request.resolve(this.answerOf(request, numbers, spec));
    if (spec.after) this.virtual.setTimer(end, spec.after);
    else end();
    await this.virtual.advanceTo(this.virtual.now);
  }

  numberOf({ event_id: id, data }) {
    if (this.numbers.has(id)) return this.numbers.get(id);
    const n = Array.isArray(data) ? data[0] : typeof data == "string" ? Number(data) : data.n ?? 1;
    assert.ok(!this.ids.has(n), "an event has another id than before");
    this.ids.set(n, id);
    this.numbers.set(id, n);
    return n;
  }

  /** In every case ids are of version 7 and the time of the call, and so are timestamps. */
  expectIdentity(request, numbers) {
    isNear(Date.parse(request.body.sent_at), this.virtual.base + request.at, "sent_at");
    request.events.forEach((event, i) => {
      const at = this.virtual.base + this.enqueuedAt.get(numbers[i]);
      const own = this.spec.steps.filter((s) => s.call && expand(s.n ?? []).includes(numbers[i])).map((s) => s.event ?? {});
      if (!own.some((e) => "event_id" in e)) {
        assert.match(event.event_id, uuid7);
        isNear(parseInt(event.event_id.replaceAll("-", "").slice(0, 12), 16), at, "the time of an id");
      }
      if (!own.some((e) => "timestamp" in e)) isNear(Date.parse(event.timestamp), at, "a timestamp");
    });
  }

  answerOf(request, numbers, spec) {
    const headers = new Headers(spec.headers);
    for (const [name, at] of Object.entries(spec.dates ?? {})) headers.set(name, new Date(this.virtual.base + at).toUTCString());
    const answer = (body) => ({ status: spec.status, text: body, header: (name) => headers.get(name) });
    if (spec.problem) return answer(JSON.stringify({ code: spec.problem, detail: "a sentence" }));
    if (!spec.accept) return answer(spec.text);
    const codes = new Map(spec.refuse?.map((r) => [r.n, r.code]));
    const results = request.events.map((event, index) => codes.has(numbers[index])
      ? { index, status: "refused", code: codes.get(numbers[index]), message: "no" }
      : { index, status: "accepted", event_id: event.event_id });
    if (spec.reversed) results.reverse();
    return answer(JSON.stringify({ accepted: results.length - codes.size, refused: codes.size, results }));
  }

  // The end.

  expectEnd(end) {
    assert.deepEqual([...this.accepted].sort((a, b) => a - b), expand(end.accepted));
    assert.deepEqual(this.refused, end.refused);
    const dropped = {};
    for (const { reason, count } of this.dropped) dropped[reason] = (dropped[reason] ?? 0) + count;
    assert.deepEqual(Object.entries(dropped), end.dropped.map(({ reason, n }) => [reason, expand(n).length]));
    for (const want of end.dropped) {
      const have = this.dropped.filter((d) => d.reason == want.reason).flatMap((d) => d.events.map((e) => JSON.parse(e).data.n));
      if (have.length) assert.deepEqual(have, expand(want.n)); // those that were encoded
    }
    assert.deepEqual(this.messages, end.messages);
    // The client's own counts say the same. Those that a kill ended are not asked any more.
    const stats = this.client.stats();
    assert.equal(stats.queued, end.queued);
    assert.equal(stats.enqueued + stats.recovered, stats.accepted + stats.refused + stats.dropped + stats.queued);
    const sum = (name) => [...this.counts, stats].reduce((n, s) => n + s[name], 0);
    assert.equal(sum("accepted"), this.accepted.length);
    assert.equal(sum("refused"), this.refused.length);
    assert.equal(sum("dropped"), Object.values(dropped).reduce((n, count) => n + count, 0));
  }
}

const files = readdirSync(folder).filter((name) => name != "README.md").sort();
const cases = files.flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")).cases.map((spec) => ({ file, spec })));

/** The cases that have run to their end, or that JavaScript lacks something for. */
const done = [];
const skipped = [];

for (const { file, spec } of cases) {
  for (const need of spec.needs ?? []) assert.ok(lacking.has(need) || having.has(need), "no client has " + need);
  if (spec.needs?.some((need) => lacking.has(need))) {
    skipped.push(spec.name);
    continue;
  }
  test(`${file}: ${spec.name}`, async () => {
    const spool = mkdtempSync(join(tmpdir(), "eye-vectors-"));
    try {
      await new Case(spec, spool).run();
      done.push(`${file}: ${spec.name}`);
    } finally {
      rmSync(spool, { recursive: true });
    }
  });
}

test("every case of every file has run, once, but those that JavaScript lacks something for", () => {
  assert.deepEqual(skipped, ["calls before the client is set up"]);
  assert.equal(new Set(done).size, cases.length - skipped.length);
  for (const file of files) assert.ok(done.some((name) => name.startsWith(file)), `no case of ${file} has run`);
});
