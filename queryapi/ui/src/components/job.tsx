// A job of the processors: its progress, and what a replay or dry run reports.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { type Call, changing, get, pathTo } from "../api/call.ts";
import { isFinal, type Job, type OutcomeChange, type ReplayReport, type ReportGroup, type ReportSample, type Selection } from "../api/operate.ts";
import type { Fault } from "../api/types.ts";
import { figure } from "../format/number.ts";
import { duration, momentOf } from "../format/time.ts";
import { type Answer, useAnswer } from "../state/answer.ts";
import { address } from "../state/location.ts";
import { useTask } from "../state/task.ts";
import { FailureNote } from "./panel.tsx";
import { visibleText } from "./value.tsx";

export type JobKind = "replays" | "audits" | "retentions";

const often = 400;

export const jobCall = (kind: JobKind, id: string): Call => get(pathTo(kind, id));

/** Follows a job until it has ended. */
export function useJob<R>(kind: JobKind, id: string): Answer<Job<R>> {
  const [ended, setEnded] = useState("");
  const answer = useAnswer<Job<R>>(id ? jobCall(kind, id) : undefined, ended === id ? 0 : often);
  const job = answer.value;
  if (job && job.id === id && isFinal(job.state) && ended !== id) setEnded(id);
  return job && job.id !== id ? { ...answer, value: undefined } : answer;
}

const stateNames: Record<Job["state"], string> = { queued: "Waiting", running: "Running", done: "Done", cancelled: "Cancelled", failed: "Failed" };

export function JobState({ job }: { job: Pick<Job, "state" | "cancel_requested"> }): JSX.Element {
  const tone = job.state === "done" ? "good" : job.state === "failed" ? "bad" : job.state === "cancelled" ? "warn" : "busy";
  return <span class={`badge ${tone}`}>{job.cancel_requested && !isFinal(job.state) ? "Cancelling" : stateNames[job.state]}</span>;
}

/** The progress of a job, what it waits for, and the button that cancels it. */
export function JobProgress({ kind, job, onCancelled }: { kind: JobKind; job: Job; onCancelled?: () => void }): JSX.Element {
  const cancelling = useTask();
  const { tz } = address.value;
  const share = job.total > 0 ? Math.min(1, job.done / job.total) : job.state === "done" ? 1 : 0;
  const left = job.rate > 0 && job.total > job.done ? (job.total - job.done) / job.rate : undefined;
  const cancel = async (): Promise<void> => {
    if (await cancelling.run(changing("DELETE", pathTo(kind, job.id), {}))) onCancelled?.();
  };
  return (
    <div class="job">
      <div class="row">
        <JobState job={job} />
        <progress class="progress" max={1} value={share} aria-label="Progress" />
        <span class="numeric">
          {figure(job.done)} of {figure(job.total)}
        </span>
        {!isFinal(job.state) && (
          <button type="button" class="button" disabled={cancelling.running || job.cancel_requested} onClick={() => void cancel()}>
            Cancel
          </button>
        )}
      </div>
      <p class="muted small">
        {job.phase && <>{job.phase}. </>}
        {job.state === "running" && job.rate > 0 && <>{figure(Math.round(job.rate))} a second{left !== undefined && `, ${duration(left)} left`}. </>}
        {(job.queued_behind?.length ?? 0) > 0 && <>Behind {job.queued_behind!.join(", ")}. </>}
        {job.ended_at && <>Ended {momentOf(Date.parse(job.ended_at), tz)}{job.started_at && ` after ${duration((Date.parse(job.ended_at) - Date.parse(job.started_at)) / 1000)}`}. </>}
      </p>
      {job.error && <p class="fault">{visibleText(job.error, 1000)}</p>}
      {cancelling.failure && <FailureNote failure={cancelling.failure} call={cancelling.call} />}
    </div>
  );
}

/** Names the changes; a dry run reports what would be. */
export const changeNames: Record<OutcomeChange, string> = { newly_valid: "Newly valid", still_rejected: "Still rejected", newly_rejected: "Newly rejected", unchanged: "Unchanged" };
const changeOrder: OutcomeChange[] = ["newly_rejected", "newly_valid", "still_rejected", "unchanged"];
const tones: Record<OutcomeChange, string> = { newly_valid: "good", still_rejected: "", newly_rejected: "bad", unchanged: "" };

/** The report of a replay or a dry run. */
export function ReplayReportView({ report, sample }: { report: ReplayReport; sample?: (s: ReportSample, g: ReportGroup) => ComponentChildren }): JSX.Element {
  const rest = [
    [report.pending, "without an outcome yet"], [report.duplicates, "later copies"], [report.expired, "past their retention"], [report.purged, "purged from the stream"],
  ].filter(([n]) => (n as number) > 0);
  return (
    <div class="report">
      <dl class="figures">
        {changeOrder.map((change) => (
          <div key={change} class={report[change] > 0 ? tones[change] : ""} data-change={change}>
            <dt>{changeNames[change]}</dt>
            <dd>{figure(report[change])}</dd>
          </div>
        ))}
      </dl>
      {rest.length > 0 && <p class="muted small">Besides, {rest.map(([n, what]) => `${figure(n as number)} ${what}`).join(", ")}.</p>}
      {report.groups.length > 0 && (
        <ul class="report-groups">
          {[...report.groups].sort((x, y) => changeOrder.indexOf(x.change) - changeOrder.indexOf(y.change)).map((g, i) => (
            <li key={i}>
              <details open={g.change === "newly_rejected" && i === 0}>
                <summary>
                  <span class={`badge ${tones[g.change]}`}>{changeNames[g.change]}</span> <bdi>{visibleText(g.category)} / {visibleText(g.name)}</bdi> <code>{g.code}</code> <code><bdi>{visibleText(g.path)}</bdi></code>
                  <span class="numeric">{figure(g.count)}</span>
                </summary>
                <ul class="report-samples">
                  {g.samples.map((s) => (
                    <li key={s.seq}>
                      {sample ? sample(s, g) : <code><bdi>{visibleText(s.event_id)}</bdi></code>}
                      <FaultLines label="before" faults={s.before} />
                      <FaultLines label="after" faults={s.after} />
                    </li>
                  ))}
                </ul>
              </details>
            </li>
          ))}
        </ul>
      )}
      {(report.omitted_groups ?? 0) > 0 && <p class="muted small">{figure(report.omitted_groups)} smaller groups are not listed.</p>}
    </div>
  );
}

function FaultLines({ label, faults }: { label: string; faults: Fault[] | null }): JSX.Element {
  return (
    <p class="small">
      <span class="muted">{label}:</span>{" "}
      {!faults || faults.length === 0 ? <span class="good">stored</span> : faults.slice(0, 3).map((f, i) => (
        <span key={i}>
          {i > 0 && "; "}
          <code><bdi>{visibleText(f.path ?? "", 120)}</bdi></code> <bdi>{visibleText(f.message)}</bdi>
        </span>
      ))}
      {(faults?.length ?? 0) > 3 && <span class="muted"> and {faults!.length - 3} more</span>}
    </p>
  );
}

/** Says in words what a job covers. */
export function selectionText(s: Selection, zone: string): string {
  const parts = [
    s.only === "rejected" ? "rejected events" : "all events",
    s.application && `of ${s.application}`,
    (s.category || s.name) && `of type ${[s.category, s.name].filter(Boolean).join(" / ")}`,
    s.code && `with ${s.code}`,
    s.from && `received from ${momentOf(Date.parse(s.from), zone)}`,
    s.to && `before ${momentOf(Date.parse(s.to), zone)}`,
    s.from_seq && `from sequence ${s.from_seq}`,
    s.to_seq && `to sequence ${s.to_seq}`,
  ];
  return parts.filter(Boolean).join(", ");
}
