// Playground: write an event, see what would become of it, send it, see it arrive, and take
// the code that sends it.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Call, get, quote } from "../api/call.ts";
import { asFailure, ask, askText, Failure } from "../api/client.ts";
import { eventCall } from "../api/event.ts";
import type { EventPage, EyeEvent, Fault, TypeList } from "../api/types.ts";
import { Segments } from "../components/choice.tsx";
import type { EditorProps } from "../components/editor.tsx";
import { lazily } from "../components/lazy.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { findPlaces, lineOf, type Mark, marksOf } from "../json/places.ts";
import { pretty } from "../json/pretty.ts";
import { withOwn, withScreen } from "../state/address.ts";
import { useAnswer } from "../state/answer.ts";
import { address, go, replace } from "../state/location.ts";
import { copy } from "../state/notice.ts";
import { rights } from "../state/session.ts";
import { addSheets } from "../state/sheets.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/playground.screen.css";
import { receivedRange } from "../time/received.ts";

addSheets(shared, own);

const Editor = lazily<EditorProps>(async () => (await import("./schemaeditor.tsx")).Editor);

/** The tokens of `theeye up --dev`, whose write key everybody knows. */
const devTokens = ["dev-analyst", "dev-operator"];
const textKey = "eye.playground";
const pause = 250;

interface Result {
  index: number;
  event_id?: string;
  status: "stored" | "rejected" | "refused" | "accepted";
  code?: string;
  message?: string;
  errors?: Fault[];
}

const example = {
  session_id: "e2085be5-9137-4e4e-80b5-f1ffddc25423", category: "page interaction", name: "pageview",
  data: { host: "www.example.com", path: "/pricing" }, timestamp: new Date().toISOString(),
};

/** An event of a type as a site would send it, made from one that was stored. */
function exampleOf(e: EyeEvent | undefined, category: string, name: string): string {
  return pretty(JSON.stringify({ session_id: crypto.randomUUID?.() ?? example.session_id, category, name, data: e?.data ?? {}, timestamp: new Date().toISOString() }));
}

export function Playground(): JSX.Element {
  const a = address.value;
  const [text, setText] = useState(() => sessionStorage.getItem(textKey) ?? pretty(JSON.stringify(example)));
  const [key, setKey] = useState(devTokens.includes(rights.value?.id ?? "") ? "dev-write-key" : "");
  const type = (typed: string): void => {
    setText(typed);
    try {
      sessionStorage.setItem(textKey, typed);
    } catch {
      // The text is on the screen all the same.
    }
  };
  const verdict = useVerdict(text, key);
  const marks = marksOf(text, verdict.result?.errors ?? []);
  return (
    <div class="playground">
      <section class="panel padded" aria-label="Event">
        <div class="row">
          <h2>Event</h2>
          <span class="end"><TypeSelect onExample={type} /></span>
        </div>
        <div class="event-text"><Editor label="Event as JSON" value={text} onInput={type} marks={marks} /></div>
        <div class="row">
          <button type="button" class="button" onClick={() => type(pretty(text))}>Lay out</button>
          <button type="button" class="button" onClick={() => type(withNow(text))}>Set the time to now</button>
        </div>
        <VerdictView text={text} marks={marks} verdict={verdict} hasKey={key !== ""} />
      </section>
      <div class="stack">
        <SendPanel text={text} secret={key} onKey={setKey} />
        <Snippets text={text} secret={key} format={snippetNames.find((s) => s.value === a.own["code"]?.[0])?.value ?? "curl"} />
      </div>
    </div>
  );
}

function withNow(text: string): string {
  const place = findPlaces(text).byPointer.get("/timestamp");
  return place ? text.slice(0, place.valueFrom) + JSON.stringify(new Date().toISOString()) + text.slice(place.to) : text;
}

/** Chooses a type: the event becomes an example of it. */
function TypeSelect({ onExample }: { onExample: (text: string) => void }): JSX.Element {
  const a = address.value;
  const [wanted, setWanted] = useState<{ category: string; name: string }>();
  const answer = useAnswer<TypeList>(get("/v1/types", { application: a.app, ...receivedRange(a) }));
  const stored = useAnswer<EventPage>(wanted && get("/v1/events", { application: a.app, ...wanted, ...receivedRange(a), order: "desc", limit: 1 }));
  const types = (answer.value?.types ?? []).flatMap(({ category, name, registered }) => (registered && category !== undefined && name !== undefined ? [{ category, name }] : []));
  useEffect(() => {
    if (!wanted || !stored.value || stored.waiting !== "no") return;
    onExample(exampleOf(stored.value.events[0], wanted.category, wanted.name));
    setWanted(undefined);
  }, [wanted, stored.value, stored.waiting]);
  const chosen = a.own["type"]?.[0] ?? "";
  return (
    <select class="select" aria-label="Example of a type" value={chosen} onChange={(e) => {
      const found = types.find((t) => JSON.stringify([t.category, t.name]) === e.currentTarget.value);
      replace(withOwn(a, "type", e.currentTarget.value || undefined));
      if (found) setWanted(found);
    }}>
      <option value="">Example of a type…</option>
      {types.map((t) => <option key={t.category + "\0" + t.name} value={JSON.stringify([t.category, t.name])}>{visibleText(`${t.category} / ${t.name}`, 80)}</option>)}
    </select>
  );
}

interface Verdict {
  fault?: { line: number; message: string };
  result?: Result;
  failure?: Failure;
  call?: Call;
  retry?: () => void;
  waiting: boolean;
}

const asItStands = (path: string, text: string): Call => ({ method: "POST", path, query: [], text });

/** Has the collector judge the event as one types; nothing is kept. */
function useVerdict(text: string, secret: string): Verdict {
  const [state, setState] = useState<Verdict>({ waiting: true });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const fault = findPlaces(text).fault;
    if (fault) {
      setState({ fault: { line: lineOf(text, fault.at), message: fault.message }, waiting: false });
      return undefined;
    }
    if (secret === "") {
      setState({ waiting: false });
      return undefined;
    }
    setState((s) => ({ ...s, waiting: true }));
    const controller = new AbortController();
    const call = asItStands("/v1/validate", text);
    const timer = setTimeout(() => {
      ask<{ results: Result[] }>(call, controller.signal, secret).then(
        ({ results }) => setState({ ...(results[0] ? { result: results[0] } : {}), waiting: false }),
        (e: unknown) => {
          if (!controller.signal.aborted) setState({ failure: asFailure(e), call, retry: () => setAttempt(attempt + 1), waiting: false });
        },
      );
    }, pause);
    return () => (clearTimeout(timer), controller.abort());
  }, [text, secret, attempt]);
  return state;
}

function VerdictView({ text, marks, verdict, hasKey }: { text: string; marks: Mark[]; verdict: Verdict; hasKey: boolean }): JSX.Element {
  const { fault, result, failure } = verdict;
  const errors = result?.errors ?? [];
  return (
    <div class="verdict-box" role="status">
      {fault && <p class="fault">Line {fault.line}: {fault.message}</p>}
      {!fault && !hasKey && <p class="muted">With a write key, the event is judged while you type.</p>}
      {failure && <FailureNote failure={failure.status === 404 || failure.status === 405 ? new Failure(failure.status, failure.code, "Events are not collected at this address. Take the command below, with the address of the collector.") : failure} call={verdict.call} retry={verdict.retry!} />}
      {result && !fault && (
        <>
          <p>
            <span class={`badge ${result.status === "stored" ? "good" : "bad"}`}>{result.status === "stored" ? "would be stored" : result.status === "rejected" ? "would be rejected" : "would be refused"}</span>
          </p>
          {result.message && <p class="fault">{visibleText(result.message)}</p>}
          <ul class="faults">
            {errors.map((f, i) => <li key={i}>{marks[i] && <span class="muted">Line {lineOf(text, marks[i].from)}</span>} <code><bdi>{visibleText(f.path || "event", 160)}</bdi></code> <bdi>{visibleText(f.message, 600)}</bdi> <span class="muted small">{f.code}</span></li>)}
          </ul>
        </>
      )}
    </div>
  );
}

interface Sent {
  id: string;
  state: "accepted" | "stored" | "rejected";
  errors: Fault[];
}

/** Sends the event and follows it until its outcome is known. */
function SendPanel({ text, secret, onKey }: { text: string; secret: string; onKey: (key: string) => void }): JSX.Element {
  const a = address.value;
  const [failure, setFailure] = useState<Failure>();
  const [refused, setRefused] = useState<Result>();
  const [id, setId] = useState("");
  const [sending, setSending] = useState(false);
  const sent = useOutcome(id);
  const call = asItStands("/v1/events", text);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    setSending(true);
    setFailure(undefined);
    setRefused(undefined);
    setId("");
    try {
      const { results } = await ask<{ results: Result[] }>(call, undefined, secret);
      const first = results[0];
      if (first?.event_id) setId(first.event_id);
      else setRefused(first);
    } catch (e) {
      setFailure(asFailure(e));
    } finally {
      setSending(false);
    }
  };
  return (
    <section class="panel padded" aria-label="Send">
      <h2>Send it</h2>
      <form class="stack" onSubmit={(e) => void submit(e)}>
        <label class="field">
          <span>Write key of an application</span>
          <input class="input mono" name="write-key" type="password" autocomplete="off" spellcheck={false} value={secret} onInput={(e) => onKey(e.currentTarget.value.trim())} />
        </label>
        <div class="row">
          <button type="submit" class="button primary" disabled={sending || secret === "" || findPlaces(text).fault !== undefined}>Send</button>
          <Link to={withScreen(a, "access")}>Keys</Link>
        </div>
      </form>
      {failure && <FailureNote failure={failure} call={call} />}
      {refused && <p class="fault" role="alert">Refused: {visibleText(refused.message ?? "")}</p>}
      {sent && (
        <div role="status"><ol class="arrival">
          <li><span class="badge good">accepted</span> on disk, as <code><bdi>{visibleText(sent.id, 60)}</bdi></code></li>
          <li>
            {sent.state === "accepted" ? <span class="muted">waits for its outcome …</span> : <span class={`badge ${sent.state === "stored" ? "good" : "bad"}`}>{sent.state}</span>}{" "}
            {sent.state === "stored" && <Link to={withScreen({ ...a, from: "1h", to: "now", filters: [`event_id=${JSON.stringify(sent.id)}`] }, "explorer")}>See it in the Explorer</Link>}
            {sent.errors.map((f, i) => <span key={i}> <code>{visibleText(f.path || "event")}</code> {visibleText(f.message, 300)}</span>)}
          </li>
        </ol></div>
      )}
    </section>
  );
}

/** Follows an event that was sent, until its outcome is known. */
function useOutcome(id: string): Sent | undefined {
  const [known, setKnown] = useState<Sent>();
  const answer = useAnswer<string>(id && known?.id !== id ? eventCall(id) : undefined, 300, askText);
  const e = answer.value === undefined ? undefined : (JSON.parse(answer.value) as EyeEvent);
  if (id && e && e.event_id === id && e.status !== "pending" && known?.id !== id) setKnown({ id, state: e.status as Sent["state"], errors: e.errors ?? [] });
  if (!id) return undefined;
  return known?.id === id ? known : { id, state: "accepted", errors: [] };
}

// Snippets

type SnippetName = "curl" | "script" | "go" | "python";

const snippetNames: { value: SnippetName; label: string }[] = [{ value: "curl", label: "curl" }, { value: "script", label: "Script" }, { value: "go", label: "Go" }, { value: "python", label: "Python" }];

interface SampleEvent {
  session_id?: unknown;
  category?: unknown;
  name?: unknown;
  data?: unknown;
}

function Snippets({ text, secret, format }: { text: string; secret: string; format: SnippetName }): JSX.Element {
  const a = address.value;
  const event = parsed(text);
  const code = event ? snippets[format](event, text, secret || "WRITE-KEY") : "";
  return (
    <section class="panel padded" aria-label="Code">
      <div class="row">
        <h2>Code that sends it</h2>
        <span class="end"><Segments label="Language" options={snippetNames} value={format} onChange={(f) => go(withOwn(a, "code", f === "curl" ? undefined : f))} /></span>
      </div>
      {event ? <pre class="code" tabIndex={0}>{visibleText(code, Infinity).replaceAll("\u240a", "\n")}</pre> : <p class="muted">The event is no JSON object yet.</p>}
      {event && <p class="row"><button type="button" class="button" onClick={() => void copy(code, "Code")}>Copy</button>{format === "script" && <span class="muted small">Everyone can read the key of a page: take one of kind browser that lists the page's origin.</span>}</p>}
    </section>
  );
}

function parsed(text: string): SampleEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as SampleEvent) : undefined;
  } catch {
    return undefined;
  }
}

const str = (value: unknown): string => JSON.stringify(typeof value === "string" ? value : "");
const origin = (): string => location.origin;

const snippets: Record<SnippetName, (e: SampleEvent, text: string, secret: string) => string> = {
  curl: (_, text) => `curl -sS ${quote(`${origin()}/v1/events`)} \\\n  -H "Authorization: Bearer $EYE_WRITE_KEY" \\\n  -d ${quote(compact(text))}`,
  // The script is deferred: a call that comes before waits for it in an array.
  script: (e, _, secret) => `<script defer src="${origin()}/tracker.js" data-key="${secret.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"></script>\n\n<script>\n  window.eye = window.eye || []\n  eye.push(["track", ${inScript(str(e.category))}, ${inScript(str(e.name))}, ${jsObject(e.data)}])\n</script>`,
  go: (e) =>
    `client, err := eye.New(eye.Config{URL: ${str(origin())}, WriteKey: os.Getenv("EYE_WRITE_KEY")})\nif err != nil {\n\tlog.Print(err) // and go on: a nil client drops, counts, and says so once\n}\ndefer client.Close(ctx)\n_ = client.Enqueue(eye.Event{\n\tSessionID: ${str(e.session_id)}, Category: ${str(e.category)}, Name: ${str(e.name)},\n\tData: ${goValue(e.data ?? {})},\n})`,
  python: (e) => `import theeye\n\ntheeye.start(url=${str(origin())})  # the key is in EYE_WRITE_KEY\ntheeye.enqueue(${str(e.session_id)}, ${str(e.category)}, ${str(e.name)}, ${pyValue(e.data ?? {})})\ntheeye.flush()`,
};

const compact = (text: string): string => JSON.stringify(JSON.parse(text));

/** In a script element, "</script>" within a text would end it. */
const inScript = (json: string): string => json.replaceAll("<", "\\u003c");
const jsObject = (data: unknown): string => inScript(JSON.stringify(data ?? {}, null, 2)).replaceAll("\n", "\n  ");

function goValue(v: unknown): string {
  if (v === null) return "nil";
  if (Array.isArray(v)) return `[]any{${v.map((x) => goValue(x)).join(", ")}}`;
  if (typeof v === "object") return `map[string]any{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${goValue(x)}`).join(", ")}}`;
  return JSON.stringify(v);
}

function pyValue(v: unknown): string {
  if (v === null) return "None";
  if (typeof v === "boolean") return v ? "True" : "False";
  if (Array.isArray(v)) return `[${v.map(pyValue).join(", ")}]`;
  if (typeof v === "object") return `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${pyValue(x)}`).join(", ")}}`;
  return JSON.stringify(v);
}
