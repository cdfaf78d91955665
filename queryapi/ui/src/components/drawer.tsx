// One event beside the list that it was opened from: its outcome, its facts, its data.
// The address holds which: event=<application>/<event_id>.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Call, curl } from "../api/call.ts";
import { askText } from "../api/client.ts";
import { eventCall } from "../api/event.ts";
import type { EyeEvent } from "../api/types.ts";
import { type Json, parseJson } from "../filter/json.ts";
import { typeOf } from "../filter/pick.ts";
import { count } from "../format/number.ts";
import { bothTimes, momentOf } from "../format/time.ts";
import { isOffered, screenOf } from "../screens/list.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, go } from "../state/location.ts";
import { copy } from "../state/notice.ts";
import { stepOf } from "../state/steps.ts";
import { Icon } from "./icon.tsx";
import { lazily } from "./lazy.tsx";
import { Link } from "./link.tsx";
import { FailureNote } from "./panel.tsx";
import { DataTree } from "./tree.tsx";
import { Value, visibleText } from "./value.tsx";
import own from "../styles/drawer.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(own);

const Why = lazily<{ event: EyeEvent }>(async () => (await import("../screens/rejected.tsx")).Why);

/** The address that shows an event beside the present list. */
export const withEvent = (a: Address, e: { application: string; event_id: string }): Address => withOwn(a, "event", `${e.application}/${e.event_id}`);

export const isShown = (a: Address, e: { application: string; event_id: string }): boolean => a.own["event"]?.[0] === `${e.application}/${e.event_id}`;

export function EventDrawer(): JSX.Element | null {
  const shown = address.value.own["event"]?.[0];
  if (!shown) return null;
  const slash = shown.indexOf("/");
  return <Drawer key={shown} call={eventCall(shown.slice(slash + 1), shown.slice(0, slash))} />;
}

function Drawer({ call }: { call: Call }): JSX.Element {
  const a = address.value;
  const answer = useAnswer<string>(call, 0, askText);
  const root = useRef<HTMLElement>(null);
  const close = (): void => go(withOwn(address.value, "event", undefined));
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    root.current?.focus();
    const onKeyDown = (e: KeyboardEvent): void => {
      if (e.key === "Escape" && !document.querySelector("dialog[open], .popover")) close();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      if (opener?.isConnected && opener !== document.body) opener.focus();
    };
  }, []);

  const event = answer.value === undefined ? undefined : (JSON.parse(answer.value) as EyeEvent);
  return (
    <aside class="drawer" ref={root} tabIndex={-1} aria-label="Event" aria-busy={answer.waiting !== "no"}>
      <header class="drawer-head">
        <h2>
          <bdi>{event ? visibleText(typeOf(event) ?? "without a valid type", 120) : "Event"}</bdi>
        </h2>
        <button type="button" class="button quiet icon-only" aria-label="Close the event" title="Close ( Esc )" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="drawer-body">
        {answer.failure && <FailureNote failure={answer.failure} call={call} retry={answer.retry} />}
        {event && <Content event={event} text={answer.value!} a={a} />}
        <p class="row">
          <button type="button" class="button" onClick={() => void copy(location.href, "Link")}>Copy link</button>
          <button type="button" class="button" onClick={() => void copy(curl(call, location.origin), "Command")}>Copy as curl</button>
          {event && <button type="button" class="button" onClick={() => void copy(answer.value!, "JSON")}>Copy JSON</button>}
        </p>
      </div>
    </aside>
  );
}

function Content({ event, text, a }: { event: EyeEvent; text: string; a: Address }): JSX.Element {
  const document = parseJson(text);
  const data = document?.kind === "object" ? document.members.find(([name]) => name === "data")?.[1] : undefined;
  const stored = event.status === "stored";
  return (
    <>
      {event.status !== "stored" && <Outcome event={event} />}
      <dl class="event-facts">
        <Time label="Occurred" text={event.timestamp} zone={a.tz} />
        <Time label="Received" text={event.received_at} zone={a.tz} />
        {event.session_id && (
          <Fact label="Session">
            <Link class="mono" to={sessionAddress(a, { session_id: event.session_id, application: event.application })}>{event.session_id}</Link>
          </Fact>
        )}
        <Fact label="Application"><Value field="application" value={event.application} /></Fact>
        <Fact label="Event id">
          <button type="button" class="value mono" title="Copy" onClick={() => void copy(event.event_id, "Event id")}>
            <bdi>{visibleText(event.event_id)}</bdi>
          </button>
        </Fact>
        {event.schema_version !== undefined && <Fact label="Schema">version {event.schema_version}</Fact>}
      </dl>
      <FunnelStep event={event} a={a} />
      {data ? <Data data={data} filterable={stored} /> : null}
      {event.original !== undefined && (
        <details>
          <summary>The bytes as they were received</summary>
          <pre class="code" tabIndex={0}>{visibleText(event.original, 20_000)}</pre>
        </details>
      )}
    </>
  );
}

function Data({ data, filterable }: { data: Json; filterable: boolean }): JSX.Element {
  return (
    <section aria-label="Data">
      <h3>Data</h3>
      <DataTree data={data} filterable={filterable} />
      <p class="muted small">A key copies its path.{filterable && " Click a value to filter by it, Alt-click to exclude it."}</p>
    </section>
  );
}

function Outcome({ event }: { event: EyeEvent }): JSX.Element {
  if (event.status === "pending") return <p class="notice-line">Accepted, and not yet judged.</p>;
  return (
    <>
      <ul class="failure" aria-label="Why it was rejected">
        {event.errors?.map((e, i) => (
          <li key={i}>
            <strong>{e.path && <bdi class="mono">{visibleText(e.path, 120)} </bdi>}</strong>
            {visibleText(e.message)} <code>{e.code}</code>
          </li>
        ))}
      </ul>
      <Why event={event} />
    </>
  );
}

/** Two events that a person clicks are the steps of a funnel, each under the filters of its list. */
function FunnelStep({ event, a }: { event: EyeEvent; a: Address }): JSX.Element | null {
  const type = typeOf(event);
  if (event.status !== "stored" || type === undefined || !isOffered(screenOf("funnel"))) return null;
  const steps = a.own["step"] ?? [];
  const next = [...steps, stepOf(type, a.id ? [] : a.filters)];
  return (
    <p class="row">
      <button type="button" class="button" onClick={() => go(withOwn(a, "step", next))}>
        {steps.length === 0 ? "Begin a funnel here" : `Add as step ${next.length} of the funnel`}
      </button>
      {steps.length > 0 && (
        <Link class="button primary" to={funnelAddress(a, steps)}>
          Open the funnel of {count(steps.length, "step")}
        </Link>
      )}
    </p>
  );
}

/** The funnel of steps that were clicked; they have the filters. */
export const funnelAddress = (a: Address, steps: string[]): Address => withScreen({ ...a, filters: [] }, "funnel", "", { step: steps });

export const sessionAddress = (a: Address, s: { session_id: string; application: string }): Address => ({
  ...withScreen(a, "sessions", s.session_id, a.own["step"] ? { step: a.own["step"] } : {}),
  app: s.application,
});

function Time({ label, text, zone }: { label: string; text: string | undefined; zone: string }): JSX.Element | null {
  if (text === undefined) return null;
  return (
    <Fact label={label}>
      <span title={bothTimes(text, zone)}>{momentOf(Date.parse(text), zone)}</span> <span class="muted small">{text}</span>
    </Fact>
  );
}

function Fact({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
