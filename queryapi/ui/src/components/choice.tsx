// Controls that choose one of a few.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { visibleText } from "./value.tsx";

export interface Option<T extends string> {
  value: T;
  label: string;
}

/** A row of buttons of which one is pressed. */
export function Segments<T extends string>({ label, options, value, onChange }: { label: string; options: Option<T>[]; value: T; onChange: (value: T) => void }): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((o) => (
        <button type="button" key={o.value} aria-pressed={o.value === value} onClick={() => onChange(o.value)}>
          {o.label}
        </button>
      ))}
    </div>
  );
}

export function Select<T extends string>({ label, options, value, onChange, class: className = "" }: { label: string; options: Option<T>[]; value: T; onChange: (value: T) => void; class?: string }): JSX.Element {
  // The zones are hundreds.
  const all = useMemo(() => options.map((o) => <option key={o.value} value={o.value}>{visibleText(o.label, 80)}</option>), [options]);
  return (
    <select class={`select ${className}`} aria-label={label} title={label} value={value} onChange={(e) => onChange(e.currentTarget.value as T)}>
      {!options.some((o) => o.value === value) && <option value={value}>{visibleText(value, 80)}</option>}
      {all}
    </select>
  );
}
