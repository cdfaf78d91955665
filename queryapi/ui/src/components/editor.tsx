// A text field for JSON, by CodeMirror. It lives in a shadow root: there its style sheets
// are constructed ones, which the policy of the page allows. The colours of JSON and the
// marks of faults are our own decorations: a parser of languages would double its size.

import { history, historyKeymap, standardKeymap } from "@codemirror/commands";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, MatchDecorator, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { findPlaces, type Mark, markOf } from "../json/places.ts";

export interface EditorProps {
  label: string;
  value: string;
  onInput: (text: string) => void;
  marks: Mark[];
  /** The member that is selected and scrolled to when it changes, by its pointer. */
  at?: string | undefined;
}

const classes = { name: Decoration.mark({ class: "j-name" }), string: Decoration.mark({ class: "j-string" }), literal: Decoration.mark({ class: "j-literal" }) };
const syntax = new MatchDecorator({
  regexp: /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g,
  decorate: (add, from, to, match) => {
    if (match[1] === undefined) add(from, to, classes.literal);
    else add(from, from + match[1].length, match[2] === undefined ? classes.string : classes.name);
  },
});

const colors = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = syntax.createDeco(view);
    }
    update(u: ViewUpdate): void {
      this.decorations = syntax.updateDeco(u, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

const setMarks = StateEffect.define<DecorationSet>();
const faults = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (marks, transaction) => transaction.effects.reduce((now, e) => (e.is(setMarks) ? e.value : now), marks.map(transaction.changes)),
  provide: (field) => EditorView.decorations.from(field),
});

const theme = EditorView.theme({
  "&": { fontSize: "0.8125rem", color: "var(--text)", backgroundColor: "var(--surface)", height: "100%" },
  "&:focus-within": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)" },
  ".j-name": { color: "var(--accent-strong)" },
  ".j-string": { color: "var(--good)" },
  ".j-literal": { color: "var(--warn)" },
  ".j-fault": { textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px", backgroundColor: "var(--bad-soft)" },
});

export function Editor(p: EditorProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const newest = useRef(p);
  newest.current = p;
  // Texts that were typed here and have not come back as the value: typing goes on meanwhile.
  const typed = useRef<string[]>([]);

  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: "open" });
    const v = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: newest.current.value,
        extensions: [
          lineNumbers(), history(), drawSelection(), highlightActiveLine(), colors, faults, theme, EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": newest.current.label, spellcheck: "false" }),
          // Tab leaves the field, so that the keyboard alone gets out of it.
          keymap.of([...standardKeymap, ...historyKeymap]),
          EditorView.updateListener.of((u) => {
            if (!u.docChanged) return;
            const text = u.state.doc.toString();
            const { value, onInput } = newest.current;
            const last = typed.current.at(-1) ?? value;
            typed.current = text === value ? [] : [...typed.current, text];
            if (text !== last) onInput(text);
          }),
        ],
      }),
    });
    view.current = v;
    return () => (v.destroy(), (view.current = undefined));
  }, []);

  useEffect(() => {
    const v = view.current!;
    const at = typed.current.indexOf(p.value);
    typed.current = at < 0 ? [] : typed.current.slice(at + 1);
    if (at >= 0) return;
    if (v.state.doc.toString() !== p.value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: p.value } });
  }, [p.value]);

  useEffect(() => {
    const v = view.current!;
    const end = v.state.doc.length;
    const ranges = p.marks
      .map(({ from, to, message }) => ({ from: Math.min(from, Math.max(0, end - 1)), to: Math.min(Math.max(to, from + 1), end), message }))
      .filter(({ from, to }) => from < to)
      .map(({ from, to, message }) => Decoration.mark({ class: "j-fault", attributes: { title: message } }).range(from, to));
    v.dispatch({ effects: setMarks.of(Decoration.set(ranges, true)) });
  }, [JSON.stringify(p.marks)]);

  useEffect(() => {
    const v = view.current!;
    const place = p.at === undefined ? undefined : findPlaces(v.state.doc.toString()).byPointer.get(p.at);
    if (!place) return;
    const { from, to } = markOf(v.state.doc.toString(), place);
    v.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    v.focus();
  }, [p.at]);

  return <div class="editor" ref={host} />;
}
