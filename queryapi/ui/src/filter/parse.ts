// The grammar of filters: `field op value`. The server decides; this reading serves the
// filter builder, which shows a fault while a person types. Both are held to
// shared/query/filter/testdata/vectors.json.

import { formatInstant, isRelative, parseTime } from "../time/grammar.ts";
import { type Field, fieldNames, isDigits, isTextField, isTimeField, type Segment, spellField } from "./field.ts";
import { canonicalJson, type Json, parseJson } from "./json.ts";

export { filterFor, maxConditions } from "./write.ts";

/** The operators that stand before a value, none behind another that it begins with. */
export const symbolOperators = ["=", "!=", ">=", ">", "<=", "<", "^=", "*="] as const;
export const wordOperators = ["in", "exists"] as const;
export type Operator = (typeof symbolOperators)[number] | (typeof wordOperators)[number];

export interface Condition {
  field: Field;
  operator: Operator;
  operand: Json;
  /** Says that the value is a time which depends on the present one. */
  relative: boolean;
}

/** A fault of a filter: what should stand behind so many bytes. */
export interface FilterFault {
  position: number;
  expected: string;
}

export const maxFilterBytes = 4096;

/** Parses one condition. Times are relative to now, in microseconds, in UTC. */
export function parseFilter(text: string, now: bigint): Condition | FilterFault {
  const parser = new Parser(text, now);
  try {
    return parser.condition();
  } catch (e) {
    if (e instanceof Fault) return { position: byteLength(text.slice(0, e.at)), expected: e.expected };
    throw e;
  }
}

export function isFault(result: Condition | FilterFault): result is FilterFault {
  return "position" in result;
}

/** Returns the canonical text of a condition, times in full. */
export function spellCondition(c: Condition): string {
  const head = spellField(c.field) + (c.operator === "in" || c.operator === "exists" ? ` ${c.operator} ` : c.operator);
  return head + canonicalJson(c.operand);
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

class Fault {
  constructor(readonly at: number, readonly expected: string) {}
}

const bareWord = /(?:[A-Za-z0-9_-]|(?![\u0000-\u007f\ufffd])\p{L})*/uy;

class Parser {
  private at = 0;
  constructor(private readonly text: string, private readonly now: bigint) {}

  condition(): Condition {
    if (byteLength(this.text) > maxFilterBytes) throw new Fault(this.text.length, `the end: a filter has at most ${maxFilterBytes} bytes`);
    this.skipSpaces();
    const field = this.field();
    this.skipSpaces();
    const at = this.at;
    const operator = this.operator(field);
    if (isTimeField(field.name) && (operator === "^=" || operator === "*=")) {
      throw new Fault(at, `one of the operators = != > >= < <= in exists: ${field.name} is a time, not a text`);
    }
    this.skipSpaces();
    return { field, operator, ...this.operand(field, operator) };
  }

  private rest(): string {
    return this.text.slice(this.at);
  }

  private skipSpaces(): void {
    while (this.text[this.at] === " ") this.at++;
  }

  private bare(): string {
    bareWord.lastIndex = this.at;
    const word = bareWord.exec(this.text)?.[0] ?? "";
    this.at += word.length;
    return word;
  }

  private field(): Field {
    const start = this.at;
    const name = this.bare();
    if (!fieldNames.includes(name)) {
      const members = this.rest().startsWith(".") ? "; members of the data begin with data." : "";
      throw new Fault(start, `one of the fields ${fieldNames.join(", ")}${members}`);
    }
    return { name, path: name === "data" ? this.path() : [] };
  }

  private path(): Segment[] {
    const path: Segment[] = [];
    for (;;) {
      if (this.rest().startsWith("[]")) {
        this.at += 2;
        path.push({ each: true });
      } else if (this.rest().startsWith("[")) {
        throw new Fault(this.at + 1, "]: a single element is named by its number, as in data.items.0");
      } else if (this.rest().startsWith(".")) {
        this.at++;
        path.push(this.segment());
      } else {
        return path;
      }
    }
  }

  private segment(): Segment {
    const at = this.at;
    if (this.text[at] !== '"') {
      const name = this.bare();
      if (name === "") throw new Fault(at, 'the name of a member: letters, digits, _ and -, or quoted as in data."a name"');
      return { each: false, name, element: isDigits(name) };
    }
    const quoted = /^"(?:[^"\\]|\\[^])*"/.exec(this.rest())?.[0];
    const name = quoted === undefined ? undefined : parseJson(quoted);
    if (quoted === undefined || name?.kind !== "string") throw new Fault(at, "the name of a member, quoted as a JSON string");
    this.at += quoted.length;
    return { each: false, name: name.value, element: false };
  }

  private operator(field: Field): Operator {
    for (const operator of symbolOperators) {
      if (this.rest().startsWith(operator)) {
        this.at += operator.length;
        return operator;
      }
    }
    const at = this.at;
    const word = this.bare();
    for (const operator of wordOperators) {
      if (word === operator) return operator;
    }
    const more = field.name === "data" ? ', or more of the path (a name with other characters is quoted: data."a name")' : "";
    throw new Fault(at, "an operator: = != > >= < <= ^= *= in exists" + more);
  }

  private operand(field: Field, operator: Operator): { operand: Json; relative: boolean } {
    if (operator === "exists") return { operand: { kind: "boolean", value: this.existence() }, relative: false };
    if (operator === "in") return this.list(field);
    return this.value(field, operator);
  }

  private existence(): boolean {
    const word = this.rest().replace(/ +$/, "");
    if (word === "" || word === "true") return true;
    if (word === "false") return false;
    throw new Fault(this.at, "true, false, or the end");
  }

  private list(field: Field): { operand: Json; relative: boolean } {
    const list = parseJson(this.rest());
    if (list?.kind !== "array") throw new Fault(this.at, 'a JSON array, such as ["a","b"] or [1,2]');
    let relative = false;
    const values = list.values.map((value, i): Json => {
      const written = value.kind === "string" ? value.value : canonicalJson(value);
      if (isTimeField(field.name)) {
        const instant = this.instant(written);
        if (instant === undefined) throw new Fault(this.at, `an array of times: element ${i} is none`);
        relative ||= isRelative(written);
        return text(formatInstant(instant));
      }
      if (isTextField(field.name) && value.kind !== "array" && value.kind !== "object") return text(lowerFor(field, written));
      return value;
    });
    return { operand: { kind: "array", values }, relative };
  }

  private value(field: Field, operator: Operator): { operand: Json; relative: boolean } {
    let written = this.rest();
    const value = parseJson(written);
    const plain = value === undefined || value.kind === "string";
    if (value?.kind === "string") written = value.value;
    if (isTimeField(field.name)) {
      const instant = this.instant(written);
      if (instant === undefined) throw new Fault(this.at, "a time: RFC 3339, a date, how long ago (90m, 7d), today, yesterday or now");
      return { operand: text(formatInstant(instant)), relative: isRelative(written) };
    }
    if (plain || isTextField(field.name) || operator === "^=" || operator === "*=") {
      return { operand: text(lowerFor(field, written)), relative: false };
    }
    return { operand: value, relative: false };
  }

  private instant(written: string): bigint | undefined {
    return parseTime(written, { now: this.now, zone: "UTC" });
  }
}

const text = (value: string): Json => ({ kind: "string", value });

/** Session ids are lower case. */
function lowerFor(field: Field, written: string): string {
  return field.name === "session_id" ? written.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : written;
}

