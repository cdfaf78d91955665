// Replays and audits: what is selected is counted before it starts, a dry run leads to the
// replay of the same selection, and a report to what follows.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { type Call, changing, get, pathTo } from "../api/call.ts";
import { type AuditReport, isFinal, type Job, type RejectedSummary, type ReplayReport, type Selection } from "../api/operate.ts";
import type { TypeList } from "../api/types.ts";
import { Dialog } from "../components/dialog.tsx";
import { JobProgress, JobState, type JobKind, jobCall, ReplayReportView, selectionText, useJob } from "../components/job.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure } from "../format/number.ts";
import { endOf, momentOf } from "../format/time.ts";
import { type Address, withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, go, replace } from "../state/location.ts";
import { addSheets } from "../state/sheets.ts";
import { useTask } from "../state/task.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/jobs.screen.css";
import { rangeLabel } from "../time/range.ts";
import { pinned, receivedRange } from "../time/received.ts";

addSheets(shared, own);

const every = 2000;

export function Replays(): JSX.Element {
  const { id } = address.value;
  if (id === "new") return <NewReplay />;
  return id ? <ReplayPage key={id} id={id} /> : <JobList kind="replays" />;
}

export function Audits(): JSX.Element {
  const { id } = address.value;
  if (id === "new") return <NewAudit />;
  return id ? <AuditPage key={id} id={id} /> : <JobList kind="audits" />;
}

const titles: Record<"replays" | "audits", { all: string; start: string; none: string }> = {
  replays: { all: "Replays and dry runs", start: "New replay", none: "Nothing was replayed yet. A replay runs accepted events through the newest schemas and policy again." },
  audits: { all: "Audits", start: "New audit", none: "Nothing was audited yet. An audit looks up every sequence of the stream in the store." },
};

function JobList({ kind }: { kind: "replays" | "audits" }): JSX.Element {
  const a = address.value;
  const call = get(pathTo(kind), { limit: 100 });
  const answer = useAnswer<{ replays?: Job[]; audits?: Job[] }>(call, every);
  const jobs = answer.value?.replays ?? answer.value?.audits ?? [];
  const title = titles[kind];
  return (
    <Panel
      title={title.all}
      call={call}
      answer={answer}
      note={answer.value && `${figure(jobs.length)}${jobs.length === 100 ? " newest" : ""}`}
      controls={<Link class="button primary" to={withScreen(a, kind, "new")}>{title.start}</Link>}
      empty={answer.value && jobs.length === 0 ? <p class="empty">{title.none}</p> : undefined}
      table={answer.value && (() => ({
        columns: [{ name: "Id" }, { name: "State" }, { name: "Kind" }, { name: "Selection" }, { name: "By" }, { name: "Note" }, { name: "Created" }],
        rows: jobs.map((j) => [j.id, j.state, kindOf(kind, j), selectionText(j.selection, a.tz), j.author, j.note ?? "", j.created_at]),
      }))}
    >
      <ul class="jobs">
        {jobs.map((j) => (
          <li key={j.id}>
            <Link row class="job-row" to={withScreen(a, kind, j.id)}>
              <JobState job={j} />
              <span class="job-what">
                <strong>{kindOf(kind, j)}</strong> <bdi>{visibleText(whatOf(kind, j, a.tz), 300)}</bdi>
                {j.note && <span class="muted"> — <bdi>{visibleText(j.note, 200)}</bdi></span>}
              </span>
              <span class="muted small"><bdi>{visibleText(j.author)}</bdi>, {momentOf(Date.parse(j.created_at), a.tz)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const kindOf = (kind: JobKind, j: Job): string => (kind === "audits" ? (j.repair ? "Audit with repair" : "Audit") : j.dry_run ? "Dry run" : "Replay");

function whatOf(kind: JobKind, j: Job, zone: string): string {
  const text = kind === "audits" ? selectionText(j.selection, zone).replace(/^all events/, "every sequence") : selectionText(j.selection, zone);
  return j.schemas ? `${text}, by a draft of ${j.schemas.map((s) => `${s.category} / ${s.name}`).join(", ")}` : text;
}

/** The head of a page: where it belongs. */
function Crumbs({ kind, children }: { kind: "replays" | "audits"; children: ComponentChildren }): JSX.Element {
  return (
    <div class="row crumbs">
      <Link to={withScreen(address.value, kind)}>{titles[kind].all}</Link>
      <span aria-hidden="true">/</span>
      {children}
    </div>
  );
}

// Replays

/** What the form selects: the application and the range of the header, and its own fields. */
function selectionOf(a: Address): Selection {
  const text = (name: string): string | undefined => a.own[name]?.[0] || undefined;
  return {
    ...(text("times") === "all" ? {} : pinned(a)),
    ...(a.app ? { application: a.app } : {}),
    ...Object.fromEntries(["category", "name", "code"].flatMap((name) => (text(name) ? [[name, text(name)]] : []))),
    ...(text("only") === "rejected" ? { only: "rejected" } : {}),
  };
}

/** Says what the form selects. A range that moves on is named as the header names it. */
function selectedText(a: Address, { from, to, ...rest }: Selection): string {
  const range = from || to ? rangeLabel({ from: a.from, to: a.to }, (at) => endOf(at, a.tz), a.tz) : "all of the stream";
  return `${selectionText(rest, a.tz)}, received: ${range}`;
}

/** The call that counts what a selection holds at present, and how its answer is read. */
function countCall(a: Address): Call {
  const range = a.own["times"]?.[0] === "all" ? { from: "0001-01-01", to: "now" } : receivedRange(a);
  const [category, name, code] = ["category", "name", "code"].map((n) => a.own[n]?.[0]);
  if (a.own["only"]?.[0] === "rejected" || code) return get("/v1/rejected/summary", { application: a.app, category, name, code, ...range, limit: 1 });
  return get("/v1/types", { application: a.app, ...range });
}

function countOf(answer: RejectedSummary | TypeList | undefined, a: Address): number | undefined {
  if (!answer) return undefined;
  if ("total" in answer) return answer.total;
  const [category, name] = [a.own["category"]?.[0], a.own["name"]?.[0]];
  return answer.types.filter((t) => (!category || t.category === category) && (!name || t.name === name)).reduce((sum, t) => sum + t.stored + t.rejected, 0);
}

function NewReplay(): JSX.Element {
  const a = address.value;
  const [note, setNote] = useState("");
  const [rate, setRate] = useState("");
  const [asking, setAsking] = useState(false);
  const starting = useTask();
  const selection = selectionOf(a);
  const call = countCall(a);
  const counted = useAnswer<RejectedSummary | TypeList>(call);
  const n = countOf(counted.value, a);
  const badRate = rate.trim() !== "" && !/^[1-9]\d{0,8}$/.test(rate.trim());
  const start = async (dryRun: boolean): Promise<void> => {
    const body = { ...(dryRun ? { dry_run: true } : {}), ...selection, ...(rate.trim() && !dryRun ? { rate: Number(rate.trim()) } : {}) };
    const job = await starting.run<Job>(changing("POST", "/v1/replays", { body, note: note.trim() }));
    setAsking(false);
    if (job) go(withScreen({ ...a, ...pinned(a) }, "replays", job.id));
  };
  return (
    <div class="stack">
      <Crumbs kind="replays"><h2>New replay</h2></Crumbs>
      <Panel
        title="What is replayed"
        call={call}
        answer={counted}
        note={n !== undefined && <><strong class="total">{figure(n)}</strong> {n === 1 ? "event" : "events"} at present</>}
      >
        <form class="stack" onSubmit={(e) => (e.preventDefault(), setAsking(true))}>
          <p class="muted">
            <bdi>{visibleText(selectedText(a, selection), 400)}</bdi>. Application and range are those of the header.
          </p>
          <div class="form-grid">
            <SelectionField name="category" label="Category" />
            <SelectionField name="name" label="Name" />
            <SelectionField name="code" label="Code of a reason" />
            <label class="field">
              <span>At most so many a second</span>
              <input class="input" name="rate" inputMode="numeric" value={rate} placeholder="no limit" autocomplete="off" aria-invalid={badRate} onInput={(e) => setRate(e.currentTarget.value)} />
            </label>
          </div>
          <div class="row">
            <label class="check">
              <input type="checkbox" name="only" checked={a.own["only"]?.[0] === "rejected"} onChange={(e) => replace(withOwn(a, "only", e.currentTarget.checked ? "rejected" : undefined))} />
              <span>Only what is rejected at present</span>
            </label>
            <label class="check">
              <input type="checkbox" name="times" checked={a.own["times"]?.[0] === "all"} onChange={(e) => replace(withOwn(a, "times", e.currentTarget.checked ? "all" : undefined))} />
              <span>All of the stream, whatever the range</span>
            </label>
          </div>
          <label class="field">
            <span>Why</span>
            <input class="input" name="note" maxLength={500} value={note} autocomplete="off" onInput={(e) => setNote(e.currentTarget.value)} />
          </label>
          {badRate && <p class="fault small" role="alert">The rate is a whole number from 1, or nothing.</p>}
          {starting.failure && <FailureNote failure={starting.failure} call={starting.call} />}
          <div class="row">
            <button type="button" class="button" disabled={starting.running} onClick={() => void start(true)}>Dry run</button>
            <button type="submit" class="button primary" disabled={starting.running || badRate}>Replay…</button>
          </div>
        </form>
      </Panel>
      {asking && (
        <Confirm title="Start this replay?" action="Replay" running={starting.running} onClose={() => setAsking(false)} onConfirm={() => void start(false)}>
          <p>
            {n !== undefined && <><strong>{count(n, "event")}</strong> of the selection are validated again</>}{n === undefined && "The selection is validated again"} by the newest schemas and policy. What matches is stored, what does not is rejected and kept whole.
          </p>
          <p class="muted small"><bdi>{visibleText(selectedText(a, selection), 400)}</bdi></p>
        </Confirm>
      )}
    </div>
  );
}

/** A field of the selection. Its text goes into the address once it is complete, and stays meanwhile, whatever answers come. */
function SelectionField({ name, label }: { name: string; label: string }): JSX.Element {
  const [typed, setTyped] = useState<string>();
  const commit = (text: string): void => (setTyped(undefined), replace(withOwn(address.value, name, text)));
  return (
    <label class="field">
      <span>{label}</span>
      <input class="input" name={name} value={typed ?? address.value.own[name]?.[0] ?? ""} placeholder="any" autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} onChange={(e) => commit(e.currentTarget.value)} />
    </label>
  );
}

function Confirm({ title, action, running, onClose, onConfirm, children }: { title: string; action: string; running: boolean; onClose: () => void; onConfirm: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="row">
        <button type="button" class="button primary" disabled={running} onClick={onConfirm}>{action}</button>
        <button type="button" class="button" onClick={onClose}>Not now</button>
      </div>
    </Dialog>
  );
}

function ReplayPage({ id }: { id: string }): JSX.Element {
  const a = address.value;
  const answer = useJob<ReplayReport>("replays", id);
  const job = answer.value;
  const title = job ? kindOf("replays", job) : "Replay";
  return (
    <div class="stack">
      <Crumbs kind="replays"><h2 class="mono">{visibleText(id, 80)}</h2></Crumbs>
      <Panel title={title} call={jobCall("replays", id)} answer={following(answer)} table={job?.report && (() => reportTable(job.report!))}>
        {job && (
          <div class="stack">
            <JobFacts kind="replays" job={job} />
            <JobProgress kind="replays" job={job} onCancelled={answer.retry} />
            {job.report && <ReplayReportView report={job.report} />}
            {isFinal(job.state) && <NextSteps job={job} a={a} />}
          </div>
        )}
      </Panel>
    </div>
  );
}

/** An answer that is asked for again and again shows no waiting. */
function following<T extends { value: unknown; waiting: string }>(answer: T): T {
  return answer.value === undefined ? answer : { ...answer, waiting: "no" };
}

function JobFacts({ kind, job }: { kind: JobKind; job: Job }): JSX.Element {
  const { tz } = address.value;
  return (
    <p>
      <bdi>{visibleText(whatOf(kind, job, tz), 400)}</bdi>.{" "}
      <span class="muted">
        By <bdi>{visibleText(job.author)}</bdi>, {momentOf(Date.parse(job.created_at), tz)}{job.target_revision > 0 && `, to revision ${job.target_revision}`}{job.max_rate ? `, at most ${figure(job.max_rate)} a second` : ""}{job.note && <>: <bdi>{visibleText(job.note, 500)}</bdi></>}
      </span>
    </p>
  );
}

function reportTable(report: ReplayReport): { columns: { name: string; numeric?: boolean }[]; rows: (string | number)[][] } {
  return {
    columns: [{ name: "Change" }, { name: "Category" }, { name: "Name" }, { name: "Code" }, { name: "Path" }, { name: "Events", numeric: true }],
    rows: report.groups.map((g) => [g.change, visibleText(g.category), visibleText(g.name), g.code, visibleText(g.path), g.count]),
  };
}

/** What follows a job that has ended: a dry run is run, a replay is audited. */
function NextSteps({ job, a }: { job: Job<ReplayReport>; a: Address }): JSX.Element | null {
  const s = job.selection;
  const members: Address["own"] = {
    ...(s.category ? { category: [s.category] } : {}), ...(s.name ? { name: [s.name] } : {}), ...(s.code ? { code: [s.code] } : {}), ...(s.only ? { only: [s.only] } : {}), ...(s.from || s.to ? {} : { times: ["all"] }),
  };
  const same = { ...a, app: s.application ?? "", ...(s.from ? { from: s.from } : {}), ...(s.to ? { to: s.to } : {}) };
  if (job.schemas) {
    const type = job.schemas[0]!;
    return <p><Link class="button" to={withScreen(a, "schemas", "", { category: [type.category], name: [type.name], job: [job.id] })}>Back to the draft</Link></p>;
  }
  return (
    <p class="row">
      {job.dry_run || job.state !== "done" ? (
        <Link class="button primary" to={withScreen(same, "replays", "new", members)}>{job.dry_run ? "Replay this selection" : "Replay it again"}</Link>
      ) : (
        <>
          <Link class="button primary" to={withScreen(same, "audits", "new", members["times"] ? { times: ["all"] } : {})}>Audit</Link>
          <Link class="button" to={withScreen(same, "rejected", "", { ...(s.category ? { category: [s.category] } : {}), ...(s.name ? { name: [s.name] } : {}) })}>What is still rejected</Link>
        </>
      )}
    </p>
  );
}

// Audits

function NewAudit(): JSX.Element {
  const a = address.value;
  const isAll = a.own["times"]?.[0] === "all";
  const repair = a.own["repair"]?.[0] === "true";
  const starting = useTask();
  const start = async (e: Event): Promise<void> => {
    e.preventDefault();
    const job = await starting.run<Job>(changing("POST", "/v1/audits", { body: { ...(isAll ? {} : pinned(a)), ...(repair ? { repair: true } : {}) } }));
    if (job) go(withScreen(a, "audits", job.id));
  };
  return (
    <div class="stack">
      <Crumbs kind="audits"><h2>New audit</h2></Crumbs>
      <section class="panel padded">
        <p>Every sequence of the stream {isAll ? "" : "in the range of the header "}is looked up in the store: each has an outcome, or a reason why not. What has none is missing.</p>
        <form class="stack" onSubmit={(e) => void start(e)}>
          <label class="check">
            <input type="checkbox" name="times" checked={isAll} onChange={(e) => replace(withOwn(a, "times", e.currentTarget.checked ? "all" : undefined))} />
            <span>All of the stream, whatever the range</span>
          </label>
          <label class="check">
            <input type="checkbox" name="repair" checked={repair} onChange={(e) => replace(withOwn(a, "repair", e.currentTarget.checked ? "true" : undefined))} />
            <span>Write what is missing in the store and still in the stream</span>
          </label>
          {starting.failure && <FailureNote failure={starting.failure} call={starting.call} />}
          <div class="row">
            <button type="submit" class="button primary" disabled={starting.running}>Start the audit</button>
          </div>
        </form>
      </section>
    </div>
  );
}

function AuditPage({ id }: { id: string }): JSX.Element {
  const answer = useJob<AuditReport>("audits", id);
  const job = answer.value;
  return (
    <div class="stack">
      <Crumbs kind="audits"><h2 class="mono">{visibleText(id, 80)}</h2></Crumbs>
      <Panel title="Audit" call={jobCall("audits", id)} answer={following(answer)} table={job?.report && (() => auditTable(job.report!))}>
        {job && (
          <div class="stack">
            <JobFacts kind="audits" job={job} />
            <JobProgress kind="audits" job={job} onCancelled={answer.retry} />
            {job.report && <AuditView report={job.report} isDone={job.state === "done"} />}
          </div>
        )}
      </Panel>
    </div>
  );
}

const auditFigures: [keyof AuditReport, string][] = [
  ["missing", "Missing"], ["stored", "Stored"], ["rejected", "Rejected"], ["duplicate", "Later copies"], ["pending", "Pending"], ["expired", "Expired"], ["purged", "Purged"], ["repaired", "Repaired"],
];

function auditTable(r: AuditReport): { columns: { name: string; numeric?: boolean }[]; rows: (string | number)[][] } {
  return { columns: [{ name: "Outcome" }, { name: "Sequences", numeric: true }], rows: auditFigures.map(([member, name]) => [name, r[member] as number]) };
}

function AuditView({ report, isDone }: { report: AuditReport; isDone: boolean }): JSX.Element {
  return (
    <div class="report">
      {isDone && (
        <p class={`verdict ${report.missing > 0 ? "bad" : "good"}`} role="status">
          {report.missing > 0 ? `${count(report.missing, "sequence")} of ${report.from_seq} to ${report.to_seq} ${report.missing === 1 ? "is" : "are"} missing` : `Every sequence from ${report.from_seq} to ${report.to_seq} is accounted for`}
        </p>
      )}
      <dl class="figures">
        {auditFigures.map(([member, name]) => (
          <div key={member} class={member === "missing" && report.missing > 0 ? "bad" : ""} data-figure={member}>
            <dt>{name}</dt>
            <dd>{figure(report[member] as number)}</dd>
          </div>
        ))}
      </dl>
      {report.missing > 0 && (
        <>
          <ul class="faults">
            {report.missing_ranges.map((r) => (
              <li key={r.from}>
                <code>{r.from === r.to ? r.from : `${r.from} to ${r.to}`}</code> {r.reason === "store" ? "missing in the store: the stream has the message" : "lost in the stream: no purge removed it"}
              </li>
            ))}
          </ul>
          <p>{report.missing_in_store > 0 ? <>An audit with repair writes them: <code>theeye audit --repair</code>. Find out what removed them.</> : <>Look at the disk and the log of NATS, and restore the stream from a backup.</>}</p>
        </>
      )}
    </div>
  );
}
