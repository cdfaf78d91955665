"""Clients with real threads, sockets, files and processes."""

import asyncio
import collections
import errno
import http.client
import itertools
import json
import logging
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import theeye
from theeye import _spool
from theeye._answer import Answer
from theeye._runtime import Runtime
from theeye._spool import Spool
from tests.collector import Collector

ROOT = pathlib.Path(__file__).parents[1]
SESSION = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
PAGEVIEW = (SESSION, "page interaction", "pageview")
CAN_FORK = hasattr(os, "fork")


def numbers(events):
    return sorted(e["data"]["n"] for e in events)


class Log(logging.Handler):
    """The codes of the messages."""

    def __init__(self):
        super().__init__()
        self.codes = []
        self.logger = logging.Logger("site")
        self.logger.addHandler(self)

    def emit(self, record):
        self.codes.append(record.eye_code)


class TestCase(unittest.TestCase):
    def collector(self, before=None):
        collector = Collector(before)
        self.addCleanup(collector.close)
        return collector

    def client(self, url, **settings):
        settings.setdefault("max_wait", 0.01)
        settings.setdefault("backoff_min", 0.01)
        client = theeye.Client(url, "key", **settings)
        self.addCleanup(client.close, 0)
        return client

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def run_python(self, program, *args, check=True):
        """Run a program; it imports theeye and has the arguments as args."""
        command = [sys.executable, "-c", "import sys, os, theeye\nargs = sys.argv[1:]\n" + program, *args]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
        if check:
            self.assertEqual((0, ""), (done.returncode, done.stderr), program)
        return done


class InterruptedInbox(collections.deque):
    """An inbox where a signal comes whenever the client has seen an event in it."""

    def __init__(self, handle):
        super().__init__()
        self.handle = handle
        self.interrupted = 0
        self.handling = False

    def __bool__(self):
        found = len(self) > 0
        if found and not self.handling:
            self.handling = True
            self.interrupted += 1
            self.handle()
            self.handling = False
        return found


class LockReleasedLate:
    """A lock before whose first release something happens."""

    def __init__(self, lock, before):
        self.lock, self.before = lock, before

    def release(self):
        before, self.before = self.before, None
        if before:
            before()
        self.lock.release()

    def __getattr__(self, name):
        return getattr(self.lock, name)

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *exc):
        self.release()


class LimitedDisk:
    """A disk with room for so many bytes: what goes beyond is cut, and then refused."""

    def __init__(self, room):
        self.room = room

    def write(self, fd, record):
        self.room -= os.write(fd, record[: self.room])
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")


class NoThreads(Runtime):
    """A process in which no thread can be started."""

    def start_thread(self, run, name):
        return False


class LateTransport:
    """Answers a request when a test says so, also after it was told to end."""

    def __init__(self, answer):
        self.answer = answer
        self.started, self.release = threading.Event(), threading.Event()
        self.thread = None

    def send(self, body, compressed, timeout):
        self.thread = threading.current_thread()
        self.started.set()
        self.release.wait(240)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def abort(self):
        pass

    def close(self):
        pass


class TestThreads(TestCase):
    def test_many_threads_share_a_client(self):
        collector = self.collector()
        client = self.client(collector.url, batch_events=100)
        old = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        self.addCleanup(sys.setswitchinterval, old)

        def enqueue(first):
            for n in range(first, first + 500):
                client.enqueue(*PAGEVIEW, {"n": n})
                if n % 100 == 0:
                    client.stats()
                if n % 250 == 0:
                    client.flush(0.001)

        threads = [threading.Thread(target=enqueue, args=(i * 500,)) for i in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue(client.flush(120))
        self.assertEqual(list(range(8000)), numbers(collector.events))
        stats = client.stats()
        self.assertEqual((8000, 8000, 0, 0), (stats.enqueued, stats.accepted, stats.queued, stats.queued_bytes))
        self.assertEqual(8000, len({e["event_id"] for e in collector.events}))
        self.assertTrue(client.close(120))

    def test_events_of_a_thread_keep_their_order(self):
        collector = self.collector()
        client = self.client(collector.url, batch_events=7)
        for n in range(300):
            client.enqueue(*PAGEVIEW, {"n": n})
        self.assertTrue(client.flush(120))
        self.assertEqual(list(range(300)), [e["data"]["n"] for e in collector.events])

    @unittest.skipUnless(hasattr(signal, "setitimer"), "this system has no timers of signals")
    def test_a_signal_handler_may_enqueue(self):
        collector = self.collector()
        client = self.client(collector.url)
        handled = []
        count = itertools.count(1)

        def handle(*_):
            n = next(count)  # another signal may interrupt this call
            handled.append(n)
            client.enqueue(*PAGEVIEW, {"n": -n})
            client.stats()

        old = signal.signal(signal.SIGALRM, handle)
        self.addCleanup(signal.signal, signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        sent = 0
        while len(handled) < 200:
            client.enqueue(*PAGEVIEW, {"n": sent})
            sent += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertTrue(client.close(120))
        self.assertEqual(list(range(-len(handled), sent)), numbers(collector.events))

    def test_a_call_that_interrupts_the_move_of_events(self):
        # As a signal handler would, at the worst place: the lock is held, and the queue changes.
        collector = self.collector()
        client = self.client(collector.url)
        with client._guard:
            self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
            self.assertFalse(client.flush(120))
        client.enqueue(*PAGEVIEW, {"n": 2})
        self.assertTrue(client.flush(120))
        with client._guard:
            client.enqueue(*PAGEVIEW, {"n": 3})
            self.assertFalse(client.close(120))
        self.assertTrue(client.close(120))
        self.assertEqual([1, 2, 3], numbers(collector.events))

    def test_calls_that_interrupt_the_move_of_an_event(self):
        # The handler runs between the look at the inbox and the move of what it holds.
        for call in (lambda c: c.stats(), lambda c: c.flush(120), lambda c: c.close(120)):
            collector = self.collector()
            client = self.client(collector.url)
            inbox = InterruptedInbox(lambda: call(client))  # noqa: B023
            client._inbox = inbox
            self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
            self.assertGreater(inbox.interrupted, 0)
            self.assertTrue(client.close(120))
            self.assertEqual([1], numbers(collector.events))
            stats = client.stats()
            self.assertEqual((1, 1, 0), (stats.enqueued, stats.accepted, stats.queued))

    def test_an_enqueue_that_interrupts_the_move_of_an_event(self):
        for spool in (None, self.folder()):
            collector = self.collector()
            client = self.client(collector.url, spool=spool)
            left = [2, 3]
            client._inbox = inbox = InterruptedInbox(
                lambda: left and self.assertTrue(client.enqueue(*PAGEVIEW, {"n": left.pop(0)}))  # noqa: B023
            )
            self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
            self.assertGreater(inbox.interrupted, 2)
            self.assertTrue(client.close(120))
            self.assertEqual([1, 2, 3], [e["data"]["n"] for e in collector.events])
            self.assertEqual((3, 3, 0), (client.stats().enqueued, client.stats().accepted, client.stats().dropped))

    def test_an_event_that_comes_while_the_lock_is_released(self):
        client = theeye.Client("http://127.0.0.1:9", "key", _runtime=NoThreads())
        self.addCleanup(client.close, 0)
        thread = threading.Thread(target=lambda: client.enqueue(*PAGEVIEW, {"n": 2}))

        def enqueue_elsewhere():
            thread.start()
            thread.join()

        client._lock = LockReleasedLate(client._lock, enqueue_elsewhere)
        self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
        self.assertEqual((0, 2), (len(client._inbox), len(client._queue)))

    def test_flush_and_close_in_a_callback(self):
        collector = self.collector()
        results = []
        client = self.client(
            collector.url, on_accepted=lambda ids: results.append((client.flush(120), client.close(120), len(ids)))
        )
        client.enqueue(*PAGEVIEW, {"n": 1})
        collector.wait_for(1)
        self.assertTrue(client.close(120))
        self.assertEqual([(False, False, 1)], results)


class TestConnection(TestCase):
    def test_one_connection_for_many_requests(self):
        collector = self.collector()
        client = self.client(collector.url)
        for n in range(5):
            client.enqueue(*PAGEVIEW, {"n": n})
            self.assertTrue(client.flush(120))
        self.assertEqual((5, 1), (collector.requests, collector.connections))
        headers = collector.headers[0]
        self.assertEqual("Bearer key", headers["Authorization"])
        self.assertEqual(collector.url, "http://" + headers["Host"])
        self.assertEqual("theeye-python/" + theeye.__version__, headers["User-Agent"])

    def test_a_kept_connection_that_ends_is_replaced_at_once(self):
        collector = self.collector(lambda number: "close" if number == 2 else None)
        client = self.client(collector.url, backoff_min=600, backoff_max=600)
        for n in range(3):
            client.enqueue(*PAGEVIEW, {"n": n})
            self.assertTrue(client.flush(120))
        self.assertEqual([0, 1, 2], numbers(collector.events))
        self.assertEqual(0, client.stats().failed_requests)

    def test_a_new_connection_that_ends_is_a_failure(self):
        collector = self.collector(lambda number: "close" if number == 1 else None)
        client = self.client(collector.url)
        client.enqueue(*PAGEVIEW, {"n": 1})
        self.assertTrue(client.flush(120))
        self.assertEqual(1, client.stats().failed_requests)

    def test_a_path_and_gzip(self):
        collector = self.collector()
        client = self.client(collector.url + "/eye/")
        client.enqueue(*PAGEVIEW, {"n": 1, "text": "é" * 10_000})
        self.assertTrue(client.flush(120))
        self.assertEqual("gzip", collector.headers[0]["Content-Encoding"])
        self.assertEqual("é" * 10_000, collector.events[0]["data"]["text"])

    def test_close_ends_a_request_that_hangs(self):
        release = threading.Event()
        self.addCleanup(release.set)
        collector = self.collector(lambda number: release.wait(240) and None)
        dropped = []
        client = self.client(collector.url, on_dropped=dropped.append)
        client.enqueue(*PAGEVIEW, {"n": 1})
        self.assertFalse(client.flush(0.05))
        self.assertFalse(client.close(0.05))
        self.assertEqual([("closed", 1)], [(d.reason, d.count) for d in dropped])
        stats = client.stats()
        self.assertEqual((1, 1, 0), (stats.enqueued, stats.dropped_closed, stats.queued))

    def test_an_answer_after_the_close_changes_nothing(self):
        results = b'{"results": [{"index": 0, "status": "accepted"}]}'
        for late in (Answer(202, {}, results), Answer(503, {}, b""), Answer(400, {}, b""), OSError("reset")):
            with self.subTest(late=late):
                transport = LateTransport(late)
                calls = []
                client = self.client(
                    "http://collector.example", _transport=transport, on_accepted=calls.append,
                    on_refused=calls.append, on_dropped=lambda dropped: calls.append((dropped.reason, dropped.count)),
                )
                client.enqueue(*PAGEVIEW)
                self.assertTrue(transport.started.wait(120))
                self.assertFalse(client.close(0))  # which gives the event up
                before = client.stats()
                self.assertEqual((1, 0), (before.dropped_closed, before.queued))
                transport.release.set()
                transport.thread.join(120)
                self.assertFalse(transport.thread.is_alive())
                self.assertEqual(before, client.stats())
                self.assertEqual([("closed", 1)], calls)

    def test_the_bytes_under_way_count(self):
        release = threading.Event()
        self.addCleanup(release.set)
        collector = self.collector(lambda number: release.wait(240) and None)
        client = self.client(collector.url, queue_bytes=100_000)
        client.enqueue(*PAGEVIEW, {"n": 1, "text": "x" * 50_000})
        with collector.changed:
            self.assertTrue(collector.changed.wait_for(lambda: collector.requests, 120))
        for n in (2, 3, 4):
            client.enqueue(*PAGEVIEW, {"n": n, "text": "x" * 20_000})
        self.assertEqual((3, 1), (client.stats().queued, client.stats().dropped_queue_full))
        release.set()
        self.assertTrue(client.close(120))
        self.assertEqual([1, 3, 4], numbers(collector.events))

    def test_an_answer_that_drips_has_one_time_in_all(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        stop = threading.Event()
        self.addCleanup(stop.set)

        def drip():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 202 Accepted\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b"X: y\r\n")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        client = self.client("http://127.0.0.1:%d" % listener.getsockname()[1], request_timeout=0.2, backoff_min=600, backoff_max=600)
        client.enqueue(*PAGEVIEW)
        while client.stats().failed_requests == 0:
            client.flush(0.01)
        self.assertIn("timed out", client.stats().last_failure)

    def answering(self, answer):
        """Return the address of a server that answers each request with these bytes, and closes
        the connection."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, connection.makefile("rb") as request:
                    request.readline()
                    head = http.client.parse_headers(request)
                    request.read(int(head["Content-Length"]))
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return "http://127.0.0.1:%d" % listener.getsockname()[1]

    def test_answers_of_every_form(self):
        results = b'{"results": [{"index": 0, "status": "accepted"}]}'.ljust(100_000)  # more than a buffer holds
        length = b"Content-Length: %d\r\n\r\n" % len(results)
        for head in (
            b"HTTP/1.1 202 Accepted\r\n" + length,
            b"HTTP/1.1 202 Accepted\r\nConnection: close\r\n" + length,
            b"HTTP/1.1 202 Accepted\r\n\r\n",
            b"HTTP/1.0 202 Accepted\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 202 Accepted\r\n" + length,
        ):
            with self.subTest(head=head):
                client = self.client(self.answering(head + results), backoff_min=600, backoff_max=600)
                client.enqueue(*PAGEVIEW)
                while not client.flush(0.01) and client.stats().failed_requests == 0:
                    pass
                self.assertEqual((1, ""), (client.stats().accepted, client.stats().last_failure))

    def test_half_an_answer_is_none(self):
        log = Log()
        url = self.answering(b'HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"results": [')
        client = self.client(url, backoff_min=600, backoff_max=600, logger=log.logger)
        client.enqueue(*PAGEVIEW)
        while client.stats().failed_requests == 0:
            client.flush(0.01)
        self.assertIn("ends early", client.stats().last_failure)
        self.assertFalse(client.close(0))
        self.assertEqual(["left_behind"], log.codes)

    def test_the_proxy_of_the_environment(self):
        collector = self.collector()
        program = """
client = theeye.Client("http://collector.example", "key")
client.enqueue("%s", "a", "b", {"n": 1})
print(client.flush(120))
""" % SESSION
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env["http_proxy"] = collector.url.replace("//", "//user:p%40ss@")
        command = [sys.executable, "-c", "import theeye\n" + program]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)
        self.assertEqual(("True\n", ""), (done.stdout, done.stderr))
        self.assertEqual("collector.example", collector.headers[0]["Host"])
        self.assertTrue(collector.headers[0]["Proxy-Authorization"].startswith("Basic "))


class TestEnds(TestCase):
    def test_the_end_of_the_interpreter_sends_what_waits(self):
        collector = self.collector()
        self.run_python("""
theeye.start(args[0], "key", max_wait=600)
for n in range(1000):
    theeye.enqueue("%s", "a", "b", {"n": n})
""" % SESSION, collector.url)
        self.assertEqual(list(range(1000)), numbers(collector.events))

    def test_the_end_does_not_wait_for_ever(self):
        done = self.run_python("""
theeye.start("http://127.0.0.1:9", "key", exit_timeout=0.2, backoff_min=600, backoff_max=600)
theeye.enqueue("%s", "a", "b")
""" % SESSION, check=False)
        self.assertEqual(0, done.returncode)
        self.assertIn("the client was closed before all events were sent", done.stderr)

    def test_sys_exit_in_a_signal_handler(self):
        collector = self.collector()
        self.run_python("""
import signal
client = theeye.start(args[0], "key", max_wait=600)
def end(*_):
    client.close(60)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
n = 0
while True:
    client.enqueue("%s", "a", "b", {"n": n})
    n += 1
    if n == 5000:
        os.kill(os.getpid(), signal.SIGTERM)
""" % SESSION, collector.url)
        self.assertEqual(list(range(5000)), numbers(collector.events)[:5000])


@unittest.skipUnless(CAN_FORK, "this system cannot fork")
class TestFork(TestCase):
    def test_parent_and_child_send_their_own(self):
        collector = self.collector()
        self.run_python("""
client = theeye.start(args[0], "key", max_wait=600, batch_events=10)
def enqueue(first, count):
    for n in range(first, first + count):
        client.enqueue("%s", "a", "b", {"n": n, "pid": os.getpid()})
enqueue(0, 25)  # some are under way, some wait
children = []
for i in range(1, 4):
    pid = os.fork()
    if pid == 0:
        assert client.stats().enqueued == 0, client.stats()
        enqueue(1000 * i, 15)
        sys.exit(0 if client.close(120) and client.stats().accepted == 15 else 3)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
enqueue(25, 5)
assert client.flush(120)
assert client.stats().accepted == 30, client.stats()
""" % SESSION, collector.url)
        want = list(range(30)) + [1000 * i + n for i in range(1, 4) for n in range(15)]
        self.assertEqual(want, numbers(collector.events))
        self.assertEqual(4, len({e["data"]["pid"] for e in collector.events}))
        self.assertEqual(75, len({e["event_id"] for e in collector.events}))

    def test_a_child_makes_other_ids_than_its_parent(self):
        self.run_python("""
from theeye._event import new_id
def ids():  # of one moment
    return [new_id(1_790_000_000_000_000_000) for _ in range(20)]
out, into = os.pipe()
if os.fork() == 0:
    os.write(into, " ".join(ids()).encode())
    os._exit(0)
os.wait()
assert len(set(os.read(out, 4096).decode().split() + ids())) == 40
""")

    def test_a_child_has_a_connection_of_its_own(self):
        collector = self.collector()
        self.run_python("""
client = theeye.start(args[0], "key", max_wait=0.01)
client.enqueue("%s", "a", "b", {"n": 1})
assert client.flush(120)  # and its connection is kept
if os.fork() == 0:
    client.enqueue("%s", "a", "b", {"n": 2})
    os._exit(0 if client.flush(120) else 3)
assert os.wait()[1] == 0
client.enqueue("%s", "a", "b", {"n": 3})
assert client.close(120)
""" % (SESSION, SESSION, SESSION), collector.url)
        self.assertEqual([1, 2, 3], numbers(collector.events))
        self.assertEqual((3, 2), (collector.requests, collector.connections))

    def test_fork_while_other_threads_enqueue(self):
        collector = self.collector()
        self.run_python("""
import threading
client = theeye.start(args[0], "key", max_wait=0.01)
stop = threading.Event()
def enqueue():
    while not stop.wait(0.0002):
        client.enqueue("%s", "a", "b", {"n": 0})
threads = [threading.Thread(target=enqueue) for _ in range(3)]
for t in threads: t.start()
children = []
for i in range(20):
    pid = os.fork()
    if pid == 0:
        client.enqueue("%s", "a", "b", {"n": i + 1})
        os._exit(0 if client.close(120) else 3)
    children.append(pid)
stop.set()
for t in threads: t.join()
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
assert client.close(120)
""" % (SESSION, SESSION), collector.url)
        self.assertEqual(list(range(1, 21)), [n for n in numbers(collector.events) if n])

    def test_the_end_of_a_child_sends_what_waits(self):
        collector = self.collector()
        self.run_python("""
import multiprocessing
client = theeye.start(args[0], "key", max_wait=600)
client.enqueue("%s", "a", "b", {"n": 0})
def work(n):
    client.enqueue("%s", "a", "b", {"n": n})
processes = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in (1, 2, 3)]
for p in processes: p.start()
for p in processes: p.join()
pid = os.fork()
if pid == 0:
    work(4)
    sys.exit(0)
os.waitpid(pid, 0)
""" % (SESSION, SESSION), collector.url)
        self.assertEqual([0, 1, 2, 3, 4], numbers(collector.events))

    def test_a_callback_that_forks(self):
        collector = self.collector()
        self.run_python("""
children = []
def fork(ids):
    pid = os.fork()
    if pid:
        children.append(pid)
client = theeye.start(args[0], "key", on_accepted=fork)
client.enqueue("%s", "a", "b", {"n": 1})
assert client.flush(120)
assert os.waitpid(children[0], 0)[1] == 0
""" % SESSION, collector.url)
        self.assertEqual([1], numbers(collector.events))


class TestSpool(TestCase):
    KILLED = """
import signal
client = theeye.Client(args[0], "key", spool=args[1], max_wait=0.001, batch_events=50)
for n in range(int(args[2]), int(args[2]) + 2000):
    client.enqueue("%s", "a", "b", {"n": n})
os.kill(os.getpid(), signal.SIGKILL)
""" % SESSION

    def test_killed_processes_lose_nothing(self):
        collector = self.collector(lambda number: 503 if number % 3 == 0 else None)
        folder = self.folder()
        for first in (0, 2000, 4000):
            done = self.run_python(self.KILLED, collector.url, folder, str(first), check=False)
            self.assertEqual(-signal.SIGKILL, done.returncode, done.stderr)
        client = self.client(collector.url, spool=folder)
        self.assertGreater(client.stats().recovered, 0)
        self.assertTrue(client.close(120))
        self.assertEqual(list(range(6000)), numbers({e["event_id"]: e for e in collector.events}.values()))
        self.assertEqual([], [str(p) for p in pathlib.Path(folder).rglob("*.spool") if p.stat().st_size])

    def test_what_is_settled_is_not_sent_again(self):
        collector = self.collector()
        folder = self.folder()
        program = """
client = theeye.Client(args[0], "key", spool=args[1])
client.enqueue("%s", "a", "b", {"n": int(args[2])})
assert client.flush(120)
os._exit(0)
""" % SESSION
        for n in range(3):
            self.run_python(program, collector.url, folder, str(n))
        self.assertEqual([0, 1, 2], [e["data"]["n"] for e in collector.events])

    def test_damage_costs_what_is_damaged(self):
        folder = self.folder()
        spool = Spool(folder)
        for n in range(5):
            spool.append(spool.first + n, b'{"event_id":"%d","session_id":"","data":{"n":%d}}' % (n, n))
        spool.close()
        [path] = pathlib.Path(folder).rglob("*.spool")
        lines = path.read_bytes().split(b"\n")
        lines[1] = lines[1].replace(b'"n":1', b'"n":7')
        path.write_bytes(b"\n".join(lines[:4]) + b"\n" + lines[4][:20])  # the last one is cut
        spool = Spool(folder)
        self.assertEqual([0, 2, 3], [json.loads(e)["data"]["n"] for e in spool.recovered])
        self.assertEqual(len(lines[1]) + 1, spool.damaged)
        spool.close()
        log = Log()
        path = next(pathlib.Path(folder).rglob("*.spool"))
        path.write_bytes(b"nonsense\n" + path.read_bytes())
        collector = self.collector()
        client = self.client(collector.url, spool=folder, logger=log.logger)
        self.assertTrue(client.close(120))
        self.assertEqual([0, 2, 3], numbers(collector.events))
        self.assertEqual(["spool_damaged"], log.codes)

    def test_processes_share_a_folder(self):
        folder = self.folder()
        first = Spool(folder)
        first.append(first.first, b"1")
        second = Spool(folder)
        self.assertEqual([], second.recovered)
        second.append(second.first, b"2")
        self.assertEqual(["0", "1"], sorted(os.listdir(folder)))
        second.close()
        third = Spool(folder)  # takes the place of the second
        self.assertEqual([b"2"], third.recovered)
        first.close()
        third.close()
        fourth = Spool(folder)
        self.assertEqual([b"1", b"2"], fourth.recovered)
        fourth.settle_below(fourth.first + 2)
        fourth.close()
        self.assertEqual([], Spool(folder).recovered)

    @unittest.skipUnless(CAN_FORK, "this system cannot fork")
    def test_a_child_has_a_place_of_its_own(self):
        collector = self.collector()
        folder = self.folder()
        self.run_python("""
import signal
client = theeye.Client("http://127.0.0.1:9", "key", spool=args[1], max_wait=600)
client.enqueue("%s", "a", "b", {"n": 1})
pid = os.fork()
client.enqueue("%s", "a", "b", {"n": 2 if pid else 3})
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
assert sorted(os.listdir(args[1])) == ["0", "1"]
os._exit(0)
""" % (SESSION, SESSION), collector.url, folder)
        client = self.client(collector.url, spool=folder)
        self.assertTrue(client.close(120))
        self.assertEqual([1, 2, 3], numbers(collector.events))

    @unittest.skipUnless(CAN_FORK, "this system cannot fork")
    def test_a_child_does_not_hold_the_spool_of_its_parent(self):
        folder = self.folder()
        child = int(self.run_python("""
client = theeye.start("http://127.0.0.1:9", "key", spool=args[0], logger=theeye._client.logging.Logger("none", 100))
client.enqueue("%s", "a", "b", {"n": 1})
pid = os.fork()
if pid == 0:
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 2)
    import signal
    signal.pause()
print(pid, flush=True)
os._exit(0)  # as by a kill
""" % SESSION, folder).stdout)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        spool = Spool(folder)
        self.addCleanup(spool.close)
        self.assertEqual([1], [json.loads(e)["data"]["n"] for e in spool.recovered])

    def test_segments_go_when_their_events_are_settled(self):
        folder = self.folder()
        spool = Spool(folder)
        for n in range(200):  # 20 MB
            spool.append(spool.first + n, b"%05d" % n * 20_000)
            spool.settle_below(spool.first + max(n - 10, 0))
        size = sum(p.stat().st_size for p in pathlib.Path(folder).rglob("*.spool"))
        self.assertLess(size, 12 << 20)
        spool.close()
        self.assertEqual(11, len(Spool(folder).recovered))

    def test_a_spool_that_cannot_be_written(self):
        log = Log()
        file = os.path.join(self.folder(), "file")
        open(file, "w").close()
        collector = self.collector()
        client = self.client(collector.url, spool=file, logger=log.logger)
        self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
        self.assertTrue(client.close(120))
        self.assertEqual([1], numbers(collector.events))
        self.assertEqual(["spool_failed"], log.codes)

    def test_files_of_others_stay(self):
        folder = self.folder()
        spool = Spool(folder)
        spool.append(spool.first, b"event")
        spool.close()
        others = [os.path.join(folder, "0", name) for name in ("backup.spool", "-1.spool", "0" * 15 + "G.spool", "x")]
        for path in others:
            open(path, "w").close()
        self.assertEqual([b"event"], Spool(folder).recovered)
        for path in others:
            self.assertTrue(os.path.exists(path), path)

    def test_a_start_on_a_disk_that_is_full(self):
        folder = self.folder()
        spool = Spool(folder)
        for n in range(10):
            spool.append(spool.first + n, b"event %d" % n)
        other = Spool(folder)
        other.append(other.first, b"event 10")
        spool.close()
        other.close()

        def recovered():
            spool = Spool(folder)
            spool.close()
            return [int(e.split()[1]) for e in spool.recovered]

        write_all, room = _spool._write_all, 3

        def write(fd, record):
            nonlocal room
            room -= 1
            if room < 0:
                raise OSError("the disk is full")
            write_all(fd, record)

        with mock.patch.object(_spool, "_write_all", write):
            spool = Spool(folder)
            self.assertEqual([b"event %d" % n for n in range(11)], spool.recovered)
            self.assertEqual("the disk is full", spool.failure)
            room = 1000  # other files went
            spool._pause_until = 0
            self.assertTrue(spool.append(spool.first + 11, b"event 11"))
            spool.settle_below(spool.first + 5)
            os.close(spool._own.lock)  # a kill: what is settled is sent once more, and nothing is lost
            for folder_of_other in spool._others:
                folder_of_other.unlock()
        self.assertEqual(list(range(12)), sorted(recovered()))
        room = 3
        with mock.patch.object(_spool, "_write_all", write):
            spool = Spool(folder)
            room = 1000
            spool._pause_until = 0
            spool.append(spool.first + 12, b"event 12")
            spool.settle_below(spool.first + 12)
            spool.close()
        self.assertEqual([12], recovered())

    def test_a_disk_that_is_full_for_a_while(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("this system has no /dev/full")
        log = Log()
        folder = self.folder()
        collector = self.collector(lambda number: 503)
        client = self.client(collector.url, spool=folder, logger=log.logger, backoff_min=600, backoff_max=600)
        client.enqueue(*PAGEVIEW, {"n": 1})
        spool = client._spool
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, spool._fd)
        client.enqueue(*PAGEVIEW, {"n": 2})
        client.enqueue(*PAGEVIEW, {"n": 3})
        spool._pause_until = 1e-9  # the second is over
        client.enqueue(*PAGEVIEW, {"n": 4})
        os.dup2(full, spool._fd)
        client.enqueue(*PAGEVIEW, {"n": 5})
        self.assertFalse(client.close(0.01))  # which writes what the disk did not take
        self.assertEqual((5, 0), (client.stats().queued, client.stats().dropped))
        spool = Spool(folder)
        self.assertEqual([1, 4, 2, 3, 5], [json.loads(e)["data"]["n"] for e in spool.recovered])
        spool.close()
        client = self.client(collector.url, spool=folder, logger=log.logger, backoff_min=600, backoff_max=600)
        with mock.patch.object(_spool, "_write_all", LimitedDisk(0).write):
            client.enqueue(*PAGEVIEW, {"n": 6})
            self.assertFalse(client.close(0.01))
        stats = client.stats()
        self.assertEqual((5, 1, 5), (stats.queued, stats.dropped_closed, stats.recovered))
        self.assertEqual(["spool_failed", "left_behind", "spool_failed", "left_behind"], log.codes)

    def test_a_record_that_a_full_disk_cuts_costs_itself_alone(self):
        folder = self.folder()
        spool = Spool(folder)
        first = spool.first
        with mock.patch.object(_spool, "_write_all", LimitedDisk(10).write):
            self.assertRaises(OSError, spool.append, first, b"cut")
            self.assertFalse(spool.append(first + 1, b"not tried"))
        spool.resume()
        self.assertTrue(spool.append(first + 2, b"event 2"))
        os.close(spool._own.lock)  # a kill
        spool = Spool(folder)
        spool.close()
        self.assertEqual(([b"event 2"], 0), (spool.recovered, spool.damaged))

    def test_a_segment_goes_on_after_a_record_that_failed(self):
        folder = self.folder()
        spool = Spool(folder)
        first = spool.first
        for n in range(2):
            spool.append(first + n, b"event %d" % n)
        spool._end_segment()  # as one that is full
        spool.settle_below(first + 1)  # begins the next one
        with mock.patch.object(_spool, "_write_all", LimitedDisk(0).write):
            self.assertRaises(OSError, spool.append, first + 2, b"lost")
        spool.resume()
        self.assertTrue(spool.append(first + 3, b"event 3"))
        os.close(spool._own.lock)  # a kill
        spool = Spool(folder)
        spool.close()
        self.assertEqual([b"event 1", b"event 3"], spool.recovered)  # what was settled stays so

    def test_the_events_that_a_disk_did_not_take(self):
        spool = Spool(self.folder())
        first = spool.first
        written = [True, False, False, True, False, True, True, False]
        for n, ok in enumerate(written):
            spool.resume()
            if ok:
                spool.append(first + n, b"event")
            else:
                with mock.patch.object(_spool, "_write_all", LimitedDisk(0).write):
                    self.assertRaises(OSError, spool.append, first + n, b"event")
        self.assertEqual(written, [not spool.lacks(first + n) for n in range(8)])
        self.assertEqual(3, len(spool._lacking))
        spool.settle_below(first + 5)
        self.assertEqual(written[5:], [not spool.lacks(first + n) for n in range(5, 8)])
        self.assertEqual(1, len(spool._lacking))
        spool.close()

    def test_a_file_system_without_locks(self):
        log = Log()
        folder = self.folder()
        collector = self.collector()
        with mock.patch.object(_spool, "_lock", side_effect=OSError(errno.ENOLCK, "No locks available")):
            client = self.client(collector.url, spool=folder, logger=log.logger)
            self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
        self.assertTrue(client.close(120))
        self.assertEqual(([1], ["spool_failed"]), (numbers(collector.events), log.codes))
        self.assertEqual(["0"], os.listdir(folder))

    def test_a_folder_of_another_user_is_left_alone(self):
        folder = self.folder()
        spools = [Spool(folder) for _ in range(2)]
        for n, spool in enumerate(spools):
            spool.append(spool.first, b"event %d" % n)
            spool.close()
        os_open = os.open

        def open_own(path, *args):
            if path == os.path.join(folder, "0", "lock"):
                raise PermissionError(errno.EACCES, "Permission denied")
            return os_open(path, *args)

        with mock.patch.object(os, "open", open_own):
            spool = Spool(folder)
        spool.close()
        self.assertEqual([b"event 1"], spool.recovered)

    def test_more_processes_than_folders(self):
        folder = self.folder()
        with mock.patch.object(_spool, "MAX_FOLDERS", 2):
            spools = [Spool(folder) for _ in range(2)]
            with self.assertRaisesRegex(OSError, "none of 2 folders"):
                Spool(folder)
        for spool in spools:
            spool.close()

    def test_an_event_that_the_client_did_not_write(self):
        folder = self.folder()
        spool = Spool(folder)
        spool.append(spool.first, b"7")
        spool.close()
        collector = self.collector(lambda number: 400)
        refused = []
        client = self.client(collector.url, spool=folder, on_refused=refused.extend)
        self.assertTrue(client.close(120))
        self.assertEqual([("", b"7")], [(r.event_id, r.event) for r in refused])


class TestAsync(TestCase):
    def test_flush_and_close_do_not_block_the_loop(self):
        release = threading.Event()
        collector = self.collector(lambda number: release.wait(240) and None)

        async def run():
            async with theeye.AsyncClient(collector.url, "key", max_wait=0.01) as client:
                client.enqueue(*PAGEVIEW, {"n": 1})
                flush = asyncio.ensure_future(client.flush(120))
                late = await client.flush(0.01)
                self.assertFalse(flush.done())
                release.set()
                sent = await flush
                client.enqueue(*PAGEVIEW, {"n": 2})
                closed = await client.close(120)
                again = await client.close(120)
                return late, sent, closed, again, await client.flush()

        self.assertEqual((False, True, True, True, True), asyncio.run(run()))
        self.assertEqual([1, 2], numbers(collector.events))

    def test_close_at_its_deadline(self):
        async def run():
            client = theeye.AsyncClient("http://127.0.0.1:9", "key", backoff_min=600, backoff_max=600)
            client.enqueue(*PAGEVIEW)
            return await client.close(0.05), client.stats().dropped_closed

        with self.assertLogs("theeye", "WARNING"):
            self.assertEqual((False, 1), asyncio.run(run()))


class TestUse(TestCase):
    def test_whatever_is_passed(self):
        collector = self.collector()
        log = Log()
        client = self.client(collector.url, logger=log.logger)

        class Bad:
            def __str__(self):
                raise RuntimeError("no text")

            __repr__ = __hash__ = __str__

        for value in (None, 1, 1.5, True, b"x", [], {}, object(), Bad(), float("nan"), "x" * 3_000_000, "\ud800", 10 ** 5000):
            client.enqueue(value, "a", "b", {"n": 0})
            client.enqueue(SESSION, value, "b", {"n": 0})
            client.enqueue(SESSION, "a", value, {"n": 0})
            client.enqueue(SESSION, "a", "b", value)
            client.enqueue(SESSION, "a", "b", {"n": 0, "x": value})
            client.enqueue(SESSION, "a", "b", {"n": 0}, timestamp=value)
            client.enqueue(SESSION, "a", "b", {"n": 0}, event_id=value)
            client.enqueue(SESSION, "a", "b", {"n": 0}, schema_version=value)
        client.enqueue()
        client.enqueue(SESSION, "a", "b", {(1, 2): 1})
        self.assertTrue(client.close(120))
        stats = client.stats()
        self.assertEqual(13 * 8 + 2, stats.enqueued)
        self.assertEqual(stats.enqueued, stats.accepted + stats.dropped)
        self.assertEqual(len(collector.events), stats.accepted)
        self.assertEqual({"unserialisable", "too_large", "invalid_event"}, set(log.codes))
        self.assertEqual(3, len(log.codes))

    def test_common_types(self):
        import collections
        import datetime
        import decimal
        import types
        import uuid

        collector = self.collector()
        client = self.client(collector.url)
        zone = datetime.timezone(datetime.timedelta(hours=2))
        at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, zone)
        client.enqueue(uuid.UUID(SESSION), "a", "b", types.MappingProxyType({
            "at": at, "day": at.date(), "id": uuid.UUID(SESSION), "price": decimal.Decimal("1.50"), "list": (1, 2),
            "ordered": collections.OrderedDict(x=1), 5: None, "big": 10 ** 30,
        }), timestamp=at)
        self.assertTrue(client.flush(120))
        [event] = collector.events
        self.assertEqual(SESSION, event["session_id"])
        self.assertEqual("2026-01-02T01:04:05.000678Z", event["timestamp"])
        self.assertEqual({
            "at": "2026-01-02T01:04:05.000678Z", "day": "2026-01-02", "id": SESSION, "price": "1.50", "list": [1, 2],
            "ordered": {"x": 1}, "5": None, "big": 10 ** 30,
        }, event["data"])

    def test_depth(self):
        client = self.client("http://127.0.0.1:9", backoff_min=600, backoff_max=600, logger=Log().logger)
        for levels, taken in ((32, True), (33, False), (100_000, False)):
            data = {"[{": '"{[\\'}
            for _ in range(levels - 1):
                data = {"x": data}
            self.assertEqual(taken, client.enqueue(*PAGEVIEW, data), levels)
        wide = {"x": [{"y": ["[{]"]} for _ in range(1000)]}
        self.assertTrue(client.enqueue(*PAGEVIEW, wide))

    def test_settings(self):
        with self.assertRaises(theeye.SettingsError) as caught:
            theeye.Client("ftp://secret@x", "", batch_events=5000, max_wait=-1, queue_bytes="1", on_refused=5)
        text = str(caught.exception)
        for part in ("url must", "write_key", "batch_events", "max_wait", "queue_bytes", "on_refused"):
            self.assertIn(part, text)
        self.assertNotIn("secret", text)
        # A time that no socket takes would fail in each request.
        times = ("max_wait", "request_timeout", "backoff_min", "backoff_max", "retry_after_max", "exit_timeout")
        for value in (float("inf"), float("nan"), 1e300, 10**400):
            with self.assertRaises(theeye.SettingsError) as caught:
                theeye.Client("http://x", "key", **{name: value for name in times})
            for name in times:
                self.assertIn(name, str(caught.exception))
        collector = self.collector()
        client = self.client(collector.url, max_wait=1e9, request_timeout=1e6, backoff_max=1e9, retry_after_max=1e9)
        self.assertTrue(client.enqueue(*PAGEVIEW, {"n": 1}))
        self.assertTrue(client.close(120))
        self.assertEqual([1], numbers(collector.events))
        for url in ("http://x:99999999", "http://[::1", "x", "http://x?y", "https://user@x", 5, "http://a b"):
            with self.assertRaises(theeye.SettingsError):
                theeye.Client(url, "key")

    def test_times_have_microseconds(self):
        from theeye._event import encode_event

        for event_id in (None, "a"):
            text, fault = encode_event(*PAGEVIEW, {}, None, event_id, None, 1_790_000_000_123_456_789)
            self.assertEqual(("2026-09-21T14:13:20.123456Z", ""), (json.loads(text)["timestamp"], fault))

    def test_the_time_of_day_of_ids(self):
        from theeye._event import new_id

        ids = [new_id(1_790_000_000_123_456_789) for _ in range(1000)]
        self.assertEqual(1000, len(set(ids)))
        for i in ids:
            self.assertRegex(i, re.compile("^01a0c450-6c7b-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"))


if __name__ == "__main__":
    unittest.main()
