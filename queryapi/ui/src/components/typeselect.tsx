// A select of the types that the events of the range have, as conditions.

import type { JSX } from "preact";
import { filterFor } from "../filter/write.ts";
import { useTopValues } from "../state/fields.ts";
import { address } from "../state/location.ts";
import { Select } from "./choice.tsx";
import { visibleText } from "./value.tsx";

/** The value is a condition on the type, or "" for none. */
export function TypeSelect({ label, none, value, onChange }: { label: string; none: string; value: string; onChange: (filter: string) => void }): JSX.Element {
  const top = useTopValues(address.value, "type", "", 100);
  const types = (top?.values ?? []).map((v) => String(v.value)).sort();
  const options = [{ value: "", label: none }, ...types.map((t) => ({ value: filterFor("type", t), label: visibleText(t, 60) }))];
  return <Select label={label} value={value} options={options} onChange={onChange} />;
}
