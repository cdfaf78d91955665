// What every panel of a series over time shows beside its chart.

import type { JSX } from "preact";
import type { Timeseries } from "../api/types.ts";
import { changeOf, changeText, figure } from "../format/number.ts";
import { intervalLabel } from "../format/time.ts";
import { change } from "../state/location.ts";
import { instantText } from "../time/range.ts";
import type { Table } from "./table.tsx";

/** Goes to the range that was brushed. */
export function zoom(from: number, to: number): void {
  change({ from: instantText(from), to: instantText(to) });
}

export function seriesTable(s: Timeseries, zone: string, name: string): Table {
  const previous = s.previous;
  return {
    columns: [{ name: "Interval" }, { name, numeric: true }, ...(previous ? [{ name: "Period before", numeric: true }] : [])],
    rows: s.intervals.map((t, i) => [
      intervalLabel(Date.parse(t), s.interval, zone), s.total.values[i] ?? null, ...(previous ? [previous.values[i] ?? null] : []),
    ]),
  };
}

/** The figure of a range beside that of the range before. */
export function Total({ now, before }: { now: number | null; before: number | null | undefined }): JSX.Element {
  const change = changeOf(now, before);
  return (
    <>
      <strong class="total">{figure(now)}</strong>
      {change !== undefined && (
        <span class="change" title={`${figure(before)} in the period before`}>
          {changeText(change)}
        </span>
      )}
    </>
  );
}
