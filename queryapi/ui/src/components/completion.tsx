// A text field that suggests what can stand next. The suggestions are a listbox: the
// arrow keys move in it, Enter and Tab take one, Esc closes it.

import type { JSX, RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { addSheets } from "../state/sheets.ts";
import own from "../styles/completion.screen.css";

addSheets(own);

export interface Suggestion {
  /** What the field holds after it is taken. */
  text: string;
  label: string;
  note?: string;
  /** Says that the text is complete with it. */
  final?: boolean;
}

interface CompletionProps {
  label: string;
  placeholder: string;
  value: string;
  onInput: (text: string) => void;
  /** Enter was pressed, or a final suggestion taken. */
  onSubmit: (text: string) => void;
  onCancel?: () => void;
  suggestions: Suggestion[];
  input?: RefObject<HTMLInputElement>;
  fault?: string | undefined;
  autofocus?: boolean;
}

export function Completion(p: CompletionProps): JSX.Element {
  const own = useRef<HTMLInputElement>(null);
  const input = p.input ?? own;
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const shown = open && p.suggestions.length > 0;

  useEffect(() => setAt(-1), [p.suggestions.map((s) => s.text).join("\n")]);
  useEffect(() => {
    if (p.autofocus) input.current?.focus();
  }, []);

  const take = (s: Suggestion): void => {
    if (s.final) {
      setOpen(false);
      p.onSubmit(s.text);
      return;
    }
    p.onInput(s.text);
    input.current?.focus();
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      setOpen(true);
      const n = p.suggestions.length;
      if (n > 0) setAt(e.key === "ArrowDown" ? (at + 1) % n : (at <= 0 ? n : at) - 1);
    } else if ((e.key === "Enter" || e.key === "Tab") && shown && at >= 0) {
      e.preventDefault();
      take(p.suggestions[at]!);
    } else if (e.key === "Enter") {
      e.preventDefault();
      setOpen(false);
      p.onSubmit(p.value);
    } else if (e.key === "Escape") {
      e.stopPropagation();
      if (shown) setOpen(false);
      else p.onCancel?.();
    }
  };
  return (
    <div class="completion">
      <input
        ref={input}
        class={`input mono ${p.fault ? "invalid" : ""}`}
        type="text"
        role="combobox"
        aria-label={p.label}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown && at >= 0 ? `${id}-${at}` : undefined}
        aria-invalid={p.fault !== undefined}
        aria-describedby={p.fault ? `${id}-fault` : undefined}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={p.placeholder}
        value={p.value}
        onInput={(e) => {
          setOpen(true);
          p.onInput(e.currentTarget.value);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {p.fault && (
        <p class="completion-fault" id={`${id}-fault`} role="status">
          {p.fault}
        </p>
      )}
      <ul class={`completion-list ${shown ? "" : "hidden"}`} id={`${id}-list`} role="listbox" aria-label={`${p.label}: suggestions`}>
        {shown &&
          p.suggestions.map((s, i) => (
            <li
              key={s.text}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              onPointerDown={(e) => {
                e.preventDefault();
                take(s);
              }}
            >
              <bdi class="mono">{s.label}</bdi>
              {s.note && <span class="muted">{s.note}</span>}
            </li>
          ))}
      </ul>
    </div>
  );
}
