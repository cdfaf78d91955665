// The settings of a client, with their defaults and bounds.
import { uuid7 } from "./core.js";
/** Names every fault of the settings of a client. */
export class SettingsError extends Error {
    name = "SettingsError";
}
const bounds = [
    ["batchEvents", 500, 1000, true],
    ["batchBytes", 1 << 20, 7 << 20, true],
    ["maxWait", 1000, Infinity, false],
    ["queueEvents", 100_000, Infinity, true],
    ["queueBytes", 64 << 20, Infinity, true],
    ["requestTimeout", 30_000, Infinity, false],
    ["backoffMin", 1000, Infinity, false],
    ["backoffMax", 60_000, Infinity, false],
    ["retryAfterMax", 3_600_000, Infinity, false],
];
/** Returns settings with the defaults in the place of what is missing. */
export function checkSettings(given) {
    const settings = { url: "http://127.0.0.1:8080", gzipFrom: 1024, log: (message) => console.warn(message) };
    for (const [name, value] of Object.entries(given ?? {}))
        if (value !== undefined)
            settings[name] = value;
    settings.sessionId ??= uuid7(Date.now());
    const faults = [];
    if (!settings.writeKey)
        faults.push("set writeKey to a write key of the application");
    else if (!/^[!-~]+$/.test(settings.writeKey))
        faults.push("writeKey has characters that no key has");
    if (!isAddress(settings.url))
        faults.push("url must be http://HOST:PORT or https://HOST, with a path at most");
    for (const [name, fallback, most, isWhole] of bounds) {
        const value = settings[name] ??= fallback;
        const isRight = typeof value == "number" && value > 0 && value <= most && (!isWhole || Number.isInteger(value));
        if (!isRight)
            faults.push(`${name} must be a ${isWhole ? "whole " : ""}number above 0${most < Infinity ? `, at most ${most}` : ""}`);
    }
    if (!Number.isInteger(settings.gzipFrom) || settings.gzipFrom < 0)
        faults.push("gzipFrom must be a whole number, 0 or more");
    for (const name of ["onAccepted", "onRefused", "onDropped", "log"]) {
        if (settings[name] !== undefined && typeof settings[name] != "function")
            faults.push(name + " must be a function");
    }
    if (settings.spool !== undefined && typeof settings.spool != "string")
        faults.push("spool must be the path of a folder");
    if (faults[0])
        throw new SettingsError("theeye: " + faults.join("; "));
    return settings;
}
// The message of a fault holds no part of the address, which may hold secrets.
function isAddress(text) {
    try {
        const url = new URL(text);
        return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
    }
    catch {
        return false;
    }
}
/** Returns the address of a route of the collector. */
export const routeOf = (url, route) => url.replace(/\/+$/, "") + "/v1/" + route;
