// The range of time of the screen.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { endOf } from "../format/time.ts";
import { address, change } from "../state/location.ts";
import { isMoving, pinRange, presets, rangeLabel, resolveRange, shiftRange } from "../time/range.ts";
import { Icon } from "./icon.tsx";
import { Popover } from "./menu.tsx";
import { visibleText } from "./value.tsx";

export function shift(direction: -1 | 1): void {
  const { from, to, tz } = address.value;
  change(shiftRange({ from, to }, direction, tz));
}

export function RangePicker(): JSX.Element {
  const { from, to, tz } = address.value;
  const label = visibleText(rangeLabel({ from, to }, (at) => endOf(at, tz), tz), 120);
  return (
    <div class="range" role="group" aria-label="Time range">
      <button type="button" class="button icon-only" aria-label="Earlier range" title="Earlier ( [ )" onClick={() => shift(-1)}>
        <Icon name="left" />
      </button>
      <Popover label={`Time range: ${label}`} button={<><span class="range-label">{label}</span><Icon name="down" /></>}>
        {(close) => <RangeForm close={close} />}
      </Popover>
      <button type="button" class="button icon-only" aria-label="Later range" title="Later ( ] )" onClick={() => shift(1)}>
        <Icon name="right" />
      </button>
    </div>
  );
}

function RangeForm({ close }: { close: () => void }): JSX.Element {
  const { from, to, tz } = address.value;
  const [typed, setTyped] = useState({ from, to });
  const [fault, setFault] = useState("");
  const apply = (e: Event): void => {
    e.preventDefault();
    const range = { from: typed.from.trim(), to: typed.to.trim() };
    if (!resolveRange(range, tz)) {
      setFault("Write times such as 7d, 90m, today, 2026-11-19 or 2026-11-19 10:00, the earlier one first.");
      return;
    }
    close();
    change(range);
  };
  const end = (name: "from" | "to", label: string): JSX.Element => (
    <label class="field">
      <span>{label}</span>
      <input class="input" value={typed[name]} spellcheck={false} autocomplete="off" aria-invalid={fault !== ""} onInput={(e) => setTyped({ ...typed, [name]: e.currentTarget.value })} />
    </label>
  );
  return (
    <div class="range-form">
      <div class="range-presets">
        {presets.map((p) => (
          <button type="button" class="menu-item" key={p.label} aria-pressed={p.range.from === from && p.range.to === to} onClick={() => (close(), change(p.range))}>
            {p.label}
          </button>
        ))}
      </div>
      <form class="range-custom" onSubmit={apply} noValidate>
        {end("from", "From")}
        {end("to", "To")}
        <p class="muted small">In {tz}. Ends before “To”.</p>
        {fault && <p class="fault small" role="alert">{fault}</p>}
        <div class="row">
          <button type="submit" class="button primary">Apply</button>
          {isMoving({ from, to }) && (
            <button type="button" class="button" title="Write the two times of now into the link" onClick={() => (close(), change(pinRange({ from, to }, tz)))}>
              <Icon name="pin" /> Pin
            </button>
          )}
        </div>
      </form>
    </div>
  );
}
