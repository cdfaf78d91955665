// The header: what the screen is about, the application, the range and the zone.

import type { JSX } from "preact";
import { refreshes } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { rights } from "../state/session.ts";
import { knownZones, localZone } from "../time/zone.ts";
import { Select } from "./choice.tsx";
import { Icon } from "./icon.tsx";
import { RangePicker } from "./range.tsx";

export function Header({ title, onMenu }: { title: string; onMenu: () => void }): JSX.Element {
  const { app, tz } = address.value;
  const applications = rights.value?.applications ?? [];
  return (
    <header class="bar">
      <button type="button" class="button quiet icon-only menu-button" aria-label="Screens" onClick={onMenu}>
        <Icon name="menu" />
      </button>
      <h1>{title}</h1>
      <div class="bar-controls">
        <Select
          label="Application"
          value={app}
          options={[{ value: "", label: "All applications" }, ...applications.map((name) => ({ value: name, label: name }))]}
          onChange={(value) => change({ app: value })}
        />
        <RangePicker />
        <Select label="Time zone" class="zone" value={tz} options={zones()} onChange={(value) => change({ tz: value })} />
        <button type="button" class="button icon-only" aria-label="Refresh" title="Refresh ( r )" onClick={() => refreshes.value++}>
          <Icon name="refresh" />
        </button>
      </div>
    </header>
  );
}

let known: { value: string; label: string }[] | undefined;

function zones(): { value: string; label: string }[] {
  known ??= [...new Set(["UTC", localZone(), ...knownZones()])].map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
  return known;
}
