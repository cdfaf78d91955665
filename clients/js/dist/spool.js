// A queue of events in files, which survives the end of the process.
//
// Events are appended to files, the segments. A segment has the name of its run, which is one
// opening of the spool, and a number; one that has no event left is removed. A line is a record:
//
//     e NUMBER CHECKSUM EVENT
//     s NUMBER CHECKSUM
//
// The second kind says that every event of the run below the number is settled. Nothing is
// synced: the kernel keeps what a killed process has written; a loss of power may take the last
// seconds. A line without its end is that of a process that was killed while it wrote.
//
// One process at a time has the lock. It takes the events of the runs before into its own, and
// removes their segments. Until it has the lock, it writes into segments of its own.
import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { crc32 } from "node:zlib";
/** Bytes from which a segment is full. */
const maxSegment = 4 << 20;
/** Bytes up to which a segment without events left goes on. */
const keptSegment = 64 << 10;
/** Milliseconds without writing after a write that failed. */
const pause = 1000;
/** libuv's flag of open for a lock that the system frees with the process, outside of Linux. */
const exclusiveLock = process.platform == "win32" ? 0x10000000 : 0x20 | constants.O_NONBLOCK;
/**
 * Locks a folder for this process, as long as it lives. Node has no locks of files on Linux: a
 * socket in the abstract namespace, which no file stands for, is held by one process at a time.
 */
function lock(folder, locked) {
    if (process.platform != "linux") {
        try {
            const file = openSync(join(folder, "lock"), constants.O_RDWR | constants.O_CREAT | exclusiveLock, 0o600);
            return locked(() => closeSync(file), "");
        }
        catch (e) {
            return locked(undefined, "another process uses it: " + e);
        }
    }
    const { dev, ino } = statSync(folder, { bigint: true });
    const server = createServer((socket) => socket.destroy());
    server.once("error", (e) => locked(undefined, e.code == "EADDRINUSE" ? "another process uses it" : String(e)));
    server.listen({ path: `\0theeye-spool-${dev}-${ino}`, exclusive: true }, () => {
        server.unref();
        locked(() => server.close(), "");
    });
}
/** Returns the record of an event, or of what is settled. */
function recordOf(kind, seq, event) {
    const head = `${kind} ${seq} `;
    return head + crc32(event, crc32(head)).toString(16).padStart(8, "0") + (event && " " + event) + "\n";
}
/** Adds the events of a segment, by their numbers, and returns what is settled and what is damaged. */
function readSegment(path, events) {
    const lines = readFileSync(path, "utf8").split("\n");
    lines.pop(); // without its end: the process was killed, or the machine, in the middle
    let settled = 0;
    let damaged = 0;
    for (const line of lines) {
        const [, kind, seq, , event = ""] = /^([es]) (\d{1,15}) ([0-9a-f]{8})(?: (.*))?$/.exec(line) ?? [];
        if (!kind || recordOf(kind, +seq, event) != line + "\n")
            damaged += line.length + 1;
        else if (kind == "e")
            events.set(+seq, event);
        else
            settled = Math.max(settled, +seq);
    }
    return [settled, damaged];
}
const suffix = ".spool";
/** Names of segments. Other files are someone else's, also those of clients in other languages. */
const segmentName = /^[0-9a-f]{12}-[0-9a-f]{8}-\d{8,}\.spool$/;
/** The number of a run's first event: those of the runs before get lower ones. */
const firstSeq = 2 ** 40;
/** A spool in a folder. */
export class FolderSpool {
    #folder;
    /** Names of runs have the order of their times. */
    #run = Date.now().toString(16).padStart(12, "0") + "-" + randomBytes(4).toString("hex");
    #count = 0;
    #segments = [];
    /** The segments of the runs before, where their events are in no other. */
    #old = [];
    #file;
    #settled = 0;
    #pauseUntil = 0;
    #unlock;
    #isClosed = false;
    constructor(folder) {
        this.#folder = folder;
    }
    open(opened) {
        const refuse = (fault) => opened({ isUsable: false, events: [], damaged: 0, fault });
        try {
            mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
            lock(this.#folder, (unlock, fault) => {
                if (this.#isClosed)
                    return unlock?.();
                if (!unlock) {
                    this.#removeOwn();
                    return refuse(fault);
                }
                let found;
                try {
                    found = this.#adopt();
                }
                catch (e) {
                    this.#removeOwn();
                    unlock();
                    return refuse(String(e));
                }
                this.#unlock = unlock;
                opened(found);
            });
        }
        catch (e) {
            // Not at once: a client is being made.
            setImmediate(() => refuse(String(e)));
        }
    }
    /** Takes the events of the runs before, under numbers below those of this one. */
    #adopt() {
        const names = readdirSync(this.#folder).filter((name) => segmentName.test(name) && !name.startsWith(this.#run)).sort();
        const runs = new Map();
        let allDamaged = 0;
        for (const name of names) {
            const id = name.slice(0, this.#run.length);
            const run = runs.get(id) ?? { events: new Map(), settled: 0 };
            runs.set(id, run);
            const [settled, damaged] = readSegment(join(this.#folder, name), run.events);
            run.settled = Math.max(run.settled, settled);
            allDamaged += damaged;
        }
        const distinct = new Set(); // one may be there twice: a process was killed below
        for (const run of runs.values()) {
            const waiting = [...run.events].filter(([seq]) => seq >= run.settled).sort(([a], [b]) => a - b);
            for (const [, event] of waiting)
                distinct.add(event);
        }
        const events = [...distinct];
        this.#old = names;
        return { isUsable: true, events, damaged: allDamaged, fault: this.#moveOld(events) };
    }
    /**
     * Moves the events of the runs before to segments of this one, or returns why that failed. It
     * fails where the disk is full, perhaps of these events: they stay where they are.
     */
    #moveOld(events) {
        const own = this.#segments.length;
        try {
            this.#endSegment(); // which may have events of this run
            this.resume(); // an event of this run may not have been written
            for (const [i, event] of events.entries())
                this.append(firstSeq - events.length + i, event);
        }
        catch (e) {
            for (const { name } of this.#segments.splice(own))
                rmSync(join(this.#folder, name), { force: true });
            return String(e);
        }
        try {
            this.#removeOld();
        }
        catch (e) {
            return String(e);
        }
        return "";
    }
    #removeOld() {
        for (; this.#old.length; this.#old.pop())
            rmSync(join(this.#folder, this.#old[this.#old.length - 1]), { force: true });
    }
    append(seq, event) {
        if (this.#pauseUntil && performance.now() < this.#pauseUntil)
            return false; // it was reported
        const segment = this.#write(recordOf("e", seq, event));
        segment.end = Math.max(segment.end, seq + 1);
        return true;
    }
    resume() {
        this.#pauseUntil = 0;
    }
    #write(record) {
        try {
            if (this.#file === undefined)
                this.#beginSegment();
            const bytes = Buffer.from(record);
            if (writeSync(this.#file, bytes) != bytes.length)
                throw new Error("the disk is full");
            const segment = this.#segments[this.#segments.length - 1];
            segment.size += bytes.length;
            if (segment.size >= maxSegment)
                this.#endSegment();
            this.#pauseUntil = 0;
            return segment;
        }
        catch (e) {
            this.#pauseUntil = performance.now() + pause;
            this.#cutSegment();
            throw e;
        }
    }
    /**
     * Ends a segment after a write that failed: a reader skips a record without its end. The segment
     * is removed where it has no other: else a disk that is full would get one each second.
     */
    #cutSegment() {
        if (this.#file === undefined)
            return;
        this.#endSegment();
        const { name, size } = this.#segments[this.#segments.length - 1];
        if (size)
            return;
        rmSync(join(this.#folder, name), { force: true });
        this.#segments.pop();
    }
    #beginSegment() {
        const name = `${this.#run}-${String(this.#count++).padStart(8, "0")}${suffix}`;
        this.#file = openSync(join(this.#folder, name), "a", 0o600);
        this.#segments.push({ name, end: 0, size: 0 });
    }
    #endSegment() {
        if (this.#file === undefined)
            return;
        closeSync(this.#file);
        this.#file = undefined;
    }
    /**
     * Removes the segments that hold no event from seq on. A record that cannot be written costs a
     * repetition: the events are sent again after a start, under their ids.
     */
    settleBelow(seq) {
        if (seq <= this.#settled)
            return;
        this.#settled = seq;
        try {
            if (this.#old.length) {
                if (seq < firstSeq)
                    return; // those of before are all in their segments
                this.#removeOld();
            }
            const last = this.#segments[this.#segments.length - 1];
            if (last && last.end <= seq && last.size > keptSegment)
                this.#endSegment();
            this.#removeSettled();
            if (this.#segments[0])
                this.#write(recordOf("s", seq, ""));
        }
        catch {
            // See above.
        }
    }
    /** Removes the segments whose events are all settled, but not the file that is being written. */
    #removeSettled() {
        const open = this.#file === undefined ? undefined : this.#segments[this.#segments.length - 1];
        this.#segments = this.#segments.filter((segment) => {
            if (segment == open || segment.end > this.#settled)
                return true;
            rmSync(join(this.#folder, segment.name), { force: true });
            return false;
        });
    }
    #removeOwn() {
        try {
            this.#endSegment();
            for (const { name } of this.#segments)
                rmSync(join(this.#folder, name), { force: true });
        }
        catch {
            // The next process takes the events, and each counts once.
        }
        this.#segments = [];
    }
    /** Frees the lock. Events that are not settled stay. */
    close() {
        this.#isClosed = true;
        try {
            this.#endSegment();
            this.#removeSettled();
        }
        catch {
            // The next process removes them.
        }
        this.#unlock?.();
    }
}
