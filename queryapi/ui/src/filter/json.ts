// A strict reader of JSON that keeps numbers exactly and writes values in one spelling.
// JSON.parse would round numbers and accept a name twice in an object.

export type Json =
  | { kind: "null" }
  | { kind: "boolean"; value: boolean }
  | { kind: "number"; text: string }
  | { kind: "string"; value: string }
  | { kind: "array"; values: Json[] }
  | { kind: "object"; members: [string, Json][] };

/** Reads the text of one JSON value; undefined for any other text. */
export function parseJson(text: string): Json | undefined {
  const reader = new Reader(text);
  try {
    const value = reader.value(0);
    return reader.atEnd() ? value : undefined;
  } catch (e) {
    if (e === malformed) return undefined;
    throw e;
  }
}

const malformed = new Error("malformed JSON");
const maxDepth = 1000;
const numberText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const stringText = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const space = /[ \t\r\n]*/y;

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  atEnd(): boolean {
    this.match(space);
    return this.at === this.text.length;
  }

  value(depth: number): Json {
    if (depth > maxDepth) throw malformed;
    this.match(space);
    switch (this.text[this.at]) {
      case "[":
        return this.array(depth);
      case "{":
        return this.object(depth);
      case '"':
        return { kind: "string", value: this.string() };
    }
    for (const [word, value] of words) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return { kind: "number", text: this.expect(numberText) };
  }

  private array(depth: number): Json {
    const values: Json[] = [];
    this.list("[", "]", () => values.push(this.value(depth + 1)));
    return { kind: "array", values };
  }

  private object(depth: number): Json {
    const members: [string, Json][] = [];
    const seen = new Set<string>();
    this.list("{", "}", () => {
      this.match(space);
      const name = this.string();
      if (seen.has(name)) throw malformed;
      seen.add(name);
      this.match(space);
      this.take(":");
      members.push([name, this.value(depth + 1)]);
    });
    return { kind: "object", members };
  }

  private list(open: string, close: string, item: () => void): void {
    this.take(open);
    this.match(space);
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.match(space);
      if (this.text[this.at] === close) {
        this.at++;
        return;
      }
      this.take(",");
    }
  }

  private string(): string {
    const value = JSON.parse(this.expect(stringText)) as string;
    if (!value.isWellFormed()) throw malformed;
    return value;
  }

  private take(character: string): void {
    if (this.text[this.at] !== character) throw malformed;
    this.at++;
  }

  private expect(pattern: RegExp): string {
    const found = this.match(pattern);
    if (!found) throw malformed;
    return found;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}

const words: [string, Json][] = [
  ["null", { kind: "null" }],
  ["true", { kind: "boolean", value: true }],
  ["false", { kind: "boolean", value: false }],
];

/** How the parts of a value are written. */
export interface Spelling {
  number: (text: string) => string;
  members: (members: [string, Json][]) => [string, Json][];
  /** Stands behind commas and colons, and within the braces of an object. */
  space: "" | " ";
}

/** Equal values have one spelling. */
const canonical: Spelling = { number: canonicalNumber, members: (all) => [...all].sort(([a], [b]) => compareText(a, b)), space: "" };

export const canonicalJson = (value: Json): string => writeJson(value, canonical);

/** Writes a value in one line. */
export function writeJson(value: Json, spelling: Spelling): string {
  const { number, members, space } = spelling;
  const inner = (v: Json): string => writeJson(v, spelling);
  switch (value.kind) {
    case "null":
      return "null";
    case "number":
      return number(value.text);
    case "array":
      return `[${value.values.map(inner).join("," + space)}]`;
    case "object":
      return value.members.length === 0 ? "{}" : `{${space}${members(value.members).map(([name, v]) => `${JSON.stringify(name)}:${space}${inner(v)}`).join("," + space)}${space}}`;
    default:
      return JSON.stringify(value.value);
  }
}

/** Compares texts by code points, which is the order of their UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Writes a JSON number in one spelling: 1200, 0.012, 1.2e21. */
export function canonicalNumber(text: string): string {
  const [, sign, whole, fraction = "", written = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const untrimmed = (whole! + fraction).replace(/^0+/, "");
  const digits = untrimmed.replace(/0+$/, "");
  if (digits === "") return "0";
  const exponent = BigInt(written.replace("+", "")) - BigInt(fraction.length) + BigInt(untrimmed.length - digits.length);
  const point = exponent + BigInt(digits.length);
  return sign + placePoint(digits, exponent, point);
}

function placePoint(digits: string, exponent: bigint, point: bigint): string {
  if (point > 21n || point <= -6n) {
    return digits[0] + (digits.length > 1 ? "." + digits.slice(1) : "") + "e" + String(point - 1n);
  }
  if (exponent >= 0n) return digits + "0".repeat(Number(exponent));
  if (point > 0n) return digits.slice(0, Number(point)) + "." + digits.slice(Number(point));
  return "0." + "0".repeat(Number(-point)) + digits;
}
