// Retention: who comes back, by the interval of the first visit.

import type { JSX } from "preact";
import { alone, type Question, scope } from "../api/question.ts";
import type { Interval, Retention } from "../api/types.ts";
import { Select } from "../components/choice.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { Panel } from "../components/panel.tsx";
import type { Table } from "../components/table.tsx";
import { TypeSelect } from "../components/typeselect.tsx";
import { visibleText } from "../components/value.tsx";
import { figure, percent } from "../format/number.ts";
import { intervalLabel, momentOf } from "../format/time.ts";
import { withOwn } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/analyse.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const intervals = ["day", "week", "month"];

export function RetentionScreen(): JSX.Element {
  const a = address.value;
  const own = (name: string, otherwise = ""): string => a.own[name]?.[0] ?? otherwise;
  const put = (name: string, otherwise = "") => (value: string): void => change(withOwn(a, name, value === otherwise ? undefined : value));
  const by = own("by", "session_id");
  const interval = own("interval", "week");
  const question: Question = {
    kind: "retention",
    params: { ...scope(a), by, interval, periods: own("periods", "8"), first: a.own["first"], again: a.own["again"] },
  };
  const answer = useAnswer<Retention>(alone(question));
  const r = answer.value;
  return (
    <div class="analysis">
      <div class="row options">
        <FieldSelect label="Visitor" none="by session" value={by === "session_id" ? "" : by} onChange={put("by")} />
        <Select label="Interval" value={interval} options={intervals.map((i) => ({ value: i, label: `by ${i}` }))} onChange={put("interval", "week")} />
        <Select label="Periods" value={own("periods", "8")} options={["4", "8", "12", "24"].map((n) => ({ value: n, label: `${n} ${interval}s` }))} onChange={put("periods", "8")} />
        <TypeSelect label="First event" none="begin with any event" value={own("first")} onChange={put("first")} />
        <TypeSelect label="Event of a return" none="return with any event" value={own("again")} onChange={put("again")} />
      </div>
      {by === "session_id" && (
        <p class="notice-line">Sessions rarely return: choose the field that names a visitor, such as the id of an account.</p>
      )}
      <Panel
        title="Retention"
        call={answer.call}
        answer={answer}
        table={r && (() => table(r, a.tz))}
        note={r && <span>{figure(r.cohorts.reduce((n, c) => n + c.size, 0))} by <bdi>{visibleText(by, 60)}</bdi></span>}
        empty={r && r.cohorts.every((c) => c.size === 0) ? <p class="empty">No event of this range has a value of {visibleText(by, 60)}{own("first") && ", or is of the type that begins"}.</p> : undefined}
      >
        {r && <Cohorts r={r} zone={a.tz} />}
        {r && <p class="as-of">As of {momentOf(Date.parse(r.as_of), a.tz)}. Hatched cells are not over yet, and not part of the average.</p>}
      </Panel>
    </div>
  );
}

const cohortName = (start: string, interval: Interval, zone: string): string => intervalLabel(Date.parse(start), interval, zone);

function Cohorts({ r, zone }: { r: Retention; zone: string }): JSX.Element {
  const periods = r.average.length;
  return (
    <div class="table-scroll cohorts-scroll" tabIndex={0} role="group" aria-label="Cohorts">
      <table class="table cohorts">
        <caption class="visually-hidden">Share of each cohort that returned, by {r.interval}</caption>
        <thead>
          <tr>
            <th scope="col">First seen</th>
            <th scope="col" class="numeric">Size</th>
            {Array.from({ length: periods }, (_, i) => <th key={i} scope="col" class="numeric">{i === 0 ? `Same ${r.interval}` : `+${i}`}</th>)}
          </tr>
        </thead>
        <tbody>
          {r.cohorts.map((c) => (
            <tr key={c.start}>
              <th scope="row">{cohortName(c.start, r.interval, zone)}</th>
              <td class="numeric">{figure(c.size)}</td>
              {c.returned.map((n, i) => <Cell key={i} returned={n} size={c.size} complete={c.complete[i] === true} begun={i <= c.complete.indexOf(false) || !c.complete.includes(false)} />)}
            </tr>
          ))}
          <tr class="cohort-average">
            <th scope="row">Average</th>
            <td />
            {r.average.map((share, i) => <td key={i} class="numeric">{share === null ? "–" : percent(share)}</td>)}
          </tr>
        </tbody>
      </table>
    </div>
  );
}

/** An interval that is running is incomplete; those behind it have not begun. */
function Cell({ returned, size, complete, begun }: { returned: number; size: number; complete: boolean; begun: boolean }): JSX.Element {
  if (!begun) return <td class="cell incomplete" title="Not begun yet" />;
  const share = size > 0 ? returned / size : 0;
  return (
    <td class={`numeric cell ${complete ? "" : "incomplete"}`} style={{ backgroundColor: `color-mix(in srgb, var(--series-1) ${Math.round(share * 45)}%, transparent)` }} title={`${figure(returned)} of ${figure(size)}${complete ? "" : ", not over yet"}`}>
      {size > 0 ? percent(share) : "–"}
    </td>
  );
}

function table(r: Retention, zone: string): Table {
  return {
    columns: [{ name: "First seen" }, { name: "Size", numeric: true }, ...r.average.map((_, i) => ({ name: `+${i}`, numeric: true }))],
    rows: r.cohorts.map((c) => [cohortName(c.start, r.interval, zone), c.size, ...c.returned]),
  };
}
