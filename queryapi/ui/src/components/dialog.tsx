// A modal dialog, by the browser's own: it keeps the focus within and gives it back.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

/** A firm dialog is closed by its own buttons alone. */
export function Dialog({ title, onClose, class: className = "", firm = false, children }: { title: string; onClose: () => void; class?: string; firm?: boolean; children: ComponentChildren }): JSX.Element {
  const root = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => root.current?.showModal(), []);
  return (
    <dialog ref={root} class={`dialog ${className}`} aria-labelledby={id} onClose={onClose} onCancel={(e) => firm && e.preventDefault()} onKeyDown={(e) => firm && e.key === "Escape" && e.preventDefault()} onClick={(e) => !firm && e.target === root.current && root.current?.close()}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        {!firm && (
          <button type="button" class="button quiet icon-only" aria-label="Close" onClick={() => root.current?.close()}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
