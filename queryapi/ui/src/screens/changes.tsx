// Changes of the registry: who changed what, when and why, with the difference.

import type { JSX } from "preact";
import { get } from "../api/call.ts";
import { Select } from "../components/choice.tsx";
import { Diff } from "../components/diff.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { momentOf } from "../format/time.ts";
import { pretty } from "../json/pretty.ts";
import { withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, go } from "../state/location.ts";
import { addSheets } from "../state/sheets.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/schemas.screen.css";

addSheets(shared, own);

interface Change {
  seq: number;
  kind: string;
  category?: string;
  name?: string;
  action: string;
  revision: number;
  time: string;
  author: string;
  note?: string;
  before?: unknown;
  after?: unknown;
}

const kinds = ["schema", "policy", "application", "token", "replay"];
const perPage = 50;
const what = (c: Change): string => [c.kind, [c.category, c.name].filter(Boolean).join(" / ")].filter(Boolean).join(" ");
const laidOut = (value: unknown): string => (value === undefined ? "" : pretty(JSON.stringify(value)));

export function Changes(): JSX.Element {
  const a = address.value;
  const { kind = [], name = [], cursor = [], open = [] } = a.own;
  const call = get("/v1/changes", { kind: kind[0], name: name[0], limit: perPage, cursor: cursor[0] });
  const answer = useAnswer<{ changes: Change[]; next_cursor: string | null }>(call);
  const changes = answer.value?.changes ?? [];
  const restrict = (member: string, value: string): void => go(withOwn(withOwn(a, "cursor", undefined), member, value));
  return (
    <Panel
      title="Changes of the registry"
      call={call}
      answer={answer}
      controls={<Select label="Kind of change" value={kind[0] ?? ""} options={[{ value: "", label: "All kinds" }, ...kinds.map((k) => ({ value: k, label: k }))]} onChange={(k) => restrict("kind", k)} />}
      empty={answer.value && changes.length === 0 ? <p class="empty">Nothing was changed{kind[0] ? ` of kind ${visibleText(kind[0], 60)}` : ""}.</p> : undefined}
      table={answer.value && (() => ({ columns: [{ name: "Time" }, { name: "What" }, { name: "Action" }, { name: "Revision", numeric: true }, { name: "By" }, { name: "Note" }], rows: changes.map((c) => [c.time, visibleText(what(c)), c.action, c.revision, c.author, c.note ?? ""]) }))}
    >
      <ul class="versions">
        {changes.map((c) => {
          const isOpen = open[0] === String(c.seq);
          return (
            <li key={c.seq} class={isOpen ? "chosen" : ""}>
              <button type="button" class="version-row" data-row="" aria-expanded={isOpen} onClick={() => go(withOwn(a, "open", isOpen ? undefined : String(c.seq)))}>
                <span class="muted nowrap">{momentOf(Date.parse(c.time), a.tz)}</span>
                <strong><bdi>{visibleText(what(c), 160)}</bdi></strong>
                <span class={`badge ${c.action === "removed" ? "bad" : ""}`}>{c.action}</span>
                <span>by <bdi>{visibleText(c.author)}</bdi></span>
                {c.note && <bdi class="muted">{visibleText(c.note, 300)}</bdi>}
                <Icon name="down" />
              </button>
              {isOpen && (
                <div class="version-open">
                  <Diff label={`Change ${c.seq}`} before={laidOut(c.before)} after={laidOut(c.after)} />
                  {c.kind === "schema" && c.category && c.name && <Link class="button" to={withScreen(a, "schemas", "", { category: [c.category], name: [c.name] })}>Open the schema</Link>}
                </div>
              )}
            </li>
          );
        })}
      </ul>
      <p class="row pages">
        {cursor[0] && <button type="button" class="button" onClick={() => go(withOwn(a, "cursor", undefined))}>Newest</button>}
        {answer.value?.next_cursor && <button type="button" class="button" onClick={() => go(withOwn(a, "cursor", answer.value!.next_cursor!))}>Older</button>}
      </p>
    </Panel>
  );
}
