// The keys that work on every screen.

import { useEffect } from "preact/hooks";
import { isOffered, keysAreOn, screens } from "../screens/list.ts";
import { withScreen } from "../state/address.ts";
import { refreshes } from "../state/answer.ts";
import { address, go } from "../state/location.ts";
import { shift } from "./range.tsx";

/** How long `g` waits for its letter, in ms. */
const chordTime = 1500;

export function useKeys(showHelp: () => void): void {
  useEffect(() => {
    let goingSince = 0;
    const onKeyDown = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || isTyping(e.composedPath()[0] ?? null) || document.querySelector("dialog[open], .popover") || !keysAreOn()) return;
      if (goingSince && Date.now() - goingSince < chordTime) {
        goingSince = 0;
        const screen = screens.find((s) => s.key === e.key && isOffered(s));
        if (screen) {
          e.preventDefault();
          go(withScreen(address.value, screen.name));
        }
        return;
      }
      goingSince = 0;
      const act = actions[e.key];
      if (e.key === "g") goingSince = Date.now();
      else if (e.key === "?") showHelp();
      else if (act) act();
      else return;
      e.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

const actions: Record<string, () => void> = {
  "/": () => document.getElementById("add-filter")?.click(),
  "[": () => shift(-1),
  "]": () => shift(1),
  r: () => refreshes.value++,
  j: () => moveRow(1),
  k: () => moveRow(-1),
};

/** Moves the focus among the rows of the screen. */
function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("#main [data-row]")];
  const at = rows.findIndex((r) => (r.closest("tr, li") ?? r).contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}
