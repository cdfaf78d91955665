// Types and fields: what sites send, type by type, and what their data have.

import type { JSX } from "preact";
import { get } from "../api/call.ts";
import { alone, listScope, scope } from "../api/question.ts";
import type { FieldFacts, FieldList, Top, TypeList, TypeSummary } from "../api/types.ts";
import { Bars } from "../components/bars.tsx";
import { Link } from "../components/link.tsx";
import { Panel } from "../components/panel.tsx";
import { Sparkline } from "../components/sparkline.tsx";
import type { Table } from "../components/table.tsx";
import { Value, valueText, visibleText } from "../components/value.tsx";
import { filterFor } from "../filter/write.ts";
import { count, figure, percent } from "../format/number.ts";
import { ago, bothTimes } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { isOperator } from "../state/session.ts";
import { topBars, topTable, typeName } from "../components/top.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/fields.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

const topRows = 12;
const mostFields = 500;

/** The type that the address names, undefined for all. */
function chosenType(a: Address): { category: string; name: string } | undefined {
  const category = a.own["category"]?.[0];
  const name = a.own["name"]?.[0];
  return category === undefined || name === undefined ? undefined : { category, name };
}

const withType = (a: Address, t: { category?: string; name?: string } | undefined): Address => ({
  ...a,
  own: t?.category === undefined || t.name === undefined ? {} : { category: [t.category], name: [t.name] },
});

export function Types(): JSX.Element {
  const a = address.value;
  const type = chosenType(a);
  const field = a.own["field"]?.[0];
  return (
    <div class="types">
      <TypesPanel a={a} />
      <FieldsPanel a={a} type={type} field={field} />
      {field !== undefined && <ValuesPanel a={a} type={type} field={field} />}
    </div>
  );
}

function TypesPanel({ a }: { a: Address }): JSX.Element {
  const { filter: _, ...params } = listScope(a);
  const call = get("/v1/types", params);
  const answer = useAnswer<TypeList>(call);
  const types = [...(answer.value?.types ?? [])].sort((x, y) => y.stored + y.rejected - x.stored - x.rejected);
  const table = (): Table => ({
    columns: [{ name: "Type" }, { name: "Stored", numeric: true }, { name: "Rejected", numeric: true }, { name: "Share rejected" }, { name: "First seen" }, { name: "Last seen" }],
    rows: types.map((t) => [typeName(t), t.stored, t.rejected, percent(t.share_rejected), t.first_seen ?? "", t.last_seen ?? ""]),
  });
  return (
    <Panel title="Types" call={call} answer={answer} table={answer.value && table} note={answer.value && <span>{figure(types.length)}, by the time received</span>} empty={answer.value && types.length === 0 ? <p class="empty">No event was received in this range, and no type is registered. <code>theeye demo</code> sends sample data.</p> : undefined}>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Types">
        <table class="table">
          <caption class="visually-hidden">Types</caption>
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col" class="numeric">Stored</th>
              <th scope="col" class="numeric">Rejected</th>
              <th scope="col">Received</th>
              <th scope="col">Schema</th>
              <th scope="col">Last seen</th>
            </tr>
          </thead>
          <tbody>{types.map((t) => <TypeRow key={typeName(t)} t={t} a={a} />)}</tbody>
        </table>
      </div>
    </Panel>
  );
}

function TypeRow({ t, a }: { t: TypeSummary; a: Address }): JSX.Element {
  const chosen = chosenType(a);
  const isChosen = chosen !== undefined && chosen.category === t.category && chosen.name === t.name;
  const now = Date.now();
  return (
    <tr class={isChosen ? "current" : ""}>
      <td class="type-cell">
        {t.category === undefined || t.name === undefined ? (
          <span class="muted">{typeName(t)}</span>
        ) : (
          <Link row class="row-link" to={withType(a, isChosen ? undefined : t)} title={isChosen ? "Show the fields of all types" : "Show the fields of this type"}>
            <bdi>{visibleText(typeName(t), 120)}</bdi>
          </Link>
        )}
      </td>
      <td class="numeric">{figure(t.stored)}</td>
      <td class={`numeric ${t.rejected > 0 ? "bad" : ""}`}>
        {figure(t.rejected)}
        {t.rejected > 0 && <span class="share">{percent(t.share_rejected)}</span>}
      </td>
      <td><Sparkline values={t.series} label={`${typeName(t)}: received over time`} /></td>
      <td class="muted">
        {t.registered ? `version ${t.schema_version ?? "–"}` : "not registered"}
        {!t.registered && isOperator() && t.category !== undefined && t.name !== undefined && <> <Link to={withScreen(a, "schemas", "", { category: [t.category], name: [t.name] })} title="Make a schema from what was seen">Make a schema</Link></>}
      </td>
      <td class="muted" title={t.last_seen && `${bothTimes(t.last_seen, a.tz)}${t.first_seen ? `\nFirst: ${t.first_seen}` : ""}`}>{t.last_seen ? ago(Date.parse(t.last_seen), now) : "never"}</td>
    </tr>
  );
}

const kinds = ["string", "number", "boolean", "null", "array", "object"];

function FieldsPanel({ a, type, field }: { a: Address; type: { category: string; name: string } | undefined; field: string | undefined }): JSX.Element {
  const call = get("/v1/fields", { ...scope(a), ...type, limit: mostFields });
  const answer = useAnswer<FieldList>(call);
  const list = answer.value;
  const table = (): Table => ({
    columns: [{ name: "Field" }, { name: "Kinds" }, { name: "Present", numeric: true }, { name: "Share" }, { name: "Distinct", numeric: true }, { name: "Least" }, { name: "Greatest" }],
    rows: (list?.fields ?? []).map((f) => [f.path, kindsText(f), f.present, percent(f.share), f.distinct, textOf(f.min), textOf(f.max)]),
  });
  return (
    <Panel
      title={type ? `Fields of ${visibleText(typeName(type), 60)}` : "Fields of all types"}
      call={call}
      answer={answer}
      table={list && table}
      note={list && <span>{count(list.fields.length, "field")} in {count(list.events, "event")}{list.truncated && ", there are more"}</span>}
      controls={type && <Link class="button quiet" to={{ ...withScreen(a, "explorer"), filters: [...a.filters, filterFor("type", typeName(type))] }}>Events</Link>}
      empty={list && list.fields.length === 0 ? <p class="empty">No stored event of this range {type ? "of this type " : ""}has data.</p> : undefined}
    >
      <div class="table-scroll fields-scroll" tabIndex={0} role="group" aria-label="Fields">
        <table class="table">
          <caption class="visually-hidden">Fields</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Kinds</th>
              <th scope="col">Present in</th>
              <th scope="col" class="numeric">Distinct</th>
              <th scope="col">Range</th>
              <th scope="col">Frequent values</th>
            </tr>
          </thead>
          <tbody>{list?.fields.map((f) => <FieldRow key={f.path} f={f} a={a} isChosen={f.path === field} />)}</tbody>
        </table>
      </div>
    </Panel>
  );
}

const kindsText = (f: FieldFacts): string => kinds.filter((k) => f.types[k]).map((k) => `${k} ${figure(f.types[k])}`).join(", ");
const textOf = (value: unknown): string => (value === undefined || value === null ? "" : valueText(value));

function FieldRow({ f, a, isChosen }: { f: FieldFacts; a: Address; isChosen: boolean }): JSX.Element {
  const present = kinds.filter((k) => f.types[k]);
  const conflict = present.filter((k) => k !== "null").length > 1;
  const numbers = typeof f.min === "number" && typeof f.max === "number";
  return (
    <tr class={isChosen ? "current" : ""}>
      <td class="field-cell">
        <Link row class="row-link mono" to={withOwn(a, "field", isChosen ? undefined : f.path)} title="Show its values">
          <bdi>{visibleText(f.path, 120)}</bdi>
        </Link>
        {f.required && <span class="tag" title="The schema requires it">required</span>}
        {f.in_schema === false && <span class="tag" title="The schema of the type does not name it">not in the schema</span>}
      </td>
      <td title={kindsText(f)}>
        {present.map((k) => <span key={k} class="tag kind">{k}</span>)}
        {conflict && <span class="tag tag-warn" title={`Values of different kinds: ${kindsText(f)}`}>in conflict</span>}
      </td>
      <td>
        <span class="coverage" title={`${figure(f.present)} events`}>
          <span class="coverage-bar"><span style={{ width: `${f.share * 100}%` }} /></span>
          <span class="numeric">{percent(f.share)}</span>
        </span>
      </td>
      <td class="numeric">{f.distinct_exact ? "" : "≥ "}{figure(f.distinct)}</td>
      <td class="muted range-cell"><bdi>{numbers ? `${figure(f.min as number)} – ${figure(f.max as number)}` : ""}</bdi></td>
      <td class="field-samples">{f.samples.slice(0, 4).map((v, i) => <Value key={i} field={f.path} value={v} />)}</td>
    </tr>
  );
}

function ValuesPanel({ a, type, field }: { a: Address; type: { category: string; name: string } | undefined; field: string }): JSX.Element {
  const call = alone({ kind: "top", params: { ...scope(a), ...type, field, limit: topRows } });
  const answer = useAnswer<Top>(call);
  const top = answer.value;
  return (
    <Panel
      title={`Values of ${visibleText(field, 60)}`}
      call={call}
      answer={answer}
      table={top && (() => topTable(top))}
      note={top && <span>{figure(top.distinct)} distinct{top.missing > 0 && `, missing in ${figure(top.missing)}`}</span>}
      controls={<button type="button" class="button quiet" onClick={() => change(withOwn(a, "field", undefined))}>Close</button>}
      empty={top && top.values.length === 0 ? <p class="empty">No event in this range has a value of {visibleText(field, 60)}.</p> : undefined}
    >
      {top && <Bars field={field} bars={topBars(top)} unit="events" />}
    </Panel>
  );
}
