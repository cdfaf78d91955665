// A call of the public API as a value: what is asked, shown as curl, and compared.

export interface Call {
  method: "GET" | "POST";
  path: string;
  query: [string, string][];
  body?: unknown;
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

/** The path and query of a call. */
export function target(call: Call): string {
  const query = new URLSearchParams(call.query).toString();
  return query ? `${call.path}?${query}` : call.path;
}

/**
 * Writes a call as a command for a POSIX shell. The token is a variable: what is pasted
 * into a chat or a ticket must not hold a secret.
 */
export function curl(call: Call, origin: string): string {
  const parts = [`curl -sS ${quote(origin + target(call))}`, `-H "Authorization: Bearer $EYE_TOKEN"`];
  if (call.body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(call.body))}`);
  return parts.join(" \\\n  ");
}

/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
