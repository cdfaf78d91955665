// The policy: what is validated beside the schemas, and how long outcomes are kept.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { changing, get } from "../api/call.ts";
import type { VersionPage } from "../api/operate.ts";
import { faultsOf } from "../api/client.ts";
import { Diff } from "../components/diff.tsx";
import { Link } from "../components/link.tsx";
import { FailureNote, Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count } from "../format/number.ts";
import { momentOf } from "../format/time.ts";
import { findPlaces } from "../json/places.ts";
import { pretty } from "../json/pretty.ts";
import { withScreen } from "../state/address.ts";
import { refreshes, useAnswer } from "../state/answer.ts";
import { readDeclaration, useDeclaration } from "../state/document.ts";
import { type Draft, keepDraft, readDraft } from "../state/draft.ts";
import { address } from "../state/location.ts";
import { notify } from "../state/notice.ts";
import { addSheets } from "../state/sheets.ts";
import { useTask } from "../state/task.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/schemas.screen.css";

addSheets(shared, own);

const call = get("/v1/policy");

const members: [string, string][] = [
  ["future_skew", "how far a timestamp may lie after the received time"],
  ["oldest_age", "how far it may lie before it; 0s is no limit"],
  ["clock_correction", "from which difference on a wrong clock of a sender is corrected; 0s is never"],
  ["unknown_types", "reject, or store events of types without a schema"],
  ["unknown_members", "reject, or drop the members that no event has"],
  ["retention", "how long stored and rejected events are kept: {\"stored\": \"90d\", \"rejected\": \"30d\", \"types\": {…}}"],
  ["originals", "keep, or drop the originals of rejected events: {\"default\": \"keep\", \"types\": {…}}"],
];

export function Policy(): JSX.Element {
  const a = address.value;
  const declared = useDeclaration(call);
  const historyCall = get("/v1/policy/history", { limit: 20 });
  // A policy that was never put has no history.
  const history = useAnswer<VersionPage>(declared.value && declared.value.revision > 0 ? historyCall : undefined);
  const [draft, setDraft] = useState<Draft | undefined>(() => readDraft("", "policy"));
  const [note, setNote] = useState("");
  const [theirs, setTheirs] = useState<{ text: string; revision: number }>();
  const saving = useTask();
  const present = declared.value && pretty(declared.value.text);
  const text = draft?.text ?? present;
  const keep = (next: Draft | undefined): void => (keepDraft("", "policy", next), setDraft(next));
  if (text === undefined) return <Panel title="Policy" call={call} answer={declared}>{undefined}</Panel>;
  const base = draft?.base ?? declared.value?.revision ?? 0;
  const baseText = draft?.baseText ?? present ?? "";
  const type = (typed: string): void => keep(typed === baseText && !theirs ? undefined : { text: typed, base, baseText });
  const fault = findPlaces(text).fault;
  const save = async (e: Event): Promise<void> => {
    e.preventDefault();
    const put = await saving.run<{ revision: number }>(changing("PUT", "/v1/policy", { text, match: base, note: note.trim() }));
    if (put) {
      keep(undefined);
      setNote("");
      refreshes.value++;
      notify(`Saved as revision ${put.revision}`);
    } else {
      const now = await readDeclaration(call).catch(() => undefined);
      if (now && now.revision !== base) setTheirs({ text: pretty(now.text), revision: now.revision });
    }
  };
  const faults = faultsOf(saving.failure);
  const isChanged = text !== baseText;
  return (
    <div class="stack">
      <div class="columns">
        <section class="panel padded" aria-label="Policy">
          <h2>Policy <span class="muted small">{base > 0 ? `revision ${base}` : "the default one"}</span></h2>
          {declared.failure && <FailureNote failure={declared.failure} call={call} retry={declared.retry} />}
          <form class="stack" onSubmit={(e) => void save(e)}>
            <textarea class="textarea policy-text" aria-label="Policy as JSON" spellcheck={false} value={text} aria-invalid={fault !== undefined} onInput={(e) => type(e.currentTarget.value)} />
            {fault && <p class="fault small" role="alert">Line {text.slice(0, fault.at).split("\n").length}: {fault.message}</p>}
            {faults.map((f, i) => <p class="fault small" key={i}><code>{visibleText(f.path ?? "")}</code> {visibleText(f.message, 400)}</p>)}
            {saving.failure && faults.length === 0 && !theirs && <FailureNote failure={saving.failure} call={saving.call} />}
            {theirs && (
              <section class="inset conflict" role="alert" aria-label="Conflict">
                <p><strong>Revision {theirs.revision} was saved meanwhile.</strong> Yours is not saved and not lost. Theirs, and what yours changes of it:</p>
                <Diff label="Their policy" before={baseText} after={theirs.text} />
                <Diff label="Your policy on top of theirs" before={theirs.text} after={text} />
                <div class="row">
                  <button type="button" class="button" onClick={() => (keep({ text, base: theirs.revision, baseText: theirs.text }), setTheirs(undefined), saving.clear())}>Keep my text, on top of theirs</button>
                  <button type="button" class="button" onClick={() => (keep(undefined), setTheirs(undefined), saving.clear(), refreshes.value++)}>Take theirs</button>
                </div>
              </section>
            )}
            {isChanged && !theirs && !fault && <Diff label="What changes" before={baseText} after={text} />}
            <label class="field">
              <span>Why</span>
              <input class="input" name="note" maxLength={500} value={note} autocomplete="off" onInput={(e) => setNote(e.currentTarget.value)} />
            </label>
            <div class="row">
              <button type="submit" class="button primary" disabled={!isChanged || fault !== undefined || saving.running || theirs !== undefined}>Save</button>
              {isChanged && <button type="button" class="button" onClick={() => (keep(undefined), setTheirs(undefined), saving.clear())}>Discard</button>}
            </div>
          </form>
        </section>
        <section class="panel padded">
          <h2>Members</h2>
          <dl class="members">
            {members.map(([name, meaning]) => (
              <div key={name}>
                <dt><code>{name}</code></dt>
                <dd class="muted">{meaning}</dd>
              </div>
            ))}
          </dl>
          <p class="muted small">Durations are such as 5m, 36h or 90d. A changed retention reaches the events that are there, too: <Link to={withScreen(a, "status")}>Status</Link> shows how far.</p>
        </section>
      </div>
      {history.value && <Panel title="History" call={historyCall} answer={history} note={count(history.value.versions.length, "version")}>
        <ul class="versions">
          {history.value.versions.map((v) => (
            <li key={v.revision}>
              <Link class="version-row" to={withScreen(a, "changes", "", { kind: ["policy"] })}>
                <strong>Revision {v.revision}</strong> <span class="muted">{momentOf(Date.parse(v.time), a.tz)}</span> <bdi>{visibleText(v.author)}</bdi> <bdi class="muted">{v.removed ? "removed" : visibleText(v.note)}</bdi>
              </Link>
            </li>
          ))}
        </ul>
      </Panel>}
    </div>
  );
}
