// What lists of types and of the values of a field show.

import type { Top } from "../api/types.ts";
import { figure, percent } from "../format/number.ts";
import type { Bar } from "./bars.tsx";
import type { Table } from "./table.tsx";
import { valueText } from "./value.tsx";

/** Names a type. Rejected events may have none. */
export function typeName(t: { category?: string; name?: string }): string {
  return t.category === undefined && t.name === undefined ? "without a valid type" : `${t.category} / ${t.name}`;
}

export function topTable(top: Top): Table {
  return {
    columns: [{ name: top.field }, { name: "Count", numeric: true }, { name: "Share", numeric: true }],
    rows: [...top.values.map((v) => [valueText(v.value), v.count, percent(v.share)]), ...(top.other ? [[`${figure(top.other.distinct)} others`, top.other.count, ""]] : [])],
  };
}

export function topBars(top: Top): Bar[] {
  const counted = top.total - top.missing;
  const bars: Bar[] = top.values.map(({ value, count, share }) => ({ value, count, share }));
  if (top.other) bars.push({ value: null, label: `${figure(top.other.distinct)} others`, count: top.other.count, share: counted > 0 ? top.other.count / counted : 0 });
  return bars;
}
