// Paths: what sessions do after an event, or before it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { alone, type Question, scope } from "../api/question.ts";
import type { PathNode, Paths } from "../api/types.ts";
import { Segments, Select } from "../components/choice.tsx";
import { FieldSelect } from "../components/fieldselect.tsx";
import { FilterField } from "../components/filterbar.tsx";
import { Icon } from "../components/icon.tsx";
import { Panel } from "../components/panel.tsx";
import type { Table } from "../components/table.tsx";
import { TypeSelect } from "../components/typeselect.tsx";
import { valueLabel, visibleText } from "../components/value.tsx";
import { filterFor } from "../filter/write.ts";
import { count, figure, percent } from "../format/number.ts";
import { momentOf } from "../format/time.ts";
import { withOwn } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change } from "../state/location.ts";
import { layoutPaths, nodeWidth } from "../paths/layout.ts";
import shared from "../styles/explore.screen.css";
import own from "../styles/analyse.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

export function PathsScreen(): JSX.Element {
  const a = address.value;
  const own = (name: string, otherwise = ""): string => a.own[name]?.[0] ?? otherwise;
  const put = (name: string, otherwise = "") => (value: string): void => change(withOwn(a, name, value === otherwise ? undefined : value));
  const direction = own("direction", "start") === "end" ? "end" : "start";
  const conditions = a.own["event"] ?? [];
  const [typing, setTyping] = useState(false);
  const question: Question = {
    kind: "paths",
    params: { ...scope(a), [direction]: conditions, value: own("value", "type"), depth: own("depth", "3"), top: own("top", "6"), collapse: own("collapse", "true") },
  };
  const answer = useAnswer<Paths>(conditions.length > 0 ? alone(question) : undefined);
  const p = answer.value;
  const startFrom = (node: PathNode): void => change(withOwn(a, "event", filterFor(own("value", "type"), node.value)));
  return (
    <div class="analysis">
      <div class="row options">
        <Segments label="Direction" value={direction} options={[{ value: "start", label: "After" }, { value: "end", label: "Before" }]} onChange={put("direction", "start")} />
        {conditions.map((c) => (
          <span class="chip" key={c}>
            <span class="chip-text mono"><bdi>{visibleText(c, 80)}</bdi></span>
            <button type="button" class="chip-remove" aria-label={`Remove ${visibleText(c, 80)}`} onClick={() => change(withOwn(a, "event", conditions.filter((o) => o !== c)))}>
              <Icon name="close" />
            </button>
          </span>
        ))}
        {conditions.length === 0 && <TypeSelect label="Event" none="an event of type…" value="" onChange={put("event")} />}
        {typing ? (
          <FilterField initial="" label="Condition of the event" onSubmit={(f) => (setTyping(false), change(withOwn(a, "event", [...conditions, f])))} onCancel={() => setTyping(false)} />
        ) : (
          <button type="button" class="button quiet" onClick={() => setTyping(true)}><Icon name="plus" /> {conditions.length === 0 ? "or a condition" : "where"}</button>
        )}
        <FieldSelect label="Steps show" none="types" value={own("value", "type") === "type" ? "" : own("value")} onChange={(v) => put("value", "type")(v || "type")} />
        <Select label="Steps" value={own("depth", "3")} options={["1", "2", "3", "4", "5"].map((n) => ({ value: n, label: count(Number(n), "step") }))} onChange={put("depth", "3")} />
        <Select label="Values a step" value={own("top", "6")} options={["3", "4", "6", "8"].map((n) => ({ value: n, label: `top ${n}` }))} onChange={put("top", "6")} />
        <label class="check-line">
          <input type="checkbox" checked={own("collapse", "true") === "true"} onChange={(e) => put("collapse", "true")(String(e.currentTarget.checked))} />
          Repeats as one
        </label>
      </div>
      {conditions.length === 0 ? (
        <p class="panel empty">Choose the event that the paths {direction === "start" ? "begin with" : "lead to"}.</p>
      ) : (
        <Panel
          title={direction === "start" ? "What follows" : "What comes before"}
          call={answer.call}
          answer={answer}
          table={p && (() => table(p))}
          note={p && <span>{count(p.sessions, "session")}</span>}
          empty={p && p.sessions === 0 ? <p class="empty">No session of this range has such an event.</p> : undefined}
        >
          {p && <Flow p={p} startFrom={startFrom} />}
          {p && <p class="as-of">As of {momentOf(Date.parse(p.as_of), a.tz)}. A session counts once, from its {direction === "start" ? "first" : "last"} such event. Click a step to see its own paths.</p>}
        </Panel>
      )}
    </div>
  );
}

function nodeName(n: PathNode, direction: string): string {
  if (n.ended) return direction === "forward" ? "no more events" : "no events before";
  if (n.other) return count(n.values ?? 0, "other value");
  return n.missing ? "without a value" : valueLabel(n.value);
}

function Flow({ p, startFrom }: { p: Paths; startFrom: (node: PathNode) => void }): JSX.Element {
  const layout = layoutPaths(p);
  // The event itself, where all of them have one value: its paths are those that show.
  const only = p.nodes.filter((n) => n.step === 0).length === 1;
  const names = new Map(p.nodes.map((n) => [n.id, nodeName(n, p.direction)]));
  return (
    <div class="flow-scroll" tabIndex={0} role="group" aria-label="Paths">
      <div class="flow" style={{ width: `${layout.width}px`, height: `${layout.height}px` }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true" focusable="false">
          {layout.links.map((l) => (
            <path key={`${l.from}-${l.to}`} d={l.d} style={{ strokeWidth: `${l.width}px` }}>
              <title>{`${names.get(l.from)} → ${names.get(l.to)}: ${count(l.sessions, "session")}`}</title>
            </path>
          ))}
        </svg>
        {layout.nodes.map(({ node, left, top, height }) => {
          const style = { left: `${left}px`, top: `${top}px`, width: `${nodeWidth}px`, height: `${height}px` };
          const share = percent(p.sessions ? node.sessions / p.sessions : 0);
          const title = `${names.get(node.id)}\n${count(node.sessions, "session")}, ${share}`;
          const content = (
            <>
              <bdi class="flow-name">{names.get(node.id)}</bdi>
              <span class="numeric">{figure(node.sessions)}</span>
            </>
          );
          if (node.ended || node.other || node.missing || (node.step === 0 && only)) return <div key={node.id} class={`flow-node ${node.step === 0 ? "flow-first" : "flow-rest"}`} style={style} title={title}>{content}</div>;
          return (
            <button key={node.id} type="button" data-row="" class={`flow-node ${node.step === 0 ? "flow-first" : ""}`} style={style} title={title} onClick={() => startFrom(node)}>
              {content}
            </button>
          );
        })}
      </div>
    </div>
  );
}

function table(p: Paths): Table {
  const nodes = new Map(p.nodes.map((n) => [n.id, n]));
  const name = (id: number): string => { const n = nodes.get(id); return n ? nodeName(n, p.direction) : ""; };
  return {
    columns: [{ name: "Step", numeric: true }, { name: "From" }, { name: "To" }, { name: "Sessions", numeric: true }],
    rows: p.links.map((l) => [(nodes.get(l.from)?.step ?? 0) + 1, name(l.from), name(l.to), l.sessions]),
  };
}
