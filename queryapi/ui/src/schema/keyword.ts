// Finds the keyword of a schema that a fault of an event is about. The answers of the API
// name the place in the event and say what is wrong; where that is said stands in the schema.

import type { Fault } from "../api/types.ts";
import { below, stepsOf } from "../json/places.ts";

type Schema = Record<string, unknown>;

/** What the beginnings of messages are about, in the order in which they are looked for. */
const keywords: [RegExp, string[]][] = [
  [/^must be of type/, ["type"]],
  [/^matches none of the alternatives \(anyOf\)/, ["anyOf"]],
  [/\(oneOf\)/, ["oneOf"]],
  [/^matches what is excluded/, ["not"]],
  [/^is none of/, ["enum"]],
  [/^has more elements than are allowed/, ["additionalItems", "items", "unevaluatedItems"]],
  [/^has fewer elements/, ["minItems"]],
  [/^has more elements/, ["maxItems"]],
  [/^has equal elements/, ["uniqueItems"]],
  [/^has no element that matches/, ["contains"]],
  [/^has fewer members/, ["minProperties"]],
  [/^has more members/, ["maxProperties"]],
  [/^is shorter/, ["minLength"]],
  [/^is longer/, ["maxLength"]],
  [/^does not match the pattern/, ["pattern"]],
  [/^is not in the format/, ["format"]],
  [/^is not a multiple/, ["multipleOf"]],
  [/^is less than/, ["minimum"]],
  [/^is not greater than/, ["exclusiveMinimum", "minimum"]],
  [/^is greater than/, ["maximum"]],
  [/^is not less than/, ["exclusiveMaximum", "maximum"]],
  [/^is not /, ["const"]],
];

/** Returns the pointer of the keyword in the schema; that of the nearest subschema where it is not found, undefined for faults that are about no schema. */
export function failingKeyword(schema: unknown, fault: Fault): string | undefined {
  const path = stepsOf(fault.path ?? "");
  if (fault.code !== "schema_violation" || path[0] !== "data") return undefined;
  const steps = path.slice(1);
  const last = steps.at(-1) ?? "";
  const holders = applying(schema, steps.slice(0, -1));
  if (steps.length > 0 && /^the member is missing/.test(fault.message)) {
    return requiring(holders, last) ?? holders.at(-1)?.pointer;
  }
  if (steps.length > 0 && /^the member is not allowed/.test(fault.message)) {
    return having(holders, ["additionalProperties", "unevaluatedProperties"]) ?? holders.at(-1)?.pointer;
  }
  if (/^the name of the member/.test(fault.message)) return having(holders, ["propertyNames"]) ?? holders.at(-1)?.pointer;
  const found = applying(schema, steps);
  const names = keywords.find(([pattern]) => pattern.test(fault.message))?.[1] ?? [];
  return having(found, names) ?? found.at(-1)?.pointer ?? holders.at(-1)?.pointer;
}

function requiring(holders: Found[], name: string): string | undefined {
  for (const { schema, pointer } of holders) {
    const required = schema["required"];
    const index = Array.isArray(required) ? required.indexOf(name) : -1;
    if (index >= 0) return below(below(pointer, "required"), index);
    for (const keyword of ["dependentRequired", "dependencies"]) {
      for (const [other, names] of Object.entries(isSchema(schema[keyword]) ? schema[keyword] : {})) {
        if (Array.isArray(names) && names.includes(name)) return below(below(pointer, keyword), other);
      }
    }
  }
  return undefined;
}

function having(found: Found[], names: string[]): string | undefined {
  for (const name of names) {
    const holder = found.find((f) => Object.hasOwn(f.schema, name));
    if (holder) return below(holder.pointer, name);
  }
  return undefined;
}

interface Found {
  schema: Schema;
  pointer: string;
}

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);
const most = 500;

/** The subschemas that apply to the value at some steps below the root. */
function applying(root: unknown, steps: string[]): Found[] {
  let here = spread(root, [{ value: root, pointer: "" }]);
  for (const step of steps) {
    const next: { value: unknown; pointer: string }[] = [];
    for (const { schema, pointer } of here) next.push(...children(schema, pointer, step));
    here = spread(root, next);
  }
  return here;
}

function children(schema: Schema, pointer: string, step: string): { value: unknown; pointer: string }[] {
  const found: { value: unknown; pointer: string }[] = [];
  const add = (value: unknown, ...to: (string | number)[]): void => void found.push({ value, pointer: to.reduce<string>(below, pointer) });
  const properties = schema["properties"];
  const isNamed = isSchema(properties) && Object.hasOwn(properties, step);
  if (isNamed) add((properties as Schema)[step], "properties", step);
  let matched = false;
  for (const [pattern, value] of Object.entries(isSchema(schema["patternProperties"]) ? schema["patternProperties"] : {})) {
    if (!safeTest(pattern, step)) continue;
    matched = true;
    add(value, "patternProperties", pattern);
  }
  if (!isNamed && !matched) add(schema["additionalProperties"], "additionalProperties");
  if (!/^\d+$/.test(step)) return found;
  const index = Number(step);
  for (const keyword of ["prefixItems", "items"]) {
    const items = schema[keyword];
    if (Array.isArray(items)) add(items[index] ?? schema["additionalItems"], ...(index < items.length ? [keyword, index] : ["additionalItems"]));
    else if (items !== undefined) add(items, keyword);
  }
  return found;
}

/** Adds what the subschemas apply at the same place: references, alternatives, conditions. */
function spread(root: unknown, starts: { value: unknown; pointer: string }[]): Found[] {
  const found = new Map<string, Found>();
  const queue = [...starts];
  while (queue.length > 0 && found.size < most) {
    const { value, pointer } = queue.shift()!;
    if (!isSchema(value) || found.has(pointer)) continue;
    found.set(pointer, { schema: value, pointer });
    const reference = value["$ref"];
    if (typeof reference === "string" && reference.startsWith("#")) {
      const to = decodeURI(reference.slice(1));
      queue.push({ value: valueAt(root, to), pointer: to });
    }
    for (const keyword of ["allOf", "anyOf", "oneOf"]) {
      const list = value[keyword];
      if (Array.isArray(list)) list.forEach((v, i) => queue.push({ value: v, pointer: below(below(pointer, keyword), i) }));
    }
    for (const keyword of ["if", "then", "else"]) queue.push({ value: value[keyword], pointer: below(pointer, keyword) });
    for (const [name, v] of Object.entries(isSchema(value["dependentSchemas"]) ? value["dependentSchemas"] : {})) {
      queue.push({ value: v, pointer: below(below(pointer, "dependentSchemas"), name) });
    }
  }
  return [...found.values()];
}

/** Returns the value at a pointer, undefined if there is none. */
export function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const step of stepsOf(pointer)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function safeTest(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return false;
  }
}
