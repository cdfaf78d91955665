// What the browser script (collector/tracker) and the client of this package have in common:
// ids, what can be sent, what an answer means, and how long to wait. Nothing here touches the
// network, a clock or a timer. clients/testdata/vectors/README.md is the specification.
/** The most bytes of an event, which the collector takes. */
export const maxEventBytes = 1048576;
/** The most levels of data. */
const maxLevels = 32;
let lastTime = 0;
let counter = 0;
const hex = (n, digits) => n.toString(16).padStart(digits, "0");
/**
 * Returns a UUID of version 7: the milliseconds of now, a counter within the millisecond, so
 * that ids have the order of the calls, and 62 random bits.
 */
export function uuid7(now) {
    counter = now == lastTime ? counter + 1 : 0;
    lastTime = now;
    const random = crypto.getRandomValues(new Uint32Array(2));
    return (hex(now, 12) + hex(0x7000 + counter % 4096, 4) + hex(0x80000000 + (random[0] >>> 2), 8) + hex(random[1], 8))
        .replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
/**
 * Throws unless a value is written as JSON as it is: JSON.stringify replaces NaN and functions
 * in silence. A cycle has more levels than are allowed.
 */
function check(value, level) {
    if (value && typeof value == "object") {
        if (level > maxLevels)
            throw Error("too deep");
        if (!value.toJSON)
            for (const child of Object.values(value))
                check(child, level + 1);
    }
    else if (typeof value == "number" ? !isFinite(value) : /^(fun|sym|big)/.test(typeof value)) {
        throw Error(value);
    }
}
/** Returns an event as JSON. It throws if that is not possible. */
export function encode(event) {
    check(event.data, 1);
    return JSON.stringify(event);
}
/** Returns the number of bytes of a text in UTF-8. */
export const byteLength = (text) => new TextEncoder().encode(text).length;
/** Returns the body of a request with encoded events. */
export const bodyOf = (now, events) => `{"sent_at":"${new Date(now).toISOString()}","events":[${events}]}`;
/**
 * Reads the answer to a request of so many events. A status of 0 stands for no answer. A body
 * that cannot be read is the fault of its event, where it has one alone.
 */
export function judge(status, text, events) {
    let body;
    const results = [];
    try {
        body = JSON.parse(text);
        for (const r of body.results)
            if (/^(accepted|refused)$/.test(r.status))
                results[r.index] = r;
    }
    catch {
        // Not from the collector, cut, or a problem.
    }
    // Each index from 0 once: no hole, and nothing beyond the events.
    if (/^(200|202|422)$/.test(status) &&
        results.length == events && results.flat().length == events && body.results.length == events) {
        return { results };
    }
    const verdict = {
        kind: /^4(00|13|15|22)$/.test(status) ? "unreadable"
            : /^40[13]$/.test(status) ? "unauthorized"
                : /^(0|408|429|5..)$/.test(status) ? ""
                    : "not_the_eye",
        code: body?.code || "status_" + status,
        message: body?.detail || "",
    };
    if (verdict.kind == "unreadable" && events < 2)
        verdict.results = [verdict];
    return verdict;
}
/**
 * Returns the milliseconds that the header Retry-After asks for: seconds, or a date, which counts
 * from the Date of the same answer, because the clock here may be wrong. It is 0 without one that
 * can be read, and most at most.
 */
export function retryAfter(header, date, now, most) {
    const wait = /^\d+$/.test(header) ? header * 1000 : Date.parse(header) - (Date.parse(date) || now);
    return wait > 0 ? Math.min(wait, most) : 0;
}
/** Returns the milliseconds until the next attempt after so many failures in a row, from 1. */
export function backoff(failures, after, min, max, random) {
    const half = Math.min(min * 2 ** failures, max * 2) / 4;
    return Math.max(after, half) + random * half;
}
