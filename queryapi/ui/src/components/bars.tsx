// A list of values with their counts as bars.

import type { JSX } from "preact";
import { figure, percent } from "../format/number.ts";
import { filterBy, valueLabel } from "./value.tsx";

export interface Bar {
  value: unknown;
  /** Says that the value is a group without one of its own: its text is no value. */
  label?: string;
  count: number;
  share: number;
}

export function Bars({ field, bars, unit }: { field: string; bars: Bar[]; unit: string }): JSX.Element {
  const most = Math.max(1, ...bars.filter((b) => b.label === undefined).map((b) => b.count));
  return (
    <ol class="bars">
      {bars.map((b) => {
        const label = b.label ?? valueLabel(b.value);
        const content = (
          <>
            <span class="bar-fill" style={{ width: `${Math.min(100, (b.count / most) * 100)}%` }} />
            <span class="bar-label">
              <bdi>{label}</bdi>
            </span>
            <span class="bar-share">{percent(b.share)}</span>
            <span class="bar-count">{figure(b.count)}</span>
          </>
        );
        return (
          <li key={b.label ?? JSON.stringify(b.value)}>
            {b.label === undefined ? (
              <button type="button" class="bar" title={`${label}\n${figure(b.count)} ${unit}\nClick: only this. Alt-click: all but this.`} onClick={(e) => filterBy(field, b.value, e)}>
                {content}
              </button>
            ) : (
              <div class="bar bar-rest">{content}</div>
            )}
          </li>
        );
      })}
    </ol>
  );
}
