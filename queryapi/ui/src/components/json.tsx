// A JSON text with some of its places marked.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { findPlaces, markOf } from "../json/places.ts";
import { visibleText } from "./value.tsx";

/** Shows a text and marks the members at some pointers; the first mark is scrolled to. */
export function MarkedJson({ text, marks, label }: { text: string; marks: string[]; label: string }): JSX.Element {
  const root = useRef<HTMLPreElement>(null);
  const ranges = rangesOf(text, marks);
  useEffect(() => {
    const box = root.current!;
    const mark = box.querySelector("mark");
    if (mark) box.scrollTop = Math.max(0, mark.offsetTop - box.offsetTop - box.clientHeight / 3);
  }, [text, marks.join("\n")]);
  const parts: (string | JSX.Element)[] = [];
  let at = 0;
  for (const { from, to } of ranges) {
    parts.push(shown(text.slice(at, from)), <mark key={from}>{shown(text.slice(from, to))}</mark>);
    at = to;
  }
  parts.push(shown(text.slice(at)));
  return (
    <pre class="code json" ref={root} tabIndex={0} role="group" aria-label={label}>
      {parts}
    </pre>
  );
}

/** Characters that show nothing, or turn the text around, are replaced; line ends are not. */
const shown = (text: string): string => text.split("\n").map((line) => visibleText(line, Infinity)).join("\n");

function rangesOf(text: string, marks: string[]): { from: number; to: number }[] {
  const { byPointer } = findPlaces(text);
  const ranges = marks.flatMap((pointer) => {
    const place = byPointer.get(pointer);
    return place ? [markOf(text, place)] : [];
  });
  ranges.sort((a, b) => a.from - b.from);
  return ranges.filter((r, i) => r.to > r.from && (i === 0 || r.from >= ranges[i - 1]!.to));
}
