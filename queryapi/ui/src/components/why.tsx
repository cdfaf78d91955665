// Why an event was rejected: what the code means, and the schema that judged the event.

import type { JSX } from "preact";
import { get } from "../api/call.ts";
import type { SchemaList } from "../api/operate.ts";
import type { EyeEvent, Fault } from "../api/types.ts";
import { pretty } from "../json/pretty.ts";
import { failingKeyword } from "../schema/keyword.ts";
import { isAboutSchema, reasonOf } from "../schema/reasons.ts";
import { withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { schemaCall, useDeclaration } from "../state/document.ts";
import { address } from "../state/location.ts";
import { isOperator } from "../state/session.ts";
import { addSheets } from "../state/sheets.ts";
import shared from "../styles/operate.screen.css";
import { pinned } from "../time/received.ts";
import { MarkedJson } from "./json.tsx";
import { Link } from "./link.tsx";
import { FailureNote } from "./panel.tsx";
import { visibleText } from "./value.tsx";

addSheets(shared);

/** The reasons of one event. */
export function Why({ event }: { event: EyeEvent }): JSX.Element {
  const faults = event.errors ?? [];
  const bySchema = faults.filter((f) => isAboutSchema(f.code));
  return (
    <>
      {[...new Set(faults.map((f) => f.code))].map((code) => <Reason key={code} code={code} />)}
      {bySchema.length > 0 && event.category && event.name && isOperator() && <SchemaBeside event={event} faults={bySchema} />}
    </>
  );
}

/** What a code means, and what mends it. */
export function Reason({ code }: { code: string }): JSX.Element {
  const { what, cure } = reasonOf(code);
  return (
    <p class="explained">
      <strong>{what}</strong> {cure}
    </p>
  );
}

/** The schema that judged an event, with the keyword marked that it breaks. */
export function SchemaBeside({ event, faults }: { event: EyeEvent; faults: Fault[] }): JSX.Element {
  const a = address.value;
  const category = event.category!;
  const name = event.name!;
  const judgedBy = event.schema_version || undefined;
  const list = useAnswer<SchemaList>(get("/v1/schemas"));
  const isRegistered = list.value?.schemas.some((s) => s.category === category && s.name === name);
  const newest = useDeclaration(isRegistered ? schemaCall(category, name) : undefined);
  const judging = useDeclaration(judgedBy ? schemaCall(category, name, judgedBy) : undefined);
  const shown = judging.value ?? newest.value;
  const failed = list.failure ? list : newest;
  if (!shown) {
    if (isRegistered === false) return <figure><figcaption>Schema</figcaption><p class="empty">No schema is registered for <bdi>{visibleText(`${category} / ${name}`)}</bdi>.</p></figure>;
    return <figure><figcaption>Schema</figcaption>{failed.failure ? <FailureNote failure={failed.failure} call={failed.call} retry={failed.retry} /> : <div class="skeleton" />}</figure>;
  }
  const text = pretty(shown.text);
  const schema = safeParse(text);
  const pointers = faults.flatMap((f) => {
    const found = failingKeyword(schema, f);
    return found === undefined ? [] : [found];
  });
  const isOld = newest.value !== undefined && judgedBy !== undefined && newest.value.revision !== judgedBy;
  return (
    <figure>
      <figcaption class="row">
        Schema, revision {shown.revision}
        {pointers[0] !== undefined && <code class="path"><bdi>{visibleText(pointers[0], 80)}</bdi></code>}
        <Link class="button small-button" to={withScreen({ ...a, app: event.application, ...pinned(a) }, "schemas", "", { category: [category], name: [name], ...(pointers[0] ? { at: [pointers[0]] } : {}), sample: [event.event_id], code: ["schema_violation"] })}>
          Open the schema at this place
        </Link>
      </figcaption>
      <MarkedJson label="The schema of this type" text={text} marks={pointers} />
      {isOld && <p class="muted small">Revision {newest.value!.revision} has replaced it; a replay judges the event by that one.</p>}
    </figure>
  );
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
