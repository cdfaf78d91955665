// Keeps the focus where the person was, also when the element that has it goes away: who uses
// the keyboard alone, or hears the page, would begin again at its top.

/** Where the focus was last, and what is around it; nothing once a pointer is used elsewhere. */
let path: EventTarget[] = [];

/**
 * Gives the focus of an element that is gone to the nearest one around it, or else to the
 * screen. A button that is disabled meanwhile has it again afterwards.
 */
function mend(): void {
  const last = path[0] as HTMLButtonElement | undefined;
  if (document.activeElement !== document.body || !last || (last.isConnected && last.disabled)) return;
  for (const at of [...path, document.querySelector("#main, [autofocus]")] as HTMLElement[]) {
    if (at?.isConnected) at.focus?.({ preventScroll: true });
    if (document.activeElement !== document.body) return;
  }
}

export function startFocus(): void {
  addEventListener("focusin", (e) => (path = e.composedPath()));
  addEventListener("pointerdown", () => (path = []), true);
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
}
