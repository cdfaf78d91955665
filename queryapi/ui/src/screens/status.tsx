// Status: whether events get their outcomes, and what the installation consists of.

import type { ComponentChildren, JSX } from "preact";
import { get } from "../api/call.ts";
import type { Job } from "../api/operate.ts";
import { JobProgress } from "../components/job.tsx";
import { Panel } from "../components/panel.tsx";
import { visibleText } from "../components/value.tsx";
import { count, figure, percent } from "../format/number.ts";
import { ago, bothTimes, duration } from "../format/time.ts";
import { useAnswer } from "../state/answer.ts";
import { address } from "../state/location.ts";
import { addSheets } from "../state/sheets.ts";
import shared from "../styles/operate.screen.css";
import own from "../styles/status.screen.css";

addSheets(shared, own);

interface Service {
  service: string;
  instance: string;
  version: string;
  commit: string;
  revision: number;
  waiting?: string;
  started_at: string;
  seen_at: string;
}

interface Status {
  stream: { messages: number; bytes: number; max_bytes: number; first_seq: number; last_seq: number; oldest?: string };
  lag: { events: number; seconds: number };
  processing: { active: boolean; reason?: string };
  store: { ready: boolean; revision?: number };
  registry: { revision: number };
  columns?: { as_of?: string; age_seconds: number; days: number; days_built: number; stale_days: number; rows: number; parts: number; bytes: number; reason?: string };
  retention?: Job;
  silent_applications?: { application: string; last_received_at: string; silent_seconds: number; longest_pause_seconds: number }[];
  services?: Service[];
}

const every = 2000;
/** Over these a check is no longer met. */
const longLag = 30;
const fullStream = 0.8;
const oldColumns = 60;
const oldBeat = 30;

interface Check {
  name: string;
  met: boolean;
  text: string;
}

function checksOf(s: Status, now: number): Check[] {
  const share = s.stream.max_bytes > 0 ? s.stream.bytes / s.stream.max_bytes : 0;
  const silent = (s.services ?? []).filter((x) => now - Date.parse(x.seen_at) > oldBeat * 1000);
  const waiting = (s.services ?? []).filter((x) => x.waiting);
  const behind = (s.services ?? []).filter((x) => x.revision < s.registry.revision);
  const builds = new Set((s.services ?? []).map((x) => `${x.version} ${x.commit}`));
  return [
    { name: "Processing", met: s.processing.active, text: s.processing.active ? "processors take events" : s.processing.reason ?? "no processor takes events" },
    { name: "Lag", met: s.lag.seconds <= longLag, text: s.lag.events === 0 ? "no event waits" : `${count(s.lag.events, "event")} wait, the oldest for ${duration(s.lag.seconds)}` },
    { name: "Store", met: s.store.ready, text: s.store.ready ? `answers; written up to revision ${s.store.revision ?? 0}` : "does not answer" },
    { name: "Stream", met: share < fullStream, text: s.stream.max_bytes > 0 ? `${percent(share)} of ${bytesText(s.stream.max_bytes)} used` : `${bytesText(s.stream.bytes)} used, without a bound` },
    {
      name: "Statistics", met: s.columns !== undefined && !s.columns.reason && s.columns.age_seconds <= oldColumns,
      text: s.columns === undefined ? "this service has no columns" : s.columns.reason ?? `as of ${duration(s.columns.age_seconds)} ago, ${figure(s.columns.days_built)} of ${count(s.columns.days, "day")} built`,
    },
    {
      name: "Services", met: s.services !== undefined && silent.length + waiting.length + behind.length === 0 && s.services.length > 0,
      text: s.services === undefined ? "the heartbeats cannot be read"
        : waiting[0] ? `${waiting[0].service} waits: ${waiting[0].waiting}`
        : silent[0] ? `${silent[0].service} was not heard of for ${duration((now - Date.parse(silent[0].seen_at)) / 1000)}`
        : behind[0] ? `${behind[0].service} is at revision ${behind[0].revision} of ${s.registry.revision}`
        : `${count(s.services.length, "service")} at revision ${s.registry.revision}`,
    },
    { name: "Versions", met: builds.size <= 1, text: builds.size <= 1 ? `all are of ${[...builds][0] ?? "one build"}` : `${builds.size} builds run beside each other; replays wait until they are one` },
  ];
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

function bytesText(n: number): string {
  let unit = 0;
  let size = n;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? figure(size) : size.toFixed(1)} ${units[unit]}`;
}

export function Status(): JSX.Element {
  const a = address.value;
  const call = get("/v1/status");
  const answer = useAnswer<Status>(call, every);
  const s = answer.value;
  const now = Date.now();
  const steady = s ? { ...answer, waiting: "no" as const } : answer;
  const checks = s ? checksOf(s, now) : [];
  const failed = checks.filter((c) => !c.met);
  return (
    <div class="stack">
      <Panel title="Checks" call={call} answer={steady} note={s && (failed.length === 0 ? <span class="good">all are met</span> : <span class="bad">{count(failed.length, "check")} not met</span>)}
        table={s && (() => ({ columns: [{ name: "Check" }, { name: "Met" }, { name: "State" }], rows: checks.map((c) => [c.name, c.met ? "yes" : "no", c.text]) }))}>
        <ul class="checks">
          {checks.map((c) => (
            <li key={c.name} class={c.met ? "" : "not-met"}>
              <span class={`badge ${c.met ? "good" : "bad"}`}>{c.met ? "OK" : "Look"}</span>
              <strong>{c.name}</strong>
              <bdi>{visibleText(c.text)}</bdi>
            </li>
          ))}
        </ul>
      </Panel>
      {s && (
        <div class="status-columns">
          <Facts title="Stream" facts={[
            ["Messages", figure(s.stream.messages)], ["Size", bytesText(s.stream.bytes)], ["Sequences", `${figure(s.stream.first_seq)} to ${figure(s.stream.last_seq)}`],
            ["Oldest", s.stream.oldest ? <span title={bothTimes(s.stream.oldest, a.tz)}>{ago(Date.parse(s.stream.oldest), now)}</span> : "–"], ["Without an outcome", figure(s.lag.events)],
          ]} />
          <Facts title="Registry and store" facts={[["Registry revision", String(s.registry.revision)], ["Highest revision written", s.store.revision === undefined ? "–" : String(s.store.revision)]]} />
          {s.columns && <Facts title="Columns" facts={[
            ["As of", s.columns.as_of ? <span title={bothTimes(s.columns.as_of, a.tz)}>{duration(s.columns.age_seconds)} ago</span> : "–"], ["Events", figure(s.columns.rows)],
            ["Days built", `${figure(s.columns.days_built)} of ${figure(s.columns.days)}`], ["Days to refresh", figure(s.columns.stale_days)], ["Parts", figure(s.columns.parts)], ["Files", bytesText(s.columns.bytes)],
          ]} />}
        </div>
      )}
      {s?.retention && (
        <section class="panel padded">
          <h2>Change of the retention</h2>
          <JobProgress kind="retentions" job={s.retention} onCancelled={answer.retry} />
        </section>
      )}
      {s?.services && <Services services={s.services} now={now} />}
      {s?.silent_applications && <Silent applications={s.silent_applications} />}
    </div>
  );
}

function Facts({ title, facts }: { title: string; facts: [string, ComponentChildren][] }): JSX.Element {
  return (
    <section class="panel padded">
      <h2>{title}</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Services({ services, now }: { services: Service[]; now: number }): JSX.Element {
  const { tz } = address.value;
  return (
    <section class="panel padded">
      <h2>Services</h2>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Services">
        <table class="table services">
          <thead>
            <tr>
              {["Service", "Version", "Commit", "Revision", "Started", "Heard of", "Instance"].map((name) => <th key={name} scope="col">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {services.map((x) => (
              <tr key={x.service + x.instance}>
                <td>{x.service}{x.waiting && <span class="bad"> waits: <bdi>{visibleText(x.waiting)}</bdi></span>}</td>
                <td>{x.version}</td>
                <td><code>{x.commit.slice(0, 12)}</code></td>
                <td>{x.revision}</td>
                <td class="nowrap" title={bothTimes(x.started_at, tz)}>{ago(Date.parse(x.started_at), now)}</td>
                <td class="nowrap" title={bothTimes(x.seen_at, tz)}>{ago(Date.parse(x.seen_at), now)}</td>
                <td><code>{x.instance.slice(0, 8)}</code></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Applications that send nothing for longer than they ever paused. */
function Silent({ applications }: { applications: NonNullable<Status["silent_applications"]> }): JSX.Element {
  const { tz } = address.value;
  return (
    <section class="panel padded" aria-label="Applications that fell silent">
      <h2>Applications that fell silent</h2>
      {applications.length === 0 && <p class="muted">None: every application that sends regularly has sent within one and a half times its longest pause of a week.</p>}
      <ul class="silent">
        {applications.map((x) => (
          <li key={x.application}><strong>{x.application}</strong> <span title={bothTimes(x.last_received_at, tz)}>nothing for {duration(x.silent_seconds)}</span>, its longest pause in the week before was {duration(x.longest_pause_seconds)}</li>
        ))}
      </ul>
    </section>
  );
}
