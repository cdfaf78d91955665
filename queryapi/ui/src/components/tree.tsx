// A JSON document as a tree. A key copies its path, a value is filtered by.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { dataField } from "../filter/field.ts";
import { canonicalJson, type Json } from "../filter/json.ts";
import { withFilter } from "../state/address.ts";
import { address, go } from "../state/location.ts";
import { copy, notify } from "../state/notice.ts";
import { Icon } from "./icon.tsx";
import { visibleText } from "./value.tsx";

/** How many members are shown at once, and down to which depth they are open at first. */
const mostShown = 100;
const openDepth = 4;

type Keys = (string | number)[];

/** The members of the data of an event. */
export function DataTree({ data, filterable }: { data: Json; filterable: boolean }): JSX.Element {
  if (data.kind !== "object" && data.kind !== "array") return <ScalarValue keys={[]} value={data} filterable={filterable} />;
  return <Members keys={[]} value={data} filterable={filterable} />;
}

function Members({ keys, value, filterable }: { keys: Keys; value: Json; filterable: boolean }): JSX.Element {
  const [shown, setShown] = useState(mostShown);
  const all: [string | number, Json][] = value.kind === "object" ? value.members : value.kind === "array" ? value.values.map((v, i) => [i, v]) : [];
  return (
    <ul class="tree">
      {all.slice(0, shown).map(([key, member]) => <Member key={key} keys={[...keys, key]} value={member} filterable={filterable} />)}
      {all.length > shown && (
        <li>
          <button type="button" class="link" onClick={() => setShown(shown + 10 * mostShown)}>
            {all.length - shown} more
          </button>
        </li>
      )}
    </ul>
  );
}

function Member({ keys, value, filterable }: { keys: Keys; value: Json; filterable: boolean }): JSX.Element {
  const [open, setOpen] = useState(keys.length < openDepth);
  const key = String(keys.at(-1));
  const path = dataField(keys);
  const size = value.kind === "object" ? value.members.length : value.kind === "array" ? value.values.length : 0;
  const label = (
    <button type="button" class="tree-key mono" title={`Copy ${visibleText(path, 120)}`} onClick={() => void copy(path, "Path")}>
      <bdi>{key === "" ? '""' : visibleText(key, 80)}</bdi>
    </button>
  );
  if (size === 0) {
    return (
      <li class="tree-line">
        <span class="tree-toggle" />
        {label}
        <ScalarValue keys={keys} value={value} filterable={filterable} />
      </li>
    );
  }
  return (
    <li>
      <div class="tree-line">
        <button type="button" class={`tree-toggle ${open ? "open" : ""}`} aria-expanded={open} aria-label={`${visibleText(key, 40)}: ${size} members`} onClick={() => setOpen(!open)}>
          <Icon name="right" />
        </button>
        {label}
        <span class="muted">{value.kind === "array" ? `[${size}]` : `{${size}}`}</span>
      </div>
      {open && <Members keys={keys} value={value} filterable={filterable} />}
    </li>
  );
}

function ScalarValue({ keys, value, filterable }: { keys: Keys; value: Json; filterable: boolean }): JSX.Element {
  const [whole, setWhole] = useState(false);
  const text = value.kind === "string" ? value.value : value.kind === "number" ? value.text : canonicalJson(value);
  const most = 400;
  const shown = <bdi>{text === "" ? "(empty)" : visibleText(text, whole ? text.length : most)}</bdi>;
  const className = `value tree-value kind-${value.kind}`;
  const more = text.length > most && !whole && (
    <button type="button" class="link" onClick={() => setWhole(true)}>
      all {text.length} characters
    </button>
  );
  if (!filterable || keys.length === 0) {
    return (
      <>
        <span class={className}>{shown}</span>
        {more}
      </>
    );
  }
  const field = dataField(keys);
  const filter = (e: MouseEvent): void => {
    go(withFilter(address.value, field + (e.altKey ? "!=" : "=") + canonicalJson(value)));
    notify(`${e.altKey ? "Excluded" : "Filtered by"} ${visibleText(field, 60)}`);
  };
  return (
    <>
      <button type="button" class={className} title="Click: only this. Alt-click: all but this." onClick={filter}>
        {shown}
      </button>
      {more}
    </>
  );
}
