// The filters of the screen: one chip a condition, and a field to type one, completed
// from the fields and values of the events.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isFault, maxConditions, parseFilter } from "../filter/parse.ts";
import { fieldsMatching, operatorsFor, splitTyped } from "../filter/suggest.ts";
import { address, change } from "../state/location.ts";
import { useFieldNames, useTopValues } from "../state/fields.ts";
import { presentTime } from "../time/grammar.ts";
import { Completion, type Suggestion } from "./completion.tsx";
import { Icon } from "./icon.tsx";
import { valueLabel, visibleText } from "./value.tsx";

export function FilterBar(): JSX.Element {
  const { filters } = address.value;
  // Which condition is edited: an index, "new", or none.
  const [editing, setEditing] = useState<number | "new">();
  const add = useRef<HTMLButtonElement>(null);

  const put = (text: string, index: number | "new"): void => {
    const next = [...filters];
    if (index === "new") next.push(text);
    else next[index] = text;
    setEditing(undefined);
    change({ filters: next.filter((f, i) => f !== "" && next.indexOf(f) === i) });
    requestAnimationFrame(() => add.current?.focus());
  };
  return (
    <div class="filters" role="search" aria-label="Filters">
      {filters.map((filter, i) =>
        editing === i ? (
          <FilterField key={i} initial={filter} onSubmit={(text) => put(text, i)} onCancel={() => setEditing(undefined)} />
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
        <FilterField initial="" onSubmit={(text) => put(text, "new")} onCancel={() => (setEditing(undefined), requestAnimationFrame(() => add.current?.focus()))} />
      ) : (
        <button ref={add} type="button" class="button quiet" id="add-filter" disabled={filters.length >= maxConditions} onClick={() => setEditing("new")}>
          <Icon name="plus" /> Filter
        </button>
      )}
      {filters.length > 1 && editing === undefined && (
        <button type="button" class="link" onClick={() => change({ filters: [] })}>
          Clear
        </button>
      )}
    </div>
  );
}

interface FilterFieldProps {
  initial: string;
  label?: string;
  onSubmit: (text: string) => void;
  onCancel: () => void;
}

/** A field in which one condition is typed. A fault is shown once the person pauses. */
export function FilterField({ initial, label = "Filter", onSubmit, onCancel }: FilterFieldProps): JSX.Element {
  const [text, setText] = useState(initial);
  const [fault, setFault] = useState<string>();
  const suggestions = useSuggestions(text);

  const faultOf = (typed: string): string | undefined => {
    if (typed.trim() === "") return undefined;
    const result = parseFilter(typed, presentTime());
    return isFault(result) ? `At ${result.position + 1}: ${result.expected}` : undefined;
  };
  useEffect(() => {
    setFault(undefined);
    const timer = setTimeout(() => setFault(faultOf(text)), 900);
    return () => clearTimeout(timer);
  }, [text]);

  const submit = (typed: string): void => {
    const found = faultOf(typed);
    if (found) {
      setText(typed);
      setFault(found);
      return;
    }
    if (typed.trim() === "" && initial === "") onCancel();
    else onSubmit(typed.trim());
  };
  return (
    <Completion
      label={label}
      placeholder="data.path=/pricing"
      value={text}
      autofocus
      fault={fault}
      suggestions={suggestions}
      onInput={setText}
      onSubmit={submit}
      onCancel={onCancel}
    />
  );
}

/** The suggestions for a text: fields, then operators, then values. */
function useSuggestions(text: string): Suggestion[] {
  const a = address.value;
  const typed = splitTyped(text);
  const fields = useFieldNames(a, true);
  const wantsValue = ["=", "!=", "^=", "*="].includes(typed.operator) && !["timestamp", "received_at"].includes(typed.field);
  const isKnown = fieldsMatching(typed.field, fields, 1000).includes(typed.field);
  const top = useTopValues(a, wantsValue && isKnown ? typed.field : "", typed.value.replace(/^"/, ""));
  if (wantsValue) {
    return (top?.values ?? []).map(({ value, count }) => ({
      text: `${typed.field}${typed.operator}${JSON.stringify(value)}`,
      label: valueLabel(value),
      note: count.toLocaleString("en-US"),
      final: true,
    }));
  }
  if (typed.operator || /\s$/.test(text) || isKnown) {
    if (typed.operator || typed.value) return [];
    return operatorsFor(typed.field).map((o) => ({ text: typed.field + o.text, label: o.text.trim(), note: o.note, final: o.final }));
  }
  return fieldsMatching(typed.field, fields).map((f) => ({ text: f, label: f }));
}
