// The client in Node. While events wait, its timers keep the process alive; close ends that.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { readAnswer } from "./answer.js";
import { BaseClient, timing } from "./client.js";
import { routeOf } from "./settings.js";
import { FolderSpool } from "./spool.js";
export { SettingsError } from "./settings.js";
const compress = promisify(gzip);
/**
 * A client in Node. Without them in the settings, EYE_COLLECTOR_URL or EYE_URL is the address and
 * EYE_WRITE_KEY the key.
 */
export class Client extends BaseClient {
    /** It throws SettingsError, which names every fault of the settings. */
    constructor(settings = {}) {
        const { EYE_COLLECTOR_URL, EYE_URL, EYE_WRITE_KEY } = process.env;
        const whole = {
            ...settings,
            url: settings.url || EYE_COLLECTOR_URL || EYE_URL || "http://127.0.0.1:8080",
            writeKey: settings.writeKey || EYE_WRITE_KEY,
        };
        super(whole, platformOf(whole));
    }
}
function platformOf({ url, writeKey, spool }) {
    return {
        ...timing,
        gzip: (body) => compress(body, { level: 1 }),
        spool: spool && typeof spool == "string" ? new FolderSpool(spool) : undefined,
        async send(body, isCompressed, signal) {
            const response = await fetch(routeOf(url, "events"), {
                method: "POST",
                body: body,
                signal,
                redirect: "manual",
                headers: {
                    "Authorization": "Bearer " + writeKey,
                    "Content-Type": "application/json",
                    ...isCompressed && { "Content-Encoding": "gzip" },
                },
            });
            return readAnswer(response);
        },
    };
}
