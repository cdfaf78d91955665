// A first schema of a type, from events that were received.

/** Returns the text of a schema that all of the given data match, with the members that all of them have required. */
export function inferSchema(title: string, data: unknown[]): string {
  return JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", title, ...shapeOf(data, 0) }, null, 2) + "\n";
}

const deepest = 6;
const mostMembers = 200;

function shapeOf(values: unknown[], depth: number): Record<string, unknown> {
  const types = [...new Set(values.map(typeOf))].sort();
  const known = types.includes("number") ? types.filter((t) => t !== "integer") : types;
  const shape: Record<string, unknown> = known.length === 0 ? {} : { type: known.length === 1 ? known[0] : known };
  if (depth >= deepest) return shape;
  const objects = values.filter((v): v is Record<string, unknown> => typeOf(v) === "object");
  if (objects.length > 0) {
    const names = [...new Set(objects.flatMap((o) => Object.keys(o)))].slice(0, mostMembers);
    const required = names.filter((name) => objects.every((o) => Object.hasOwn(o, name)));
    if (required.length > 0) shape["required"] = required;
    if (names.length > 0) {
      shape["properties"] = Object.fromEntries(names.map((name) => [name, shapeOf(objects.filter((o) => Object.hasOwn(o, name)).map((o) => o[name]), depth + 1)]));
    }
  }
  const elements = values.filter((v): v is unknown[] => Array.isArray(v)).flat();
  if (elements.length > 0) shape["items"] = shapeOf(elements, depth + 1);
  return shape;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
