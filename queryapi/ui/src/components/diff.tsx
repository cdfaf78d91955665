// The difference of two texts, by lines.

import type { JSX } from "preact";
import { diffLines, type DiffLine } from "../json/diff.ts";
import { visibleText } from "./value.tsx";

/** How many equal lines stand around a change. */
const context = 3;
const signs = { same: " ", added: "+", removed: "−" };

export function Diff({ before, after, label }: { before: string; after: string; label: string }): JSX.Element {
  const lines = diffLines(before, after);
  if (lines.every((l) => l.kind === "same")) return <p class="muted">There is no difference.</p>;
  return (
    <pre class="code json diff" tabIndex={0} role="group" aria-label={label}>
      {shortened(lines).map((l, i) => (
        <span key={i} class={`diff-line ${l.kind}`}>{`${signs[l.kind]} ${visibleText(l.text, 2000)}\n`}</span>
      ))}
    </pre>
  );
}

function shortened(lines: DiffLine[]): DiffLine[] {
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - context), i + context + 1).some((l) => l.kind !== "same"));
  return lines.flatMap((l, i) => (near[i] ? [l] : i > 0 && !near[i - 1] ? [] : [{ kind: "same" as const, text: "…" }]));
}
