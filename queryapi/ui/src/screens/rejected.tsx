// Rejected: what is rejected and why, an event beside its schema with the failing keyword
// marked, and what leads from there to a mended schema and a replay.

import type { JSX } from "preact";
import { get, post } from "../api/call.ts";
import { isFinal, type Job, type RejectedGroup, type RejectedSummary, type ReplayReport, type Selection } from "../api/operate.ts";
import type { EventPage, EyeEvent, Fault } from "../api/types.ts";
import { Icon } from "../components/icon.tsx";
import { JobProgress, ReplayReportView, useJob } from "../components/job.tsx";
import { MarkedJson } from "../components/json.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { Sparkline } from "../components/sparkline.tsx";
import type { Table } from "../components/table.tsx";
import { visibleText } from "../components/value.tsx";
import { Reason, SchemaBeside, Why } from "../components/why.tsx";
import { figure } from "../format/number.ts";
import { ago, bothTimes, momentOf } from "../format/time.ts";
import { pretty } from "../json/pretty.ts";
import { isAboutSchema } from "../schema/reasons.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, change, go } from "../state/location.ts";
import { isOperator } from "../state/session.ts";
import { useTask } from "../state/task.ts";
import { isMoving } from "../time/range.ts";
import { pinned, receivedRange } from "../time/received.ts";
import own from "../styles/rejected.screen.css";
import shared from "../styles/operate.screen.css";
import { addSheets } from "../state/sheets.ts";

addSheets(shared, own);

export { Why };

const every = 15_000;
const mostGroups = 200;
const mostSamples = 200;

/** The members of a group, as the address has them: the application, category, name, code and path. */
type GroupKey = [string, string, string, string, string];

const keyOf = (g: RejectedGroup): GroupKey => [g.application, g.category ?? "", g.name ?? "", g.code, g.path];
const chosenGroup = (a: Address): GroupKey | undefined => (a.own["group"]?.length === 5 ? (a.own["group"] as GroupKey) : undefined);

export function Rejected(): JSX.Element {
  const a = address.value;
  const restrictions = { category: a.own["category"]?.[0], name: a.own["name"]?.[0], code: a.own["code"]?.[0] };
  const call = get("/v1/rejected/summary", { application: a.app, ...restrictions, ...receivedRange(a), limit: mostGroups, series: "true" });
  const answer = useAnswer<RejectedSummary>(call, isMoving(a) ? every : 0);
  const groups = answer.value?.groups ?? [];
  const key = chosenGroup(a);
  const chosen = key && (groups.find((g) => sameKey(keyOf(g), key)) ?? groupOf(key));
  return (
    <div class="stack">
      <Restrictions of={restrictions} />
      <Panel
        title="Reasons"
        call={call}
        answer={answer}
        table={answer.value && (() => groupTable(groups))}
        note={answer.value && <><strong class="total">{figure(answer.value.total)}</strong> rejected events</>}
        empty={answer.value && groups.length === 0 ? <NothingRejected /> : undefined}
      >
        <Groups groups={groups} chosen={key} />
      </Panel>
      {chosen && <Group key={JSON.stringify(key)} group={chosen} />}
    </div>
  );
}

const sameKey = (x: GroupKey, y: GroupKey): boolean => x.every((part, i) => part === y[i]);

/** A group that the address names and the range does not have. */
function groupOf([application, category, name, code, path]: GroupKey): RejectedGroup {
  return { application, ...(category ? { category } : {}), ...(name ? { name } : {}), code, path, count: 0, first_seen: "", last_seen: "", sample_id: "" };
}

function NothingRejected(): JSX.Element {
  return (
    <p class="empty">
      Nothing was rejected in this range. <button type="button" class="link" onClick={() => change({ from: "90d", to: "now" })}>Look at the last 90 days</button>
    </p>
  );
}

/** What the address restricts the reasons to, each with a button that lifts it. */
function Restrictions({ of }: { of: Record<string, string | undefined> }): JSX.Element | null {
  const set = Object.entries(of).filter(([, value]) => value);
  if (set.length === 0) return null;
  return (
    <div class="row" role="group" aria-label="Restrictions">
      {set.map(([name, value]) => (
        <span class="chip" key={name}>
          <span class="chip-text mono"><bdi>{`${name}=${visibleText(value!, 80)}`}</bdi></span>
          <button type="button" class="chip-remove" aria-label={`Remove ${name}`} title="Remove" onClick={() => go(withOwn(address.value, name, undefined))}>
            <Icon name="close" />
          </button>
        </span>
      ))}
    </div>
  );
}

const typeText = (g: { category?: string; name?: string }): string => (g.category === undefined && g.name === undefined ? "without a valid type" : `${g.category ?? "?"} / ${g.name ?? "?"}`);

function groupTable(groups: RejectedGroup[]): Table {
  return {
    columns: [{ name: "Application" }, { name: "Type" }, { name: "Code" }, { name: "Path" }, { name: "Events", numeric: true }, { name: "First seen" }, { name: "Last seen" }],
    rows: groups.map((g) => [g.application, visibleText(typeText(g)), g.code, visibleText(g.path), g.count, g.first_seen, g.last_seen]),
  };
}

function Groups({ groups, chosen }: { groups: RejectedGroup[]; chosen: GroupKey | undefined }): JSX.Element {
  const a = address.value;
  const now = Date.now();
  return (
    <ul class="groups">
      {groups.map((g) => {
        const isChosen = chosen !== undefined && sameKey(keyOf(g), chosen);
        const to = { ...a, own: { ...a.own, group: keyOf(g) as string[], sample: [], job: [] } };
        return (
          <li key={JSON.stringify(keyOf(g))} class={isChosen ? "chosen" : ""}>
            <Link to={to} class="group" row>
              <span class="group-type"><bdi>{visibleText(typeText(g), 120)}</bdi> <span class="muted">{g.application}</span></span>
              <span class="group-reason"><code>{g.code}</code> <code class="path"><bdi>{visibleText(g.path, 120)}</bdi></code></span>
              <Sparkline values={g.series ?? []} label="Rejected over time" />
              <span class="group-seen muted" title={`First ${bothTimes(g.first_seen, a.tz)}\nLast ${bothTimes(g.last_seen, a.tz)}`}>{ago(Date.parse(g.last_seen), now)}</span>
              <span class="group-count numeric">{figure(g.count)}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

/** One reason: what it means, its events, and what to do. */
function Group({ group }: { group: RejectedGroup }): JSX.Element {
  const a = address.value;
  const range = receivedRange(a);
  const call = get("/v1/rejected", { application: group.application, category: group.category, name: group.name, code: group.code, ...range, order: "desc", limit: mostSamples });
  call.query.push(["path", group.path]); // also the empty one, of the event itself
  const answer = useAnswer<EventPage>(call);
  const samples = (answer.value?.events ?? []).filter((e) => e.category === group.category && e.name === group.name);
  const wanted = a.own["sample"]?.[0];
  const sample = samples.find((e) => e.event_id === wanted) ?? samples[0];
  return (
    <Panel
      title="Events of this reason"
      class="group-panel"
      call={call}
      answer={answer}
      note={answer.value && `${figure(samples.length)}${answer.value.next_cursor ? " of the newest" : ""}`}
      empty={answer.value && samples.length === 0 ? <p class="empty">None of the newest {mostSamples} events has this reason. Choose a shorter range.</p> : undefined}
    >
      <Reason code={group.code} />
      <Actions group={group} sample={sample} />
      {sample && <Sample event={sample} group={group} others={samples} />}
    </Panel>
  );
}

const selectionOf = (g: RejectedGroup): Selection => ({
  application: g.application, ...(g.category ? { category: g.category } : {}), ...(g.name ? { name: g.name } : {}), only: "rejected", code: g.code,
});

/** What an operator does about a reason: what would a replay mend, and the replay itself. */
function Actions({ group, sample }: { group: RejectedGroup; sample: EyeEvent | undefined }): JSX.Element | null {
  const a = address.value;
  const starting = useTask();
  const id = a.own["job"]?.[0] ?? "";
  const job = useJob<ReplayReport>("replays", id);
  if (!isOperator()) return null;
  const selection = selectionOf(group);
  const dryRun = async (): Promise<void> => {
    const started = await starting.run<Job>(post("/v1/replays", { dry_run: true, ...selection, ...pinned(a) }));
    if (started) go(withOwn(address.value, "job", started.id));
  };
  const { only, ...parts } = selection;
  const own: Address["own"] = { only: [only!], ...Object.fromEntries(Object.entries(parts).filter(([name]) => name !== "application").map(([name, value]) => [name, [String(value)]])) };
  const busy = starting.running || (job.value !== undefined && !isFinal(job.value.state));
  return (
    <>
      <div class="row actions">
        <Link class="button primary" to={withScreen({ ...a, app: group.application, ...pinned(a) }, "replays", "new", own)}>
          Replay these
        </Link>
        <button type="button" class="button" disabled={busy} onClick={() => void dryRun()}>
          Would a replay mend it?
        </button>
        {group.code === "unknown_type" && sample?.category && sample.name && (
          <Link class="button" to={withScreen({ ...a, app: group.application, ...pinned(a) }, "schemas", "", { category: [sample.category], name: [sample.name], code: [group.code] })}>
            Make a schema for this type
          </Link>
        )}
      </div>
      {starting.failure && <FailureNote failure={starting.failure} call={starting.call} />}
      {job.failure && !job.value && <FailureNote failure={job.failure} call={job.call} retry={job.retry} />}
      {job.value && (
        <section class="inset" aria-label="Dry run">
          <JobProgress kind="replays" job={job.value} onCancelled={job.retry} />
          {job.value.state === "done" && job.value.report && (
            <>
              <p>{dryRunVerdict(job.value.report)}</p>
              <ReplayReportView report={job.value.report} />
            </>
          )}
        </section>
      )}
    </>
  );
}

function dryRunVerdict(r: ReplayReport): string {
  if (r.newly_valid > 0 && r.still_rejected === 0) return "Yes: a replay stores all of them by the present schemas and policy.";
  if (r.newly_valid > 0) return "A replay stores some of them by the present schemas and policy.";
  if (r.still_rejected === 0) return "No event of this selection is in the stream any more.";
  return "No: by the present schemas and policy they stay rejected. Mend the schema first.";
}

/** One event beside the schema that rejected it. */
function Sample({ event, group, others }: { event: EyeEvent; group: RejectedGroup; others: EyeEvent[] }): JSX.Element {
  const a = address.value;
  const at = others.indexOf(event);
  const show = (e: EyeEvent | undefined): void => void (e && go(withOwn(a, "sample", e.event_id)));
  const own = event.errors?.filter((f) => f.code === group.code && (f.path ?? "") === group.path) ?? [];
  return (
    <div class="sample">
      <div class="row sample-head">
        <h3>
          Event <bdi class="mono">{visibleText(event.event_id, 60)}</bdi>
        </h3>
        <span class="muted small" title={bothTimes(event.received_at, a.tz)}>received {momentOf(Date.parse(event.received_at), a.tz)}</span>
        <span class="row sample-steps">
          <button type="button" class="button icon-only" aria-label="Newer event" title="Newer event" disabled={at <= 0} onClick={() => show(others[at - 1])}>
            <Icon name="left" />
          </button>
          <span class="numeric small">{at + 1} of {others.length}</span>
          <button type="button" class="button icon-only" aria-label="Older event" title="Older event" disabled={at + 1 >= others.length} onClick={() => show(others[at + 1])}>
            <Icon name="right" />
          </button>
        </span>
      </div>
      <ul class="faults">
        {(event.errors ?? []).map((f, i) => (
          <li key={i} class={own.includes(f) ? "" : "muted"}>
            <code><bdi>{visibleText(f.path || "event", 160)}</bdi></code> <bdi>{visibleText(f.message, 600)}</bdi> <span class="muted small">{f.code}</span>
          </li>
        ))}
      </ul>
      <div class="columns">
        <figure>
          <figcaption>As it was received</figcaption>
          <Original event={event} faults={event.errors ?? []} />
        </figure>
        {isAboutSchema(group.code) && event.category && event.name && isOperator() && <SchemaBeside event={event} faults={own} />}
      </div>
    </div>
  );
}

function Original({ event, faults }: { event: EyeEvent; faults: Fault[] }): JSX.Element {
  if (event.original === undefined) return <p class="muted">The policy keeps no original of such events.</p>;
  if (event.original_encoding) {
    return (
      <>
        <p class="muted small">These bytes are no UTF-8; here they stand in base64.</p>
        <pre class="code json" tabIndex={0}>{event.original}</pre>
      </>
    );
  }
  // A member that is missing has no place; the object that should have it has.
  const marks = faults.flatMap((f) => (f.path ? [f.path, ...(/^the member is missing/.test(f.message) ? [f.path.replace(/\/[^/]*$/, "")] : [])] : []));
  return <MarkedJson label="The event as it was received" text={pretty(event.original)} marks={marks} />;
}
