// A button that opens something: a menu of actions, or any content.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

interface PopoverProps {
  /** The name of the button, also where only its icon shows. */
  label: string;
  button: ComponentChildren;
  class?: string;
  /** Says where the content is aligned with the button. */
  align?: "left" | "right";
  role?: "menu" | "dialog";
  children: (close: () => void) => ComponentChildren;
}

/** A button with content that opens below it. Esc, a click elsewhere and leaving by Tab close it. */
export function Popover({ label, button, class: className = "button", align = "left", role = "dialog", children }: PopoverProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);

  const close = (): void => {
    setOpen(false);
    if (root.current?.contains(document.activeElement)) trigger.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const first = root.current?.querySelector<HTMLElement>("[data-autofocus], .popover button, .popover input, .popover select, .popover a");
    first?.focus();
    const outside = (e: Event): void => {
      if (!root.current?.contains(e.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  const onKeyDown = (e: KeyboardEvent): void => {
    if (e.key === "Escape" && open) {
      e.stopPropagation();
      close();
    } else if (open && role === "menu") {
      const items = [...root.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
      const at = items.indexOf(document.activeElement as HTMLElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      items.at(to % items.length)?.focus();
    }
  };
  const onFocusOut = (e: FocusEvent): void => {
    if (open && e.relatedTarget && !root.current?.contains(e.relatedTarget as Node)) setOpen(false);
  };
  return (
    <div class="popover-root" ref={root} onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
      <button ref={trigger} type="button" class={className} aria-haspopup={role} aria-expanded={open} aria-label={label} title={label} onClick={() => setOpen(!open)}>
        {button}
      </button>
      {open && (
        <div class={`popover popover-${align}`} role={role} aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

export interface MenuItem {
  label: string;
  icon?: IconName;
  act: () => void;
}

/** A menu of actions behind one button. */
export function Menu({ label, items, class: className }: { label: string; items: MenuItem[]; class?: string }): JSX.Element {
  return (
    <Popover label={label} class={className ?? "button quiet icon-only"} align="right" role="menu" button={<Icon name="more" />}>
      {(close) =>
        items.map((item) => (
          <button
            type="button"
            role="menuitem"
            tabIndex={-1}
            class="menu-item"
            key={item.label}
            onClick={() => {
              close();
              item.act();
            }}
          >
            {item.icon && <Icon name={item.icon} />}
            {item.label}
          </button>
        ))
      }
    </Popover>
  );
}
