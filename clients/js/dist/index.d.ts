import { BaseClient } from "./client.js";
import { type Settings } from "./settings.js";
export type { Event, Stats } from "./client.js";
export type { Dropped, DropReason, MessageCode, Refused } from "./reports.js";
export { SettingsError, type Settings } from "./settings.js";
/** A client in a page or a worker. */
export declare class Client extends BaseClient {
    /** It throws SettingsError, which names every fault of the settings. */
    constructor(settings: Settings);
}
