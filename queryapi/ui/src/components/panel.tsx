// A panel: a figure or chart with its table, its call, and what happens while it waits.

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { type Call, curl } from "../api/call.ts";
import type { Failure } from "../api/client.ts";
import { figure } from "../format/number.ts";
import type { Answer } from "../state/answer.ts";
import { copy, download } from "../state/notice.ts";
import { Icon } from "./icon.tsx";
import { Menu, type MenuItem } from "./menu.tsx";
import { csv, DataTable, type Table } from "./table.tsx";
import { visibleText } from "./value.tsx";

interface PanelProps {
  title: string;
  /** What the panel counts, in a few words. */
  note?: ComponentChildren;
  /** Controls of the panel, beside its menu. */
  controls?: ComponentChildren;
  /** The call whose answer the panel shows. */
  call: Call | undefined;
  answer: Pick<Answer<unknown>, "value" | "failure" | "waiting" | "cancelled" | "cancel" | "retry">;
  /** The figures of the panel as a table. */
  table?: (() => Table) | undefined;
  class?: string;
  /** Says that the answer holds nothing to show, and what to do about it. */
  empty?: ComponentChildren;
  children: ComponentChildren;
}

export function Panel(p: PanelProps): JSX.Element {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const { answer } = p;
  const stale = answer.value !== undefined && (answer.waiting === "skeleton" || answer.waiting === "long");
  return (
    <section class={`panel ${p.class ?? ""}`} aria-labelledby={id} aria-busy={answer.waiting !== "no"}>
      <header class="panel-head">
        <h2 id={id}>{p.title}</h2>
        {p.note && <span class="panel-note">{p.note}</span>}
        <div class="panel-tools">
          {p.controls}
          {p.table && (
            <button type="button" class="button quiet icon-only" aria-pressed={asTable} title={asTable ? "Show the chart" : "Show the table"} aria-label={`${p.title}: table`} onClick={() => setAsTable(!asTable)}>
              <Icon name={asTable ? "chart" : "table"} />
            </button>
          )}
          {p.call && <Menu label={`${p.title}: more`} items={panelActions(p.title, p.call, answer.value === undefined ? undefined : p.table)} />}
        </div>
      </header>
      <div class={`panel-body ${stale ? "stale" : ""}`}>
        <PanelBody {...p} asTable={asTable} />
      </div>
      {answer.waiting === "long" && (
        <p class="panel-wait" role="status">
          This takes a while. <button type="button" class="link" onClick={answer.cancel}>Cancel</button>
        </p>
      )}
    </section>
  );
}

function PanelBody({ answer, asTable, table, title, call, empty, children }: PanelProps & { asTable: boolean }): JSX.Element {
  const has = answer.value !== undefined;
  const note = answer.cancelled ? (
    <p class="muted">
      Cancelled{has && ": this is the answer before"}. <button type="button" class="link" onClick={answer.retry}>Ask again</button>
    </p>
  ) : answer.failure && <FailureNote failure={answer.failure} call={call} retry={answer.retry} />;
  if (!has) return note || <div class={`skeleton ${answer.waiting === "briefly" ? "invisible" : ""}`} aria-hidden="true" />;
  return (
    <>
      {note}
      {empty ?? (asTable && table ? <DataTable table={table()} caption={title} format={(cell) => figure(cell as number | null)} /> : children)}
    </>
  );
}

/** The actions that every panel has. */
export function panelActions(title: string, call: Call, table?: () => Table): MenuItem[] {
  const items: MenuItem[] = [
    { label: "Copy link", icon: "copy", act: () => void copy(location.href, "Link") },
    { label: "Copy as curl", icon: "copy", act: () => void copy(curl(call, location.origin), "Command") },
  ];
  if (table) {
    const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    items.push({ label: "Download CSV", icon: "export", act: () => download(`${name}.csv`, "text/csv", csv(table())) });
  }
  return items;
}

/** Shows why a call failed: its code, the sentence of the server, and the call itself. */
export function FailureNote({ failure, call, retry }: { failure: Failure; call: Call | undefined; retry?: () => void }): JSX.Element {
  const advice = failure.members["advice"];
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{visibleText(failure.message, 1000)}</strong> <code>{failure.code}</code>
      </p>
      {typeof advice === "string" && <p>{advice}</p>}
      {failure.again && <p class="muted">It is asked again by itself.</p>}
      <p class="failure-actions">
        {retry && <button type="button" class="button" onClick={retry}>Try again</button>}
        {call && <button type="button" class="button" onClick={() => void copy(curl(call, location.origin), "Command")}>Copy as curl</button>}
      </p>
    </div>
  );
}
