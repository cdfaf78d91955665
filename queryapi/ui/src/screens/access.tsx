// Applications with their write keys, and tokens. A secret is shown once, in the answer that
// made it; nothing keeps it.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { type Call, changing, get, pathTo } from "../api/call.ts";
import type { VersionInfo } from "../api/operate.ts";
import { Dialog } from "../components/dialog.tsx";
import { Icon } from "../components/icon.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure } from "../format/number.ts";
import { bothTimes, duration, momentOf } from "../format/time.ts";
import { refreshes, useAnswer } from "../state/answer.ts";
import { address } from "../state/location.ts";
import { copy, notify } from "../state/notice.ts";
import { rights } from "../state/session.ts";
import { addSheets } from "../state/sheets.ts";
import { useTask } from "../state/task.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/access.screen.css";

addSheets(shared, own);

interface KeySettings {
  kind: "server" | "browser";
  origins?: string[];
  disabled?: boolean;
  expires_at?: string;
  events_per_second?: number;
  bytes_per_second?: number;
}

interface Used {
  /** The hour of the last use; absent without one. */
  last_used_at?: string;
}

interface Key extends KeySettings, Used {
  id: string;
}

interface Application extends VersionInfo {
  name: string;
  keys: Key[];
  adapters?: string[];
}

interface Token extends VersionInfo, Used {
  id: string;
  role: "analyst" | "operator";
  applications?: string[];
}

interface Changed {
  revision: number;
  key?: Key & { secret: string };
}

/** A secret that was just made, and what it is for. */
interface Secret {
  title: string;
  secret: string;
  hint: ComponentChildren;
}

/** A change that is asked about before it is made. */
interface Question {
  title: string;
  text: string;
  action: string;
  call: Call;
  done: string;
}

type Form = { kind: "application" } | { kind: "key"; application: string } | { kind: "rotate"; application: string; key: Key } | { kind: "token" };

export function Access(): JSX.Element {
  const [secret, setSecret] = useState<Secret>();
  const [question, setQuestion] = useState<Question>();
  const [form, setForm] = useState<Form>();
  const done = (made: Secret | undefined): void => {
    setForm(undefined);
    setSecret(made);
    refreshes.value++;
  };
  return (
    <div class="stack">
      <Applications onForm={setForm} onAsk={setQuestion} />
      <Tokens onForm={setForm} onAsk={setQuestion} />
      {form && form.kind !== "token" && <KeyForm form={form} onClose={() => setForm(undefined)} onDone={done} />}
      {form?.kind === "token" && <TokenForm onClose={() => setForm(undefined)} onDone={done} />}
      {question && <Ask question={question} onClose={() => setQuestion(undefined)} />}
      {secret && <ShowSecret secret={secret} onClose={() => setSecret(undefined)} />}
    </div>
  );
}

interface Handlers {
  onForm: (form: Form) => void;
  onAsk: (question: Question) => void;
}

function Applications({ onForm, onAsk }: Handlers): JSX.Element {
  const a = address.value;
  const call = get("/v1/applications");
  const answer = useAnswer<{ applications: Application[] }>(call);
  const applications = answer.value?.applications ?? [];
  const now = Date.now();
  return (
    <Panel
      title="Applications and write keys"
      call={call}
      answer={answer}
      note={answer.value && figure(applications.length)}
      controls={<button type="button" class="button primary" onClick={() => onForm({ kind: "application" })}>New application</button>}
      empty={answer.value && applications.length === 0 ? <p class="empty">No application is registered. An application has the write keys by which a site sends its events.{rights.value?.id.startsWith("dev-") && " The application demo of --dev is kept in memory alone."}</p> : undefined}
      table={answer.value && (() => ({
        columns: [{ name: "Application" }, { name: "Key" }, { name: "Kind" }, { name: "Origins" }, { name: "State" }, { name: "Last used" }],
        rows: applications.flatMap((x) => x.keys.map((k) => [x.name, k.id, k.kind, (k.origins ?? []).join(" "), stateOf(k, now), k.last_used_at ?? ""])),
      }))}
    >
      <ul class="applications">
        {applications.map((x) => (
          <li key={x.name}>
            <div class="row">
              <h3 class="application-name">{x.name}</h3>
              <span class="muted small">changed {momentOf(Date.parse(x.time), a.tz)} by <bdi>{visibleText(x.author)}</bdi>{(x.adapters?.length ?? 0) > 0 && `, takes ${x.adapters!.join(", ")}`}</span>
              <span class="row end">
                <button type="button" class="button" onClick={() => onForm({ kind: "key", application: x.name })}>Add a key</button>
                <button type="button" class="button" aria-label={`Remove application ${x.name}`} onClick={() => onAsk({ title: `Remove ${x.name}?`, text: `Its ${count(x.keys.length, "key")} end at once, and its sites can send nothing. Its events stay.`, action: "Remove the application", call: changing("DELETE", pathTo("applications", x.name), { match: x.revision }), done: `${x.name} is removed` })}>Remove</button>
              </span>
            </div>
            <ul class="keys-list">
              {x.keys.map((k) => <KeyRow key={k.id} application={x.name} settings={k} now={now} onForm={onForm} onAsk={onAsk} />)}
            </ul>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function stateOf(k: Key, now: number): string {
  if (k.disabled) return "disabled";
  if (!k.expires_at) return "valid";
  const left = (Date.parse(k.expires_at) - now) / 1000;
  return left > 0 ? `ends in ${duration(left)}` : "ended";
}

const usedText = (of: Used): string => (of.last_used_at ? `last used ${momentOf(Date.parse(of.last_used_at), address.value.tz)}` : "no use noted");

function KeyRow({ application, settings: k, now, onForm, onAsk }: { application: string; settings: Key; now: number } & Handlers): JSX.Element {
  const { tz } = address.value;
  const state = stateOf(k, now);
  const path = pathTo("applications", application, "keys", k.id);
  const { id, last_used_at: _, ...settings } = k;
  const toggle: Question = k.disabled
    ? { title: `Enable ${id}?`, text: "Events that are sent with it are accepted again.", action: "Enable the key", call: changing("PUT", path, { body: without(settings, "disabled") }), done: "The key is enabled" }
    : { title: `Disable ${id}?`, text: "Sites that use it are answered 403 from now on. It can be enabled again.", action: "Disable the key", call: changing("PUT", path, { body: { ...settings, disabled: true } }), done: "The key is disabled" };
  return (
    <li>
      <code>{id}</code>
      <span class="badge">{k.kind}</span>
      <span class={`badge ${state === "valid" ? "good" : state === "disabled" || state === "ended" ? "bad" : "warn"}`} title={k.expires_at ? bothTimes(k.expires_at, tz) : undefined}>{state}</span>
      <span class="muted small origins"><bdi>{visibleText((k.origins ?? []).join(" "), 200)}</bdi>{k.events_per_second ? ` at most ${figure(k.events_per_second)} events a second` : ""}{k.bytes_per_second ? ` at most ${figure(k.bytes_per_second)} bytes a second` : ""} {usedText(k)}</span>
      <span class="row end">
        <button type="button" class="button" aria-label={`Rotate key ${id}`} onClick={() => onForm({ kind: "rotate", application, key: k })}>Rotate</button>
        <button type="button" class="button" aria-label={`${k.disabled ? "Enable" : "Disable"} key ${id}`} onClick={() => onAsk(toggle)}>{k.disabled ? "Enable" : "Disable"}</button>
        <button type="button" class="button" aria-label={`Revoke key ${id}`} onClick={() => onAsk({ title: `Revoke ${id}?`, text: "It ends at once and for good. Sites that use it are refused, and keep their events until they have another key.", action: "Revoke the key", call: changing("DELETE", path, {}), done: "The key is revoked" })}>Revoke</button>
      </span>
    </li>
  );
}

function without<T extends object>(value: T, member: keyof T): Partial<T> {
  const { [member]: _, ...rest } = value;
  return rest as Partial<T>;
}

function Tokens({ onForm, onAsk }: Handlers): JSX.Element {
  const a = address.value;
  const call = get("/v1/tokens");
  const answer = useAnswer<{ tokens: Token[] }>(call);
  const tokens = answer.value?.tokens ?? [];
  return (
    <Panel
      title="Tokens"
      call={call}
      answer={answer}
      note={answer.value && figure(tokens.length)}
      controls={<button type="button" class="button primary" onClick={() => onForm({ kind: "token" })}>New token</button>}
      empty={answer.value && tokens.length === 0 ? <p class="empty">No token is registered. A token lets a person or a program read events, or operate.</p> : undefined}
      table={answer.value && (() => ({ columns: [{ name: "Token" }, { name: "Role" }, { name: "Applications" }, { name: "Created" }, { name: "By" }, { name: "Last used" }], rows: tokens.map((t) => [t.id, t.role, t.applications?.join(" ") ?? "all", t.time, t.author, t.last_used_at ?? ""]) }))}
    >
      <ul class="keys-list">
        {tokens.map((t) => (
          <li key={t.id}>
            <strong><bdi>{visibleText(t.id)}</bdi></strong>
            <span class="badge">{t.role}</span>
            {t.id === rights.value?.id && <span class="badge busy">yours</span>}
            <span class="muted small origins">{t.role === "operator" || t.applications === undefined ? "all applications" : t.applications.length === 0 ? "no application" : t.applications.join(", ")}; since {momentOf(Date.parse(t.time), a.tz)} by <bdi>{visibleText(t.author)}</bdi>; {usedText(t)}</span>
            <span class="row end">
              <button type="button" class="button" aria-label={`Revoke token ${t.id}`} onClick={() => onAsk({ title: `Revoke ${t.id}?`, text: "It ends at once and for good.", action: "Revoke the token", call: changing("DELETE", pathTo("tokens", t.id), {}), done: "The token is revoked" })}>Revoke</button>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Ask({ question, onClose }: { question: Question; onClose: () => void }): JSX.Element {
  const task = useTask();
  const act = async (): Promise<void> => {
    if (!(await task.run(question.call))) return;
    onClose();
    refreshes.value++;
    notify(question.done);
  };
  return (
    <Dialog title={question.title} onClose={onClose}>
      <p>{question.text}</p>
      {task.failure && <FailureNote failure={task.failure} call={task.call} />}
      <div class="row">
        <button type="button" class="button danger" disabled={task.running} onClick={() => void act()}>{question.action}</button>
        <button type="button" class="button" onClick={onClose}>Keep it</button>
      </div>
    </Dialog>
  );
}

const overlaps = [{ value: "1h", label: "for an hour" }, { value: "24h", label: "for a day" }, { value: "168h", label: "for a week" }, { value: "0s", label: "not any more" }];

/** A new application with its first key, one more key, or a key in the place of another. */
function KeyForm({ form, onClose, onDone }: { form: Exclude<Form, { kind: "token" }>; onClose: () => void; onDone: (made: Secret | undefined) => void }): JSX.Element {
  const [name, setName] = useState(form.kind === "application" ? "" : form.application);
  const [kind, setKind] = useState<KeySettings["kind"]>("server");
  const [origins, setOrigins] = useState("");
  const [overlap, setOverlap] = useState("24h");
  const task = useTask();
  const create = async (e: Event): Promise<void> => {
    e.preventDefault();
    const list = origins.split(/[\s,]+/).filter(Boolean);
    const settings = { kind, ...(kind === "browser" ? { origins: list } : {}) };
    const call =
      form.kind === "application" ? changing("POST", "/v1/applications", { body: { name: name.trim(), ...settings } })
      : form.kind === "rotate" ? changing("POST", pathTo("applications", form.application, "keys"), { body: { replaces: form.key.id, overlap } })
      : changing("POST", pathTo("applications", form.application, "keys"), { body: settings });
    const made = await task.run<Changed>(call);
    if (made) onDone(made.key && { title: `Write key of ${name.trim()}`, secret: made.key.secret, hint: <>Give it to the site. <code>EYE_WRITE_KEY</code> is the variable that the clients read.</> });
  };
  const title = form.kind === "application" ? "New application" : form.kind === "key" ? `New key of ${name}` : `Rotate ${form.key.id}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(e) => void create(e)}>
        {form.kind === "application" && (
          <label class="field">
            <span>Name: small letters, digits and hyphens</span>
            <input class="input" name="application" value={name} autocomplete="off" spellcheck={false} autofocus onInput={(e) => setName(e.currentTarget.value)} />
          </label>
        )}
        {form.kind === "rotate" ? (
          <label class="field">
            <span>The old key works</span>
            <select class="select" name="overlap" value={overlap} onChange={(e) => setOverlap(e.currentTarget.value)}>
              {overlaps.map((o) => <option key={o.value} value={o.value}>{o.label}</option>)}
            </select>
          </label>
        ) : (
          <>
            <fieldset class="choices">
              <legend>Kind of key</legend>
              <label class="check"><input type="radio" name="kind" value="server" checked={kind === "server"} onChange={() => setKind("server")} /> <span>Server: secret, refused where a browser sends it</span></label>
              <label class="check"><input type="radio" name="kind" value="browser" checked={kind === "browser"} onChange={() => setKind("browser")} /> <span>Browser: may be public, for pages of its origins</span></label>
            </fieldset>
            {kind === "browser" && (
              <label class="field">
                <span>Origins of its pages</span>
                <input class="input" name="origins" value={origins} placeholder="https://www.example.com" autocomplete="off" spellcheck={false} onInput={(e) => setOrigins(e.currentTarget.value)} />
              </label>
            )}
          </>
        )}
        {task.failure && <FailureNote failure={task.failure} call={task.call} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={task.running || name.trim() === ""}>{form.kind === "rotate" ? "Rotate" : "Create"}</button>
          <button type="button" class="button" onClick={onClose}>Cancel</button>
        </div>
      </form>
    </Dialog>
  );
}

function TokenForm({ onClose, onDone }: { onClose: () => void; onDone: (made: Secret | undefined) => void }): JSX.Element {
  const [id, setId] = useState("");
  const [role, setRole] = useState<Token["role"]>("analyst");
  const [all, setAll] = useState(true);
  const [chosen, setChosen] = useState<string[]>([]);
  const task = useTask();
  const known = rights.value?.applications ?? [];
  const create = async (e: Event): Promise<void> => {
    e.preventDefault();
    const body = { id: id.trim(), role, ...(role === "analyst" && !all ? { applications: chosen } : {}) };
    const made = await task.run<{ secret: string }>(changing("POST", "/v1/tokens", { body }));
    if (made) onDone({ title: `Token ${id.trim()}`, secret: made.secret, hint: <>It signs in here, and <code>EYE_TOKEN</code> is the variable that <code>theeye</code> reads.</> });
  };
  return (
    <Dialog title="New token" onClose={onClose}>
      <form class="stack" onSubmit={(e) => void create(e)}>
        <label class="field">
          <span>Name of the person or program</span>
          <input class="input" name="token-id" value={id} autocomplete="off" spellcheck={false} autofocus onInput={(e) => setId(e.currentTarget.value)} />
        </label>
        <fieldset class="choices">
          <legend>Role</legend>
          <label class="check"><input type="radio" name="role" value="analyst" checked={role === "analyst"} onChange={() => setRole("analyst")} /> <span>Analyst: reads events</span></label>
          <label class="check"><input type="radio" name="role" value="operator" checked={role === "operator"} onChange={() => setRole("operator")} /> <span>Operator: everything, also this screen</span></label>
        </fieldset>
        {role === "analyst" && (
          <fieldset class="choices">
            <legend>Applications</legend>
            <label class="check"><input type="checkbox" name="every" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /> <span>All, also later ones</span></label>
            {!all && known.map((name) => (
              <label class="check" key={name}>
                <input type="checkbox" name={`of-${name}`} checked={chosen.includes(name)} onChange={(e) => setChosen(e.currentTarget.checked ? [...chosen, name] : chosen.filter((c) => c !== name))} /> <span>{name}</span>
              </label>
            ))}
          </fieldset>
        )}
        {task.failure && <FailureNote failure={task.failure} call={task.call} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={task.running || id.trim() === ""}>Create</button>
          <button type="button" class="button" onClick={onClose}>Cancel</button>
        </div>
      </form>
    </Dialog>
  );
}

function ShowSecret({ secret, onClose }: { secret: Secret; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={secret.title} firm onClose={onClose}>
      <p>This is shown once. The server keeps a hash of it alone.</p>
      <div class="row">
        <code class="code secret" tabIndex={0}>{secret.secret}</code>
        <button type="button" class="button" onClick={() => void copy(secret.secret, "Secret")}><Icon name="copy" /> Copy</button>
      </div>
      <p class="muted small">{secret.hint}</p>
      <div class="row">
        <button type="button" class="button primary" onClick={onClose}>I have saved it</button>
      </div>
    </Dialog>
  );
}
