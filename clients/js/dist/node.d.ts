import { BaseClient } from "./client.js";
import { type Settings } from "./settings.js";
export type { Event, Stats } from "./client.js";
export type { Dropped, DropReason, MessageCode, Refused } from "./reports.js";
export { SettingsError, type Settings } from "./settings.js";
/**
 * A client in Node. Without them in the settings, EYE_COLLECTOR_URL or EYE_URL is the address and
 * EYE_WRITE_KEY the key.
 */
export declare class Client extends BaseClient {
    /** It throws SettingsError, which names every fault of the settings. */
    constructor(settings?: Settings);
}
