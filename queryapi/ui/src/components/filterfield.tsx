// A field in which one condition of a filter is typed. It is loaded when it is first opened.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isFault, parseFilter } from "../filter/parse.ts";
import { fieldsMatching, operatorsFor, splitTyped } from "../filter/suggest.ts";
import { address } from "../state/location.ts";
import { useFieldNames, useTopValues } from "../state/fields.ts";
import { presentTime } from "../time/grammar.ts";
import { Completion, type Suggestion } from "./completion.tsx";
import { valueLabel } from "./value.tsx";

export interface FilterFieldProps {
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
