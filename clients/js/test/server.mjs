// A collector that takes everything, unless a test says otherwise.
import { once } from "node:events";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

export const session = "e2085be5-9137-4e4e-80b5-f1ffddc25423";
export const key = "the-key";

/** The event of a number. */
export const numbered = (n) => ({ session_id: session, category: "page interaction", name: "pageview", data: { n } });

/** The most milliseconds of a wait; nothing is measured. */
const patience = 60_000;

/** Waits until a condition holds. */
export async function eventually(condition) {
  const end = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("gave up waiting for " + condition);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class Collector {
  /** All events that were accepted, in their order, and the heads of all requests. */
  events = [];
  requests = [];
  /** Answers a request in the place of accepting its events. */
  instead;

  #server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const bytes = Buffer.concat(parts);
    const isCompressed = request.headers["content-encoding"] == "gzip";
    const { events } = JSON.parse(isCompressed ? gunzipSync(bytes) : bytes);
    this.requests.push({ url: request.url, headers: request.headers, events: events.length });
    if (this.instead) return this.instead(response, events);
    this.accept(response, events);
  });

  accept(response, events) {
    this.events.push(...events);
    response.writeHead(202, { "Content-Type": "application/json" });
    const results = events.map((event, index) => ({ index, event_id: event.event_id, status: "accepted" }));
    response.end(JSON.stringify({ accepted: events.length, refused: 0, results }));
  }

  answer(status, headers = {}, text = "") {
    this.instead = (response) => response.writeHead(status, headers).end(text);
  }

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Returns how often each number was accepted, by different events. */
  numbers() {
    const ids = new Map(this.events.map((event) => [event.event_id, event.data.n]));
    return [...ids.values()].sort((a, b) => a - b);
  }
}
