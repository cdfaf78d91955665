import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, intervalLabel, stampOf, tickLabel } from "../src/format/time.ts";
import { parseTime } from "../src/time/grammar.ts";
import { intervalFor, pinRange, rangeLabel, resolveRange, shiftRange } from "../src/time/range.ts";

const now = parseTime("2026-11-28T10:30:00Z", { now: 0n, zone: "UTC" })!;
const iso = (millis: number): string => new Date(millis).toISOString();

test("ranges are resolved in their zone", () => {
  const days = (from: string, to: string, zone: string): string[] | undefined => {
    const ends = resolveRange({ from, to }, zone, now);
    return ends && [iso(ends.from), iso(ends.to)];
  };
  assert.deepEqual(days("7d", "now", "UTC"), ["2026-11-21T10:30:00.000Z", "2026-11-28T10:30:00.000Z"]);
  assert.deepEqual(days("today", "now", "Asia/Tokyo"), ["2026-11-27T15:00:00.000Z", "2026-11-28T10:30:00.000Z"]);
  assert.deepEqual(days("yesterday", "today", "Europe/Berlin"), ["2026-11-26T23:00:00.000Z", "2026-11-27T23:00:00.000Z"]);
  // The day on which the clocks go back has 25 hours.
  assert.deepEqual(days("2026-10-25", "2026-10-26", "Europe/Berlin"), ["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]);
  for (const [from, to] of [["now", "7d"], ["soon", "now"], ["2026-02-30", "now"], ["", "now"], ["7d", "-"]]) {
    assert.equal(days(from!, to!, "UTC"), undefined, `${from} to ${to}`);
  }
});

test("a pinned range does not move, and shifting it back and forth returns", () => {
  const pinned = pinRange({ from: "90m", to: "now" }, "UTC", now);
  assert.deepEqual(pinned, { from: "2026-11-28T09:00:00Z", to: "2026-11-28T10:30:00Z" });
  const earlier = shiftRange(pinned, -1, "UTC", now);
  assert.deepEqual(earlier, { from: "2026-11-28T07:30:00Z", to: "2026-11-28T09:00:00Z" });
  assert.deepEqual(shiftRange(earlier, 1, "UTC", now), pinned);
  assert.deepEqual(shiftRange({ from: "soon", to: "now" }, 1, "UTC", now), { from: "soon", to: "now" });
});

test("an interval shows a range in some dozens of steps", () => {
  const of = (from: string): string => intervalFor({ from, to: "now" }, "UTC", now);
  assert.deepEqual(["1h", "24h", "7d", "90d", "300d", "1000d"].map(of), ["minute", "hour", "day", "day", "week", "month"]);
});

test("ranges have names", () => {
  const name = (from: string, to: string): string => rangeLabel({ from, to }, iso, "UTC");
  assert.equal(name("7d", "now"), "Last 7 days");
  assert.equal(name("1d", "now"), "Last 1 day");
  assert.equal(name("90m", "now"), "Last 90 minutes");
  assert.equal(name("2026-11-01", "2026-11-02"), "2026-11-01T00:00:00.000Z – 2026-11-02T00:00:00.000Z");
  assert.equal(name("2026-11-01", "now"), "2026-11-01T00:00:00.000Z – now");
  assert.equal(name("soon", "now"), "soon – now");
});

test("times and durations are written for people", () => {
  const at = Date.parse("2026-10-24T22:00:00.045Z");
  assert.equal(stampOf(at, "Europe/Berlin"), "25 Oct, 00:00:00.045");
  assert.equal(stampOf(at, "UTC"), "24 Oct, 22:00:00.045");
  assert.equal(stampOf(Date.parse("1969-12-31T23:59:59.999Z"), "UTC"), "31 Dec, 23:59:59.999");
  assert.equal(intervalLabel(at, "month", "UTC"), "October 2026");
  assert.equal(tickLabel(at, "hour", "Europe/Berlin"), "25 Oct");
  const written = [0, 0.12, 1, 9.99, 59.4, 61, 599, 3599, 3600, 5400, 86_399, 86_400, 90_000].map(duration);
  assert.deepEqual(written, ["0 ms", "120 ms", "1 s", "10 s", "59 s", "1 min 1 s", "9 min 59 s", "1 h", "1 h", "1 h 30 min", "24 h", "1 d", "1 d 1 h"]);
});
