// The client in Node. While events wait, its timers keep the process alive; close ends that.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { readAnswer } from "./answer.js";
import { BaseClient, timing, type Answer, type Platform } from "./client.js";
import { routeOf, type Settings } from "./settings.js";
import { FolderSpool } from "./spool.js";

export type { Event, Stats } from "./client.js";
export type { Dropped, DropReason, MessageCode, Refused } from "./reports.js";
export { SettingsError, type Settings } from "./settings.js";

const compress = promisify<string, { level: number }, Uint8Array>(gzip);

/**
 * A client in Node. Without them in the settings, EYE_COLLECTOR_URL or EYE_URL is the address and
 * EYE_WRITE_KEY the key.
 */
export class Client extends BaseClient {
  /** It throws SettingsError, which names every fault of the settings. */
  constructor(settings: Settings = {}) {
    const { EYE_COLLECTOR_URL, EYE_URL, EYE_WRITE_KEY } = process.env;
    const whole = {
      ...settings,
      url: settings.url || EYE_COLLECTOR_URL || EYE_URL || "http://127.0.0.1:8080",
      writeKey: settings.writeKey || EYE_WRITE_KEY,
    };
    super(whole, platformOf(whole));
  }
}

function platformOf({ url, writeKey, spool }: { url: string; writeKey?: string; spool?: string }): Platform {
  return {
    ...timing,
    gzip: (body) => compress(body, { level: 1 }),
    spool: spool && typeof spool == "string" ? new FolderSpool(spool) : undefined,
    async send(body, isCompressed, signal): Promise<Answer> {
      const response = await fetch(routeOf(url, "events"), {
        method: "POST",
        body: body as BodyInit,
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
