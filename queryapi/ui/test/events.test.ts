import assert from "node:assert/strict";
import { test } from "node:test";
import type { EyeEvent, PathNode } from "../src/api/types.ts";
import { pickValues, readField } from "../src/filter/pick.ts";
import { layoutPaths } from "../src/paths/layout.ts";
import { gapHeight, runsOf } from "../src/session/runs.ts";
import { Ring } from "../src/state/ring.ts";

const event = (more: Partial<EyeEvent>): EyeEvent => ({ event_id: "e", application: "demo", received_at: "", status: "stored", category: "a", name: "b", ...more });

test("values are picked as filters read them", () => {
  const e = event({ data: { path: "/", items: [{ sku: "x" }, { sku: "y" }, {}], tags: "one", "a.b": null, 0: "member" } });
  const pick = (field: string): unknown[] => pickValues(e, readField(field)!);
  assert.deepEqual(pick("type"), ["a / b"]);
  assert.deepEqual(pick("data.path"), ["/"]);
  assert.deepEqual(pick("data.items.1.sku"), ["y"]);
  assert.deepEqual(pick("data.items[].sku"), ["x", "y"]);
  assert.deepEqual(pick('data.items."1"'), []);
  assert.deepEqual(pick('data."0"'), ["member"]);
  assert.deepEqual(pick("data.0"), ["member"]);
  assert.deepEqual(pick("data.tags[]"), ["one"]);
  assert.deepEqual(pick('data."a.b"'), [null]);
  assert.deepEqual(pick("data.toString"), []);
  assert.deepEqual(pick("session_id"), []);
  assert.equal(readField("path"), undefined);
  assert.equal(readField("data.x=1"), undefined);
});

test("runs of one type are folded, unless a long gap parts them", () => {
  const at = (name: string, gap: number): EyeEvent => event({ name, gap_seconds: gap });
  const runs = runsOf([at("v", 0), at("v", 5), at("v", 5), at("v", 5), at("c", 1), at("v", 1), at("v", 400), at("v", 1)]);
  assert.deepEqual(runs.map((r) => [r.events.length, r.folded, r.seconds]), [[4, true, 15], [1, false, 0], [1, false, 0], [2, false, 1]]);
  assert.deepEqual(runsOf([]), []);
});

test("a longer gap has more room, and a bounded one", () => {
  const heights = [0, 1, 10, 60, 3600, 86_400, 1e9].map(gapHeight);
  assert.deepEqual(heights, [...heights].sort((x, y) => x - y));
  assert.equal(heights.at(-1), 120);
});

test("paths have a column a step, and nodes that do not overlap", () => {
  const node = (id: number, step: number, sessions: number): PathNode => ({ id, step, sessions, value: id });
  const nodes = [node(0, 0, 100), node(1, 1, 90), node(2, 1, 9), node(3, 1, 1)];
  const links = [1, 2, 3].map((to) => ({ from: 0, to, sessions: nodes[to]!.sessions }));
  for (const direction of ["forward", "backward"] as const) {
    const layout = layoutPaths({ direction, nodes, links });
    const [first, ...others] = layout.nodes as [typeof layout.nodes[0], ...typeof layout.nodes];
    assert.equal(first.left > others[0]!.left, direction === "backward");
    for (const [i, n] of others.entries()) {
      if (i > 0) assert.ok(n.top >= others[i - 1]!.top + others[i - 1]!.height);
      assert.ok(n.top + n.height <= layout.height && n.left < layout.width);
    }
    assert.equal(layout.links.length, 3);
    assert.ok(layout.links[0]!.width > 9 * layout.links[1]!.width);
  }
  assert.deepEqual(layoutPaths({ direction: "forward", nodes: [], links: [] }).nodes, []);
});

test("a ring keeps the newest", () => {
  const ring = new Ring<number>(3);
  for (let i = 1; i <= 50; i++) {
    ring.add(i);
    assert.equal(ring.newest()[0], i);
    assert.ok(ring.newest().length <= 3);
  }
  assert.deepEqual(ring.newest(), [50, 49, 48]);
  assert.equal(ring.seen, 50);
});
