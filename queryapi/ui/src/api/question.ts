// The questions of the screens, as calls and as members of one batch.

import type { Address } from "../state/address.ts";
import { formatInstant, parseDuration, parseTime, presentTime } from "../time/grammar.ts";
import { type Call, get, post } from "./call.ts";

/** The parameters that every statistic about stored events takes from the address. */
export function scope(a: Address): Record<string, string | string[] | undefined> {
  return { application: a.app, from: a.from, to: a.to, tz: a.tz, filter: a.filters };
}

/** The parameters of calls that list events, which have no zone: days of the zone become instants. */
export function listScope(a: Address): Record<string, string | string[] | undefined> {
  return { application: a.app, from: withoutZone(a.from, a.tz), to: withoutZone(a.to, a.tz), filter: a.filters };
}

function withoutZone(time: string, zone: string): string {
  if (zone === "UTC" || time === "now" || parseDuration(time) !== undefined) return time;
  const instant = parseTime(time, { now: presentTime(), zone });
  return instant === undefined ? time : formatInstant(instant);
}

/** A statistic: its kind in a batch, its path alone, and its parameters. */
export interface Question {
  kind: "timeseries" | "top" | "fields" | "types" | "retention" | "paths" | "sessions";
  params: Record<string, string | number | string[] | undefined>;
}

const paths: Record<Question["kind"], string> = {
  timeseries: "/v1/stats/timeseries",
  top: "/v1/stats/top",
  fields: "/v1/fields",
  types: "/v1/types",
  retention: "/v1/stats/retention",
  paths: "/v1/stats/paths",
  sessions: "/v1/sessions",
};

/** The call that answers one question alone. */
export function alone(q: Question): Call {
  return get(paths[q.kind], q.params);
}

/** The call that answers several questions of one moment. */
export function batch(questions: Record<string, Question>): Call {
  return post("/v1/stats/query", {
    queries: Object.entries(questions).map(([id, { kind, params }]) => {
      const { filter, ...others } = params;
      const members = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined && value !== ""));
      return { id, kind, ...members, ...(Array.isArray(filter) && filter.length > 0 ? { filters: filter } : {}) };
    }),
  });
}
