// Funnel: how many go from step to step, and where the others are lost.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../api/call.ts";
import type { Funnel, FunnelStep, Group } from "../api/types.ts";
import { Segments, Select } from "../components/choice.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { FilterField } from "../components/filterbar.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Panel } from "../components/panel.tsx";
import type { Table } from "../components/table.tsx";
import { TypeSelect } from "../components/typeselect.tsx";
import { filterBy, valueLabel, visibleText } from "../components/value.tsx";
import { count, figure, percent } from "../format/number.ts";
import { duration, momentOf } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { leastSteps, mostSteps, readStep, stepLabel, writeStep } from "../state/steps.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/analyse.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const windows = [["", "any time"], ["5m", "5 minutes"], ["30m", "30 minutes"], ["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"]]
  .map(([value, label]) => ({ value: value!, label: value ? `within ${label}` : `in ${label}` }));

export function FunnelScreen(): JSX.Element {
  const a = address.value;
  const own = (name: string, otherwise = ""): string => a.own[name]?.[0] ?? otherwise;
  const put = (name: string, otherwise = "") => (value: string): void => change(withOwn(a, name, value === otherwise ? undefined : value));
  const steps = (a.own["step"] ?? []).map(readStep);
  const ready = steps.length >= leastSteps && steps.every((s) => s.length > 0);
  const by = own("by", "session_id");
  const call = ready ? post("/v1/stats/funnel", body(a, steps)) : undefined;
  const answer = useAnswer<Funnel>(call);
  const f = answer.value;
  return (
    <div class="analysis">
      <div class="row options">
        <FieldSelect label="Counted by" none="by session" value={by === "session_id" ? "" : by} onChange={put("by")} />
        <Select label="Window" value={own("window")} options={windows} onChange={put("window")} />
        <Segments label="Order" value={own("order", "ordered")} options={[{ value: "ordered", label: "Others between" }, { value: "strict", label: "Directly" }]} onChange={put("order", "ordered")} />
        <FieldSelect label="Group by" none="all together" value={own("group")} onChange={put("group")} />
      </div>
      <StepEditor steps={steps} answer={ready ? f : undefined} />
      {ready && (
        <Panel
          title="Funnel"
          call={call}
          answer={answer}
          table={f && (() => table(f))}
          note={f && <><strong class="total">{percent(f.entered ? f.completed / f.entered : 0)}</strong> <span>{figure(f.completed)} of {figure(f.entered)} {by === "session_id" ? "sessions" : valueLabel(by)}</span></>}
          empty={f && f.entered === 0 ? <p class="empty">Nobody takes the first step in this range.</p> : undefined}
        >
          {f && (
            <>
              <ol class="funnel">{f.steps.map((s, i) => <StepBar key={i} s={s} i={i} filters={steps[i] ?? []} a={a} />)}</ol>
              {f.groups && <Groups f={f} group={own("group")} />}
              <p class="as-of">As of {momentOf(Date.parse(f.as_of), a.tz)}</p>
            </>
          )}
        </Panel>
      )}
    </div>
  );
}

function body(a: Address, steps: string[][]): Record<string, unknown> {
  const own = (name: string): string | undefined => a.own[name]?.[0];
  return {
    ...(a.app ? { application: a.app } : {}),
    from: a.from, to: a.to, tz: a.tz,
    ...(a.filters.length > 0 ? { filters: a.filters } : {}),
    ...(own("by") ? { by: own("by") } : {}),
    ...(own("window") ? { window: own("window") } : {}),
    ...(own("order") ? { order: own("order") } : {}),
    ...(own("group") ? { group_by: own("group"), top: 5 } : {}),
    steps: steps.map((filters) => ({ label: visibleText(stepLabel(filters), 150), filters })),
  };
}

/** The steps: conditions are added and removed, steps moved; the figures follow at once. */
function StepEditor({ steps, answer }: { steps: string[][]; answer: Funnel | undefined }): JSX.Element {
  const [adding, setAdding] = useState<number>();
  const put = (next: string[][]): void => {
    setAdding(undefined);
    change(withOwn(address.value, "step", next.filter((s) => s.length > 0).map(writeStep)));
  };
  const replace = (i: number, filters: string[]): void => put(steps.map((s, j) => (j === i ? filters : s)));
  const move = (i: number, by: -1 | 1): void => {
    const next = [...steps];
    [next[i], next[i + by]] = [next[i + by]!, next[i]!];
    put(next);
  };
  return (
    <section class="panel steps" aria-label="Steps">
      <ol>
        {steps.map((filters, i) => (
          <li key={i} class="step">
            <span class="step-number">{i + 1}</span>
            <span class="step-conditions">
              {filters.map((f, j) => (
                <span class="chip" key={f}>
                  <span class="chip-text mono"><bdi>{visibleText(f, 80)}</bdi></span>
                  <button type="button" class="chip-remove" aria-label={`Step ${i + 1}: remove ${visibleText(f, 80)}`} title="Remove" onClick={() => replace(i, filters.filter((_, k) => k !== j))}>
                    <Icon name="close" />
                  </button>
                </span>
              ))}
              {adding === i ? (
                <FilterField initial="" label={`Condition of step ${i + 1}`} onSubmit={(f) => replace(i, [...filters, f])} onCancel={() => setAdding(undefined)} />
              ) : (
                <button type="button" class="button quiet" onClick={() => setAdding(i)}>
                  <Icon name="plus" /> where
                </button>
              )}
            </span>
            <span class="step-count numeric muted">{answer ? figure(answer.steps[i]?.count) : ""}</span>
            <span class="step-tools">
              <button type="button" class="button quiet icon-only" aria-label={`Move step ${i + 1} up`} disabled={i === 0} onClick={() => move(i, -1)}><span class="up"><Icon name="down" /></span></button>
              <button type="button" class="button quiet icon-only" aria-label={`Move step ${i + 1} down`} disabled={i === steps.length - 1} onClick={() => move(i, 1)}><Icon name="down" /></button>
              <button type="button" class="button quiet icon-only" aria-label={`Remove step ${i + 1}`} onClick={() => put(steps.filter((_, j) => j !== i))}><Icon name="close" /></button>
            </span>
          </li>
        ))}
      </ol>
      {steps.length < mostSteps && (
        <div class="row step-add">
          <span class="step-number">{steps.length + 1}</span>
          <TypeSelect key={steps.length} label="Add a step of a type" none={steps.length === 0 ? "First step…" : "Then…"} value="" onChange={(f) => f && put([...steps, [f]])} />
          {adding === steps.length ? (
            <FilterField initial="" label="Condition of a new step" onSubmit={(f) => put([...steps, [f]])} onCancel={() => setAdding(undefined)} />
          ) : (
            <button type="button" class="button quiet" onClick={() => setAdding(steps.length)}>or a condition</button>
          )}
        </div>
      )}
      {steps.length < leastSteps && <p class="muted small step-hint">A funnel has two steps at least: choose the type of event that begins it, and the one that should follow.</p>}
    </section>
  );
}

function StepBar({ s, i, filters, a }: { s: FunnelStep; i: number; filters: string[]; a: Address }): JSX.Element {
  const label = visibleText(s.label, 120);
  const conditions = [...a.filters, ...filters.filter((f) => !a.filters.includes(f))];
  return (
    <li class="funnel-step">
      <p class="funnel-head">
        <strong><bdi>{i + 1}. {label}</bdi></strong>
        <span class="numeric">{figure(s.count)}</span>
        <span class="numeric muted">{percent(s.of_first)}</span>
      </p>
      <Link row class="funnel-bar" to={{ ...withScreen(a, "sessions", "", { by: ["active"] }), filters: conditions }} label={`Sessions with ${label}`} title="The sessions with such an event">
        <span style={{ width: `${s.of_first * 100}%` }} />
      </Link>
      {i > 0 && (
        <p class="funnel-note muted">
          {percent(s.of_previous)} of the step before
          {s.dropped > 0 && <span class="bad"> · {figure(s.dropped)} lost</span>}
          {s.seconds && <span title="From the step before: half took at most the first time, 9 of 10 the second"> · {duration(s.seconds.p50)} in the median, {duration(s.seconds.p90)} at 90%</span>}
        </p>
      )}
    </li>
  );
}

const groupName = (g: Group): string => (g.other ? count(g.groups ?? 0, "other") : g.missing ? "without a value" : valueLabel(g.group));

function Groups({ f, group }: { f: Funnel; group: string }): JSX.Element {
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label="Groups">
      <table class="table">
        <caption class="visually-hidden">The funnel by group</caption>
        <thead>
          <tr>
            <th scope="col"><bdi class="mono">{visibleText(group, 60)}</bdi></th>
            {f.steps.map((s, i) => <th key={i} scope="col" class="numeric"><bdi>{visibleText(s.label, 40)}</bdi></th>)}
            <th scope="col" class="numeric">Completed</th>
          </tr>
        </thead>
        <tbody>
          {f.groups!.map((g) => (
            <tr key={groupName(g)}>
              <td>
                {g.other || g.missing ? <span class="muted">{groupName(g)}</span> : <button type="button" class="value" title="Click: only this. Alt-click: all but this." onClick={(e) => filterBy(group, g.group, e)}><bdi>{groupName(g)}</bdi></button>}
              </td>
              {g.steps.map((s, i) => <td key={i} class="numeric">{figure(s.count)}</td>)}
              <td class="numeric">{percent(g.steps.at(-1)?.of_first ?? 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function table(f: Funnel): Table {
  return {
    columns: [{ name: "Step" }, { name: "Count", numeric: true }, { name: "Of the first" }, { name: "Of the one before" }, { name: "Lost", numeric: true }, { name: "Median seconds", numeric: true }],
    rows: f.steps.map((s) => [s.label, s.count, percent(s.of_first), percent(s.of_previous), s.dropped, s.seconds?.p50 ?? null]),
  };
}
