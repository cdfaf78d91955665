// Sessions: those of the range, and one of them as a timeline.

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { get } from "../api/call.ts";
import { scope } from "../api/question.ts";
import type { SessionPage, SessionSummary } from "../api/types.ts";
import { Segments, Select } from "../components/choice.tsx";
import { sessionAddress } from "../components/drawer.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { Value, visibleText } from "../components/value.tsx";
import { Windowed, type WindowedColumn } from "../components/windowed.tsx";
import { figure } from "../format/number.ts";
import { bothTimes, duration, stampOf } from "../format/time.ts";
import { type Address, withOwn } from "../state/address.ts";
import { address, change } from "../state/location.ts";
import { type Pages, usePages } from "../state/pages.ts";
import { typeName } from "../components/top.ts";
import { SessionTimeline } from "./session.tsx";
import shared from "../styles/explore.screen.css";
import own from "../styles/sessions.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const pageSize = 200;
const mostRows = 10_000;

export function Sessions(): JSX.Element {
  const a = address.value;
  return a.id ? <SessionTimeline key={a.id} a={a} /> : <SessionList a={a} />;
}

function SessionList({ a }: { a: Address }): JSX.Element {
  const own = (name: string, otherwise: string): string => a.own[name]?.[0] ?? otherwise;
  const by = own("by", "started");
  const order = own("order", "desc");
  const call = get("/v1/sessions", { ...scope(a), by, order, min_events: own("min_events", ""), min_seconds: own("min_seconds", ""), limit: 100 });
  const pages = usePages<SessionPage>(call, pageSize);
  const rows = pages.pages.flatMap((p) => p.sessions);
  const shown = useMemo(() => columns(a), [a]);
  const put = (name: string, otherwise: string) => (value: string): void => change(withOwn(a, name, value === otherwise ? undefined : value));
  return (
    <Panel
      title="Sessions"
      class="events tall"
      call={call}
      answer={pages.answer}
      note={pages.answer.value && <span>{figure(rows.length)}{pages.hasMore ? " loaded" : ""}</span>}
      controls={
        <>
          <Segments label="Sessions that" value={by} options={[{ value: "started", label: "Started" }, { value: "active", label: "Active" }]} onChange={put("by", "started")} />
          <Segments label="Order" value={order} options={[{ value: "desc", label: "Newest" }, { value: "asc", label: "Oldest" }]} onChange={put("order", "desc")} />
          <Select label="Least number of events" value={own("min_events", "")} options={atLeast(["2", "5", "10", "20", "50"], "events")} onChange={put("min_events", "")} />
          <Select label="Least duration" value={own("min_seconds", "")} options={[{ value: "", label: "Any duration" }, ...durations]} onChange={put("min_seconds", "")} />
        </>
      }
      empty={rows.length === 0 ? <NoSessions a={a} /> : undefined}
    >
      <Windowed label="Sessions" columns={shown} rows={rows} keyOf={(s) => `${s.application}/${s.session_id}`} onEnd={rows.length < mostRows && !pages.failure ? pages.loadMore : undefined} origin={JSON.stringify(call)} foot={<Foot pages={pages} />} />
    </Panel>
  );
}

const atLeast = (numbers: string[], what: string): { value: string; label: string }[] => [
  { value: "", label: `Any ${what}` },
  ...numbers.map((n) => ({ value: n, label: `≥ ${n} ${what}` })),
];

const durations = [["10", "≥ 10 s"], ["60", "≥ 1 min"], ["300", "≥ 5 min"], ["1800", "≥ 30 min"]].map(([value, label]) => ({ value: value!, label: label! }));

function Foot({ pages }: { pages: Pages<SessionPage> }): JSX.Element {
  if (pages.failure) return <FailureNote failure={pages.failure} call={undefined} retry={pages.loadMore} />;
  if (!pages.hasMore) return <span class="muted">No more sessions in this range.</span>;
  return (
    <button type="button" class="button" disabled={pages.loading} onClick={pages.loadMore}>
      {pages.loading ? "Loading…" : "Load more"}
    </button>
  );
}

function NoSessions({ a }: { a: Address }): JSX.Element {
  const narrowed = a.filters.length > 0 || a.own["min_events"] !== undefined || a.own["min_seconds"] !== undefined;
  return (
    <div class="empty">
      <p>No session of this range {narrowed ? "has an event that matches, or is as long." : "yet."}</p>
      <p class="row centred-row">
        {narrowed && <button type="button" class="button" onClick={() => change({ filters: [], own: {} })}>Clear the filters</button>}
        <button type="button" class="button" onClick={() => change({ from: "90d", to: "now" })}>Look at the last 90 days</button>
      </p>
    </div>
  );
}

function columns(a: Address): WindowedColumn<SessionSummary>[] {
  const all: WindowedColumn<SessionSummary>[] = [
    {
      key: "first", title: "Started", width: 178,
      cell: (s) => (
        <Link row class="row-link numeric" to={sessionAddress(a, s)} title={`${bothTimes(s.first, a.tz)}\nSession ${s.session_id}`}>
          {stampOf(Date.parse(s.first), a.tz)}
        </Link>
      ),
    },
    { key: "duration", title: "Duration", width: 104, numeric: true, cell: (s) => (s.count === 1 ? "–" : duration(s.duration_ms / 1000)) },
    { key: "count", title: "Events", width: 76, numeric: true, cell: (s) => figure(s.count) },
    ...(a.filters.length > 0 ? [{ key: "matched", title: "Matched", width: 84, numeric: true, cell: (s: SessionSummary) => figure(s.matched) }] : []),
    { key: "entry", title: "First event", width: 210, cell: (s) => <Value field="type" value={typeName(s.entry)} /> },
    { key: "exit", title: "Last event", width: 210, cell: (s) => <Value field="type" value={typeName(s.exit)} /> },
    { key: "types", title: "Types", width: 330, cell: (s) => <bdi class="muted">{visibleText(s.types.map((t) => `${t.count} ${t.name}`).join(", "), 160)}</bdi> },
    { key: "session", title: "Session", width: 104, cell: (s) => <bdi class="mono muted">{s.session_id.slice(0, 8)}</bdi> },
  ];
  return all;
}
