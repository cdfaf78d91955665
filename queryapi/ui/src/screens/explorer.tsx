// Explorer: the events of the range, newest first, under their series.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { get } from "../api/call.ts";
import { alone, listScope, type Question, scope } from "../api/question.ts";
import type { EventPage, EyeEvent, Timeseries } from "../api/types.ts";
import { Chart } from "../components/chart.tsx";
import { Segments } from "../components/choice.tsx";
import { EventDrawer, isShown, sessionAddress, withEvent } from "../components/drawer.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Popover } from "../components/menu.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { seriesTable, zoom } from "../components/series.tsx";
import { Value, visibleText } from "../components/value.tsx";
import { Windowed, type WindowedColumn } from "../components/windowed.tsx";
import { pickValues, readField } from "../filter/pick.ts";
import { known } from "../format/known.ts";
import { count, figure } from "../format/number.ts";
import { bothTimes, stampOf } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { useFieldNames } from "../state/fields.ts";
import { address, change, go } from "../state/location.ts";
import { type Pages, usePages } from "../state/pages.ts";
import { intervalFor } from "../time/range.ts";
import { isOffered, screenOf } from "./list.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/explorer.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const firstPage = 100;
const laterPage = 500;
/** How many events one screen holds; what lies behind them is for a narrower question, or an export. */
const mostRows = 20_000;

const defaultColumns = ["type", "session_id", "data"];
const fixedColumns = ["type", "session_id", "data", "application", "event_id", "received_at", "schema_version"];
const widths: Record<string, number> = { type: 220, session_id: 116, data: 420, event_id: 300, received_at: 190 };

export function Explorer(): JSX.Element {
  const a = address.value;
  const asked: Question = { kind: "timeseries", params: { ...scope(a), interval: intervalFor(a, a.tz) } };
  const series = useAnswer<Timeseries>(alone(asked));
  const order = a.own["order"]?.[0] === "asc" ? "asc" : "desc";
  const pages = usePages<EventPage>(get("/v1/events", { ...listScope(a), order, limit: firstPage }), laterPage);
  const s = series.value;
  return (
    <div class="explorer">
      <Panel title="Events over time" call={alone(asked)} answer={series} table={s && (() => seriesTable(s, a.tz, "Events"))} note={s && <strong class="total">{figure(s.total.total)}</strong>}>
        {s && (
          <Chart
            label={`Events over time: ${figure(s.total.total)}`}
            intervals={s.intervals}
            interval={s.interval}
            zone={a.tz}
            partial={s.partial}
            height={112}
            bars
            onSelect={zoom}
            series={[{ label: "Events", values: s.total.values, color: "--series-1" }]}
          />
        )}
      </Panel>
      <EventsPanel a={a} order={order} pages={pages} total={s?.total.total} />
      <EventDrawer />
    </div>
  );
}

function EventsPanel({ a, order, pages, total }: { a: Address; order: "asc" | "desc"; pages: Pages<EventPage>; total: number | null | undefined }): JSX.Element {
  const { answer } = pages;
  const names = a.own["column"] ?? defaultColumns;
  const rows = pages.pages.flatMap((p) => p.events);
  const columns = useMemo(() => [timeColumn(a), ...names.map((n) => column(a, n))], [a]);
  return (
    <Panel
      title="Events"
      class="events"
      call={answer.call}
      answer={answer}
      note={answer.value && <span>{loadedText(rows.length, pages.hasMore, total)}</span>}
      controls={
        <>
          <Segments label="Order" value={order} options={[{ value: "desc", label: "Newest" }, { value: "asc", label: "Oldest" }]} onChange={(o) => change(withOwn(a, "order", o === "asc" ? o : undefined))} />
          <ColumnPicker a={a} names={names} />
          {isOffered(screenOf("export")) && (
            <Link class="button quiet" to={withScreen(a, "export", "", { column: names.filter((n) => n.startsWith("data.")) })}>
              <Icon name="export" /> Export
            </Link>
          )}
        </>
      }
      empty={rows.length === 0 ? <NoEvents a={a} /> : undefined}
    >
      <Windowed
        label="Events"
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        isCurrent={(e) => isShown(a, e)}
        onEnd={rows.length < mostRows && !pages.failure ? pages.loadMore : undefined}
        origin={JSON.stringify(answer.call)}
        foot={<Foot pages={pages} rows={rows.length} order={order} />}
      />
    </Panel>
  );
}

const keyOf = (e: EyeEvent): string => `${e.application}/${e.event_id}`;

function loadedText(loaded: number, hasMore: boolean, total: number | null | undefined): string {
  if (!hasMore) return count(loaded, "event");
  return total ? `${figure(loaded)} of ${figure(Math.max(total, loaded))} loaded` : `${figure(loaded)} loaded`;
}

function Foot({ pages, rows, order }: { pages: Pages<EventPage>; rows: number; order: string }): JSX.Element {
  if (pages.failure) return <FailureNote failure={pages.failure} call={undefined} retry={pages.loadMore} />;
  if (!pages.hasMore) return <span class="muted">No {order === "desc" ? "older" : "newer"} events in this range.</span>;
  if (rows >= mostRows) return <span class="muted">The screen holds {figure(mostRows)} events. Narrow the range, or export all of them.</span>;
  return (
    <button type="button" class="button" disabled={pages.loading} onClick={pages.loadMore}>
      {pages.loading ? "Loading…" : `Load ${order === "desc" ? "older" : "newer"}`}
    </button>
  );
}

function NoEvents({ a }: { a: Address }): JSX.Element {
  return (
    <div class="empty">
      <p>No stored event of this range {a.filters.length > 0 ? "matches the filters." : "yet."}</p>
      <p class="row centred-row">
        {a.filters.length > 0 && <button type="button" class="button" onClick={() => change({ filters: [] })}>Clear the filters</button>}
        <button type="button" class="button" onClick={() => change({ from: "90d", to: "now" })}>Look at the last 90 days</button>
      </p>
      <p class="small">An event that is missing may have been rejected, or carry another timestamp than its time of arrival.</p>
    </div>
  );
}

function timeColumn(a: Address): WindowedColumn<EyeEvent> {
  return {
    key: "timestamp",
    title: "Time",
    width: 178,
    cell: (e) => (
      <Link row class="row-link numeric" to={withEvent(a, e)} title={bothTimes(e.timestamp ?? "", a.tz)}>
        {stampOf(Date.parse(e.timestamp ?? ""), a.tz)}
      </Link>
    ),
  };
}

function column(a: Address, name: string): WindowedColumn<EyeEvent> {
  const field = readField(name);
  const cell = (e: EyeEvent): JSX.Element | null => {
    if (name === "session_id") return e.session_id ? <Link class="mono" to={sessionAddress(a, { session_id: e.session_id, application: e.application })} title={`Session ${e.session_id}`}>{e.session_id.slice(0, 8)}</Link> : null;
    if (name === "data") return <bdi class="mono muted">{summary(e.data)}</bdi>;
    return <>{field && pickValues(e, field).slice(0, 6).map((v, i) => <Value key={i} field={name} value={v} />)}</>;
  };
  return { key: name, title: <bdi class={name.startsWith("data.") ? "mono" : ""}>{titleOf(name)}</bdi>, width: known(widths, name) ?? 150, cell };
}

const titles: Record<string, string> = { type: "Type", session_id: "Session", data: "Data", application: "Application", event_id: "Event id", received_at: "Received", schema_version: "Schema" };
const titleOf = (name: string): string => known(titles, name) ?? visibleText(name, 60);

/** The data of an event in one line. */
function summary(data: unknown): string {
  if (typeof data !== "object" || data === null) return visibleText(JSON.stringify(data) ?? "", 200);
  const members = Object.entries(data).slice(0, 12).map(([k, v]) => `${k}=${typeof v === "string" ? v.slice(0, 80) : JSON.stringify(v).slice(0, 80)}`);
  return visibleText(members.join("  "), 240);
}

/** Which fields are columns, in the order in which they were chosen. */
function ColumnPicker({ a, names }: { a: Address; names: string[] }): JSX.Element {
  const put = (next: string[]): void => go(withOwn(a, "column", next.join() === defaultColumns.join() ? undefined : next));
  return (
    <Popover label="Columns" class="button quiet" align="right" button={<><Icon name="table" /> Columns</>}>
      {() => <ColumnList names={names} put={put} />}
    </Popover>
  );
}

function ColumnList({ names, put }: { names: string[]; put: (names: string[]) => void }): JSX.Element {
  const fields = useFieldNames(address.value, true);
  const all = [...new Set([...names, ...fixedColumns, ...fields])];
  return (
    <div class="column-list">
      <ul aria-label="Columns">
        {all.map((name) => (
          <li key={name}>
            <label class="check-line">
              <input type="checkbox" checked={names.includes(name)} disabled={names.length === 1 && names[0] === name} onChange={(e) => put(e.currentTarget.checked ? [...names, name] : names.filter((n) => n !== name))} />
              <bdi class={name.startsWith("data.") ? "mono" : ""}>{titleOf(name)}</bdi>
            </label>
          </li>
        ))}
      </ul>
      <button type="button" class="link" onClick={() => put(defaultColumns)}>
        Usual columns
      </button>
    </div>
  );
}
