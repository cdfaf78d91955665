// The state of the UI as an address: /ui/<screen>[/<id>]?app=&from=&to=&tz=&filter=…
// Reload, Back and a shared link show the same screen, because nothing else decides it.

/** What a screen shows of the address; every screen has the first five. */
export interface Address {
  screen: string;
  /** What the screen is about, such as a session; "" without. */
  id: string;
  /** The application, "" for all that the token may read. */
  app: string;
  /** The range of time, in the API's grammar. */
  from: string;
  to: string;
  tz: string;
  filters: string[];
  /** What one screen alone has, by name; several values are in their order. */
  own: Record<string, string[]>;
}

export const defaultScreen = "overview";
const defaultFrom = "7d";
const defaultTo = "now";
const common = new Set(["app", "from", "to", "tz", "filter"]);

/** Parses the path and the query of a location. tz is the zone where none is named. */
export function parseAddress(pathname: string, search: string, tz: string): Address {
  const [screen = "", id = ""] = pathname.replace(/^\/ui\/?/, "").replace(/\/$/, "").split("/").map(decode);
  const params = new URLSearchParams(search);
  // Any name may stand in a link, also that of a member which all objects have.
  const own = Object.fromEntries([...params.keys()].filter((name) => !common.has(name)).map((name) => [name, params.getAll(name)]));
  return {
    screen: screen || defaultScreen,
    id,
    app: params.get("app") ?? "",
    from: withoutSign(params.get("from") || defaultFrom),
    to: withoutSign(params.get("to") || defaultTo),
    tz: params.get("tz") || tz,
    filters: params.getAll("filter"),
    own,
  };
}

/** Writes an address as a link. The zone always stands in it: the link is for others, too. */
export function formatAddress(a: Address): string {
  const params = new URLSearchParams();
  if (a.app) params.set("app", a.app);
  params.set("from", a.from);
  params.set("to", a.to);
  params.set("tz", a.tz);
  for (const filter of a.filters) params.append("filter", filter);
  for (const [name, values] of Object.entries(a.own)) {
    for (const value of values) params.append(name, value);
  }
  const id = a.id ? "/" + encodeURIComponent(a.id) : "";
  // Characters that a query may hold stay readable.
  const query = params.toString().replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%2C", ",");
  return `/ui/${encodeURIComponent(a.screen)}${id}?${query}`;
}

/** Returns the address of a screen under the same application, range and filters. */
export function withScreen(a: Address, screen: string, id = "", own: Address["own"] = {}): Address {
  return { ...a, screen, id, own };
}

/**
 * Adds a condition, unless the address has it. What is about one thing, such as a session,
 * has no filters: there, a condition leads to the explorer.
 */
export function withFilter(a: Address, filter: string): Address {
  if (a.id) return withFilter(withScreen(a, "explorer"), filter);
  return a.filters.includes(filter) ? a : { ...a, filters: [...a.filters, filter] };
}

/** Sets a parameter of the screen; undefined, "" or an empty list removes it. */
export function withOwn(a: Address, name: string, value: string | string[] | undefined): Address {
  const own = { ...a.own };
  const values = typeof value === "string" ? [value] : value ?? [];
  if (values.length === 0 || (values.length === 1 && values[0] === "")) delete own[name];
  else own[name] = values;
  return { ...a, own };
}

/** `-7d` is how others spell `7d`. */
function withoutSign(text: string): string {
  return /^-\d*\.?\d+[a-zµμ]/.test(text) ? text.slice(1) : text;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
