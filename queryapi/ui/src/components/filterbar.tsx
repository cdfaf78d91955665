// The filters of the screen: one chip a condition, and a field to type one, completed
// from the fields and values of the events.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { maxConditions } from "../filter/write.ts";
import { address, change } from "../state/location.ts";
import type { FilterFieldProps } from "./filterfield.tsx";
import { Icon } from "./icon.tsx";
import { lazily } from "./lazy.tsx";
import { visibleText } from "./value.tsx";

export function FilterBar(): JSX.Element {
  const { filters } = address.value;
  // Which condition is edited: an index, "new", or none.
  const [editing, setEditing] = useState<number | "new">();
  const bar = useRef<HTMLDivElement>(null);
  /** Ends editing; the focus goes on to the condition that it was, or to the button that adds one. */
  const end = (index: number | "new"): void => {
    setEditing(undefined);
    requestAnimationFrame(() => bar.current?.querySelector<HTMLElement>(index === "new" ? "#add-filter" : `.chip:nth-child(${index + 1}) button`)?.focus());
  };

  const put = (text: string, index: number | "new"): void => {
    const next = [...filters];
    if (index === "new") next.push(text);
    else next[index] = text;
    end("new");
    change({ filters: next.filter((f, i) => f !== "" && next.indexOf(f) === i) });
  };
  return (
    <div class="filters" ref={bar} role="search" aria-label="Filters">
      {filters.map((filter, i) =>
        editing === i ? (
          <FilterField key={i} initial={filter} onSubmit={(text) => put(text, i)} onCancel={() => end(i)} />
        ) : (
          <span class="chip" key={filter}>
            <button type="button" class="chip-text mono" title="Edit this filter" onClick={() => setEditing(i)}>
              <bdi>{visibleText(filter, 80)}</bdi>
            </button>
            <button type="button" class="chip-remove" aria-label={`Remove filter ${visibleText(filter, 80)}`} title="Remove" onClick={() => put("", i)}>
              <Icon name="close" />
            </button>
          </span>
        ),
      )}
      {editing === "new" ? (
        <FilterField initial="" onSubmit={(text) => put(text, "new")} onCancel={() => end("new")} />
      ) : (
        <button type="button" class="button quiet" id="add-filter" disabled={filters.length >= maxConditions} onClick={() => setEditing("new")}>
          <Icon name="plus" /> Filter
        </button>
      )}
      {filters.length > 1 && editing === undefined && (
        <button type="button" class="link" onClick={() => (end("new"), change({ filters: [] }))}>
          Clear
        </button>
      )}
    </div>
  );
}

/** A field in which one condition is typed. A fault is shown once the person pauses. */
export const FilterField = lazily<FilterFieldProps>(async () => (await import("./filterfield.tsx")).FilterField);
