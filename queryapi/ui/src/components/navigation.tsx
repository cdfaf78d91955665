// The list of screens, which keep application, range and filters.

import type { JSX } from "preact";
import { isOffered, screens } from "../screens/list.ts";
import { withScreen } from "../state/address.ts";
import { address } from "../state/location.ts";
import { rights, signOut } from "../state/session.ts";
import { type Theme, theme } from "../state/theme.ts";
import { Icon, type IconName } from "./icon.tsx";
import { Link } from "./link.tsx";

const themes: { value: Theme; icon: IconName; label: string }[] = [
  { value: "system", icon: "system", label: "As the system" },
  { value: "light", icon: "sun", label: "Light" },
  { value: "dark", icon: "moon", label: "Dark" },
];

export function Navigation({ open, onClose, onHelp }: { open: boolean; onClose: () => void; onHelp: () => void }): JSX.Element {
  const offered = screens.filter(isOffered);
  const groups = [...new Set(offered.map((s) => s.group))];
  return (
    <>
      {open && <div class="scrim" onClick={onClose} />}
      <nav class={`side ${open ? "open" : ""}`} aria-label="Screens" onKeyDown={(e) => e.key === "Escape" && onClose()}>
        <p class="brand">
          <span class="brand-mark"><Icon name="eye" /></span> The Eye
        </p>
        {groups.map((group) => (
          <div class="side-group" key={group}>
            <p class="side-title" id={`nav-${group}`}>{group}</p>
            <ul aria-labelledby={`nav-${group}`}>
              {offered.filter((s) => s.group === group).map((s) => (
                <li key={s.name}>
                  <Link class="side-link" to={withScreen(address.value, s.name)} current={address.value.screen === s.name} title={`${s.title} (g ${s.key})`}>
                    <Icon name={s.icon} /> {s.title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
        <div class="side-end">
          <p class="side-token" title={`Token ${rights.value?.id}`}>
            <bdi>{rights.value?.id}</bdi>
            <span class="muted">{rights.value?.role}</span>
          </p>
          <div class="row">
            <div class="segments" role="group" aria-label="Theme">
              {themes.map((t) => (
                <button type="button" key={t.value} aria-pressed={theme.value === t.value} aria-label={t.label} title={t.label} onClick={() => (theme.value = t.value)}>
                  <Icon name={t.icon} />
                </button>
              ))}
            </div>
            <button type="button" class="button quiet icon-only" aria-label="Sign out" title="Sign out" onClick={() => signOut()}>
              <Icon name="out" />
            </button>
          </div>
          <p class="side-links">
            <button type="button" class="link" onClick={onHelp}>Keys</button>
            <a href="/docs">API</a>
            <a href="/ui/assets/licences.txt">Licences</a>
          </p>
        </div>
      </nav>
    </>
  );
}
