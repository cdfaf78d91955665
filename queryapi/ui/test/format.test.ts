import assert from "node:assert/strict";
import { test } from "node:test";
import { changeOf, changeText, count, figure, percent, short } from "../src/format/number.ts";
import { size } from "../src/format/size.ts";

test("figures", () => {
  assert.deepEqual([0, 1234567, 1234.567, null, undefined].map(figure), ["0", "1,234,567", "1,234.57", "–", "–"]);
  assert.deepEqual([999, 1230, 45_000_000].map(short), ["999", "1.23K", "45M"]);
  assert.equal(count(1, "event"), "1 event");
  assert.equal(count(2000, "event"), "2,000 events");
});

test("what is not nothing, or not all, does not look like it", () => {
  assert.deepEqual([0, 0.0001, 0.125, 0.9999, 1].map(percent), ["0.0%", "<0.1%", "12.5%", ">99.9%", "100.0%"]);
});

test("changes", () => {
  assert.equal(changeOf(5, 0), undefined);
  assert.equal(changeOf(null, 5), undefined);
  assert.equal(changeText(changeOf(6, 5)!), "+20%");
  assert.equal(changeText(changeOf(4.9, 5)!), "−2.0%");
  assert.equal(changeText(changeOf(100, 5)!), "+20×");
});

test("sizes", () => {
  assert.deepEqual([0, 999, 1000, 4_240_000, 99_500_000, 999_900, 5e15].map(size), ["0 bytes", "999 bytes", "1.0 kB", "4.2 MB", "100 MB", "1.0 MB", "5000 TB"]);
});
