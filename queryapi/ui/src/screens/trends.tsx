// Trends: a figure over time, of all events or group by group.

import type { JSX } from "preact";
import { alone, type Question, scope } from "../api/question.ts";
import type { Group, Interval, Timeseries } from "../api/types.ts";
import { Chart, type ChartSeries } from "../components/chart.tsx";
import { Select } from "../components/choice.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { Panel } from "../components/panel.tsx";
import { Total, zoom } from "../components/series.tsx";
import type { Table } from "../components/table.tsx";
import { filterBy, valueLabel } from "../components/value.tsx";
import { count, figure } from "../format/number.ts";
import { intervalLabel, momentOf } from "../format/time.ts";
import { withOwn } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { intervalFor, isMoving } from "../time/range.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/analyse.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const metrics = [
  ["events", "Events"], ["sessions", "Sessions"], ["sum", "Sum"], ["avg", "Average"], ["min", "Least"], ["max", "Greatest"],
  ["p50", "Median"], ["p90", "90th percentile"], ["p95", "95th percentile"], ["p99", "99th percentile"],
].map(([value, label]) => ({ value: value!, label: label! }));
const counts = ["events", "sessions"];
const intervals: Interval[] = ["minute", "hour", "day", "week", "month"];
/** How often a range that moves on is asked for again, in ms. */
const every = 30_000;
const mostGroups = 10;

export function Trends(): JSX.Element {
  const a = address.value;
  const own = (name: string, otherwise = ""): string => a.own[name]?.[0] ?? otherwise;
  const put = (name: string, otherwise = "") => (value: string): void => change(withOwn(a, name, value === otherwise ? undefined : value));
  const metric = own("metric", "events");
  const field = own("field");
  const group = own("group");
  const interval = own("interval", intervalFor(a, a.tz));
  const wantsField = !counts.includes(metric);
  const compare = own("compare") === "previous" && group === "";
  const question: Question = {
    kind: "timeseries",
    params: { ...scope(a), interval, metric, field: wantsField ? field : "", group_by: group, top: group ? own("top", "5") : "", compare: compare ? "previous" : "" },
  };
  const ready = !wantsField || field !== "";
  const answer = useAnswer<Timeseries>(ready ? alone(question) : undefined, isMoving(a) ? every : 0);
  const s = answer.value;
  const title = metrics.find((m) => m.value === metric)?.label ?? metric;
  return (
    <div class="analysis">
      <div class="row options">
        <Select label="Metric" value={metric} options={metrics} onChange={put("metric", "events")} />
        {wantsField && <FieldSelect label="Field of the metric" none="of which field?" value={field} onChange={put("field")} />}
        <FieldSelect label="Group by" none="all together" value={group} onChange={put("group")} />
        {group && <Select label="Number of groups" value={own("top", "5")} options={["3", "5", String(mostGroups)].map((n) => ({ value: n, label: `top ${n}` }))} onChange={put("top", "5")} />}
        <Select label="Interval" value={interval} options={intervals.map((i) => ({ value: i, label: `by ${i}` }))} onChange={put("interval", intervalFor(a, a.tz))} />
        <label class={`check-line ${group ? "muted" : ""}`}>
          <input type="checkbox" checked={compare} disabled={group !== ""} onChange={(e) => put("compare")(e.currentTarget.checked ? "previous" : "")} />
          Period before
        </label>
      </div>
      {ready ? (
        <Panel
          title={wantsField ? `${title} of ${valueLabel(field)}` : title}
          call={answer.call}
          answer={answer}
          table={s && (() => table(s, a.tz, title))}
          note={s && <Total now={s.total.total} before={compare ? s.previous?.total : undefined} />}
        >
          {s && (
            <>
              <Chart
                label={`${title} over time: ${figure(s.total.total)}`}
                intervals={s.intervals}
                interval={s.interval}
                zone={a.tz}
                partial={s.partial}
                height={320}
                onSelect={zoom}
                series={drawn(s, title, compare)}
              />
              {s.series && <Groups s={s} />}
              <p class="as-of">As of {momentOf(Date.parse(s.as_of), a.tz)}</p>
            </>
          )}
        </Panel>
      ) : (
        <p class="panel empty">Choose the field whose numbers are counted.</p>
      )}
    </div>
  );
}

function drawn(s: Timeseries, title: string, compare: boolean): ChartSeries[] {
  if (s.series) return s.series.map((g, i) => ({ label: groupName(g), values: g.values, color: colorOf(g, i), dashed: g.other === true || g.missing === true }));
  return [
    ...(compare && s.previous ? [{ label: "Period before", values: s.previous.values, color: "--muted-line", dashed: true }] : []),
    { label: title, values: s.total.values, color: "--series-1", filled: true },
  ];
}

const colorOf = (g: Group, i: number): string => (g.other ? "--muted-line" : g.missing ? "--muted" : `--series-${(i % mostGroups) + 1}`);

function groupName(g: Group): string {
  if (g.other) return count(g.groups ?? 0, "other");
  return g.missing ? "without a value" : valueLabel(g.group);
}

/** The groups with their colours and totals: the legend. */
function Groups({ s }: { s: Timeseries }): JSX.Element {
  return (
    <ol class="trend-groups" aria-label="Groups">
      {s.series!.map((g, i) => (
        <li key={groupName(g)}>
          <span class="swatch" style={{ background: `var(${colorOf(g, i)})` }} />
          {g.other || g.missing ? (
            <span class="muted">{groupName(g)}</span>
          ) : (
            <button type="button" class="value" title="Click: only this. Alt-click: all but this." onClick={(e) => filterBy(s.group_by!, g.group, e)}>
              <bdi>{groupName(g)}</bdi>
            </button>
          )}
          <strong class="numeric">{figure(g.total)}</strong>
        </li>
      ))}
    </ol>
  );
}

function table(s: Timeseries, zone: string, title: string): Table {
  const columns = s.series ? s.series.map((g) => ({ name: groupName(g), values: g.values })) : [{ name: title, values: s.total.values }, ...(s.previous ? [{ name: "Period before", values: s.previous.values }] : [])];
  return {
    columns: [{ name: "Interval" }, ...columns.map((c) => ({ name: c.name, numeric: true }))],
    rows: s.intervals.map((t, i) => [intervalLabel(Date.parse(t), s.interval, zone), ...columns.map((c) => c.values[i] ?? null)]),
  };
}
