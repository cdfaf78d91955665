// Live: outcomes as they happen, and why an event was rejected.

import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Call, get } from "../api/call.ts";
import type { Failure } from "../api/client.ts";
import { follow } from "../api/live.ts";
import type { EyeEvent } from "../api/types.ts";
import { Segments } from "../components/choice.tsx";
import { EventDrawer, isShown, withEvent } from "../components/drawer.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { Value, visibleText } from "../components/value.tsx";
import { Windowed, type WindowedColumn } from "../components/windowed.tsx";
import { typeOf } from "../filter/pick.ts";
import { count, figure } from "../format/number.ts";
import { bothTimes, stampOf } from "../format/time.ts";
import { type Address, withOwn } from "../state/address.ts";
import { address, change } from "../state/location.ts";
import { Ring } from "../state/ring.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/live.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

/** How many outcomes the screen keeps. */
const mostRows = 1000;
/** How often new outcomes are drawn, in ms: a busy stream has hundreds of them a second. */
const drawEvery = 200;

type Connection = "connecting" | "open" | "waiting";

interface Stream {
  rows: EyeEvent[];
  seen: number;
  missed: number;
  connection: Connection;
  failure: Failure | undefined;
}

const nothing: Stream = { rows: [], seen: 0, missed: 0, connection: "connecting", failure: undefined };

/** Follows a call. The outcomes that came while it was paused are there when it goes on. */
function useStream(call: Call, paused: boolean): Stream & { waiting: number; retry: () => void } {
  const [shown, setShown] = useState(nothing);
  const [waiting, setWaiting] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const isPaused = useRef(paused);
  const draw = useRef<() => void>(() => undefined);
  isPaused.current = paused;
  const key = JSON.stringify(call);
  useEffect(() => {
    const ring = new Ring<EyeEvent>(mostRows);
    let present: Stream = nothing;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawn = 0;
    draw.current = () => {
      timer = undefined;
      if (isPaused.current) {
        setWaiting(ring.seen - drawn);
        setShown((s) => ({ ...present, rows: s.rows, seen: s.seen }));
        return;
      }
      drawn = ring.seen;
      setWaiting(0);
      setShown({ ...present, rows: ring.newest(), seen: ring.seen });
    };
    const soon = (): void => void (timer ??= setTimeout(() => draw.current(), drawEvery));
    setShown(nothing);
    setWaiting(0);
    const stop = follow(call, {
      onEvent: (e) => (ring.add(e), soon()),
      onGap: (missed) => ((present = { ...present, missed: present.missed + Math.max(1, missed) }), soon()),
      onState: (connection, failure) => ((present = { ...present, connection, failure }), draw.current()),
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [key, attempt]);
  useEffect(() => draw.current(), [paused]);
  return { ...shown, waiting, retry: () => setAttempt(attempt + 1) };
}

export function Live(): JSX.Element {
  const a = address.value;
  const outcome = a.own["outcome"]?.[0] ?? "all";
  const call = get("/v1/live", { application: a.app, filter: a.filters, outcome: outcome === "all" ? "" : outcome });
  const [paused, setPaused] = useState(false);
  const stream = useStream(call, paused);
  const shown = useMemo(() => columns(a), [a]);
  const given = { value: stream, failure: undefined, waiting: "no" as const, cancelled: false, cancel: () => undefined, retry: () => undefined };
  return (
    <div class="live">
      <Panel
        title="Outcomes"
        class="events tall"
        call={call}
        answer={given}
        note={<ConnectionNote stream={stream} paused={paused} />}
        controls={
          <>
            <Segments label="Outcome" value={outcome} options={[{ value: "all", label: "All" }, { value: "stored", label: "Stored" }, { value: "rejected", label: "Rejected" }]} onChange={(o) => change(withOwn(a, "outcome", o === "all" ? undefined : o))} />
            <button type="button" class="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
              <Icon name={paused ? "play" : "pause"} /> {paused ? `Go on${stream.waiting > 0 ? `: ${figure(stream.waiting)} new` : ""}` : "Pause"}
            </button>
          </>
        }
      >
        {stream.failure && !stream.failure.transient && <FailureNote failure={stream.failure} call={call} retry={stream.retry} />}
        {stream.missed > 0 && <p class="notice-line missed" role="status">{count(stream.missed, "message")} of the stream passed while the connection was away, and {stream.missed === 1 ? "is" : "are"} not shown.</p>}
        {stream.rows.length === 0 ? (
          <Listening a={a} />
        ) : (
          <Windowed label="Outcomes" columns={shown} rows={stream.rows} keyOf={(e) => `${e.application}/${e.event_id}/${e.received_at}/${e.status}`} isCurrent={(e) => isShown(a, e)} classOf={(e) => (e.status === "rejected" ? "rejected-row" : "")} origin={JSON.stringify(call)} />
        )}
      </Panel>
      <EventDrawer />
    </div>
  );
}

function ConnectionNote({ stream, paused }: { stream: Stream; paused: boolean }): JSX.Element {
  const text = { connecting: "connecting", open: paused ? "paused" : "listening", waiting: "the connection was lost; it is opened again" }[stream.connection];
  const seen = stream.seen > mostRows ? `, the newest ${figure(mostRows)} of ${figure(stream.seen)}` : stream.seen > 0 ? `, ${count(stream.seen, "outcome")} so far` : "";
  return (
    <span role="status" class={stream.connection === "waiting" ? "bad" : ""}>
      {stream.connection === "open" && !paused && <span class="pulse" aria-hidden="true" />}
      {text}
      {seen}
    </span>
  );
}

function Listening({ a }: { a: Address }): JSX.Element {
  return (
    <div class="empty">
      <p>Outcomes show here as events get them{a.filters.length > 0 ? ", if they match the filters" : ""}.</p>
      <p class="small">
        Send one, or run <code>theeye demo</code>. What was sent before is in the explorer.
      </p>
    </div>
  );
}

function columns(a: Address): WindowedColumn<EyeEvent>[] {
  return [
    {
      key: "received", title: "Received", width: 178,
      cell: (e) => (
        <Link row class="row-link numeric" to={withEvent(a, e)} title={bothTimes(e.received_at, a.tz)}>
          {stampOf(Date.parse(e.received_at), a.tz)}
        </Link>
      ),
    },
    { key: "outcome", title: "Outcome", width: 104, cell: (e) => <span class={`outcome outcome-${e.status}`}>{e.status}</span> },
    { key: "type", title: "Type", width: 230, cell: (e) => (typeOf(e) === undefined ? <span class="muted">without a valid type</span> : <Value field="type" value={typeOf(e)} />) },
    { key: "application", title: "Application", width: 110, cell: (e) => <Value field="application" value={e.application} /> },
    { key: "why", title: "Why, or the data", width: 520, cell: (e) => <Why e={e} /> },
  ];
}

function Why({ e }: { e: EyeEvent }): JSX.Element {
  const [first, ...others] = e.errors ?? [];
  if (first) {
    return (
      <span class="why" title={(e.errors ?? []).map((f) => visibleText(`${f.path ?? ""} ${f.message} (${f.code})`)).join("\n")}>
        {first.path && <bdi class="mono">{visibleText(first.path, 60)} </bdi>}
        {visibleText(first.message, 120)} <code>{first.code}</code>
        {others.length > 0 && <span class="muted"> and {others.length} more</span>}
      </span>
    );
  }
  return <bdi class="mono muted">{visibleText(JSON.stringify(e.data) ?? "", 200)}</bdi>;
}
