"""The vectors that the clients of all languages share: clients/testdata/vectors/README.md."""

import datetime
import email.utils
import json
import logging
import pathlib
import re
import tempfile
import unittest

import theeye
from theeye import _client, _default
from theeye._answer import Answer
from tests.virtual import Virtual, VirtualRuntime, VirtualTransport

VECTORS = pathlib.Path(__file__).parents[2] / "testdata" / "vectors"
SESSION = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

# What Python has not: its whole numbers have no bounds, and are numbers in JSON.
LACKING = {"bigint"}
HAVING = {
    "broken text", "callbacks", "calls before start", "close", "cycles", "data of any kind", "functions", "gzip",
    "mutable data", "nan", "spool", "throwing values",
}


def expand(numbers):
    """Return the numbers of a list of numbers and of [first, last]."""
    out = []
    for n in numbers:
        out += range(n[0], n[1] + 1) if isinstance(n, list) else [n]
    return out


class Throws:
    @property
    def __dict__(self):
        raise RuntimeError("a member throws")


class Raising(dict):
    def items(self):
        raise RuntimeError("a member throws")


def special_data(kind, n):
    data = {"n": n}
    if kind == "none":
        return None
    if kind == "cycle":
        data["self"] = data
    elif kind == "nan":
        data["x"] = float("nan")
    elif kind == "infinity":
        data["x"] = float("-inf")
    elif kind == "function":
        data["x"] = special_data
    elif kind == "throws":
        data["x"] = Raising(a=1)
    elif kind == "broken text":
        data["x"] = "a\ud800b"
    elif kind == "array":
        return [n]
    elif kind == "text":
        return str(n)
    else:
        raise AssertionError("unknown special data %s" % kind)
    return data


class Messages(logging.Handler):
    def __init__(self):
        super().__init__()
        self.codes = []

    def emit(self, record):
        record.getMessage()
        self.codes.append(record.eye_code)


class Case:
    """A case that runs."""

    def __init__(self, test, case, folder):
        self.test, self.case = test, case
        self.virtual = Virtual(case.get("random", ()))
        self.settings = dict(
            batch_events=100, batch_bytes=500_000, batch_wait_ms=1000, queue_events=1000, queue_bytes=50_000_000,
            backoff_min_ms=1000, backoff_max_ms=60_000, retry_after_max_ms=3_600_000, request_timeout_ms=30_000,
            gzip_from_bytes=0, callbacks_fail=False,
        )
        self.settings.update(case.get("settings", {}))
        self.spool = folder if "spool" in case.get("needs", ()) else None
        self.accepted, self.refused, self.dropped = [], [], []
        self.ids = {}  # of events, by number
        self.numbers = {}  # of events, by id
        self.enqueued_at = {}
        self.results = {}
        self.counts = []  # of the clients that were killed
        self.messages = Messages()
        self.logger = logging.Logger("case")
        self.logger.addHandler(self.messages)
        self.begin_client()

    def begin_client(self):
        s = self.settings
        self.transport = VirtualTransport(self.virtual)
        self.client = theeye.Client(
            "http://127.0.0.1:1", "key", batch_events=s["batch_events"], batch_bytes=s["batch_bytes"],
            max_wait=s["batch_wait_ms"] / 1000, queue_events=s["queue_events"], queue_bytes=s["queue_bytes"],
            backoff_min=s["backoff_min_ms"] / 1000, backoff_max=s["backoff_max_ms"] / 1000,
            retry_after_max=s["retry_after_max_ms"] / 1000, request_timeout=s["request_timeout_ms"] / 1000,
            gzip_from=s["gzip_from_bytes"], spool=self.spool, logger=self.logger,
            on_accepted=self.on_accepted, on_refused=self.on_refused, on_dropped=self.on_dropped,
            _runtime=VirtualRuntime(self.virtual), _transport=self.transport,
        )
        _client._clients.discard(self.client)  # the end of this process is none of a case

    # Callbacks. An event that was not encoded has no number; the calls of a case say which it is.

    def on_accepted(self, ids):
        self.accepted += [self.numbers[i] for i in ids]
        self.fail_callback()

    def on_refused(self, refused):
        for r in refused:
            self.test.assertEqual(json.loads(r.event)["event_id"], r.event_id)
            self.refused.append({"n": self.numbers[r.event_id], "code": r.code})
        self.fail_callback()

    def on_dropped(self, dropped):
        self.dropped.append(dropped)
        self.fail_callback()

    def fail_callback(self):
        if self.settings["callbacks_fail"]:
            raise RuntimeError("a callback fails")

    # Steps.

    def run(self):
        for step in self.case["steps"]:
            self.advance_to(step["at"])
            if "request" in step:
                self.expect_request(step)
                continue
            self.test.assertEqual([], [r.events for r in self.transport.open], "requests that no step has, at %s" % step)
            if "returns" in step:
                self.test.assertEqual((step["result"], step["at"]), self.results.get(step["returns"]), step)
                del self.results[step["returns"]]
                continue
            getattr(self, "call_" + step["call"])(step)
            self.virtual.settle()
        end = self.case["end"]
        self.advance_to(end["at"])
        self.test.assertEqual([], [r.events for r in self.transport.open], "requests that no step has")
        self.test.assertEqual({}, self.results)
        self.expect_end(end)

    def advance_to(self, moment):
        self.virtual.advance_to(moment)

    def call_enqueue(self, step):
        for n in expand(step["n"]):
            spec = step.get("data", {})
            if "special" in spec:
                data = special_data(spec["special"], n)
            else:
                data = {"n": n}
                data.update(json.loads(json.dumps(spec.get("value", {}))))
                if "text_bytes" in spec:
                    data["text"] = "x" * spec["text_bytes"]
            event = dict(session_id=SESSION, category="page interaction", name="pageview")
            event.update(step.get("event", {}))
            self.enqueued_at[n] = self.virtual.now
            if step.get("before_start"):
                self.test.assertFalse(_default.enqueue(data=data, **event))
                self.before_start = True
                continue
            self.client.enqueue(data=data, **event)
            if "then" in spec:
                data["b"].update(spec["then"]["b"])
                data.update(spec["then"])

    def call_flush(self, step):
        self.call(step, lambda timeout: "sent" if self.client.flush(timeout) else "late")

    def call_close(self, step):
        self.call(step, lambda timeout: "sent" if self.client.close(timeout) else "left")

    def call(self, step, wait):
        deadline = step.get("deadline")

        def run():
            result = wait(None if deadline is None else deadline / 1000)
            self.results[step["as"]] = (result, round(self.virtual.now, 3))

        self.virtual.start(run)

    def call_kill(self, step):
        # As the end of the process: what the client does from now on reaches nothing.
        client = self.client
        self.counts.append(client.stats())
        client._ended = True
        client._generation += 1
        if client._spool is not None:
            client._spool.forget()
            client._spool = None
        with self.virtual.changed:
            for sleeper in list(self.virtual.sleepers):
                self.virtual.sleepers.remove(sleeper)
        self.transport.open = []

    def call_start(self, step):
        if self.client.stats() and not self.client._spool and not self.counts:
            self.counts.append(self.client.stats())
        self.begin_client()

    def expect_request(self, step):
        want, spec = step["request"], step["answer"]
        if not self.transport.open:
            self.advance_to(step["at"] + 1)  # what a client may be off
        self.test.assertTrue(self.transport.open, "no request at %s" % step)
        request = self.transport.open.pop(0)
        self.test.assertAlmostEqual(step["at"], request.at, delta=1)
        numbers = [self.number_of(e) for e in request.events]
        self.test.assertEqual(expand(want["n"]), numbers, step)
        self.expect_identity(request, numbers)
        if "encoding" in want:
            self.test.assertEqual(want["encoding"], request.encoding)
        if "body_members" in want:
            self.test.assertEqual(set(want["body_members"]), set(request.body))
        for have, members in zip(request.events, want.get("events", ())):
            for name, value in members.items():
                got = have[name]
                if name == "timestamp":
                    got, value = parse_time(got), parse_time(value)
                self.test.assertEqual(value, got)
        if "members" in want:
            for e in request.events:
                self.test.assertEqual(set(want["members"]), set(e))
        if spec.get("fails") == "hangs":
            return
        self.virtual.sleepers.remove(request.waker)  # until the answer, not the end of its time
        request.waker.until = self.virtual.now + spec["after"]
        self.virtual.sleepers.append(request.waker)
        request.answer = self.answer_of(request, numbers, spec)
        if spec["after"] == 0:
            self.virtual.advance_to(self.virtual.now)

    def number_of(self, event):
        data = event["data"]
        if event["event_id"] in self.numbers:
            return self.numbers[event["event_id"]]
        if isinstance(data, list):
            n = data[0]
        elif isinstance(data, str):
            n = int(data)
        else:
            n = data.get("n", 1)
        self.test.assertNotIn(n, self.ids, "an event has another id than before")
        self.ids[n] = event["event_id"]
        self.numbers[event["event_id"]] = n
        return n

    def expect_identity(self, request, numbers):
        """In every case ids are of version 7 and the time of the call, and so are timestamps."""
        now = self.virtual.base + request.at
        self.test.assertAlmostEqual(now, parse_time(request.body["sent_at"]), delta=1)
        for n, event in zip(numbers, request.events):
            at = self.virtual.base + self.enqueued_at[n]
            own = [s.get("event", {}) for s in self.case["steps"] if n in expand(s.get("n", ())) and "call" in s]
            if not any("event_id" in e for e in own):
                self.test.assertRegex(event["event_id"], UUID7)
                self.test.assertAlmostEqual(at, int(event["event_id"].replace("-", "")[:12], 16), delta=1)
            if not any("timestamp" in e for e in own):
                self.test.assertAlmostEqual(at, parse_time(event["timestamp"]), delta=1)

    def answer_of(self, request, numbers, spec):
        if "fails" in spec:
            return OSError(spec["fails"])
        headers = {k.lower(): v for k, v in spec.get("headers", {}).items()}
        for name, at in spec.get("dates", {}).items():
            headers[name.lower()] = email.utils.formatdate((self.virtual.base + at) / 1000, usegmt=True)
        if "accept" in spec:
            codes = {r["n"]: r["code"] for r in spec.get("refuse", ())}
            results = []
            for i, (n, e) in enumerate(zip(numbers, request.events)):
                if n in codes:
                    results.append({"index": i, "status": "refused", "code": codes[n], "message": "no"})
                else:
                    results.append({"index": i, "status": "accepted", "event_id": e["event_id"]})
            if spec.get("reversed"):
                results.reverse()
            body = {"accepted": len(results) - len(codes), "refused": len(codes), "results": results}
            return Answer(spec["status"], headers, json.dumps(body).encode())
        if "problem" in spec:
            body = json.dumps({"code": spec["problem"], "detail": "a sentence"})
            return Answer(spec["status"], headers, body.encode())
        return Answer(spec["status"], headers, spec["text"].encode())

    # The end.

    def expect_end(self, end):
        stats = self.client.stats()
        want_dropped = [(d["reason"], len(expand(d["n"]))) for d in end["dropped"]]
        if getattr(self, "before_start", False):
            early = _default.stats()
            self.test.assertEqual([("not_started", early.dropped_not_started)], want_dropped)
            self.test.assertEqual(early.enqueued, early.dropped)
            return
        self.test.assertEqual(expand(end["accepted"]), sorted(self.accepted))
        self.test.assertEqual(end["refused"], self.refused)
        dropped = {}
        for d in self.dropped:
            dropped[d.reason] = dropped.get(d.reason, 0) + d.count
        self.test.assertEqual(want_dropped, list(dropped.items()))
        for want in end["dropped"]:
            have = [json.loads(e)["data"]["n"] for d in self.dropped if d.reason == want["reason"] for e in d.events]
            if have:  # those that were encoded
                self.test.assertEqual(expand(want["n"]), have)
        self.test.assertEqual(end["messages"], self.messages.codes)
        self.test.assertEqual(end["queued"], stats.queued)
        # The client's own counts say the same. Those that a kill ended are not asked any more.
        self.test.assertEqual(stats.enqueued + stats.recovered, stats.accepted + stats.refused + stats.dropped + stats.queued)
        every = self.counts + [stats]
        self.test.assertEqual(len(self.accepted), sum(s.accepted for s in every))
        self.test.assertEqual(len(self.refused), sum(s.refused for s in every))
        self.test.assertEqual(sum(n for _, n in want_dropped), sum(s.dropped for s in every))


def parse_time(text):
    """Return milliseconds since 1970."""
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z" if "." in text else "%Y-%m-%dT%H:%M:%S%z")
    return at.timestamp() * 1000


class TestVectors(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # One message is expected of the functions of the module.
        messages = Messages()
        log = logging.getLogger("theeye")
        log.addHandler(messages)
        log.propagate = False
        self.addCleanup(log.removeHandler, messages)
        self.module_messages = messages

    def test_vectors(self):
        files = sorted(p for p in VECTORS.iterdir() if p.name != "README.md")
        skipped, names, ran = [], [], set()
        for path in files:
            for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
                names.append((path.name, case["name"]))
                needs = set(case.get("needs", ()))
                self.assertLessEqual(needs, LACKING | HAVING)
                if needs & LACKING:
                    skipped.append(case["name"])
                    continue
                with self.subTest(file=path.stem, case=case["name"]), tempfile.TemporaryDirectory() as folder:
                    running = Case(self, case, folder)
                    self.addCleanup(running.virtual.finish)
                    running.run()
                    running.virtual.finish()
                    ran.add(names[-1])
        self.assertEqual(["not_started"], self.module_messages.codes)
        # Every case of every file has run, once, but those that Python lacks something for.
        self.assertEqual(["unserialisable: bigint"], skipped)
        self.assertEqual(len(names) - len(skipped), len(ran))
        self.assertEqual({p.name for p in files}, {file for file, _ in ran})


if __name__ == "__main__":
    unittest.main()
