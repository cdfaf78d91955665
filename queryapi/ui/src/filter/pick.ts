// Reads the values of a field out of an event, as filters do.

import type { EyeEvent } from "../api/types.ts";
import type { Field, Segment } from "./field.ts";
import { isFault, parseFilter } from "./parse.ts";

/** Parses the spelling of a field; undefined for any other text. */
export function readField(spelling: string): Field | undefined {
  const condition = parseFilter(`${spelling} exists`, 0n);
  return isFault(condition) || condition.operator !== "exists" ? undefined : condition.field;
}

/** Returns the values of a field: none where it is missing, several only for a path with []. */
export function pickValues(event: EyeEvent, field: Field): unknown[] {
  if (field.name === "data") return below(event.data, field.path);
  const value = field.name === "type" ? typeOf(event) : (event as unknown as Record<string, unknown>)[field.name];
  return value === undefined ? [] : [value];
}

export function typeOf(event: { category?: string; name?: string }): string | undefined {
  return event.category === undefined || event.name === undefined ? undefined : `${event.category} / ${event.name}`;
}

function below(value: unknown, path: Segment[]): unknown[] {
  const [segment, ...rest] = path;
  if (value === undefined) return [];
  if (!segment) return [value];
  if (segment.each) return (Array.isArray(value) ? value : [value]).flatMap((v: unknown) => below(v, rest));
  if (Array.isArray(value)) return segment.element ? below(value[Number(segment.name)], rest) : [];
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment.name)) return [];
  return below((value as Record<string, unknown>)[segment.name], rest);
}
