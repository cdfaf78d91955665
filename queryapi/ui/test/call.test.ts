import assert from "node:assert/strict";
import { test } from "node:test";
import { curl, get, pathTo, target } from "../src/api/call.ts";

test("segments that a browser would resolve stand in the query", () => {
  assert.equal(target(get(pathTo("schemas", ".", "..", "history"), { limit: 5 })), "/v1/schemas/-/-/history?limit=5&category=.&name=..");
  assert.equal(target(get(pathTo("schemas", "a/b", ".."))), "/v1/schemas/a%2Fb/-?name=..");
  assert.equal(target(get(pathTo("events", ".."), { application: "shop" })), "/v1/events/-?application=shop&event_id=..");
  assert.equal(target(get(pathTo("schemas", "-", "..."))), "/v1/schemas/-/...");
  assert.equal(target(get("/v1/status")), "/v1/status");
  assert.match(curl(get(pathTo("schemas", ".", "x")), "http://h"), /^curl -sS 'http:\/\/h\/v1\/schemas\/-\/x\?category=\.' /);
});
