// Export: the events of the range as a file, counted before it starts.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Call, curl, get, quote } from "../api/call.ts";
import { asFailure, askText, type Failure } from "../api/client.ts";
import { alone, listScope, scope } from "../api/question.ts";
import { type Progress, transfer } from "../api/transfer.ts";
import type { Top } from "../api/types.ts";
import { Segments } from "../components/choice.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { Icon } from "../components/icon.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure, percent } from "../format/number.ts";
import { size } from "../format/size.ts";
import { type Address, withOwn } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { copy, notify, save } from "../state/notice.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/analyse.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const formats = [{ value: "csv", label: "CSV" }, { value: "ndjson", label: "NDJSON" }, { value: "parquet", label: "Parquet" }];
const explained: Record<string, string> = {
  csv: "For spreadsheets: one column a field. Texts that look like formulas begin with an apostrophe.",
  ndjson: "One event a line, whole, as the API has it.",
  parquet: "For DuckDB, Spark and pandas: the data as JSON text, and the chosen columns.",
};

/** How many events tell the size of all. */
const sampled = 100;

export function Export(): JSX.Element {
  const a = address.value;
  const format = formats.find((f) => f.value === a.own["format"]?.[0])?.value ?? "csv";
  const columns = a.own["column"] ?? [];
  const call = exportCall(a, format, columns);
  const counted = useAnswer<Top>(alone({ kind: "top", params: { ...scope(a), field: "application", limit: 1 } }));
  const sample = useAnswer<string>(get("/v1/events", { ...listScope(a), order: "desc", limit: sampled }), 0, askText);
  const total = counted.value?.total;
  const about = total !== undefined && sample.value !== undefined ? estimate(sample.value, total) : undefined;
  return (
    <div class="analysis export">
      <Panel title="Export" call={call} answer={counted} note={total !== undefined && <><strong class="total">{figure(total)}</strong> <span>{total === 1 ? "event" : "events"}{about !== undefined && total > 0 && `, about ${size(about)} as NDJSON`}</span></>} empty={total === 0 ? <p class="empty">No stored event of this range matches: there is nothing to export.</p> : undefined}>
        <div class="export-form">
          <div class="row">
            <Segments label="Format" value={format} options={formats} onChange={(f) => change(withOwn(a, "format", f === "csv" ? undefined : f))} />
            <span class="muted small">{explained[format]}</span>
          </div>
          {format !== "ndjson" && <Columns a={a} columns={columns} />}
          {total !== undefined && <Transfer key={JSON.stringify(call)} call={call} total={total} name={`events.${format}`} />}
        </div>
      </Panel>
      <section class="panel command" aria-label="The same by a command">
        <h2>The same by a command</h2>
        <pre class="code" tabIndex={0}>{command(a, format, columns)}</pre>
        <p class="row">
          <button type="button" class="button" onClick={() => void copy(command(a, format, columns), "Command")}>Copy the command</button>
          <button type="button" class="button" onClick={() => void copy(curl(call, location.origin), "Command")}>Copy as curl</button>
        </p>
        <p class="muted small">The command goes on where a connection was cut off, and writes the file when it is whole.</p>
      </section>
    </div>
  );
}

function exportCall(a: Address, format: string, columns: string[]): Call {
  return get("/v1/export", { ...listScope(a), format, columns: format === "ndjson" ? "" : columns.join(",") });
}

function estimate(sample: string, total: number): number {
  const events = sample.split('"event_id":').length - 1;
  return events === 0 ? 0 : (sample.length / events) * total;
}

function command(a: Address, format: string, columns: string[]): string {
  const { from, to } = listScope(a) as { from: string; to: string };
  const parts = [`theeye export --url ${location.origin} --format ${format} --from ${quote(from)} --to ${quote(to)}`];
  if (a.app) parts.push(`--application ${quote(a.app)}`);
  for (const filter of a.filters) parts.push(`--filter ${quote(filter)}`);
  if (format !== "ndjson" && columns.length > 0) parts.push(`--columns ${quote(columns.join(","))}`);
  return [...parts, `-o events.${format}`].join(" \\\n  ");
}

function Columns({ a, columns }: { a: Address; columns: string[] }): JSX.Element {
  return (
    <div class="row">
      <span class="small">Columns of the data:</span>
      {columns.length === 0 && <span class="muted small">those of the first events</span>}
      {columns.map((c) => (
        <span class="chip" key={c}>
          <span class="chip-text mono"><bdi>{visibleText(c, 60)}</bdi></span>
          <button type="button" class="chip-remove" aria-label={`Remove column ${visibleText(c, 60)}`} onClick={() => change(withOwn(a, "column", columns.filter((o) => o !== c)))}>
            <Icon name="close" />
          </button>
        </span>
      ))}
      <FieldSelect label="Add a column" none="Add a column…" value="" onChange={(f) => f.startsWith("data.") && !columns.includes(f) && change(withOwn(a, "column", [...columns, f]))} />
    </div>
  );
}

/** Starts, shows and stops a transfer. Another call is another transfer. */
function Transfer({ call, total, name }: { call: Call; total: number; name: string }): JSX.Element {
  const [progress, setProgress] = useState<Progress>();
  const [failure, setFailure] = useState<Failure>();
  const [done, setDone] = useState("");
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = (): void => {
    const controller = new AbortController();
    running.current = controller;
    setFailure(undefined);
    setDone("");
    setProgress({ bytes: 0, lines: 0 });
    transfer(call, controller.signal, (p) => !controller.signal.aborted && setProgress(p)).then(
      (blob) => {
        if (controller.signal.aborted) return;
        save(name, blob);
        setProgress(undefined);
        setDone(`${name} is saved: ${size(blob.size)}`);
      },
      (e: unknown) => {
        if (controller.signal.aborted) return;
        setProgress(undefined);
        setFailure(asFailure(e));
      },
    );
  };
  const stop = (): void => {
    running.current?.abort();
    setProgress(undefined);
    setDone("");
    notify("The export is stopped. Nothing was saved.");
  };
  const share = progress && total > 0 && progress.lines > 0 ? Math.min(1, progress.lines / total) : undefined;
  return (
    <>
      <p class="row">
        {progress ? (
          <button type="button" class="button" onClick={stop}>Stop</button>
        ) : (
          <button type="button" class="button primary" onClick={start}><Icon name="export" /> Export {count(total, "event")}</button>
        )}
        <span role="status">{progress ? `${size(progress.bytes)}${share === undefined ? "" : `, ${percent(share)}`}` : done}</span>
      </p>
      {progress && <progress class="export-progress" aria-label="Progress of the export" {...(share === undefined ? {} : { value: share })} />}
      {failure && <FailureNote failure={failure} call={call} retry={start} />}
    </>
  );
}
