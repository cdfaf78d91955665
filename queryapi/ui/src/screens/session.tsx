// One session: its events in order, with the time between them.

import type { JSX } from "preact";
import { get } from "../api/call.ts";
import type { EyeEvent, Timeline } from "../api/types.ts";
import { EventDrawer, funnelAddress, isShown, withEvent } from "../components/drawer.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure } from "../format/number.ts";
import { bothTimes, clockOf, dateOf, duration, momentOf, secondOf } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { change } from "../state/location.ts";
import { copy } from "../state/notice.ts";
import { type Pages, usePages } from "../state/pages.ts";
import { gapHeight, runsOf, type Run } from "../session/runs.ts";
import { typeName } from "../components/top.ts";

const pageSize = 500;

export function SessionTimeline({ a }: { a: Address }): JSX.Element {
  const call = get(`/v1/sessions/${encodeURIComponent(a.id)}`, { application: a.app, limit: pageSize });
  const pages = usePages<Timeline>(call, pageSize);
  const timeline = pages.answer.value;
  const events = pages.pages.flatMap((p) => p.events);
  const colors = typeColors(events);
  return (
    <div class="session">
      <p class="row">
        <Link class="button" to={withScreen(a, "sessions")}><Icon name="left" /> Sessions</Link>
        {a.own["step"] && (
          <Link class="button primary" to={funnelAddress(a, a.own["step"])}>
            Open the funnel of {count(a.own["step"].length, "step")}
          </Link>
        )}
      </p>
      <Panel title="Session" call={call} answer={pages.answer} note={<button type="button" class="value mono" title="Copy the id" onClick={() => void copy(a.id, "Session id")}><bdi>{visibleText(a.id, 80)}</bdi></button>}>
        {timeline && <Summary timeline={timeline} events={events} colors={colors} tz={a.tz} />}
      </Panel>
      {timeline && (
        <section class="panel" aria-label="Events of the session">
          <ol class="timeline">
            {runsOf(events).map((run) => <RunRows key={run.events[0]!.event_id} run={run} a={a} colors={colors} />)}
          </ol>
          <Foot pages={pages} loaded={events.length} all={timeline.count} />
        </section>
      )}
      <EventDrawer />
    </div>
  );
}

/** The colour of each type, the more frequent first; the tenth is that of all others. */
function typeColors(events: EyeEvent[]): Map<string, string> {
  const counts = new Map<string, number>();
  for (const e of events) counts.set(typeName(e), (counts.get(typeName(e)) ?? 0) + 1);
  return new Map([...counts].sort((x, y) => y[1] - x[1]).map(([type], i) => [type, `var(--series-${Math.min(i + 1, 10)})`]));
}

function Summary({ timeline, events, colors, tz }: { timeline: Timeline; events: EyeEvent[]; colors: Map<string, string>; tz: string }): JSX.Element {
  const first = Date.parse(timeline.first);
  const last = Date.parse(timeline.last);
  const at = (e: EyeEvent): number => (last === first ? 0.5 : (Date.parse(e.timestamp ?? "") - first) / (last - first)) * 99 + 0.5;
  const sameDay = dateOf(first, tz) === dateOf(last, tz);
  return (
    <>
      <dl class="session-figures">
        <div><dt>Started</dt><dd title={bothTimes(timeline.first, tz)}>{momentOf(first, tz)}</dd></div>
        <div><dt>Duration</dt><dd>{duration(timeline.duration_ms / 1000)}</dd></div>
        <div><dt>Events</dt><dd>{figure(timeline.count)}</dd></div>
        {timeline.entry && <div><dt>Application</dt><dd><bdi>{timeline.entry.application}</bdi></dd></div>}
      </dl>
      <svg class="strip" role="img" aria-label={`${count(events.length, "event")} over ${duration(timeline.duration_ms / 1000)}; the list below has each`}>
        <line class="strip-axis" x1="0" x2="100%" y1="30" y2="30" />
        {events.map((e) => <line key={e.event_id} x1={`${at(e)}%`} x2={`${at(e)}%`} y1="4" y2="26" style={{ stroke: colors.get(typeName(e)) }} />)}
      </svg>
      <p class="strip-ends muted">
        <span>{secondOf(first, tz)}</span>
        <span>{sameDay ? secondOf(last, tz) : momentOf(last, tz)}</span>
      </p>
      <ul class="legend">
        {[...colors].map(([type, color]) => (
          <li key={type}>
            <span class="swatch" style={{ background: color }} />
            <bdi>{visibleText(type, 80)}</bdi>
            <span class="muted">{events.filter((e) => typeName(e) === type).length}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** A run of one type: its first event, and the others where it is unfolded. */
function RunRows({ run, a, colors }: { run: Run; a: Address; colors: Map<string, string> }): JSX.Element {
  const [first, ...others] = run.events as [EyeEvent, ...EyeEvent[]];
  const unfolded = a.own["run"] ?? [];
  const open = unfolded.includes(first.event_id);
  const rows = !run.folded || open ? others : [];
  return (
    <>
      <EventRow e={first} a={a} colors={colors} />
      {run.folded && (
        <li class="run">
          <button type="button" class="link" aria-expanded={open} onClick={() => change(withOwn(a, "run", open ? unfolded.filter((id) => id !== first.event_id) : [...unfolded, first.event_id]))}>
            {open ? "Fold" : `${others.length} more`} of <bdi>{visibleText(typeName(first), 80)}</bdi>
          </button>
          <span class="muted small">within {duration(run.seconds)}</span>
        </li>
      )}
      {rows.map((e) => <EventRow key={e.event_id} e={e} a={a} colors={colors} />)}
    </>
  );
}

function EventRow({ e, a, colors }: { e: EyeEvent; a: Address; colors: Map<string, string> }): JSX.Element {
  const at = Date.parse(e.timestamp ?? "");
  const gap = e.gap_seconds ?? 0;
  return (
    <>
      {gap >= 1 && (
        <li class="gap" style={{ height: `${gapHeight(gap)}px` }}>
          <span class="muted small">{duration(gap)} later</span>
        </li>
      )}
      <li class={`moment ${isShown(a, e) ? "current" : ""}`}>
        <span class="dot" style={{ background: colors.get(typeName(e)) }} />
        <time class="muted numeric" dateTime={e.timestamp} title={bothTimes(e.timestamp ?? "", a.tz)}>{gap > 86_400 ? `${dateOf(at, a.tz)}, ${clockOf(at, a.tz)}` : secondOf(at, a.tz)}</time>
        <Link row class="moment-link" to={withEvent(a, e)}>
          <bdi>{visibleText(typeName(e), 120)}</bdi>
        </Link>
        <bdi class="moment-data mono muted">{hint(e.data)}</bdi>
      </li>
    </>
  );
}

/** The most telling members of the data, which are short texts and numbers. */
function hint(data: unknown): string {
  if (typeof data !== "object" || data === null) return "";
  const members = Object.entries(data).filter(([, v]) => ["string", "number", "boolean"].includes(typeof v));
  return visibleText(members.slice(0, 6).map(([k, v]) => `${k}=${String(v).slice(0, 60)}`).join("  "), 200);
}

function Foot({ pages, loaded, all }: { pages: Pages<Timeline>; loaded: number; all: number }): JSX.Element | null {
  if (pages.failure) return <FailureNote failure={pages.failure} call={undefined} retry={pages.loadMore} />;
  if (!pages.hasMore) return null;
  return (
    <p class="windowed-foot">
      <button type="button" class="button" disabled={pages.loading} onClick={pages.loadMore}>
        {pages.loading ? "Loading…" : `Load more: ${figure(loaded)} of ${figure(all)} are shown`}
      </button>
    </p>
  );
}
