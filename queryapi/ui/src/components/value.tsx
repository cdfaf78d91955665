// Values of events. They come from anybody, so they are text nodes and nothing else.

import type { JSX } from "preact";
import { withFilter } from "../state/address.ts";
import { address, go } from "../state/location.ts";
import { filterFor } from "../filter/write.ts";
import { notify } from "../state/notice.ts";

/** Writes a value for people: a text as it is, all others as JSON. */
export function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Returns a text whose characters all show: controls, spaces without width and marks that turn
 * the direction of writing around are replaced by symbols, and a long text is cut. The joiners
 * stay, of which scripts and emoji are made.
 */
export function visibleText(text: string, most = 300): string {
  const shown = text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, "") + "…" : text;
  return shown.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}

/** Names a value: the empty text has no other look. */
export function valueLabel(value: unknown): string {
  if (value === "") return "(empty)";
  return visibleText(valueText(value));
}

/** Filters by a value on click, excludes it on Alt-click. */
export function filterBy(field: string, value: unknown, e: MouseEvent | KeyboardEvent): void {
  const exclude = e.altKey;
  go(withFilter(address.value, filterFor(field, value, exclude ? "!=" : "=")));
  notify(`${exclude ? "Excluded" : "Filtered by"} ${field} ${visibleText(valueText(value), 60)}`);
}

/** A value that can be filtered by. */
export function Value({ field, value }: { field: string; value: unknown }): JSX.Element {
  const label = valueLabel(value);
  return (
    <button type="button" class={`value ${value === "" || value === null ? "value-special" : ""}`} title={`${label}\nClick: only this. Alt-click: all but this.`} onClick={(e) => filterBy(field, value, e)}>
      <bdi>{label}</bdi>
    </button>
  );
}
