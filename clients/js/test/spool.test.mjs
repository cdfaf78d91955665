// The spool on a disk that is full, and among files of others.
import assert from "node:assert/strict";
import fs, { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Client } from "../dist/node.js";
import { FolderSpool } from "../dist/spool.js";
import { Collector, key, numbered } from "./server.mjs";

/** The number of the first event of a run. */
const firstSeq = 2 ** 40;

/** Bytes that the disk has room for. What goes beyond is cut, and then refused, as systems do. */
let room;
const { writeSync } = fs;
fs.writeSync = (file, bytes) => {
  if (room <= 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const written = writeSync(file, bytes.subarray(0, Math.min(room, bytes.length)));
  room -= written;
  return written;
};
syncBuiltinESMExports();

let folder;

beforeEach(() => {
  room = Infinity;
  folder = mkdtempSync(join(tmpdir(), "eye-spool-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Opens a spool, and calls begin before its lock is known. */
const open = (begin = () => {}) => new Promise((resolve) => {
  const spool = new FolderSpool(folder);
  spool.open((found) => resolve([spool, found]));
  begin(spool);
});

/** Returns the events that the next start finds. */
async function eventsAtTheNextStart() {
  const [spool, { events, damaged }] = await open();
  spool.close();
  assert.equal(damaged, 0);
  return events;
}

const texts = (first, last) => Array.from({ length: last - first }, (_, i) => `event ${first + i}`);

async function leave(first, last) {
  const [spool] = await open();
  for (const [i, text] of texts(first, last).entries()) spool.append(firstSeq + i, text);
  spool.close();
}

test("a start on a disk that is full takes the events where they are", async () => {
  await leave(0, 10);
  for (const bytes of [0, 100]) {
    room = bytes;
    const [spool, { isUsable, events, fault }] = await open();
    assert.deepEqual([isUsable, events], [true, texts(0, 10)]);
    assert.match(fault, /space|full/);
    room = Infinity; // other files went
    spool.resume();
    spool.settleBelow(firstSeq - 5); // all go once more after a kill
    spool.close();
    assert.deepEqual(await eventsAtTheNextStart(), texts(0, 10));
  }
  room = 0;
  const [spool] = await open();
  room = Infinity;
  spool.resume();
  spool.append(firstSeq, "event 10");
  spool.settleBelow(firstSeq);
  spool.close();
  assert.deepEqual(await eventsAtTheNextStart(), ["event 10"]);
});

test("an event that cannot be written at the start costs those of before nothing", async () => {
  await leave(0, 10);
  room = 0;
  const [spool, { events }] = await open((spool) => {
    assert.throws(() => spool.append(firstSeq, "event 10"), /ENOSPC/);
    room = 10; // for less than a record
  });
  spool.close();
  assert.deepEqual(events, texts(0, 10));
  room = Infinity;
  assert.deepEqual(await eventsAtTheNextStart(), texts(0, 10));
});

test("a disk that is full gets no files, and a record that it cut costs itself alone", async () => {
  const [spool] = await open();
  for (let seq = firstSeq; seq < firstSeq + 5; seq++) {
    room = seq % 2 ? 0 : 10;
    assert.throws(() => spool.append(seq, "lost"), /full|ENOSPC/);
    assert.equal(spool.append(seq, "not tried"), false);
    assert.deepEqual(readdirSync(folder), []);
    spool.resume();
  }
  room = 50; // for one record, and a part of another
  assert.equal(spool.append(firstSeq + 5, "event 5"), true);
  assert.throws(() => spool.append(firstSeq + 6, "lost"), /full/);
  room = Infinity;
  spool.resume();
  assert.equal(spool.append(firstSeq + 7, "event 7"), true);
  spool.close();
  assert.deepEqual(await eventsAtTheNextStart(), ["event 5", "event 7"]);
});

test("what the disk did not take is written at the close, or counted", async () => {
  const collector = await new Collector().start();
  collector.answer(503);
  const messages = [];
  const start = () => new Client({ url: collector.url, writeKey: key, spool: folder, backoffMin: 5, backoffMax: 20, log: (_, code) => messages.push(code) });
  const one = start();
  assert.equal(await one.flush(1), true);
  one.enqueue(numbered(0));
  room = 0;
  for (const n of [1, 2]) assert.equal(one.enqueue(numbered(n)), true);
  room = Infinity;
  assert.equal(await one.close(0), false);
  assert.deepEqual([one.stats().queued, one.stats().dropped], [3, 0]);
  const two = start();
  assert.equal(await two.flush(1), false);
  assert.equal(two.stats().recovered, 3);
  room = 0;
  two.enqueue(numbered(3));
  assert.equal(await two.close(0), false);
  assert.deepEqual([two.stats().queued, two.stats().droppedBy.closed], [3, 1]);
  room = Infinity;
  collector.instead = undefined;
  assert.equal(await start().close(), true);
  assert.deepEqual(collector.numbers(), [0, 1, 2]);
  assert.deepEqual(messages, ["spool_failed", "left_behind", "spool_failed", "left_behind"]);
  collector.stop();
});

test("files of others stay, also segments of clients in other languages", async () => {
  const others = ["0000000000000000.spool", "backup.spool", "notes.txt", "019a-b.spool"];
  for (const name of others) writeFileSync(join(folder, name), "not of this client\n");
  await leave(0, 1);
  assert.deepEqual(await eventsAtTheNextStart(), ["event 0"]);
  const [spool] = await open();
  spool.settleBelow(firstSeq);
  spool.close();
  assert.deepEqual(readdirSync(folder).filter((name) => name != "lock").sort(), others.sort());
});
