import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dataField } from "../src/filter/field.ts";
import { filterFor, isFault, parseFilter, spellCondition } from "../src/filter/parse.ts";
import { parseTime } from "../src/time/grammar.ts";

interface Vectors {
  now: string;
  vectors: { filter: string; canonical?: string; position?: number }[];
}

const { now, vectors } = JSON.parse(readFileSync("../../shared/query/filter/testdata/vectors.json", "utf8")) as Vectors;
const present = parseTime(now, { now: 0n, zone: "UTC" })!;

test("filters are read as the server reads them", () => {
  assert.ok(vectors.length > 150);
  for (const { filter, canonical, position } of vectors) {
    const result = parseFilter(filter, present);
    if (isFault(result)) {
      assert.equal(result.position, position, `fault of ${filter}: ${result.expected}`);
    } else {
      assert.equal(spellCondition(result), canonical, filter);
    }
  }
});

test("a filter for any value is read back as that value", () => {
  for (const value of ["a", "", " a", "5", "true", "null", '"', "ü\n\u0000", 5, -0.5, true, null, [1, "a"], { a: [null] }]) {
    for (const operator of ["=", "!="] as const) {
      const result = parseFilter(filterFor("data.x", value, operator), present);
      assert.ok(!isFault(result));
      assert.equal(result.operator, operator);
      assert.equal(spellCondition(result), `data.x${operator}${JSON.stringify(value)}`);
    }
  }
});

test("a field of any keys is read back", () => {
  assert.equal(dataField(["a", 0, "0", "x y", "größe", ""]), 'data.a.0."0"."x y".größe.""');
  for (const key of ["a.b", "[]", '"', "\u2028", "__proto__", "0"]) {
    const result = parseFilter(dataField([key]) + "=1", present);
    assert.ok(!isFault(result), key);
    assert.deepEqual(result.field.path, [{ each: false, name: key, element: false }]);
  }
});

test("a filter that is too long is a fault", () => {
  assert.ok(isFault(parseFilter("data.x=" + "a".repeat(4090), present)));
  assert.ok(!isFault(parseFilter("data.x=" + "a".repeat(4089), present)));
});
