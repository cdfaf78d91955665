// A call of the public API as a value: what is asked, shown as curl, and compared.

export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query: [string, string][];
  body?: unknown;
  /** The body as it is sent: a document keeps its spelling. */
  text?: string;
  headers?: Record<string, string>;
}

/** Parameters whose value is undefined or "" are left out; lists are repeated. */
export function get(path: string, params: Record<string, string | number | string[] | undefined> = {}): Call {
  const query: [string, string][] = [];
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") query.push([name, String(one)]);
    }
  }
  return { method: "GET", path, query };
}

export function post(path: string, body: unknown): Call {
  return { method: "POST", path, query: [], body };
}

/** A change that names the revision that it replaces, and says why. */
export function changing(method: "PUT" | "POST" | "DELETE", path: string, change: { body?: unknown; text?: string; match?: number | undefined; note?: string }): Call {
  const headers: Record<string, string> = {};
  if (change.match) headers["If-Match"] = `"${change.match}"`;
  if (change.note) headers["X-Eye-Note"] = change.note;
  return {
    method, path, query: [], headers,
    ...(change.body === undefined ? {} : { body: change.body }),
    ...(change.text === undefined ? {} : { text: change.text }),
  };
}

/** A path with segments that may contain any character. */
export const pathTo = (...segments: string[]): string => "/v1/" + segments.map(encodeURIComponent).join("/");

/** The body of a call as text, undefined without one. */
export function bodyOf(call: Call): string | undefined {
  if (call.text !== undefined) return call.text;
  return call.body === undefined ? undefined : JSON.stringify(call.body);
}

/** The parameters of the query that stand for segments of a path which a browser would resolve. */
const queried: Record<string, string[]> = { schemas: ["category", "name"], events: ["event_id"] };

/** The path and query of a call. */
export function target(call: Call): string {
  const query = new URLSearchParams(call.query);
  const [, version, kind, ...names] = call.path.split("/");
  const path = names.map((name, i) => {
    if (name !== "." && name !== "..") return name;
    query.append(queried[kind!]![i]!, name);
    return "-";
  });
  return ["", version, kind, ...path].join("/") + (query.size > 0 ? `?${query}` : "");
}

/**
 * Writes a call as a command for a POSIX shell. The token is a variable: what is pasted
 * into a chat or a ticket must not hold a secret.
 */
export function curl(call: Call, origin: string): string {
  const parts = [`curl -sS ${quote(origin + target(call))}`, `-H "Authorization: Bearer $EYE_TOKEN"`];
  const body = bodyOf(call);
  if (call.method === "PUT" || call.method === "DELETE" || (call.method === "POST" && body === undefined)) parts.splice(1, 0, `-X ${call.method}`);
  for (const [name, value] of Object.entries(call.headers ?? {})) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
