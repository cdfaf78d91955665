// The editor of one schema: the draft with its faults, samples judged by it as one types, a
// dry run against history, and saving, which shows first what would be rejected.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Call, changing, get, pathTo } from "../api/call.ts";
import { asFailure, ask, askText, type Failure, faultsOf } from "../api/client.ts";
import { pause } from "../api/pause.ts";
import { type DraftVerdicts, isFinal, type Job, type ReplayReport, type VersionPage } from "../api/operate.ts";
import type { EventPage, EyeEvent, Fault } from "../api/types.ts";
import { Diff } from "../components/diff.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Editor } from "../components/editor.tsx";
import { Icon } from "../components/icon.tsx";
import { JobProgress, ReplayReportView, useJob } from "../components/job.tsx";
import { MarkedJson } from "../components/json.tsx";
import { Link } from "../components/link.tsx";
import { Menu } from "../components/menu.tsx";
import { FailureNote, Panel, panelActions } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure } from "../format/number.ts";
import { momentOf } from "../format/time.ts";
import { mergeLines } from "../json/diff.ts";
import { findPlaces, lineOf, marksOf, textAt } from "../json/places.ts";
import { pretty } from "../json/pretty.ts";
import { isAboutSchema } from "../schema/reasons.ts";
import { withOwn, withScreen } from "../state/address.ts";
import { type Answer, refreshes, useAnswer } from "../state/answer.ts";
import { readDeclaration, schemaCall, useDeclaration } from "../state/document.ts";
import { type Draft, keepDraft, readDraft } from "../state/draft.ts";
import { address, go, replace } from "../state/location.ts";
import { notify } from "../state/notice.ts";
import { useTask } from "../state/task.ts";
import { receivedRange } from "../time/received.ts";
import type { TypeName } from "./schemas.tsx";

export { Editor };

/** How long typing pauses before the draft is judged, in ms. */
const judgePause = 250;
const mostSamples = 20;

/** Lays a schema out that stands in one line; others keep the lines of their author. */
const laidOut = (text: string): string => (text.trim().includes("\n") ? text : pretty(text) + "\n");

interface Saved {
  revision: number;
}

export function SchemaEditor(type: TypeName): JSX.Element {
  const { category, name } = type;
  const a = address.value;
  const versionsCall = get(pathTo("schemas", category, name, "history"), { limit: 50 });
  const list = useAnswer<{ schemas: (TypeName & { revision: number })[] }>(get("/v1/schemas"));
  const present = list.value?.schemas.find((s) => s.category === category && s.name === name);
  const declared = useDeclaration(present && schemaCall(category, name));
  const samples = useSamples(type);
  const [draft, setDraft] = useState<Draft | undefined>(() => readDraft(category, name));
  const [saved, setSaved] = useState<Saved>();
  const [dialog, setDialog] = useState<"save" | undefined>();
  const [conflict, setConflict] = useState<Conflict>();

  const baseText = declared.value ? laidOut(declared.value.text) : undefined;
  const isNew = list.value !== undefined && !present;
  const proposal = useAnswer<string>(isNew ? get(pathTo("schemas", category, name, "proposal"), { application: a.app, ...receivedRange(a) }) : undefined, 0, askProposal);
  const starting = baseText ?? (isNew ? proposal.value : undefined);
  const text = draft?.text ?? starting;
  const base = draft?.base ?? declared.value?.revision ?? 0;
  const isChanged = draft !== undefined && (isNew || draft.text !== draft.baseText);

  const keep = (next: Draft | undefined): void => {
    keepDraft(category, name, next);
    setDraft(next);
  };
  const change = (typed: string): void => {
    setSaved(undefined);
    const from = draft ?? { base: declared.value?.revision ?? 0, baseText: starting ?? "" };
    if (typed === from.baseText && !isNew) keep(undefined);
    else keep({ ...from, text: typed });
  };
  // Keeps the dry run of this text: with what was typed while it was started.
  const newest = useRef(draft);
  newest.current = draft;
  const keepJudged = (job: string): void => keep({ ...(newest.current ?? { base, baseText: baseText ?? "", text: text! }), judged: { job, text: text! } });
  const verdict = useVerdict(type, text, samples.events);
  const marks = text === undefined ? [] : marksOf(text, verdict.faults);

  if (text === undefined) {
    const awaited = !list.value ? list : present ? declared : proposal;
    return <Panel title="Schema" call={awaited.call} answer={awaited}>{undefined}</Panel>;
  }
  const onSaved = (revision: number): void => {
    setDialog(undefined);
    setConflict(undefined);
    keep(undefined);
    setSaved({ revision });
    refreshes.value++;
    notify(`Saved as revision ${revision}`);
  };
  return (
    <div class="stack">
      <div class="row crumbs">
        <Link to={withScreen(a, "schemas")}>Schemas</Link>
        <span aria-hidden="true">/</span>
        <h2><bdi>{visibleText(`${category} / ${name}`)}</bdi></h2>
        <span class="muted small">{isNew ? "not registered yet" : `revision ${base}`}</span>
        {isChanged && <span class="badge warn">Not saved</span>}
        <span class="row crumbs-end">
          {isChanged && !isNew && <button type="button" class="button" onClick={() => keep(undefined)}>Discard the draft</button>}
          <button type="button" class="button primary" disabled={(!isChanged && !isNew) || !verdict.isValid} onClick={() => setDialog("save")}>Save…</button>
        </span>
      </div>
      {present && draft && draft.base > 0 && present.revision > draft.base && !conflict && (
        <p class="notice-line" role="status">
          Revision {present.revision} was saved since you began. <button type="button" class="link" onClick={() => void showConflict(type, draft, setConflict)}>Compare and merge</button>
        </p>
      )}
      {saved && <AfterSaving type={type} saved={saved} />}
      {conflict && draft && <ConflictPanel type={type} conflict={conflict} draft={draft} onTaken={(next) => (keep(next), setConflict(undefined))} />}
      <div class="editor-columns">
        <section class="panel editor-panel" aria-label="Schema">
          <header class="panel-head">
            <h2>Schema</h2>
            <span class="panel-note" role="status">{verdict.waiting ? "" : verdict.isValid ? <span class="good">no faults</span> : <span class="bad">{count(Math.max(1, marks.length), "fault")}</span>}</span>
            <div class="panel-tools">
              <button type="button" class="button quiet" onClick={() => change(pretty(text) + "\n")}>Lay out</button>
              {proposal.call && <Menu label="Schema: more" items={panelActions("Schema", proposal.call)} />}
            </div>
          </header>
          <Editor label="Schema" value={text} onInput={change} marks={marks} at={a.own["at"]?.[0]} />
          {marks.length > 0 && (
            <ul class="faults editor-faults">
              {marks.slice(0, 5).map((m, i) => <li key={i}><span class="muted">Line {lineOf(text, m.from)}</span> <bdi>{visibleText(m.message, 400)}</bdi></li>)}
            </ul>
          )}
          {verdict.failure && <FailureNote failure={verdict.failure} call={verdict.call} retry={verdict.retry} />}
        </section>
        <SamplesPanel samples={samples} verdict={verdict} />
        <DryRunPanel type={type} text={text} isValid={verdict.isValid} draft={draft} onJudged={keepJudged} />
      </div>
      {!isNew && <History type={type} call={versionsCall} onRestore={(old) => change(old)} current={text} />}
      {dialog === "save" && (
        <SaveDialog type={type} text={text} base={base} baseText={draft?.baseText ?? baseText ?? ""} draft={draft} isNew={isNew} worse={samples.events.filter((e, i) => changeOf(e, verdict.errors[i]) === "newly_rejected").length}
          onJudged={keepJudged} onClose={() => setDialog(undefined)} onSaved={onSaved}
          onConflict={() => (setDialog(undefined), void showConflict(type, draft ?? { text, base, baseText: baseText ?? "" }, setConflict))} />
      )}
    </div>
  );
}

/** Reads the first schema that the server proposes, laid out; an empty one where no event can say more. */
async function askProposal(call: Call, signal?: AbortSignal): Promise<string> {
  try {
    const text = await askText(call, signal);
    return pretty(textAt(text, findPlaces(text), "/schema") ?? "{}") + "\n";
  } catch (e) {
    if (asFailure(e).code !== "no_events") throw e;
    return pretty('{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}') + "\n";
  }
}

// Samples

/** An event with the text of its data as the server wrote it: reading it would round its numbers. */
interface Sample extends EyeEvent {
  dataText: string | undefined;
}

interface SamplePage extends EventPage {
  events: Sample[];
}

async function askSamples(call: Call, signal?: AbortSignal): Promise<SamplePage> {
  const text = await askText(call, signal);
  const page = JSON.parse(text) as EventPage;
  const places = findPlaces(text);
  return { ...page, events: page.events.map((e, i) => ({ ...e, dataText: textAt(text, places, `/events/${i}/data`) })) };
}

interface Samples {
  events: Sample[];
  stored: Answer<SamplePage>;
  rejected: Answer<SamplePage>;
  ready: boolean;
}

/** The newest events of the type, of both outcomes, and the one that the address names first. */
function useSamples({ category, name }: TypeName): Samples {
  const a = address.value;
  const common = { application: a.app, category, name, limit: mostSamples, order: "desc" };
  const rejected = useAnswer<SamplePage>(get("/v1/rejected", { ...common, ...receivedRange(a) }), 0, askSamples);
  const stored = useAnswer<SamplePage>(get("/v1/events", { ...common, ...receivedRange(a) }), 0, askSamples);
  const wanted = a.own["sample"]?.[0];
  const events = [...(rejected.value?.events ?? []), ...(stored.value?.events ?? [])];
  const first = events.find((e) => e.event_id === wanted);
  return { events: first ? [first, ...events.filter((e) => e !== first)] : events, stored, rejected, ready: rejected.value !== undefined && stored.value !== undefined };
}

interface Verdict {
  /** Says that the server takes the text as a schema. */
  isValid: boolean;
  waiting: boolean;
  /** The faults of the schema, by pointer. */
  faults: Fault[];
  /** What the draft says of each sample's data; undefined where it was not judged. */
  errors: (Fault[] | undefined)[];
  failure: Failure | undefined;
  call: Call | undefined;
  retry: () => void;
}

interface Judged {
  /** The body that was judged. */
  of: string | undefined;
  faults: Fault[];
  results?: DraftVerdicts["results"];
}

async function judge(call: Call, signal: AbortSignal): Promise<Judged> {
  await pause(judgePause, signal);
  const of = call.text;
  try {
    return { of, faults: [], results: (await ask<DraftVerdicts>(call, signal)).results };
  } catch (e) {
    const failure = asFailure(e);
    if (failure.status === 422) return { of, faults: faultsOf(failure) };
    throw e;
  }
}

/** Has the server judge the draft, and the samples by it, whenever one of them changes. */
function useVerdict({ category, name }: TypeName, text: string | undefined, events: Sample[]): Verdict {
  const judged = events.filter((e) => typeof e.data === "object" && e.data !== null);
  // The texts of schema and data go as they are: reading them here would round their numbers.
  const call: Call | undefined = text === undefined || findPlaces(text).fault ? undefined
    : { method: "POST", path: pathTo("schemas", category, name, "validate"), query: [], text: `{"schema":${text},"data":[${judged.map((e) => e.dataText).join(",")}]}` };
  const { value, failure, retry } = useAnswer(call, 0, judge);
  const own = call && value?.of === call.text ? value : undefined;
  const byEvent = new Map(judged.map((e, i) => [e, own?.results?.[i]?.errors ?? []]));
  return {
    isValid: own?.results !== undefined, waiting: call !== undefined && !own && !failure, faults: own?.faults ?? [],
    errors: own?.results ? events.map((e) => byEvent.get(e)) : [], failure, call, retry,
  };
}

type SampleChange = "newly_valid" | "still_rejected" | "newly_rejected" | "unchanged" | "other" | "unknown";

/** What the draft would change about an event. */
function changeOf(e: EyeEvent, errors: Fault[] | undefined): SampleChange {
  if (!errors) return "unknown";
  if (e.status === "stored") return errors.length > 0 ? "newly_rejected" : "unchanged";
  if (errors.length > 0) return "still_rejected";
  return (e.errors ?? []).every((f) => isAboutSchema(f.code)) ? "newly_valid" : "other";
}

const changeTexts: Record<SampleChange, { text: string; tone: string }> = {
  newly_rejected: { text: "would be rejected", tone: "bad" },
  newly_valid: { text: "would be stored", tone: "good" },
  still_rejected: { text: "stays rejected", tone: "" },
  unchanged: { text: "stays stored", tone: "" },
  other: { text: "rejected for other reasons", tone: "" },
  unknown: { text: "not judged", tone: "" },
};

function SamplesPanel({ samples, verdict }: { samples: Samples; verdict: Verdict }): JSX.Element {
  const a = address.value;
  const wanted = a.own["sample"]?.[0];
  const open = samples.events.find((e) => e.event_id === wanted);
  const worse = verdict.isValid ? samples.events.filter((e, i) => changeOf(e, verdict.errors[i]) === "newly_rejected").length : 0;
  const answer = samples.rejected.value ? samples.stored : samples.rejected;
  return (
    <Panel
      title="Samples"
      class="samples-panel"
      call={samples.rejected.call}
      answer={answer}
      note={worse > 0 ? <span class="bad">{count(worse, "event")} would be rejected</span> : verdict.isValid ? "judged by the draft" : undefined}
      empty={samples.ready && samples.events.length === 0 ? <p class="empty">No event of this type in this range. Choose a longer one in the header.</p> : undefined}
    >
      <ul class="samples" aria-label="Samples">
        {samples.events.map((e, i) => {
          const { text, tone } = changeTexts[verdict.isValid ? changeOf(e, verdict.errors[i]) : "unknown"];
          const isOpen = e === open;
          return (
            <li key={`${e.application}/${e.event_id}/${e.status}/${e.received_at}`} class={isOpen ? "chosen" : ""}>
              <button type="button" class="sample-row" data-row="" aria-expanded={isOpen} onClick={() => go(withOwn(a, "sample", isOpen ? undefined : e.event_id))}>
                <span class={`badge ${tone}`}>{text}</span>
                <bdi class="mono">{visibleText(e.event_id, 40)}</bdi>
              </button>
              {isOpen && <OpenSample event={e} errors={verdict.isValid ? verdict.errors[i] : undefined} />}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function OpenSample({ event, errors }: { event: Sample; errors: Fault[] | undefined }): JSX.Element {
  const a = address.value;
  const marks = (errors ?? []).map((f) => (f.path ?? "").replace(/^\/data/, ""));
  return (
    <div class="sample-open">
      <p class="small muted">
        {event.status}, received {momentOf(Date.parse(event.received_at), a.tz)}
      </p>
      {(errors ?? []).length > 0 && (
        <ul class="faults">
          {errors!.slice(0, 6).map((f, i) => <li key={i}><code><bdi>{visibleText(f.path ?? "", 120)}</bdi></code> <bdi>{visibleText(f.message, 300)}</bdi></li>)}
        </ul>
      )}
      {event.dataText !== undefined && <MarkedJson label="Data of the event" text={pretty(event.dataText)} marks={marks.flatMap((m) => [m, m.replace(/\/[^/]*$/, "")])} />}
    </div>
  );
}

// Dry run

interface JudgingProps {
  type: TypeName;
  text: string;
  draft: Draft | undefined;
  onJudged: (job: string) => void;
}

/** Starts a dry run of a draft. */
function useDryRun({ type, text, onJudged }: JudgingProps): { start: () => Promise<void>; running: boolean; failure: Failure | undefined; call: Call | undefined } {
  const task = useTask();
  const start = async (): Promise<void> => {
    const { app, own } = address.value;
    const members = { dry_run: true, ...(app ? { application: app } : {}), category: type.category, name: type.name, ...(own["scope"]?.[0] === "range" ? receivedRange(address.value) : {}) };
    const rest = JSON.stringify(members).slice(0, -1);
    const schema = `{"category":${JSON.stringify(type.category)},"name":${JSON.stringify(type.name)},"schema":${text}}`;
    const job = await task.run<Job>({ method: "POST", path: "/v1/replays", query: [], text: `${rest},"schemas":[${schema}]}` });
    if (!job) return;
    onJudged(job.id);
    replace(withOwn(address.value, "job", job.id));
  };
  return { start, running: task.running, failure: task.failure, call: task.call };
}

function DryRunPanel(p: JudgingProps & { isValid: boolean }): JSX.Element {
  const a = address.value;
  const id = a.own["job"]?.[0] ?? "";
  const job = useJob<ReplayReport>("replays", id);
  const run = useDryRun(p);
  const isCurrent = p.draft?.judged?.job === id ? p.draft.judged.text === p.text : id === "" || p.draft === undefined;
  const busy = run.running || (job.value !== undefined && !isFinal(job.value.state));
  return (
    <section class="panel dry-run-panel" aria-label="Dry run">
      <header class="panel-head">
        <h2>Dry run</h2>
        <div class="panel-tools">
          <select class="select" aria-label="Events of the dry run" value={a.own["scope"]?.[0] ?? "all"} onChange={(e) => go(withOwn(a, "scope", e.currentTarget.value === "all" ? undefined : e.currentTarget.value))}>
            <option value="all">All of the stream</option>
            <option value="range">The chosen range</option>
          </select>
          <button type="button" class="button" disabled={busy || !p.isValid} onClick={() => void run.start()}>Run</button>
        </div>
      </header>
      <div class="panel-body">
        {run.failure && <FailureNote failure={run.failure} call={run.call} />}
        {job.failure && !job.value && <FailureNote failure={job.failure} call={job.call} retry={job.retry} />}
        {!job.value && !job.failure && <p class="muted">Validates the events of this type in the stream by the draft, and writes nothing.</p>}
        {job.value && (
          <>
            {!isCurrent && <p class="notice-line">The draft has changed since.</p>}
            <JobProgress kind="replays" job={job.value} onCancelled={job.retry} />
            {job.value.report && isFinal(job.value.state) && <ReplayReportView report={job.value.report} />}
          </>
        )}
      </div>
    </section>
  );
}

// Saving

interface SaveProps extends JudgingProps {
  base: number;
  baseText: string;
  isNew: boolean;
  /** How many samples the draft newly rejects. */
  worse: number;
  onClose: () => void;
  onSaved: (revision: number) => void;
  onConflict: () => void;
}

/** Shows what saving changes. It is not saved before a dry run of this very text, and not without a word where that rejects what is valid today. */
function SaveDialog(p: SaveProps): JSX.Element {
  const id = p.draft?.judged?.text === p.text ? p.draft.judged.job : "";
  const job = useJob<ReplayReport>("replays", id);
  const run = useDryRun(p);
  const started = useRef(false);
  const [note, setNote] = useState("");
  const [agreed, setAgreed] = useState(false);
  const saving = useTask();
  useEffect(() => {
    if (id === "" && !started.current) {
      started.current = true;
      void run.start();
    }
  }, []);
  const report = job.value?.state === "done" ? job.value.report : undefined;
  const rejects = Math.max(report?.newly_rejected ?? 0, p.worse);
  // Without an event in the stream there is nothing to run; what cannot be judged needs the person's word.
  const cannotRun = run.failure !== undefined || job.value?.state === "failed" || job.value?.state === "cancelled";
  const needsWord = rejects > 0 || cannotRun;
  const save = async (e: Event): Promise<void> => {
    e.preventDefault();
    const put = await saving.run<{ revision: number }>(changing("PUT", pathTo("schemas", p.type.category, p.type.name), { text: p.text, match: p.base, note: note.trim() }));
    if (put) p.onSaved(put.revision);
  };
  useEffect(() => {
    if (saving.failure?.code === "revision_conflict") p.onConflict();
  }, [saving.failure]);
  return (
    <Dialog title="Save this schema" class="wide-dialog" onClose={p.onClose}>
      <Diff label="What changes" before={p.isNew ? "" : pretty(p.baseText.trim())} after={pretty(p.text.trim())} />
      <section class="inset" aria-label="Dry run of this draft">
        <h3>What it changes about the events in the stream</h3>
        {run.failure && <FailureNote failure={run.failure} call={run.call} />}
        {job.failure && !job.value && <FailureNote failure={job.failure} call={job.call} retry={job.retry} />}
        {job.value ? <JobProgress kind="replays" job={job.value} onCancelled={job.retry} /> : !run.failure && <p class="muted">The dry run starts.</p>}
        {report && <ReplayReportView report={report} />}
      </section>
      <form class="stack" onSubmit={(e) => void save(e)}>
        {rejects > 0 && (
          <p class="failure" role="alert">
            <strong>{count(rejects, "event")} that {rejects === 1 ? "is" : "are"} valid today would be rejected</strong> New events like these are rejected as soon as this is saved.
          </p>
        )}
        <label class="field">
          <span>Why</span>
          <input class="input" name="note" maxLength={500} value={note} autocomplete="off" placeholder="Totals are numbers, too" onInput={(e) => setNote(e.currentTarget.value)} />
        </label>
        {needsWord && (
          <label class="check">
            <input type="checkbox" name="agreed" checked={agreed} onChange={(e) => setAgreed(e.currentTarget.checked)} />
            <span>{rejects > 0 ? "I want these events to be rejected" : "Save without a dry run"}</span>
          </label>
        )}
        {saving.failure && saving.failure.code !== "revision_conflict" && <FailureNote failure={saving.failure} call={saving.call} />}
        <div class="row">
          <button type="submit" class={`button ${rejects > 0 ? "danger" : "primary"}`} disabled={saving.running || (needsWord ? !agreed : !report)}>
            {rejects > 0 ? `Save and reject ${figure(rejects)}` : "Save"}
          </button>
          <button type="button" class="button" onClick={p.onClose}>Back to the draft</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What comes after a saved schema: the events that it mends are replayed. */
function AfterSaving({ type, saved }: { type: TypeName; saved: Saved }): JSX.Element {
  const a = address.value;
  const code = a.own["code"]?.[0];
  return (
    <section class="panel padded saved" role="status">
      <h2>Saved as revision {saved.revision}</h2>
      <p>New events are validated by it from now on. Earlier outcomes stay as they are until a replay.</p>
      <p class="row">
        <Link class="button primary" to={withScreen(a, "replays", "new", { category: [type.category], name: [type.name], only: ["rejected"], ...(code ? { code: [code] } : {}) })}>Replay the rejected events</Link>
      </p>
    </section>
  );
}

// Two at once

interface Conflict {
  revision: number;
  author: string;
  note: string;
  text: string;
}

async function showConflict({ category, name }: TypeName, draft: Draft, show: (c: Conflict) => void): Promise<void> {
  const { text, revision } = await readDeclaration(schemaCall(category, name));
  const page = await ask<VersionPage>(get(pathTo("schemas", category, name, "history"), { limit: 10 }));
  const version = page.versions.find((v) => v.revision === revision);
  show({ revision, author: version?.author ?? "", note: version?.note ?? "", text: laidOut(text) });
  keepDraft(category, name, draft);
}

/** Shows what another person saved meanwhile beside the draft. Neither is lost: the draft goes on from theirs. */
function ConflictPanel({ conflict, draft, onTaken }: { type: TypeName; conflict: Conflict; draft: Draft; onTaken: (next: Draft | undefined) => void }): JSX.Element {
  const lines = (text: string): string => pretty(text.trim());
  const merged = mergeLines(lines(draft.baseText), lines(draft.text), lines(conflict.text));
  const onTop = (text: string): void => onTaken({ text, base: conflict.revision, baseText: conflict.text });
  return (
    <section class="panel padded conflict" role="alert" aria-label="Conflict">
      <h2>Another change was first</h2>
      <p>
        <bdi>{visibleText(conflict.author)}</bdi> saved revision {conflict.revision}{conflict.note && <>: <bdi>{visibleText(conflict.note)}</bdi></>}. Yours is not saved and not lost.
      </p>
      <div class="columns">
        <figure>
          <figcaption>Theirs: revision {draft.base} to {conflict.revision}</figcaption>
          <Diff label="Their change" before={lines(draft.baseText)} after={lines(conflict.text)} />
        </figure>
        <figure>
          <figcaption>Yours: revision {draft.base} to your draft</figcaption>
          <Diff label="Your change" before={lines(draft.baseText)} after={lines(draft.text)} />
        </figure>
      </div>
      {merged === undefined && <p class="muted">Both change the same lines, so a person has to decide.</p>}
      <div class="row">
        {merged !== undefined && <button type="button" class="button primary" onClick={() => onTop(merged + "\n")}>Merge both into the draft</button>}
        <button type="button" class="button" onClick={() => onTop(draft.text)}>Keep my text, on top of theirs</button>
        <button type="button" class="button" onClick={() => onTaken(undefined)}>Take theirs</button>
      </div>
    </section>
  );
}

// History

function History({ type, call, current, onRestore }: { type: TypeName; call: Call; current: string; onRestore: (text: string) => void }): JSX.Element {
  const a = address.value;
  const answer = useAnswer<VersionPage>(call);
  const versions = answer.value?.versions ?? [];
  const shown = Number(a.own["version"]?.[0]) || 0;
  return (
    <Panel title="History" call={call} answer={answer} note={answer.value && count(versions.length, "version")}
      table={answer.value && (() => ({ columns: [{ name: "Revision", numeric: true }, { name: "Time" }, { name: "By" }, { name: "Note" }], rows: versions.map((v) => [v.revision, v.time, v.author, v.removed ? "removed" : v.note]) }))}>
      <ul class="versions">
        {versions.map((v, i) => (
          <li key={v.revision} class={v.revision === shown ? "chosen" : ""}>
            <button type="button" class="version-row" data-row="" aria-expanded={v.revision === shown} disabled={v.removed} onClick={() => go(withOwn(a, "version", v.revision === shown ? undefined : String(v.revision)))}>
              <strong>Revision {v.revision}</strong>
              <span class="muted">{momentOf(Date.parse(v.time), a.tz)}</span>
              <bdi>{visibleText(v.author)}</bdi>
              <bdi class="muted">{v.removed ? "removed" : visibleText(v.note)}</bdi>
              <Icon name="down" />
            </button>
            {v.revision === shown && <VersionDiff type={type} revision={v.revision} before={versions.slice(i + 1).find((o) => !o.removed)?.revision} current={current} onRestore={onRestore} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function VersionDiff({ type, revision, before, current, onRestore }: { type: TypeName; revision: number; before: number | undefined; current: string; onRestore: (text: string) => void }): JSX.Element {
  const own = useDeclaration(schemaCall(type.category, type.name, revision));
  const earlier = useDeclaration(before ? schemaCall(type.category, type.name, before) : undefined);
  const failure = own.failure ?? earlier.failure;
  if (failure) return <FailureNote failure={failure} call={own.failure ? own.call : earlier.call} retry={own.failure ? own.retry : earlier.retry} />;
  if (!own.value || (before && !earlier.value)) return <div class="skeleton" aria-hidden="true" />;
  const text = laidOut(own.value.text);
  return (
    <div class="version-open">
      <Diff label={`Revision ${revision}`} before={earlier.value ? pretty(earlier.value.text.trim()) : ""} after={pretty(text.trim())} />
      {pretty(text.trim()) !== pretty(current.trim()) && <button type="button" class="button" onClick={() => (onRestore(text), notify(`The draft is revision ${revision}; nothing is saved yet`))}>Take it into the draft</button>}
    </div>
  );
}
