import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BaseClient } from "../dist/client.js";
import { Client, SettingsError } from "../dist/node.js";
import { Collector, eventually, key, numbered, session } from "./server.mjs";
import { Virtual, VirtualPlatform } from "./virtual.mjs";

let collector, spool, messages, clients;

beforeEach(async () => {
  collector = await new Collector().start();
  spool = mkdtempSync(join(tmpdir(), "eye-spool-"));
  [messages, clients] = [[], []];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close(0)));
  collector.stop();
  rmSync(spool, { recursive: true });
});

function start(settings = {}) {
  const client = new Client({
    url: collector.url, writeKey: key, maxWait: 5, backoffMin: 5, backoffMax: 20, log: (_, code) => messages.push(code), ...settings,
  });
  clients.push(client);
  return client;
}

const addsUp = (s) => assert.equal(s.enqueued + s.recovered, s.accepted + s.refused + s.dropped + s.queued, JSON.stringify(s));

const range = (first, last) => Array.from({ length: last - first }, (_, i) => first + i);

function launch(...args) {
  const site = spawn(process.execPath, [fileURLToPath(new URL("site.mjs", import.meta.url)), ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
  site.numbers = [];
  let rest = "";
  site.stdout.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    site.numbers.push(...lines.map(Number));
  });
  return site;
}

test("an event goes with the key, and large bodies are compressed", async () => {
  const client = start();
  assert.equal(client.enqueue(numbered(1)), true);
  assert.equal(client.track("page interaction", "pageview", { n: 2, text: "x".repeat(5000) }), true);
  assert.equal(await client.flush(), true);
  const [{ url, headers }] = collector.requests;
  assert.equal(url, "/v1/events");
  assert.equal(headers.authorization, "Bearer " + key);
  assert.equal(headers["content-encoding"], "gzip");
  assert.deepEqual(collector.numbers(), [1, 2]);
  assert.match(collector.events[1].session_id, /^[0-9a-f-]{36}$/);
  const stats = client.stats();
  assert.equal(stats.accepted, 2);
  addsUp(stats);
});

test("whatever is passed, no call throws", async () => {
  const client = start();
  const cycle = {};
  cycle.self = cycle;
  const deep = range(0, 40).reduce((data) => ({ data }), {});
  const dropped = [
    undefined, null, 7, "text", { get category() { throw new Error("mine"); } }, { ...numbered(1), session_id: 1n },
    ...[cycle, deep, { n: NaN }, { n: Infinity }, { f() {} }, { n: 1n }, { s: Symbol("s") }, { get n() { throw new Error("mine"); } },
      { toJSON() { throw new Error("mine"); } }, { text: "x".repeat(10 << 20) }, () => {}].map((data) => ({ ...numbered(1), data })),
  ];
  // Those that are no objects at all have no type, and are sent: the collector keeps what it rejects.
  const taken = dropped.filter((event) => client.enqueue(event));
  assert.deepEqual(taken, [7, "text"]);
  assert.equal(client.enqueue({ ...numbered(3), event_id: null, timestamp: {}, data: new Date(NaN) }), true);
  assert.equal(await client.flush(), true);
  const stats = client.stats();
  assert.deepEqual(stats.droppedBy, { queue_full: 0, too_large: 1, unserialisable: 17 - 3, closed: 0 });
  assert.equal(stats.accepted, 3);
  addsUp(stats);
  assert.deepEqual(messages.sort(), ["invalid_event", "too_large", "unserialisable"]);
});

test("the queue is bounded, by events and by bytes", async () => {
  collector.answer(503);
  const droppedEvents = [];
  const client = start({ queueEvents: 10, onDropped: ({ events }) => droppedEvents.push(...events) });
  for (const n of range(0, 25)) assert.equal(client.enqueue(numbered(n)), true);
  assert.equal(client.stats().queued, 10);
  await eventually(() => droppedEvents.length == 15);
  assert.deepEqual(droppedEvents.map((event) => JSON.parse(event).data.n), range(0, 15));
  const bytes = start({ queueBytes: 100_000 });
  for (const n of range(0, 25)) bytes.enqueue({ ...numbered(n), data: { n, text: "é".repeat(10_000) } });
  assert.equal(bytes.stats().queued, 4);
  assert.ok(bytes.stats().queuedBytes <= 100_000);
  addsUp(bytes.stats());
  collector.instead = undefined;
  assert.equal(await client.flush(), true);
  assert.equal(await bytes.flush(), true);
  assert.deepEqual(collector.numbers(), [...range(15, 25), ...range(21, 25)].sort((a, b) => a - b));
});

test("a callback may call the client, and may fail later", async () => {
  let again = 5;
  const client = start({
    queueEvents: 1,
    onDropped: () => again-- > 0 && client.enqueue(numbered(9)),
    onAccepted: async () => { throw new Error("later"); },
  });
  client.enqueue(numbered(1));
  client.enqueue(numbered(2));
  await eventually(() => messages.includes("callback_failed"));
  assert.equal(await client.flush(), true);
  addsUp(client.stats());
});

test("close ends at its deadline, whatever the collector does", async () => {
  collector.instead = () => {}; // no answer
  const client = start();
  client.enqueue(numbered(1));
  await eventually(() => collector.requests.length);
  assert.equal(await client.close(20), false);
  assert.equal(client.stats().droppedBy.closed, 1);
  assert.equal(client.enqueue(numbered(2)), false);
  assert.equal(await client.flush(), true);
  assert.equal(await client.close(), false); // the same end
  assert.equal(client.stats().droppedBy.closed, 2);
  await eventually(() => messages.includes("closed"));
  assert.deepEqual(messages, ["left_behind", "closed"]);
  addsUp(client.stats());
});

test("a redirect is not followed, and Retry-After is kept", async () => {
  const elsewhere = await new Collector().start();
  try {
    collector.answer(307, { Location: elsewhere.url + "/v1/events" });
    const client = start();
    client.enqueue(numbered(1));
    await eventually(() => messages.includes("not_the_eye"));
    assert.equal(elsewhere.requests.length, 0);
    collector.answer(429, { "Retry-After": "3600" });
    const seen = collector.requests.length;
    await eventually(() => collector.requests.length > seen && client.stats().lastFailure == "429");
    const count = collector.requests.length;
    assert.equal(await client.flush(100), false); // it ends no wait
    assert.equal(collector.requests.length, count);
    assert.equal(await client.close(60_000), false); // the next attempt would come later
  } finally {
    elsewhere.stop();
  }
});

test("no answer ends the process, whatever is in the place of its texts", async () => {
  const none = { toString: 1, valueOf: 1 }; // no text, and no object that becomes one
  for (const [status, body, failure] of [
    [503, { code: "starting", detail: none }, "503"],
    [503, { code: none, detail: "not yet" }, "503 status_503: not yet"],
  ]) {
    collector.answer(status, {}, JSON.stringify(body));
    const client = start();
    client.enqueue(numbered(1));
    await eventually(() => client.stats().failedRequests > 1);
    assert.equal(client.stats().lastFailure, failure);
  }
  for (const [status, body, code] of [
    [400, { code: none, detail: none }, "status_400"],
    [202, { results: [{ index: 0, status: "refused", code: none, message: none }] }, ""],
  ]) {
    collector.answer(status, {}, JSON.stringify(body));
    const refused = [];
    const client = start({ onRefused: (list) => refused.push(...list) });
    client.enqueue(numbered(1));
    assert.equal(await client.flush(), true);
    assert.deepEqual(refused.map(({ code, message }) => [code, message]), [[code, ""]]);
  }
});

test("an answer without an end costs no memory", async () => {
  collector.instead = (response) => {
    response.writeHead(202);
    const part = Buffer.alloc(1 << 20, "x");
    let parts = 0;
    const more = () => {
      while (parts++ < 64) if (!response.write(part)) return response.once("drain", more);
    };
    more();
  };
  const client = start({ backoffMin: 60_000, backoffMax: 60_000 });
  client.enqueue(numbered(1));
  await eventually(() => client.stats().failedRequests);
  assert.equal(client.stats().lastFailure, "202"); // it was judged by what was read, and not waited for
  await eventually(() => messages.includes("not_the_eye"));
});

test("an answer after the close changes nothing", async () => {
  for (const [status, text] of [[202, '{"results":[{"index":0,"status":"accepted"}]}'], [503, ""], [400, ""]]) {
    const virtual = new Virtual();
    const platform = new VirtualPlatform(virtual);
    let answer;
    platform.send = () => new Promise((resolve) => { answer = resolve; }); // it does not heed the signal
    const calls = [];
    const client = new BaseClient({
      writeKey: key, log: () => {}, onAccepted: (ids) => calls.push(ids), onRefused: (list) => calls.push(list),
      onDropped: ({ reason, count }) => calls.push([reason, count]),
    }, platform);
    client.enqueue(numbered(1));
    void client.flush();
    assert.ok(answer);
    const done = client.close(0);
    await virtual.advanceTo(1);
    assert.equal(await done, false);
    const before = client.stats();
    answer({ status, text, header: () => null });
    await virtual.advanceTo(100_000);
    assert.deepEqual(client.stats(), before);
    assert.deepEqual(calls, [["closed", 1]]);
  }
});

test("a log may fail, also later", async () => {
  const failed = [];
  const note = (e) => failed.push(e);
  process.once("unhandledRejection", note);
  const codes = [];
  const client = start({ log: async (_, code) => { codes.push(code); throw new Error("mine"); } });
  client.enqueue({ category: "", name: "" });
  assert.equal(await client.flush(), true);
  await eventually(() => codes.length);
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  assert.deepEqual([codes, failed], [["invalid_event"], []]);
});

test("settings that are wrong are all named", () => {
  const wrong = { url: "ftp://user:secret@host/?q", writeKey: "a b", batchEvents: 1001, maxWait: -1, gzipFrom: 0.5, onDropped: 7, spool: 7 };
  assert.throws(() => new Client(wrong), (e) => {
    assert.ok(e instanceof SettingsError);
    for (const name of ["url", "writeKey", "batchEvents", "maxWait", "gzipFrom", "onDropped", "spool"]) assert.match(e.message, new RegExp(name));
    assert.doesNotMatch(e.message, /secret/);
    return true;
  });
  assert.throws(() => new Client({}), /set writeKey/);
});

test("a process that knows of no client ends when everything is sent", async () => {
  collector.answer(503);
  const site = launch(collector.url, "", 0, 3);
  await eventually(() => collector.requests.length > 2);
  collector.instead = undefined;
  const [code] = await once(site, "exit");
  assert.equal(code, 0);
  assert.deepEqual(collector.numbers(), [0, 1, 2]);
});

test("a killed process loses nothing that enqueue has taken", async () => {
  let first = 0;
  const written = [];
  for (const instead of [undefined, (r) => r.writeHead(503).end(), () => {}, (r, events) => { collector.events.push(...events); r.destroy(); }]) {
    collector.instead = instead;
    const before = collector.requests.length;
    const site = launch(collector.url, spool, first, 1e9);
    await eventually(() => site.numbers.length > 120 && collector.requests.length > before);
    site.kill("SIGKILL");
    await once(site, "close");
    written.push(...site.numbers);
    first = site.numbers.at(-1) + 2; // the next one may be enqueued, and not written
  }
  collector.instead = undefined;
  const site = launch(collector.url, spool, first, first + 5);
  const [code] = await once(site, "close");
  assert.equal(code, 0);
  written.push(...site.numbers);
  const have = collector.numbers();
  assert.deepEqual(written.filter((n) => !have.includes(n)), []);
  assert.equal(new Set(have).size, have.length, "a number has two ids");
  assert.ok(have.length <= written.length + 4);
  assert.equal(readdirSync(spool).filter((name) => name.endsWith(".spool")).map((name) => readFileSync(join(spool, name), "utf8"))
    .filter((text) => /^e /m.test(text) && !/^s /m.test(text)).length, 0);
});

test("one client at a time has a spool", async () => {
  collector.answer(503);
  const one = start({ spool });
  one.enqueue(numbered(1));
  await eventually(() => collector.requests.length);
  const two = start({ spool });
  two.enqueue(numbered(2));
  await eventually(() => messages.includes("spool_failed"));
  assert.equal(await one.close(0), false);
  assert.equal(one.stats().queued, 1);
  collector.instead = undefined;
  assert.equal(await two.close(), true); // from memory
  const three = start({ spool });
  assert.equal(await three.close(), true);
  assert.equal(three.stats().recovered, 1);
  assert.deepEqual(collector.numbers(), [1, 2]);
});

test("a record that was torn costs itself alone", async () => {
  collector.answer(503);
  const one = start({ spool });
  for (const n of range(0, 5)) one.enqueue(numbered(n));
  assert.equal(await one.close(0), false);
  const [name] = readdirSync(spool);
  const path = join(spool, name);
  const lines = readFileSync(path, "utf8").split("\n");
  lines[1] = lines[1].replace("pageview", "pageveiw"); // damaged
  writeFileSync(path, lines.join("\n"));
  appendFileSync(path, 'e 1099511627790 0a1b2c3d {"event_id":"'); // torn
  writeFileSync(join(spool, "notes.txt"), "not of the spool");
  collector.instead = undefined;
  const two = start({ spool });
  two.enqueue(numbered(5));
  assert.equal(await two.close(), true);
  assert.deepEqual(collector.numbers(), [0, 2, 3, 4, 5]);
  assert.deepEqual(collector.events.map((event) => event.data.n), [0, 2, 3, 4, 5]); // those of the spool first
  assert.ok(messages.includes("spool_damaged"));
  assert.deepEqual(readdirSync(spool), ["notes.txt"]);
  addsUp(two.stats());
});

test("the record that a kill has cut is no damage", async () => {
  collector.answer(503);
  const one = start({ spool, log: () => {} });
  one.enqueue(numbered(1));
  assert.equal(await one.close(0), false);
  const [name] = readdirSync(spool);
  appendFileSync(join(spool, name), 'e 1099511627777 0a1b2c3d {"event_id":"');
  collector.instead = undefined;
  assert.equal(await start({ spool }).close(), true);
  assert.deepEqual(messages, []);
  assert.deepEqual(collector.numbers(), [1]);
});

test("a spool that cannot be written is said once, and events go on in memory", async () => {
  const file = join(spool, "file");
  writeFileSync(file, "");
  const client = start({ spool: join(file, "folder") });
  for (const n of range(0, 3)) assert.equal(client.enqueue(numbered(n)), true);
  assert.equal(await client.close(), true);
  assert.deepEqual(messages, ["spool_failed"]);
  assert.deepEqual(collector.numbers(), [0, 1, 2]);
});

test("the session of the settings is that of events without one", async () => {
  const client = start({ sessionId: session });
  client.track("page interaction", "pageview");
  await client.flush();
  assert.equal(collector.events[0].session_id, session);
  assert.deepEqual(collector.events[0].data, {});
});
