// A link within the UI: the browser's own, without loading the page again; or its text, where
// the token may not use the screen.

import type { ComponentChildren, JSX } from "preact";
import { isOffered, screenOf } from "../screens/list.ts";
import { type Address, formatAddress } from "../state/address.ts";
import { go } from "../state/location.ts";

export function Link({ to, class: className, title, children, label, row, current }: { to: Address; class?: string; title?: string; label?: string; row?: boolean; current?: boolean; children: ComponentChildren }): JSX.Element {
  if (!isOffered(screenOf(to.screen))) return <span title={title}>{children}</span>;
  const follow = (e: MouseEvent): void => {
    if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || e.button !== 0) return; // the browser opens a tab
    e.preventDefault();
    go(to);
  };
  return (
    <a class={className} href={formatAddress(to)} title={title} aria-label={label} data-row={row ? "" : undefined} aria-current={current ? "page" : undefined} onClick={follow}>
      {children}
    </a>
  );
}
