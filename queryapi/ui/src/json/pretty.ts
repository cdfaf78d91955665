// Lays JSON out for people, with every digit of its numbers.

import { type Json, parseJson, type Spelling, writeJson } from "../filter/json.ts";

const width = 80;
const spelling: Spelling = { number: (text) => text, members: (all) => all, space: " " };

/** Returns a text in lines; one that is no JSON stays as it is. */
export function pretty(text: string): string {
  const value = parseJson(text);
  return value ? layOut(value, "") : text;
}

function layOut(value: Json, indent: string): string {
  const short = writeJson(value, spelling);
  const fits = short.length + indent.length <= width;
  if (fits && (value.kind !== "object" || (indent !== "" && isPlain(value)))) return short;
  const inner = indent + "  ";
  switch (value.kind) {
    case "array":
      return value.values.length === 0 ? "[]" : `[\n${value.values.map((v) => inner + layOut(v, inner)).join(",\n")}\n${indent}]`;
    case "object":
      return value.members.length === 0 ? "{}" : `{\n${value.members.map(([name, v]) => `${inner}${JSON.stringify(name)}: ${layOut(v, inner)}`).join(",\n")}\n${indent}}`;
    default:
      return short;
  }
}

/** Reports whether an object has no others within it, but empty ones. */
function isPlain(value: Json & { kind: "object" }): boolean {
  return value.members.every(([, v]) => v.kind !== "object" || v.members.length === 0);
}
