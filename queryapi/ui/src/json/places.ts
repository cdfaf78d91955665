// Where the values of a JSON text stand, by their pointers (RFC 6901), and the marks of faults there.

import type { Fault } from "../api/types.ts";

export interface Place {
  /** Where the member begins: its name, or the value of an element. */
  from: number;
  /** The end of the name; from for an element and for the whole text. */
  nameEnd: number;
  valueFrom: number;
  to: number;
}

export interface Places {
  byPointer: Map<string, Place>;
  /** Where the text stops being JSON. */
  fault?: { at: number; message: string };
}

/** Appends one step to a pointer. */
export const below = (pointer: string, step: string | number): string => `${pointer}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** Takes a pointer apart. */
export const stepsOf = (pointer: string): string[] => pointer.split("/").slice(1).map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));

const stringText = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalarText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const space = /[ \t\r\n]*/y;
const maxDepth = 500;

/** Finds the places of all values, up to where the text stops being JSON. */
export function findPlaces(text: string): Places {
  const byPointer = new Map<string, Place>();
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const fail = (message: string): never => {
    throw { at: Math.min(at, text.length), message };
  };
  const take = (character: string, or = ""): void => {
    match(space);
    if (text[at] !== character) fail(at >= text.length ? `The text ends where ${or}${character} is expected.` : `${or}${character} is expected here.`);
    at++;
  };
  const list = (close: string, item: () => void): void => {
    at++;
    match(space);
    if (text[at] === close) {
      at++;
      return;
    }
    for (;;) {
      item();
      match(space);
      if (text[at] === close) {
        at++;
        return;
      }
      take(",", `${close} or `);
    }
  };
  const value = (pointer: string, from: number, nameEnd: number, depth: number): void => {
    if (depth > maxDepth) fail("This nests too deeply.");
    match(space);
    const place: Place = { from: from < 0 ? at : from, nameEnd: nameEnd < 0 ? at : nameEnd, valueFrom: at, to: at };
    byPointer.set(pointer, place);
    if (text[at] === "{") {
      const names = new Set<string>();
      list("}", () => {
        match(space);
        const start = at;
        const name = match(stringText) ?? fail("A name in quotes is expected here.");
        const plain = JSON.parse(name) as string;
        if (names.has(plain)) {
          at = start;
          fail("This member stands twice.");
        }
        names.add(plain);
        const end = at;
        take(":");
        value(below(pointer, plain), start, end, depth + 1);
      });
    } else if (text[at] === "[") {
      let index = 0;
      list("]", () => value(below(pointer, index++), -1, -1, depth + 1));
    } else if (match(stringText) === undefined && match(scalarText) === undefined) {
      fail("A value is expected here.");
    }
    place.to = at;
  };
  try {
    value("", -1, -1, 0);
    match(space);
    if (at < text.length) fail("Something follows the document.");
    return { byPointer };
  } catch (e) {
    if (e instanceof Error) throw e;
    return { byPointer, fault: e as { at: number; message: string } };
  }
}

/** The value at a pointer, as it is written: reading it would round its numbers. */
export function textAt(text: string, { byPointer }: Places, pointer: string): string | undefined {
  const place = byPointer.get(pointer);
  return place && text.slice(place.valueFrom, place.to);
}

/** The part of a text that stands for a pointer: a whole member, or the name of one that is long. */
export function markOf(text: string, place: Place): { from: number; to: number } {
  const isLong = text.slice(place.valueFrom, place.to).includes("\n");
  if (!isLong) return { from: place.from, to: place.to };
  return place.nameEnd > place.from ? { from: place.from, to: place.nameEnd } : { from: place.valueFrom, to: place.valueFrom + 1 };
}

/** A place that is marked with what is wrong there. */
export interface Mark {
  from: number;
  to: number;
  message: string;
}

/** Where the text stops being JSON; else the members that faults are about, or the nearest object around them. */
export function marksOf(text: string, faults: Fault[]): Mark[] {
  const { byPointer, fault } = findPlaces(text);
  if (fault) return [{ from: fault.at, to: fault.at + 1, message: fault.message }];
  return faults.map((f) => {
    let pointer = f.path ?? "";
    while (pointer !== "" && !byPointer.has(pointer)) pointer = pointer.replace(/\/[^/]*$/, "");
    const place = byPointer.get(pointer);
    const from = place?.from ?? 0;
    const to = !place || pointer === "" ? from + 1 : place.nameEnd > from ? place.nameEnd : Math.min(place.to, from + 40);
    return { from, to, message: `${f.path ? `${f.path}: ` : ""}${f.message}` };
  });
}

/** The number of the line of a place. */
export const lineOf = (text: string, at: number): number => text.slice(0, at).split("\n").length;
