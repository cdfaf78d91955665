// The client in pages and workers. What waits when a page goes is sent in a request that
// outlives it, 64 KiB of it at most.
import { readAnswer } from "./answer.js";
import { BaseClient, timing } from "./client.js";
import { byteLength } from "./core.js";
import { routeOf, SettingsError } from "./settings.js";
export { SettingsError } from "./settings.js";
/** Bytes that may outlive their page. */
const keptBytes = 64_000;
/** A client in a page or a worker. */
export class Client extends BaseClient {
    /** It throws SettingsError, which names every fault of the settings. */
    constructor(settings) {
        if (settings?.spool)
            throw new SettingsError("theeye: a spool needs Node");
        // A body that is compressed, or a key in a header, costs a preflight request.
        super({ gzipFrom: 0, ...settings }, platformOf(settings));
        const { addEventListener } = globalThis;
        addEventListener?.("pagehide", () => void this.flush());
    }
}
function platformOf(settings) {
    return {
        ...timing,
        gzip: typeof CompressionStream == "undefined" ? undefined : async (body) => {
            const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
            return new Uint8Array(await new Response(stream).arrayBuffer());
        },
        async send(body, isCompressed, signal) {
            const { url = "http://127.0.0.1:8080", writeKey = "" } = settings;
            const response = await fetch(routeOf(url, "events") + "?write_key=" + encodeURIComponent(writeKey), {
                method: "POST",
                body: body,
                signal,
                redirect: "error",
                keepalive: (typeof body == "string" ? byteLength(body) : body.length) <= keptBytes,
                headers: isCompressed ? { "Content-Encoding": "gzip" } : {},
            });
            return readAnswer(response);
        },
    };
}
