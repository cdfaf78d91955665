// A select of the fields that the events of the range have.

import type { JSX } from "preact";
import { address } from "../state/location.ts";
import { useFieldNames } from "../state/fields.ts";
import { Select } from "./choice.tsx";

const fixed = ["type", "category", "name", "application"];

export function FieldSelect({ label, value, onChange, none }: { label: string; value: string; onChange: (field: string) => void; none?: string }): JSX.Element {
  const fields = useFieldNames(address.value, true);
  const all = [...new Set([...fields, ...fixed])];
  const options = [...(none === undefined ? [] : [{ value: "", label: none }]), ...all.map((f) => ({ value: f, label: f }))];
  return <Select label={label} class="mono" value={value} options={options} onChange={onChange} />;
}
