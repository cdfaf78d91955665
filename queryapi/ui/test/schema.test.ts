// Tests of what connects events with their schemas: places, layout, and failing keywords.

import assert from "node:assert/strict";
import test from "node:test";
import { diffLines, mergeLines } from "../src/json/diff.ts";
import { findPlaces, markOf } from "../src/json/places.ts";
import { pretty } from "../src/json/pretty.ts";
import { failingKeyword } from "../src/schema/keyword.ts";

test("places of members and elements", () => {
  const text = '{"a/b": [1, {"c~": "x"}], "d": null}';
  const { byPointer, fault } = findPlaces(text);
  assert.equal(fault, undefined);
  const at = (pointer: string): string => {
    const { from, to } = markOf(text, byPointer.get(pointer)!);
    return text.slice(from, to);
  };
  assert.equal(at("/a~1b/1/c~0"), '"c~": "x"');
  assert.equal(at("/a~1b/0"), "1");
  assert.equal(at("/d"), '"d": null');
  assert.equal(at(""), text);
});

test("faults of a text, at their places", () => {
  for (const [text, at] of [["{", 1], ['{"a" 1}', 5], ["[1,]", 3], ['{"a":1,"a":2}', 7], ["1 2", 2], ["", 0], ["tru", 0], ['"\n"', 0]] as const) {
    assert.equal(findPlaces(text).fault?.at, at, text);
  }
  assert.equal(findPlaces("[".repeat(10_000)).fault?.message, "This nests too deeply.");
});

test("a layout keeps every digit, and what is no JSON", () => {
  assert.equal(pretty('{"a":1.00000000000000000001,"b":[],"c":{"d":{}}}'), '{\n  "a": 1.00000000000000000001,\n  "b": [],\n  "c": { "d": {} }\n}');
  assert.equal(pretty("{a"), "{a");
  const long = `[${Array.from({ length: 40 }, (_, i) => i).join(", ")}]`;
  assert.deepEqual(JSON.parse(pretty(long)), JSON.parse(long));
  assert.match(pretty(long), /\n/);
});

test("the keyword that a fault is about", () => {
  const schema = {
    required: ["host", "path"],
    properties: {
      host: { type: "string", minLength: 2, format: "hostname" },
      items: { type: "array", minItems: 1, items: { $ref: "#/definitions/item" } },
      kind: { anyOf: [{ const: 1 }, { type: "string", enum: ["a"] }] },
      n: { allOf: [{ minimum: 3 }] },
    },
    patternProperties: { "^x-": { type: "boolean" } },
    additionalProperties: false,
    definitions: { item: { required: ["sku"], properties: { price: { minimum: 0 } } } },
  };
  for (const [path, message, want] of [
    ["/data/path", "the member is missing", "/required/1"],
    ["/data/other", "the member is not allowed", "/additionalProperties"],
    ["/data/host", "must be of type string, not integer", "/properties/host/type"],
    ["/data/host", "is shorter than 2 characters", "/properties/host/minLength"],
    ["/data/host", "is not in the format hostname", "/properties/host/format"],
    ["/data/items", "has fewer elements than 1", "/properties/items/minItems"],
    ["/data/items/0/sku", "the member is missing", "/definitions/item/required/0"],
    ["/data/items/3/price", "is less than 0", "/definitions/item/properties/price/minimum"],
    ["/data/kind", "matches none of the alternatives (anyOf)", "/properties/kind/anyOf"],
    ["/data/kind", 'is none of "a"', "/properties/kind/anyOf/1/enum"],
    ["/data/n", "is less than 3", "/properties/n/allOf/0/minimum"],
    ["/data/x-a", "must be of type boolean, not string", "/patternProperties/^x-/type"],
    ["/data/host", "a sentence of another version", "/properties/host"],
  ] as const) {
    assert.equal(failingKeyword(schema, { code: "schema_violation", path, message }), want, `${path}: ${message}`);
  }
  assert.equal(failingKeyword(schema, { code: "unknown_type", path: "", message: "" }), undefined);
  assert.equal(failingKeyword({ $ref: "#" }, { code: "schema_violation", path: "/data/a", message: "x" }), "");
});

test("differences by lines", () => {
  const shown = (before: string, after: string): string => diffLines(before, after).map((l) => ({ same: " ", added: "+", removed: "-" })[l.kind] + l.text).join("|");
  assert.equal(shown("a\nb\nc", "a\nx\nc\nd"), " a|-b|+x| c|+d");
  assert.equal(shown("", "a\nb"), "+a|+b");
  assert.equal(shown("a", ""), "-a");
  assert.equal(shown("a\n\nb", "a\n\nb"), " a| | b");
});

test("two changes of one text are merged where they do not touch the same lines", () => {
  const base = "a\nb\nc\nd\ne";
  assert.equal(mergeLines(base, "a\nB\nc\nd\ne", "a\nb\nc\nd\nE\nf"), "a\nB\nc\nd\nE\nf");
  assert.equal(mergeLines(base, "a\nc\nd\ne", "0\na\nb\nc\nd\ne"), "0\na\nc\nd\ne");
  assert.equal(mergeLines(base, "a\nX\nc\nd\ne", "a\nY\nc\nd\ne"), undefined);
  assert.equal(mergeLines(base, "a\nX\nc\nd\ne", "a\nX\nc\nd\ne"), "a\nX\nc\nd\ne");
  assert.equal(mergeLines(base, base, "z"), "z");
});
