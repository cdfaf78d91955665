const sentences = {
    callback_failed: "a callback throws",
    closed: "enqueue is called after close; events are dropped",
    invalid_event: "events are sent that will be rejected; mend the calls of enqueue",
    left_behind: "the client was closed before all events were sent",
    not_the_eye: "the answers are none of a collector; is the URL right? Events are kept",
    queue_full: "the queue is full; the oldest events are dropped",
    refused: "the collector refuses events, which are not sent again",
    spool_damaged: "the spool has bytes that cannot be read; the events in them are lost",
    spool_failed: "the spool cannot be used; events are kept in memory alone",
    too_large: "events are dropped that have more than 1 MiB",
    unauthorized: "the collector does not take the write key; events are kept and sent once it does",
    unserialisable: "events are dropped whose data cannot be written as JSON: it has cycles, more than 32 levels, NaN, a function, or a value that throws",
};
/** The most dropped events that wait for onDropped. */
const maxPendingDrops = 1000;
/** Reports are delivered from a timer, never in a call of the site. */
export class Reports {
    #settings;
    #later;
    #isPlanned = false;
    #reported = new Set();
    #messages = [];
    #drops = [];
    #kept = 0;
    constructor(settings, later) {
        this.#settings = settings;
        this.#later = later;
    }
    /** Adds a message, each code once. */
    addMessage(code, detail = "") {
        if (this.#reported.has(code))
            return;
        this.#reported.add(code);
        this.#messages.push([code, describe(detail)]);
        this.#plan();
    }
    /** Lets messages be reported again. */
    forgetMessages(...codes) {
        for (const code of codes)
            this.#reported.delete(code);
    }
    /** Adds a dropped event; "" is one that was not encoded. */
    addDrop(reason, event) {
        if (!this.#settings.onDropped)
            return;
        let last = this.#drops[this.#drops.length - 1];
        if (last?.reason != reason)
            this.#drops.push(last = { reason, count: 0, events: [] });
        last.count++;
        if (event && this.#kept < maxPendingDrops) {
            last.events.push(event);
            this.#kept++;
        }
        this.#plan();
    }
    #plan() {
        if (this.#isPlanned)
            return;
        this.#isPlanned = true;
        this.#later(() => this.deliver());
    }
    /** Delivers what waits. */
    deliver() {
        this.#isPlanned = false;
        const [messages, drops] = [this.#messages, this.#drops];
        [this.#messages, this.#drops, this.#kept] = [[], [], 0];
        for (const [code, detail] of messages) {
            // The log is the site's, and must not end the client, or its process.
            call(() => this.#settings.log(`theeye: ${sentences[code]}${detail ? ` (${detail})` : ""}`, code), () => { });
        }
        for (const dropped of drops)
            this.callBack(this.#settings.onDropped, dropped);
    }
    /** Calls a function of the site. Its exception is a message, also one that comes later. */
    callBack(f, value) {
        if (f)
            call(() => f(value), (e) => this.addMessage("callback_failed", e));
    }
}
/** Calls a function of the site, which may fail now, or later with its promise. */
function call(f, fail) {
    try {
        const result = f();
        if (typeof result?.then == "function")
            result.then(undefined, fail);
    }
    catch (e) {
        fail(e);
    }
}
function describe(detail) {
    try {
        return String(detail).slice(0, 500);
    }
    catch {
        return "an object without text";
    }
}
