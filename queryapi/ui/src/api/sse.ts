// Server-sent events, as the HTML standard reads them.

export interface ServerEvent {
  /** "" for an event without a name. */
  name: string;
  id: string;
  data: string;
}

/** Splits a stream into its events. Comments, such as heartbeats, are skipped. */
export async function* splitEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  let event: ServerEvent = { name: "", id: "", data: "" };
  let hasData = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (hasData) yield event;
        event = { name: "", id: event.id, data: "" };
        hasData = false;
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event.name = text;
      else if (field === "id") event.id = text;
      else if (field === "data") {
        event.data = hasData ? event.data + "\n" + text : text;
        hasData = true;
      }
    }
  }
}
