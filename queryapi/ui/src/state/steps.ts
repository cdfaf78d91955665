// The steps of a funnel in the address: step=<filter>, or step=<JSON array of filters>.

import { isFault, parseFilter } from "../filter/parse.ts";
import { filterFor } from "../filter/write.ts";
import { presentTime } from "../time/grammar.ts";

export const leastSteps = 2;
export const mostSteps = 10;

/** The conditions of a step. */
export function readStep(text: string): string[] {
  if (!text.startsWith("[")) return [text];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((f): f is string => typeof f === "string") : [];
  } catch {
    return [];
  }
}

export const writeStep = (filters: string[]): string => (filters.length === 1 ? filters[0]! : JSON.stringify(filters));

/** The step of an event of a list: its type, and what else the list is filtered by but for single events and sessions. */
export function stepOf(type: string, filters: string[]): string {
  const others = filters.filter((f) => {
    const condition = parseFilter(f, presentTime());
    return !isFault(condition) && (condition.field.name === "data" || condition.field.name === "application");
  });
  return writeStep([filterFor("type", type), ...others]);
}

/** Names a step: a type by itself, other conditions as they are written. */
export function stepLabel(filters: string[]): string {
  return filters.map((f) => {
    const condition = parseFilter(f, presentTime());
    const isType = !isFault(condition) && condition.field.name === "type" && condition.operator === "=" && condition.operand.kind === "string";
    return isType ? (condition.operand as { value: string }).value : f;
  }).join(" where ");
}
