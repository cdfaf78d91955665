// Overview: six panels of one moment, by one call.

import type { JSX } from "preact";
import { failureFrom } from "../api/client.ts";
import { alone, batch, type Question, scope } from "../api/question.ts";
import type { Batch, Timeseries, Top, TypeList } from "../api/types.ts";
import { Bars } from "../components/bars.tsx";
import { Chart } from "../components/chart.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { Link } from "../components/link.tsx";
import { Panel } from "../components/panel.tsx";
import { seriesTable, Total, zoom } from "../components/series.tsx";
import { topBars, topTable, typeName } from "../components/top.ts";
import { Sparkline } from "../components/sparkline.tsx";
import type { Table } from "../components/table.tsx";
import { visibleText } from "../components/value.tsx";
import { figure, percent } from "../format/number.ts";
import { momentOf } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { type Answer, useAnswer } from "../state/answer.ts";
import { address, change, go } from "../state/location.ts";
import { intervalFor, isMoving } from "../time/range.ts";
import { FirstEvent } from "./firstevent.tsx";
import { isOffered, screenOf } from "./list.ts";

/** How often a range that moves on is asked for again, in ms. */
const every = 15_000;
const topRows = 8;
const defaultField = "data.path";

function questions(a: Address): Record<"events" | "sessions" | "types" | "field" | "outcomes" | "now", Question> {
  const common = scope(a);
  const interval = intervalFor(a, a.tz);
  return {
    events: { kind: "timeseries", params: { ...common, interval, compare: "previous" } },
    sessions: { kind: "timeseries", params: { ...common, interval, metric: "sessions", compare: "previous" } },
    types: { kind: "top", params: { ...common, field: "type", limit: topRows } },
    field: { kind: "top", params: { ...common, field: a.own["field"]?.[0] ?? defaultField, limit: topRows } },
    outcomes: { kind: "types", params: { application: a.app, from: a.from, to: a.to } },
    now: { kind: "timeseries", params: { ...common, from: "30m", to: "now", interval: "minute" } },
  };
}

export function Overview(): JSX.Element {
  const a = address.value;
  const asked = questions(a);
  const answer = useAnswer<Batch>(batch(asked), isMoving(a) ? every : 0);
  const events = part<Timeseries>(answer, "events");
  const isEmpty = events.value?.total.total === 0 && a.filters.length === 0 && part<TypeList>(answer, "outcomes").value?.types.every((t) => t.stored + t.rejected === 0);
  if (isEmpty) return <FirstEvent />;
  return (
    <>
      <div class="grid overview">
        <SeriesPanel title="Events" question={asked.events} answer={events} color="--series-1" class="span-4" />
        <NowPanel question={asked.now} answer={part<Timeseries>(answer, "now")} />
        <SeriesPanel title="Sessions" question={asked.sessions} answer={part<Timeseries>(answer, "sessions")} color="--series-2" class="span-4" />
        <OutcomesPanel question={asked.outcomes} answer={part<TypeList>(answer, "outcomes")} />
        <TopPanel title="Top types" question={asked.types} answer={part<Top>(answer, "types")} />
        <TopPanel
          title="Top values"
          question={asked.field}
          answer={part<Top>(answer, "field")}
          controls={<FieldSelect label="Field of the top values" value={String(asked.field.params["field"])} onChange={(field) => change(withOwn(a, "field", field === defaultField ? undefined : field))} />}
        />
      </div>
      <p class="as-of">{answer.value && `As of ${momentOf(Date.parse(answer.value.as_of), a.tz)}`}</p>
    </>
  );
}

/** The part of a batch that answers one question. */
function part<T>(answer: Answer<Batch>, id: string): Answer<T> {
  const result = answer.value?.results.find((r) => r.id === id);
  if (!result) return { ...answer, value: undefined };
  if (result.status !== 200) return { ...answer, value: undefined, failure: failureFrom(result.status, result.answer as Record<string, unknown>) };
  return { ...answer, value: result.answer as T };
}

function SeriesPanel({ title, question, answer, color, class: className }: { title: string; question: Question; answer: Answer<Timeseries>; color: string; class: string }): JSX.Element {
  const { tz } = address.value;
  const s = answer.value;
  return (
    <Panel title={title} class={className} call={alone(question)} answer={answer} table={s && (() => seriesTable(s, tz, title))} note={s && <Total now={s.total.total} before={s.previous?.total} />}>
      {s && (
        <Chart
          label={`${title} over time: ${figure(s.total.total)}`}
          intervals={s.intervals}
          interval={s.interval}
          zone={tz}
          partial={s.partial}
          height={190}
          onSelect={zoom}
          series={[
            ...(s.previous ? [{ label: "Period before", values: s.previous.values, color: "--muted-line", dashed: true }] : []),
            { label: title, values: s.total.values, color, filled: true },
          ]}
        />
      )}
    </Panel>
  );
}

function NowPanel({ question, answer }: { question: Question; answer: Answer<Timeseries> }): JSX.Element {
  const { tz } = address.value;
  const s = answer.value;
  const latest = s?.total.values.slice(-5).reduce<number>((sum, v) => sum + (v ?? 0), 0) ?? 0;
  return (
    <Panel title="Now" class="span-2" call={alone(question)} answer={answer} table={s && (() => seriesTable(s, tz, "Events"))}>
      {s && (
        <>
          <p class="big">{figure(latest)}</p>
          <p class="muted">events in the last five minutes</p>
          <Chart label="Events by minute over the last half hour" intervals={s.intervals} interval="minute" zone={tz} partial={{ first: false, last: true }} height={104} bars series={[{ label: "Events", values: s.total.values, color: "--series-1" }]} />
        </>
      )}
    </Panel>
  );
}

function OutcomesPanel({ question, answer }: { question: Question; answer: Answer<TypeList> }): JSX.Element {
  const a = address.value;
  const types = answer.value?.types ?? [];
  const rejected = types.reduce((sum, t) => sum + t.rejected, 0);
  const all = types.reduce((sum, t) => sum + t.rejected + t.stored, 0);
  const worst = types.filter((t) => t.rejected > 0).sort((x, y) => y.rejected - x.rejected).slice(0, 4);
  const table = (): Table => ({
    columns: [{ name: "Type" }, { name: "Stored", numeric: true }, { name: "Rejected", numeric: true }, { name: "Share rejected", numeric: true }],
    rows: types.map((t) => [typeName(t), t.stored, t.rejected, percent(t.share_rejected)]),
  });
  return (
    <Panel title="Rejected" class="span-2" call={alone(question)} answer={answer} table={answer.value && table}>
      <p class={`big ${rejected > 0 ? "bad" : ""}`}>{all > 0 ? percent(rejected / all) : "–"}</p>
      <p class="muted">
        {figure(rejected)} of {figure(all)} received
      </p>
      <ul class="worst">
        {worst.map((t) => (
          <li key={typeName(t)}>
            <Link class="worst-link" to={withScreen(a, "rejected", "", { ...(t.category ? { category: [t.category] } : {}), ...(t.name ? { name: [t.name] } : {}) })}>
              <bdi>{visibleText(typeName(t), 120)}</bdi>
            </Link>
            <Sparkline values={t.series} label={`${typeName(t)}: received over time`} />
            <span class="numeric">{figure(t.rejected)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function TopPanel({ title, question, answer, controls }: { title: string; question: Question; answer: Answer<Top>; controls?: JSX.Element }): JSX.Element {
  const top = answer.value;
  const none = top && top.values.length === 0 ? <p class="empty">No event in this range has a value of {visibleText(top.field, 60)}.</p> : undefined;
  return (
    <Panel title={title} class="span-3" call={alone(question)} answer={answer} table={top && (() => topTable(top))} controls={controls} empty={none}>
      {top && (
        <>
          <Bars field={top.field} bars={topBars(top)} unit="events" />
          <p class="panel-foot">
            <span class="muted">{top.missing > 0 && `${figure(top.missing)} events without a value`}</span>
            {isOffered(screenOf("trends")) && (
              <button type="button" class="link" onClick={() => go(withScreen(address.value, "trends", "", { group: [top.field] }))}>
                Over time
              </button>
            )}
          </p>
        </>
      )}
    </Panel>
  );
}
