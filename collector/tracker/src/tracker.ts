// The browser script: collector/tracker/README.md says what it does for a site.
//
// Events wait in a Map, and as long as there is room each also under a key of its own in
// localStorage: tabs never write the same key, so none loses what another one adds. Whoever has
// an event settled removes its key. Where two tabs send the same event, or a page ends before the
// answer, it is sent again under its id, by which the collector counts it once. A key that is gone
// means nothing: sites clear their storage.
import { backoff, bodyOf, byteLength, encode, judge, maxEventBytes, retryAfter, uuid7 } from "../../../clients/js/src/core";

/** Events of a batch, and bytes: browsers let 64 KiB outlive their page. */
const batchEvents = 100;
const batchBytes = 60000;
/** Milliseconds that the first event of a batch waits for others. */
const batchWait = 400;
/** Characters of the queue, and of what is kept in localStorage, of which the site has 5 million. */
const queueChars = 8e6;
const storeChars = 1e6;
/** Milliseconds after which an idle session ends, and any session. */
const sessionIdle = 18e5;
const sessionAge = 864e5;

type Data = Record<string, unknown>;
type Command = [name: "track" | "set" | "optOut", ...args: any[]];

const script = document.currentScript as HTMLScriptElement;
const settings = script.dataset;
const isDebug = "debug" in settings;
const urlOf = (route: string): URL =>
  new URL("v1/" + route + "?write_key=" + encodeURIComponent(settings.key!), settings.url || script.src);

const told: Record<string, 1> = {};

/** Prints a message, each kind once unless in debug mode. */
function warn(code: string, ...details: unknown[]): void {
  if (!told[code] || isDebug) console.warn("eye: " + code, ...details);
  told[code] = 1;
}

/** Returns f that never throws into the page. */
const safe = <A extends unknown[]>(f: (...args: A) => unknown) => (...args: A): void => {
  try {
    f(...args);
  } catch (e) {
    warn("failed", e);
  }
};

/** Listens to what happens in the page, before any other does: all passes the window first. */
const listen = (name: string, handle: (event: any) => unknown): void => addEventListener(name, safe(handle), true);

/** Calls f now, or as soon as a prerendered page is seen. */
const whenSeen = (f: () => unknown): unknown =>
  (document as any).prerendering ? listen("prerenderingchange", f) : f();

// Storage. Where it is blocked or full, memory stands in for the time of the page.

const memory: Record<string, string> = {};

const access = <T>(use: (storage: Storage) => T): T | undefined => {
  try {
    return use(localStorage);
  } catch {
    // It is blocked, or full.
  }
};

const read = (key: string) => memory[key] || access((storage) => storage[key] as string);

const save = (key: string, value: string): void => {
  memory[key] = value;
  access((storage) => {
    storage[key] = value;
    delete memory[key];
  });
};

const remove = (key: string): void => {
  delete memory[key];
  access((storage) => delete storage[key]);
};

const optedOutKey = "eye:out";
const sessionKey = "eye:session";
const eventPrefix = "eye:" + settings.key + ":";

const isUnwanted = () =>
  read(optedOutKey) ||
  (settings.privacy != "ignore" && ((navigator as any).globalPrivacyControl || navigator.doNotTrack == "1"));

/** Returns the session of this moment, which all tabs share. */
function sessionAt(now: number): string {
  let [id, start, last] = (read(sessionKey) || "").split(",") as any[];
  if (!(now - last < sessionIdle && now - start < sessionAge)) {
    id = uuid7(now);
    start = now;
  }
  save(sessionKey, id + "," + start + "," + now);
  return id;
}

// The queue.

/** Encoded events by their ids, the oldest first. */
const queue = new Map<string, string>();
/** The ids of those under way; a visitor who opts out takes them from the queue. */
let away: string[] = [];
let chars = 0;

function put(id: string, event: string): void {
  queue.set(id, event);
  chars += event.length;
  // The oldest make room, unless they are under way.
  for (const oldest of queue.keys()) {
    if (chars <= queueChars) break;
    if (!away.includes(oldest)) {
      drop("queue_full");
      forget(oldest);
    }
  }
}

function forget(id: string): void {
  chars -= queue.get(id)?.length || 0;
  queue.delete(id);
  remove(eventPrefix + id);
}

const forgetAll = () => [...queue.keys()].forEach(forget);

function drop(code: string, ...details: unknown[]): void {
  api.dropped++;
  warn(code, ...details);
}

/** Takes the events that pages before this one, or other tabs, have left. */
const adopt = () => access((storage) => {
  for (const key of Object.keys(storage).sort()) {
    const id = key.slice(eventPrefix.length);
    if (key.startsWith(eventPrefix) && !queue.has(id)) put(id, storage[key]);
  }
});

// Sending: one request at a time.

let timer: ReturnType<typeof setTimeout> | 0 = 0;
let isWaiting = false;
let limit = batchEvents;
let failures = 0;

/**
 * Returns the ids of the next events within the bounds of a batch. It forgets all where the
 * visitor opted out in another tab.
 */
function takeBatch(): string[] {
  const ids: string[] = [];
  let bytes = 0;
  if (isUnwanted()) forgetAll();
  for (const [id, event] of queue) {
    if (away.includes(id)) continue;
    bytes += byteLength(event) + 1;
    if (ids[0] && bytes > batchBytes) break;
    ids.push(id);
  }
  return ids.slice(0, limit);
}

const encodeBatch = (ids: string[]): string => bodyOf(Date.now(), ids.map((id) => queue.get(id)!));

/** Sends a full batch at once, and less after a while. */
const plan = (): unknown => queue.size < limit ? timer ||= setTimeout(send, batchWait) : send();

async function send(): Promise<void> {
  clearTimeout(timer);
  timer = 0;
  if (away[0] || isWaiting) return;
  const ids = away = takeBatch();
  if (!ids[0]) return;
  const body = encodeBatch(ids);
  let status = 0;
  let text = "";
  let after = 0;
  try {
    const answer = await fetch(urlOf("events"), {
      method: "POST", body, keepalive: byteLength(body) < 64000, redirect: "error",
      signal: AbortSignal.timeout?.(3e4),
    });
    after = retryAfter(answer.headers.get("Retry-After"), "", Date.now(), 36e5);
    text = await answer.text();
    status = answer.status;
  } catch {
    // No answer, or half of one.
  }
  away = [];
  const { results, kind, code, message } = judge(status, text, ids.length);
  if (results) {
    ids.forEach(forget);
    for (const r of results) if (r.status != "accepted") drop("refused", r.code, r.message);
    failures = 0;
    limit = Math.min(limit * 2, batchEvents);
  } else if (kind == "unreadable") {
    limit = ids.length >> 1;
  } else {
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      send();
    }, backoff(++failures, after, 1e3, 6e4, Math.random()));
    if (kind) warn(kind, code, message);
  }
  plan();
}

// What a site calls.

let common: Data = {};

const track = (category: string, name: string, data?: Data) => whenSeen(() => {
  if (isUnwanted()) return;
  const now = Date.now();
  const id = uuid7(now);
  let event: string;
  try {
    event = encode({
      event_id: id, session_id: sessionAt(now), category, name, data: { ...common, ...data }, timestamp: new Date(now).toISOString(),
    });
  } catch (e) {
    return drop("unserialisable", e);
  }
  if (byteLength(event) > maxEventBytes) return drop("too_large");
  if (chars < storeChars) access((storage) => storage[eventPrefix + id] = event);
  put(id, event);
  if (isDebug) validate(event);
  plan();
});

/** Prints what would become of an event. */
const validate = (event: string): unknown =>
  fetch(urlOf("validate"), { method: "POST", body: event }).then((answer) => answer.json()).then(({ results: [result] }) => {
    console.info("eye:", result.status, event);
    result.errors?.forEach((fault: any) => warn(fault.code, fault.path, fault.message));
  }).catch((e) => warn("failed", e));

const api: any = {
  track: safe(track),
  set: safe((data: Data) => {
    common = { ...common, ...data };
  }),
  /** Ends tracking, also of later pages, and forgets what waits; optOut(false) begins again. */
  optOut: safe((out?: boolean) => {
    if (out === false) return remove(optedOutKey);
    save(optedOutKey, "1");
    remove(sessionKey);
    adopt();
    forgetAll();
  }),
  push: safe(([name, ...args]: Command) => api[name](...args)),
  /** The number of events that were dropped or refused. */
  dropped: 0,
};

// What it sees by itself.

const interaction = "page interaction";
let path: string | undefined;
let referrer = document.referrer.replace(/[?#].*/, "");

/** Sends an event of this page. */
const note = (category: string, name: string, data?: Data) =>
  track(category, name, { host: location.host, path, ...data });

/** Sends a page view where the address has another path than before; so do paths in the hash. */
const view = (): void => {
  const now = location.pathname + (/^#!?\/[^?]*/.exec(location.hash) || "");
  if (now == path) return;
  path = now;
  note(interaction, "pageview", { referrer: referrer || undefined });
  referrer = location.origin + path;
};

/** Returns a member of an element. A field of a form hides the form's own member of its name. */
const member = (element: any, name: string): any => Reflect.get(HTMLFormElement.prototype, name, element);

const click = (event: MouseEvent): void => {
  if (event.button > 1) return;
  const find = (selector: string): any =>
    event.composedPath().find((n) => n instanceof Element && member(n, "matches").call(n, selector));
  const marked = find("[data-eye-element],[data-eye-name]");
  if (marked) {
    const data: any = {};
    for (const { name, value } of member(marked, "attributes")) {
      const [, key] = name.split("data-eye-");
      if (key) data[key.replace(/-/g, "_")] = value;
    }
    const { category = interaction, name = "cta click", ...rest } = data;
    note(category, name, rest);
  }
  const link = find("a,area");
  if (link && /^http/.test(link.protocol)) {
    const isDownload = link.hasAttribute("download") || /\.(7z|apk|csv|dmg|docx?|exe|gz|mp[34]|pdf|pptx?|rar|xlsx?|zip)$/i.test(link.pathname);
    if (isDownload || link.host != location.host) {
      note(interaction, isDownload ? "download" : "outbound link", { url: link.origin + link.pathname });
    }
  }
};

const submit = (event: Event): void => {
  const fields: any = { __proto__: null };
  for (const field of member(event.target, "elements")) {
    if (field.name) {
      const isTaken = "eyeValue" in field.dataset && !/file|pass/.test(field.type) && (field.checked || !/box|radio/.test(field.type));
      fields[field.name] ??= isTaken ? field.value : null;
    }
  }
  note("form interaction", "submit", {
    name: member(event.target, "name") || undefined, form: fields,
  });
};

/** Does what there is to do for a page that is seen, or hidden. */
const update = (): void => {
  adopt();
  view();
  send();
};

const before = (window as any).eye;
if (!before?.track) {
  (window as any).eye = api;
  // Calls that came before: window.eye = window.eye || [], then eye.push(["track", …]). What they
  // set is in the first page view.
  before?.forEach?.(api.push);
  whenSeen(safe(() => {
    update();
    listen("visibilitychange", update);
    // A page that comes back from the browser's cache is seen again.
    listen("pageshow", (event: PageTransitionEvent) => {
      if (event.persisted) path = undefined;
      update();
    });
    for (const name of ["pushState", "replaceState"] as const) {
      const change = history[name];
      history[name] = function (this: History, ...args: any) {
        change.apply(this, args);
        safe(view)();
      };
    }
    listen("popstate", view);
    listen("click", click);
    listen("auxclick", click);
    listen("submit", submit);
    // The page may end: what is not under way goes without an answer, and stays stored.
    listen("pagehide", () => {
      const ids = takeBatch();
      if (ids[0]) navigator.sendBeacon(urlOf("events"), encodeBatch(ids));
    });
  }));
}
