import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress, parseAddress, withFilter, withOwn, withScreen } from "../src/state/address.ts";
import { readStep, stepLabel, stepOf, writeStep } from "../src/state/steps.ts";

const read = (link: string): Address => {
  const url = new URL(link, "http://eye");
  return parseAddress(url.pathname, url.search, "Europe/Berlin");
};

test("what an address leaves out has a default", () => {
  const a = read("/ui/");
  assert.deepEqual(a, { screen: "overview", id: "", app: "", from: "7d", to: "now", tz: "Europe/Berlin", filters: [], own: {} });
  assert.equal(read("/ui").screen, "overview");
  assert.equal(read("/ui/trends?from=-30d&to=-1d").from, "30d");
});

test("a member of an address may have any name", () => {
  const a = read("/ui/trends?__proto__=a&constructor=b&constructor=c");
  assert.deepEqual(Object.entries(a.own), [["__proto__", ["a"]], ["constructor", ["b", "c"]]]);
  assert.deepEqual(read(formatAddress(a)), a);
});

test("an address is read back as it was written", () => {
  const a: Address = {
    screen: "explorer", id: "a/b c?#", app: "shop", from: "2026-11-01", to: "now", tz: "UTC",
    filters: ['type="a / b"', "data.x!=\"50% & +\u202e\"", "data.tags[]=1"],
    own: { column: ["type", 'data."x y"'], event: ["shop/01a2=&"] },
  };
  assert.deepEqual(read(formatAddress(a)), a);
  assert.match(formatAddress(a), /^\/ui\/explorer\/a%2Fb%20c%3F%23\?/);
});

test("a broken escape in a path is text", () => {
  assert.equal(read("/ui/sessions/%E0%A4").id, "%E0%A4");
});

test("a condition is added once, and leads from one thing to the explorer", () => {
  const a = read("/ui/trends?filter=a");
  assert.deepEqual(withFilter(a, "b").filters, ["a", "b"]);
  assert.equal(withFilter(a, "a"), a);
  const session = withScreen(a, "sessions", "s1", { run: ["x"] });
  assert.deepEqual(withFilter(session, "b"), { ...a, screen: "explorer", id: "", own: {}, filters: ["a", "b"] });
});

test("a setting of a screen without a value is left out", () => {
  const a = withOwn(read("/ui/trends"), "group", "data.x");
  assert.deepEqual(a.own, { group: ["data.x"] });
  for (const none of [undefined, "", []]) assert.deepEqual(withOwn(a, "group", none).own, {});
});

test("steps of a funnel are read back", () => {
  for (const filters of [['type="a / b"'], ['type="a / b"', 'data.x="]"'], ["data.x=[1]"]]) assert.deepEqual(readStep(writeStep(filters)), filters);
  assert.deepEqual(readStep("[broken"), []);
  assert.deepEqual(readStep('["a",5,null]'), ["a"]);
  assert.equal(stepLabel(['type="a / b"', "data.x=1"]), "a / b where data.x=1");
});

test("a step of a funnel has the filters of the list of its event, but for single types, events and sessions", () => {
  assert.deepEqual(readStep(stepOf("shop / order", [])), ['type="shop / order"']);
  assert.deepEqual(
    readStep(stepOf("shop / order", ['type in ["shop / order","x / y"]', "data.path=/pricing", "session_id=e2085be5-9137-4e4e-80b5-f1ffddc25423", "event_id=e1", 'application!="a"', "timestamp>7d"])),
    ['type="shop / order"', "data.path=/pricing", 'application!="a"'],
  );
});
