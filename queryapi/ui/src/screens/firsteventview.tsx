// What Overview shows before there is an event: a command that sends one, and a listener.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/call.ts";
import { follow } from "../api/live.ts";
import type { EyeEvent } from "../api/types.ts";
import { visibleText } from "../components/value.tsx";
import { refreshes } from "../state/answer.ts";
import { withScreen } from "../state/address.ts";
import { address, change, go } from "../state/location.ts";
import { copy } from "../state/notice.ts";
import { rights } from "../state/session.ts";
import { addSheets } from "../state/sheets.ts";
import own from "../styles/firstevent.screen.css";
import { isOffered, screenOf } from "./list.ts";

addSheets(own);

/** The tokens of `theeye up --dev`, whose write key everybody knows. */
const devTokens = ["dev-analyst", "dev-operator"];

function sampleCommand(): string {
  const key = devTokens.includes(rights.value?.id ?? "") ? "dev-write-key" : "$EYE_WRITE_KEY";
  const event = {
    session_id: crypto.randomUUID?.() ?? "e2085be5-9137-4e4e-80b5-f1ffddc25423",
    category: "page interaction",
    name: "pageview",
    data: { host: "www.example.com", path: "/" },
    timestamp: new Date().toISOString(),
  };
  return `curl -sS ${location.origin}/v1/events -H "Authorization: Bearer ${key}" -d '${JSON.stringify(event)}'`;
}

export function FirstEventView(): JSX.Element {
  const { app } = address.value;
  const [command] = useState(sampleCommand);
  const [first, setFirst] = useState<EyeEvent>();
  useEffect(() => {
    return follow(get("/v1/live", { application: app }), { onEvent: (e) => setFirst((known) => known ?? e), onGap: () => undefined, onState: () => undefined });
  }, [app]);
  if (first) {
    const leadsToRejected = first.status === "rejected" && isOffered(screenOf("rejected"));
    return (
      <section class="panel first-event" role="status">
        <h2>Your first event is {first.status}</h2>
        <p>
          <bdi>{visibleText(`${first.category ?? "no category"} / ${first.name ?? "no name"}`)}</bdi> of application <bdi>{first.application}</bdi>
        </p>
        {first.errors?.map((e, i) => <p class="fault" key={i}>{visibleText(e.message)}</p>)}
        <button type="button" class="button primary" onClick={() => (leadsToRejected ? go(withScreen(address.value, "rejected")) : refreshes.value++)}>
          {leadsToRejected ? "See why" : "Show the overview"}
        </button>
      </section>
    );
  }
  return (
    <section class="panel first-event">
      <h2>No events in this range{app && ` of ${app}`}</h2>
      <p>Send one; this page shows it as soon as its outcome is known.</p>
      <pre class="code" tabIndex={0}>{command}</pre>
      <p class="row">
        <button type="button" class="button primary" onClick={() => void copy(command, "Command")}>Copy the command</button>
        <button type="button" class="button" onClick={() => change({ from: "90d", to: "now" })}>Look at the last 90 days</button>
      </p>
      <p class="muted small">
        <span class="pulse" aria-hidden="true" /> Listening. In the split installation, send to the address of the collector. <code>theeye demo</code> sends sample data.
      </p>
    </section>
  );
}
