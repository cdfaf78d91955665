// The timeline of a session: runs of events of one type, and the room of a gap.

import type { EyeEvent } from "../api/types.ts";

export interface Run {
  events: EyeEvent[];
  /** Says that only the first event shows until a person unfolds the run. */
  folded: boolean;
  /** The time from the first to the last event. */
  seconds: number;
}

/** So many events of one type in a row are folded, unless a long gap parts them. */
const leastFolded = 4;
const longGap = 300;

/** Parts the events of a session into runs of one type. */
export function runsOf(events: EyeEvent[]): Run[] {
  const runs: Run[] = [];
  for (const e of events) {
    const last = runs.at(-1);
    const before = last?.events.at(-1);
    if (last && before && before.category === e.category && before.name === e.name && (e.gap_seconds ?? 0) < longGap) {
      last.events.push(e);
      last.seconds += e.gap_seconds ?? 0;
    } else {
      runs.push({ events: [e], folded: false, seconds: 0 });
    }
  }
  for (const run of runs) run.folded = run.events.length >= leastFolded;
  return runs;
}

/** The room of a gap in pixels: it doubles its share with each factor, so that days fit beside seconds. */
export function gapHeight(seconds: number): number {
  return Math.round(Math.min(120, 16 + 7 * Math.log2(Math.max(1, seconds))));
}
