// Fields of events as filters spell them: `category`, `data.a."x y"[].0`.

/** One step of a path below `data`. */
export type Segment = { each: true } | { each: false; name: string; element: boolean };

export interface Field {
  name: string;
  path: Segment[];
}

export const fieldNames = [
  "application", "event_id", "session_id", "category", "name", "type", "timestamp", "received_at", "schema_version", "data",
];

export const isTimeField = (name: string): boolean => name === "timestamp" || name === "received_at";
export const isTextField = (name: string): boolean => fieldNames.indexOf(name) <= fieldNames.indexOf("type");

const bare = /^(?:[A-Za-z0-9_-]|(?![\u0000-\u007f])\p{L})+$/u;
export const isDigits = (name: string): boolean => /^[0-9]+$/.test(name);

/** Returns the spelling of one step, with the dot before it. */
export function spellSegment(segment: Segment): string {
  if (segment.each) return "[]";
  const { name, element } = segment;
  if (bare.test(name) && isDigits(name) === element) return "." + name;
  return "." + JSON.stringify(name);
}

/** Returns the canonical spelling of a field. */
export function spellField(field: Field): string {
  return field.name + field.path.map(spellSegment).join("");
}

/** Returns the field of a value within the data of an event, by its keys from the top. */
export function dataField(keys: (string | number)[]): string {
  return spellField({
    name: "data",
    path: keys.map((key) => ({ each: false, name: String(key), element: typeof key === "number" })),
  });
}
