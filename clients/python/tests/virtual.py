"""A clock that moves when every thread waits, and a transport that a test answers.

The client runs with its real thread and its real lock. A thread counts as working from the call
that starts or wakes it until it waits again, so nothing depends on the load of the machine.
"""

import json
import gzip
import threading
import time

from theeye._answer import Answer
from theeye._runtime import Runtime

PATIENCE = 10  # seconds of the real clock after which a test has failed


class Finished(BaseException):
    """Ends the threads of a case that is over, as the end of a process does."""


class Virtual:
    """The virtual time, in milliseconds since the start of a case."""

    def __init__(self, numbers=()):
        self.changed = threading.Condition()
        self.now = 0.0
        self.base = 1_790_000_000_000  # milliseconds since 1970
        self.working = 0
        self.sleepers = []
        self.numbers = list(numbers)
        self.finished = False

    def finish(self):
        """End every thread."""
        with self.changed:
            self.finished = True
            self.changed.notify_all()

    def settle(self):
        """Wait until no thread works."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.working == 0, PATIENCE):
                raise AssertionError("threads do not come to rest")

    def advance_to(self, moment):
        """Let everything happen up to a moment."""
        while True:
            self.settle()
            with self.changed:
                ready = [s for s in self.sleepers if s.until <= moment]
                if not ready:
                    self.now = moment
                    return
                first = min(ready, key=lambda s: s.until)
                self.now = max(self.now, first.until)
                self.release(first)

    def release(self, sleeper):
        """Let a waiting thread work; self.changed is held."""
        self.sleepers.remove(sleeper)
        sleeper.until = None
        self.working += 1
        self.changed.notify_all()

    def start(self, run):
        with self.changed:
            self.working += 1

        def work():
            try:
                run()
            except Finished:
                pass
            finally:
                with self.changed:
                    self.working -= 1
                    self.changed.notify_all()

        threading.Thread(target=work, daemon=True).start()


class VirtualWaker:
    def __init__(self, virtual):
        self.virtual = virtual
        self.token = False
        self.until = None  # of a thread that waits

    def wake(self):
        with self.virtual.changed:
            if self.until is not None:
                self.virtual.release(self)
            else:
                self.token = True

    def wait(self, timeout):
        v = self.virtual
        with v.changed:
            if self.token:
                self.token = False
                return
            self.until = round(v.now + timeout * 1000, 6)
            v.sleepers.append(self)
            v.working -= 1
            v.changed.notify_all()
            v.changed.wait_for(lambda: self.until is None or v.finished)
            if v.finished:
                raise Finished
            self.token = False


class VirtualRuntime(Runtime):
    def __init__(self, virtual):
        super().__init__()
        self.virtual = virtual
        self.now_ns = lambda: int((virtual.base + virtual.now) * 1_000_000)
        self.monotonic = lambda: virtual.now / 1000

    def random(self):
        return self.virtual.numbers.pop(0) if self.virtual.numbers else 0.5

    def new_waker(self):
        return VirtualWaker(self.virtual)

    def start_thread(self, run, name):
        self.virtual.start(run)
        return True


class Request:
    """A request that a client makes."""

    def __init__(self, virtual, body, compressed, timeout):
        self.at = virtual.now
        self.timeout = timeout
        self.encoding = "gzip" if compressed else "identity"
        self.body = json.loads(gzip.decompress(body) if compressed else body)
        self.events = self.body["events"]
        self.answer = None  # an Answer, or an exception
        self.waker = VirtualWaker(virtual)


class VirtualTransport:
    def __init__(self, virtual):
        self.virtual = virtual
        self.open = []  # requests that were not looked at

    def send(self, body, compressed, timeout):
        request = Request(self.virtual, body, compressed, timeout)
        self.open.append(request)
        started = self.virtual.now
        while request.answer is None:
            left = started + timeout * 1000 - self.virtual.now
            if left <= 0:
                raise OSError("timed out")
            request.waker.wait(left / 1000)
        if isinstance(request.answer, Answer):
            return request.answer
        raise request.answer

    def abort(self):
        pass

    def close(self):
        pass
