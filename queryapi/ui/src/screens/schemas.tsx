// Schemas: the list of registered types, and the editor of one, which is a file of its own.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "../api/call.ts";
import type { SchemaList } from "../api/operate.ts";
import { lazily } from "../components/lazy.tsx";
import { Link } from "../components/link.tsx";
import { Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { momentOf } from "../format/time.ts";
import { withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, go } from "../state/location.ts";
import own from "../styles/schemas.screen.css";
import shared from "../styles/operate.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

export interface TypeName {
  category: string;
  name: string;
}

const Editor = lazily<TypeName>(async () => (await import("./schemaeditor.tsx")).SchemaEditor);

export function Schemas(): JSX.Element {
  const { category = [], name = [] } = address.value.own;
  if (category[0] && name[0]) return <Editor key={JSON.stringify([category[0], name[0]])} category={category[0]} name={name[0]} />;
  return <List />;
}

function List(): JSX.Element {
  const a = address.value;
  const call = get("/v1/schemas");
  const answer = useAnswer<SchemaList>(call);
  const schemas = answer.value?.schemas ?? [];
  const table = (): { columns: { name: string; numeric?: boolean }[]; rows: (string | number)[][] } => ({
    columns: [{ name: "Category" }, { name: "Name" }, { name: "Revision", numeric: true }, { name: "Changed" }, { name: "By" }, { name: "Note" }],
    rows: schemas.map((s) => [s.category, s.name, s.revision, s.time, s.author, s.note]),
  });
  return (
    <div class="stack">
      <Panel title="Registered types" call={call} answer={answer} table={answer.value && table} note={answer.value && `revision ${answer.value.revision}`}
        empty={answer.value && schemas.length === 0 ? <p class="empty">No type is registered. Register one below; its events are validated from then on.</p> : undefined}>
        <div class="table-scroll list" tabIndex={0} role="group" aria-label="Registered types">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Type</th>
                <th scope="col" class="numeric">Revision</th>
                <th scope="col">Changed</th>
                <th scope="col">By</th>
                <th scope="col">Note</th>
              </tr>
            </thead>
            <tbody>
              {schemas.map((s) => (
                <tr key={JSON.stringify([s.category, s.name])}>
                  <td>
                    <Link row to={withScreen(a, "schemas", "", { category: [s.category], name: [s.name] })}><bdi>{visibleText(`${s.category} / ${s.name}`)}</bdi></Link>
                  </td>
                  <td class="numeric">{s.revision}</td>
                  <td class="nowrap">{momentOf(Date.parse(s.time), a.tz)}</td>
                  <td><bdi>{visibleText(s.author)}</bdi></td>
                  <td><bdi>{visibleText(s.note)}</bdi></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      <NewType />
    </div>
  );
}

function NewType(): JSX.Element {
  const [typed, setTyped] = useState({ category: "", name: "" });
  const [fault, setFault] = useState("");
  const submit = (e: Event): void => {
    e.preventDefault();
    if (typed.category === "" || typed.name === "") return setFault("Type both, as the events have them.");
    go(withScreen(address.value, "schemas", "", { category: [typed.category], name: [typed.name] }));
  };
  const field = (member: keyof TypeName, label: string): JSX.Element => (
    <label class="field">
      <span>{label}</span>
      <input class="input" name={`new-${member}`} value={typed[member]} autocomplete="off" spellcheck={false} aria-invalid={fault !== "" && typed[member] === ""} onInput={(e) => (setFault(""), setTyped({ ...typed, [member]: e.currentTarget.value }))} />
    </label>
  );
  return (
    <section class="panel padded">
      <h2>Register a type</h2>
      <form class="form-grid" onSubmit={submit} noValidate>
        {field("category", "Category")}
        {field("name", "Name")}
        <button type="submit" class="button">Write its schema</button>
      </form>
      {fault && <p class="fault small" role="alert">{fault}</p>}
    </section>
  );
}
