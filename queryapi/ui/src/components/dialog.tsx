// A modal dialog, by the browser's own: it keeps the focus within and gives it back.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { addSheets } from "../state/sheets.ts";
import own from "../styles/dialog.screen.css";
import { Icon } from "./icon.tsx";

addSheets(own);

/** A firm dialog is closed by its own buttons alone. */
export function Dialog({ title, onClose, class: className = "", firm = false, children }: { title: string; onClose: () => void; class?: string; firm?: boolean; children: ComponentChildren }): JSX.Element {
  const root = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement as HTMLElement;
    root.current?.showModal();
    return () => opener.focus(); // also where the dialog is taken away without being closed
  }, []);
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
      <div class="dialog-body" tabIndex={-1}>{children}</div>
    </dialog>
  );
}
