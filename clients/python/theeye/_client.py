"""The client: its queue, and the thread that sends what is in it."""

from __future__ import annotations

import atexit
import collections
import dataclasses
import gzip
import json
import logging
import os
import sys
import threading
import weakref
from typing import Any, Callable, Deque, Final, List, NamedTuple, Optional, Tuple

from . import _answer, _report
from ._answer import Failure, Result
from ._event import Timestamp, Unsendable, encode_event, format_ns
from ._http import HTTPTransport, Transport
from ._report import Dropped, Refused, Reports, Stats, log_message
from ._runtime import FOREVER, Runtime, Waker
from ._settings import Settings, default_url
from ._spool import Spool

INBOX = 64  # events that may wait in the inbox
LARGE = 8192  # bytes of an event that does not wait there
SLACK = 1e-6  # seconds that a moment may be early: sums of floats are


# An event in the queue: its number; when it was enqueued, by the monotonic clock; its text. A named
# tuple takes five times as long to make.
Item = Tuple[int, float, bytes]
SEQ: Final = 0
AT: Final = 1
TEXT: Final = 2

# An event on its way into the queue: when it was enqueued, its text, and what is wrong with it.
Arrival = Tuple[float, bytes, str]


class _Waiter(NamedTuple):
    """A flush that waits until every event below seq is settled; or a close, which waits for the end."""

    seq: float
    finish: Callable[[], None]


class _Guard:
    """The lock of a client, held while what it guards is changed. A thread that holds it may be
    interrupted by a call of its own, as in a signal handler, which gets the lock, too."""

    def __init__(self, client: "Core") -> None:
        self._client = client
        self._nested: List[bool] = []

    def __enter__(self) -> None:
        nested = self._client._holds_lock()
        self._client._lock.acquire()
        self._nested.append(nested)

    def is_nested(self) -> bool:
        """Report whether this interrupts a holder of the lock. It must not wait then: the thread
        that it would wait for needs the lock. Nor may it move events, which may be what it
        interrupts: the holder looks for them when it leaves."""
        return bool(self._nested) and self._nested[-1]

    def __exit__(self, *exc: object) -> None:
        if self._nested.pop():
            self._client._lock.release()
        else:
            self._client._leave()


class Core:
    """What Client and AsyncClient share. See Client for the settings.

    enqueue puts an event into an inbox, which takes no lock. Whoever holds the lock next moves
    the events to the queue: mostly the client's thread, but the caller where the thread sleeps or
    the inbox has no room. So enqueue waits for no other thread, and may interrupt itself, as in
    a signal handler. With a spool each call moves its event, which writes it.
    """

    def __init__(
        self, url: Optional[str] = None, write_key: Optional[str] = None, *,
        batch_events: int = 500, batch_bytes: int = 1 << 20, max_wait: float = 1.0, gzip_from: int = 1024,
        queue_events: int = 100_000, queue_bytes: int = 64 << 20, spool: "Optional[os.PathLike[str] | str]" = None,
        request_timeout: float = 30.0, backoff_min: float = 1.0, backoff_max: float = 60.0,
        retry_after_max: float = 3600.0, exit_timeout: float = 5.0,
        on_accepted: Optional[Callable[[List[str]], object]] = None,
        on_refused: Optional[Callable[[List[Refused]], object]] = None,
        on_dropped: Optional[Callable[[Dropped], object]] = None,
        logger: Optional[logging.Logger] = None,
        _runtime: Optional[Runtime] = None, _transport: Optional[Transport] = None,
    ) -> None:
        self._settings = Settings(
            url=url or default_url(), write_key=write_key or os.environ.get("EYE_WRITE_KEY") or "",
            batch_events=batch_events, batch_bytes=batch_bytes, max_wait=max_wait, gzip_from=gzip_from,
            queue_events=queue_events, queue_bytes=queue_bytes, spool=os.fspath(spool or ""),
            request_timeout=request_timeout, backoff_min=backoff_min, backoff_max=backoff_max,
            retry_after_max=retry_after_max, exit_timeout=exit_timeout,
            on_accepted=on_accepted, on_refused=on_refused, on_dropped=on_dropped,
            logger=logger or logging.getLogger("theeye"),
        )
        self._runtime = _runtime or Runtime()
        self._now_ns, self._monotonic = self._runtime.now_ns, self._runtime.monotonic
        self._transport = _transport or HTTPTransport(self._settings.url, self._settings.write_key)
        self._closing = False
        self._ended = False
        self._generation = 0
        self._reset()
        _clients.add(self)
        if self._settings.spool:
            with self._guard:
                self._open_spool()

    def _reset(self) -> None:
        """Begin without events, in a new process or at the start."""
        self._lock = threading.RLock()  # guards all below, but for the inbox
        self._guard = _Guard(self)
        self._inbox: Deque[Arrival] = collections.deque()
        self._inbox_room = 1  # events that it may hold
        self._queue: Deque[Item] = collections.deque()
        self._queue_bytes = 0
        self._next = 0  # seq of the next event
        self._away: List[Item] = []  # the events under way
        self._away_bytes = 0
        self._due = 0  # the first event that need not be sent before a batch is full
        self._stats = Stats()
        self._reports = Reports()
        self._waiters: List[_Waiter] = []
        self._spool: Optional[Spool] = None
        self._spool_opened = not self._settings.spool
        self._deadline: Optional[float] = None  # of close
        self._all_sent = True  # what close returns
        self._waker: Waker = self._runtime.new_waker()
        self._awaits_events = False  # the thread is to be woken by what fills a batch
        self._running = False  # the thread was started
        self._reporting = False
        self._in_callback: Optional[int] = None  # the thread that runs one
        # What the thread knows of the requests so far.
        self._failures = 0  # in a row
        self._next_attempt = 0.0
        self._asked = False  # the answer asked for the wait
        self._limit = self._settings.batch_events  # of a batch, after one that could not be read
        self._series_of_close = False
        self._plain = False  # gzip is not taken

    # Calls of the site.

    def enqueue(
        self, session_id: Any = None, category: Any = None, name: Any = None, data: Any = None, *,
        timestamp: Optional[Timestamp] = None, event_id: Optional[str] = None, schema_version: Optional[int] = None,
    ) -> bool:
        """Take an event to be sent, and return at once; False says that it is dropped.

        session_id is a UUID, of the class or as text, that the site makes for a visit and sends
        with all its events. category and name are the type, 1 to 200 characters each. data is a
        mapping that can be written as JSON: of texts, numbers, booleans, None, lists, mappings,
        and dates, UUIDs and decimals, which become texts. It is encoded before the return.
        timestamp is when it happened, by default now; a datetime without a zone is local time.
        event_id identifies the event within the application; by default a new UUID of version 7.

        No value that is passed raises an exception. What the collector will reject is sent, so
        that it can be found there, and reported once in the log. Threads may share a client.
        """
        try:
            text, fault = encode_event(
                session_id, category, name, data, timestamp, event_id, schema_version, self._now_ns()
            )
        except Unsendable as e:
            return self._drop_call(e.reason, str(e))
        except Exception as e:  # a fault of this client
            return self._drop_call(_report.UNEXPECTED, repr(e))
        try:
            if self._closing:
                return self._drop_call(_report.CLOSED, "")
            self._inbox.append((self._monotonic(), text, fault))
            if len(self._inbox) >= self._inbox_room or len(text) > LARGE or fault:
                # With a spool the event must be written before the return. A call that
                # interrupts a holder of the lock leaves the event to it.
                if not self._holds_lock() and self._lock.acquire(not self._spool_opened or self._spool is not None):
                    self._leave()
        except Exception as e:
            log_message(self._settings.logger, _report.UNEXPECTED, repr(e))
            return False
        return True

    def stats(self) -> Stats:
        """Return the counts. In the handler of a signal that interrupts another call of this
        client, they lack what that call is about to count."""
        with self._guard:
            self._take_arrivals()
            return dataclasses.replace(
                self._stats,
                queued=len(self._queue) + len(self._away), queued_bytes=self._queue_bytes + self._away_bytes,
            )

    def __repr__(self) -> str:
        return "<%s of %s>" % (type(self).__name__, self._settings.url)

    # The way into the queue.

    def _holds_lock(self) -> bool:
        """Report whether this thread holds the lock."""
        return bool(self._lock._is_owned())  # type: ignore[attr-defined]  # as threading.Condition asks

    def _leave(self) -> None:
        """Move what is in the inbox to the queue, and release the lock. Another thread that did
        not get the lock relies on this: it looks at the inbox once more after the release. So
        does a call that interrupted the holder of the lock."""
        while True:
            try:
                self._take_arrivals()
            finally:
                self._lock.release()
            if not self._running and not self._ended:
                self._start_thread()
            if not self._inbox or not self._lock.acquire(False):
                return

    def _take_arrivals(self) -> None:
        """Move what is in the inbox to the queue, unless this interrupts such a move; the lock is
        held."""
        inbox, queue = self._inbox, self._queue
        if not inbox or self._guard.is_nested():
            return
        before = len(queue)
        taken = 0
        try:
            if not self._spool_opened:
                self._open_spool()
            spooled = self._spool is not None
            # What _is_over looks at: the lock is held, so no batch leaves or comes back.
            most = self._settings.queue_events - len(self._away)
            most_bytes = self._settings.queue_bytes - self._away_bytes
            while inbox:
                at, text, fault = inbox.popleft()
                taken += 1
                if self._ended:
                    self._count_drop(_report.CLOSED, text)
                    continue
                if fault and self._reports.add_message(_report.INVALID_EVENT, fault):
                    self._waker.wake()
                if spooled:
                    self._write_spool(self._next, text)
                queue.append((self._next, at, text))
                self._next += 1
                self._queue_bytes += len(text)
                if len(queue) > most or self._queue_bytes > most_bytes:
                    self._drop_oldest()
        finally:
            self._stats.enqueued += taken
            settings = self._settings
            if self._awaits_events and (
                not before or len(queue) >= settings.batch_events or self._queue_bytes >= settings.batch_bytes
            ):
                self._awaits_events = False
                self._waker.wake()
            self._size_inbox()

    def _is_over(self) -> bool:
        """Report whether the bounds of the queue are passed."""
        return (
            len(self._queue) + len(self._away) > self._settings.queue_events
            or self._queue_bytes + self._away_bytes > self._settings.queue_bytes
        )

    def _size_inbox(self) -> None:
        """Set how many events the inbox may hold before a call moves them; the lock is held."""
        if self._spool is not None or not self._spool_opened or not self._running:
            self._inbox_room = 1
        elif self._awaits_events:
            missing = self._settings.batch_events - len(self._queue) if self._queue else 1
            self._inbox_room = max(min(missing, INBOX), 1)
        else:
            self._inbox_room = INBOX

    def _drop_oldest(self) -> None:
        """Drop the oldest events, those under way excepted, until the rest has room."""
        while self._queue and self._is_over():
            item = self._queue.popleft()
            self._queue_bytes -= len(item[TEXT])
            self._count_drop(_report.QUEUE_FULL, item[TEXT])
        if not self._away:
            self._settle_spool()

    def _count_drop(self, reason: str, text: bytes, detail: str = "") -> None:
        """Count an event that is dropped; the lock is held."""
        self._stats.count_drop(reason)
        new = self._reports.add_message(reason, detail)
        if self._settings.on_dropped is not None:
            self._reports.add_drop(reason, text)
        if new or self._settings.on_dropped is not None:
            self._waker.wake()

    def _drop_call(self, reason: str, detail: str) -> bool:
        """Count a call whose event is not taken."""
        try:
            with self._guard:
                if self._closing:
                    reason, detail = _report.CLOSED, ""
                self._stats.enqueued += 1
                if reason == _report.UNEXPECTED:
                    self._reports.add_message(reason, detail)
                    reason, detail = "unserialisable", detail
                self._count_drop(reason, b"", detail)
            if self._ended:
                self._report_late()
        except Exception as e:
            log_message(self._settings.logger, _report.UNEXPECTED, repr(e))
        return False

    # The spool.

    def _open_spool(self) -> None:
        """Open the spool, and take the events in it."""
        self._spool_opened = True
        try:
            spool = Spool(self._settings.spool)
        except OSError as e:
            self._reports.add_message(_report.SPOOL_FAILED, str(e))
            return
        self._spool = spool
        self._next = spool.first
        for text in spool.recovered:
            self._queue.append((self._next, 0.0, text))
            self._next += 1
            self._queue_bytes += len(text)
        self._stats.recovered += len(spool.recovered)
        spool.recovered = []
        self._due = self._next
        self._drop_oldest()
        if spool.failure:
            self._reports.add_message(_report.SPOOL_FAILED, spool.failure)
        if spool.damaged:
            self._reports.add_message(_report.SPOOL_DAMAGED, "%d bytes" % spool.damaged)

    def _write_spool(self, number: int, text: bytes) -> bool:
        """Write an event into the spool, and return whether it is there."""
        try:
            return self._spool is not None and self._spool.append(number, text)
        except OSError as e:
            if self._reports.add_message(_report.SPOOL_FAILED, str(e)):
                self._waker.wake()
            return False

    def _settle_spool(self) -> None:
        if self._spool is not None:
            self._spool.settle_below(self._settled_below())

    def _settled_below(self) -> int:
        """Return the number below which every event is settled; the lock is held."""
        if self._away:
            return self._away[0][SEQ]
        return self._queue[0][SEQ] if self._queue else self._next

    # The thread.

    def _start_thread(self) -> None:
        """Start the thread when there is something for it to do."""
        with self._lock:  # not the guard, whose end comes here
            idle = not self._queue and self._reports.is_empty() and not self._waiters
            if self._running or self._ended or idle:
                return
            self._running = True
            generation = self._generation
        if not self._runtime.start_thread(lambda: self._run(generation), "theeye"):
            self._running = False
            return
        _close_at_end_of_child(self)

    def _run(self, generation: int) -> None:
        """Form and send batches until the client is closed. After a fork, which a callback may
        do, the thread is the child's main one, and the client begins anew there."""
        while generation == self._generation and not self._ended:
            try:
                self._deliver_reports(generation)
                if generation != self._generation or not self._take_step():
                    return
            except Exception as e:  # a fault of this client: the events stay
                log_message(self._settings.logger, _report.UNEXPECTED, repr(e))
                with self._guard:
                    self._put_back()
                self._waker.wait(self._settings.backoff_max)

    def _take_step(self) -> bool:
        """Send a batch, or wait for the moment of the next; False is the end."""
        now = self._monotonic()
        batch: List[Item] = []
        with self._guard:
            self._take_arrivals()
            self._release_waiters()
            wait, end = self._time_to_batch(now)
            if not end and wait <= SLACK:
                batch = self._take_batch()
            # Nothing is sent before the next attempt, whatever comes.
            self._awaits_events = not batch and self._next_attempt <= now + SLACK
            self._size_inbox()
            waker = self._waker
        if end:
            self._finish()
        elif batch:
            self._send_batch(batch)
        else:
            waker.wait(wait)
        return not end

    def _time_to_batch(self, now: float) -> Tuple[float, bool]:
        """Return how many seconds there is nothing to send, and whether the client has ended;
        the lock is held."""
        settings = self._settings
        if self._closing and not self._series_of_close:
            self._series_of_close = True
            self._failures = 0
            if not self._asked:
                self._next_attempt = 0.0
        if self._ended or not self._queue:
            return FOREVER, self._ended or self._closing
        wait = self._next_attempt - now
        if wait > SLACK:
            late = self._closing and self._deadline is not None and self._next_attempt > self._deadline
            return wait, late
        first = self._queue[0]
        if (
            first[SEQ] < self._due
            or self._closing
            or len(self._queue) >= settings.batch_events
            or self._queue_bytes >= settings.batch_bytes
        ):
            return 0.0, False
        return max(first[AT] + settings.max_wait - now, 0.0), False

    def _take_batch(self) -> List[Item]:
        """Take the oldest events, within the bounds but one at least; the lock is held."""
        most, room = min(self._settings.batch_events, self._limit), self._settings.batch_bytes
        batch: List[Item] = []
        while self._queue and len(batch) < most and (not batch or len(self._queue[0][TEXT]) <= room):
            item = self._queue.popleft()
            batch.append(item)
            room -= len(item[TEXT])
        self._away = batch
        self._away_bytes = sum(len(item[TEXT]) for item in batch)
        self._queue_bytes -= self._away_bytes
        return batch

    def _send_batch(self, batch: List[Item]) -> None:
        """Make one request, and do what its answer means."""
        generation = self._generation
        body, compressed = self._encode_body(batch)
        timeout = self._settings.request_timeout
        if self._deadline is not None:
            timeout = max(min(timeout, self._deadline - self._monotonic()), 0.001)
        try:
            try:
                answer = self._transport.send(body, compressed, timeout)
            except Exception as e:  # OSError, mostly: no answer, whatever the reason
                raise Failure(_answer.UNAVAILABLE, detail="%s: %s" % (type(e).__name__, e)) from e
            results = _answer.read_answer(answer, len(batch), self._now_ns() / 1e9)
        except Failure as failure:
            self._handle_failure(batch, failure, compressed, generation)
            return
        with self._guard:
            self._failures, self._next_attempt, self._asked = 0, 0.0, False
            self._limit = min(2 * self._limit, self._settings.batch_events)
            self._reports.forget_message(_report.UNAUTHORIZED)
            self._reports.forget_message(_report.NOT_THE_EYE)
            self._stats.last_failure = ""
        self._complete_batch(batch, results, generation)

    def _encode_body(self, batch: List[Item]) -> Tuple[bytes, bool]:
        body = b'{"sent_at":"%s","events":[%s]}' % (
            format_ns(self._now_ns()).encode(), b",".join([item[TEXT] for item in batch])
        )
        if self._plain or self._settings.gzip_from <= 0 or len(body) < self._settings.gzip_from:
            return body, False
        return gzip.compress(body, 1), True

    def _complete_batch(self, batch: List[Item], results: List[Result], generation: int) -> None:
        """Count and report the events of a batch, each of which has a result."""
        settings = self._settings
        accepted = [item for item, r in zip(batch, results) if not r.refused]
        refused = [
            Refused(_read_id(item[TEXT]), r.code, r.message, item[TEXT]) for item, r in zip(batch, results) if r.refused
        ]
        with self._guard:
            if generation != self._generation or self._ended:
                return  # close has given the events up
            self._take_arrivals()  # while the batch still counts in the queue
            self._stats.requests += 1
            self._stats.accepted += len(accepted)
            self._stats.refused += len(refused)
            self._away, self._away_bytes = [], 0
            self._settle_spool()
            if refused:
                self._reports.add_message(_report.REFUSED, "%s: %s" % (refused[0].code, refused[0].message))
        if accepted and settings.on_accepted is not None:
            ids, on_accepted = [_read_id(item[TEXT]) for item in accepted], settings.on_accepted
            self._call_back(lambda: on_accepted(ids))
        if refused and settings.on_refused is not None:
            on_refused = settings.on_refused
            self._call_back(lambda: on_refused(refused))

    def _handle_failure(self, batch: List[Item], failure: Failure, compressed: bool, generation: int) -> None:
        """Do what an answer without results means."""
        if failure.kind == _answer.UNREADABLE:
            # One event that cannot be read must not take the others with it.
            if compressed and failure.status == 415:
                self._plain = True
            elif len(batch) > 1:
                self._limit = len(batch) // 2
            else:
                code = failure.code or "status_%d" % failure.status
                self._complete_batch(batch, [Result(True, code, failure.detail or str(failure))], generation)
                return
        with self._guard:
            if generation != self._generation or self._ended:
                return
            self._take_arrivals()
            if failure.kind != _answer.UNREADABLE:
                self._postpone(failure)
            self._put_back()
            self._stats.requests += 1
            self._stats.failed_requests += 1
            self._stats.last_failure = str(failure)
            if failure.kind == _answer.UNAUTHORIZED:
                self._reports.add_message(_report.UNAUTHORIZED, str(failure))
            elif failure.kind == _answer.NOT_THE_EYE:
                self._reports.add_message(_report.NOT_THE_EYE, str(failure))

    def _postpone(self, failure: Failure) -> None:
        """Set the time of the next attempt: at least what the answer asks for, and a random
        part, so that clients do not come back all at once."""
        settings = self._settings
        base = min(settings.backoff_min * 2.0 ** min(self._failures, 60), settings.backoff_max)
        self._failures += 1
        after = min(failure.retry_after, settings.retry_after_max)
        self._asked = after > 0
        self._next_attempt = self._monotonic() + max(after, base / 2) + self._runtime.random() * base / 2

    def _put_back(self) -> None:
        """Return the events under way to the head of the queue, to be sent without waiting for
        others; the lock is held."""
        if self._away:
            self._due = max(self._due, self._away[-1][SEQ] + 1)
            self._queue.extendleft(reversed(self._away))
            self._queue_bytes += self._away_bytes
            self._away, self._away_bytes = [], 0

    # Reports.

    def _deliver_reports(self, generation: int) -> None:
        """Log the messages and call on_dropped, until nothing waits."""
        while generation == self._generation:
            with self._guard:
                messages, drops = self._reports.take_pending()
            if not messages and not drops:
                return
            for code, detail in messages:
                log_message(self._settings.logger, code, detail)
            on_dropped = self._settings.on_dropped
            for dropped in drops:
                if on_dropped is not None:
                    call = on_dropped
                    self._call_back(lambda: call(dropped))

    def _call_back(self, call: Callable[[], object]) -> None:
        """Call a function of the site. Its exception is a message."""
        self._in_callback = threading.get_ident()
        try:
            call()
        except Exception as e:
            with self._guard:
                self._reports.add_message(_report.CALLBACK_FAILED, repr(e)[:500])
        finally:
            self._in_callback = None

    def _report_late(self) -> None:
        """Report what happens after the end."""
        with self._guard:
            if self._reporting or self._reports.is_empty():
                return
            self._reporting = True

        def deliver() -> None:
            while True:
                self._deliver_reports(self._generation)
                with self._guard:
                    if self._reports.is_empty():
                        self._reporting = False
                        return

        if not self._runtime.start_thread(deliver, "theeye-reports"):
            deliver()

    # Waiting, and the end.

    def _release_waiters(self) -> None:
        """End the calls of flush whose events are settled; the lock is held."""
        if not self._waiters:
            return
        below = float("inf") if self._ended else self._settled_below()
        done = [w for w in self._waiters if w.seq <= below]
        self._waiters = [w for w in self._waiters if w.seq > below]
        for w in done:
            w.finish()

    def _begin_flush(self, finish: Callable[[], None]) -> Optional[bool]:
        """Have finish called when every event so far is settled, and return None; or return what
        flush does."""
        if self._in_callback == threading.get_ident():
            return False  # this thread would wait for itself
        with self._guard:
            if self._guard.is_nested():
                return False
            self._take_arrivals()
            if self._ended or self._settled_below() >= self._next:
                return True
            self._due = self._next
            self._waiters.append(_Waiter(self._next, finish))
            self._waker.wake()
        return None

    def _begin_close(self, timeout: Optional[float], finish: Callable[[], None]) -> Optional[bool]:
        """Begin the end, have finish called at it, and return None; or return what close does."""
        with self._guard:
            if self._ended:
                return self._all_sent
            self._take_arrivals()
            if timeout is not None:
                until = self._monotonic() + timeout
                self._deadline = until if self._deadline is None else min(self._deadline, until)
            if not self._closing:
                self._closing = True
                self._due = self._next
                nothing = not self._queue and self._reports.is_empty() and not self._guard.is_nested()
                if nothing and not self._running:
                    self._end_now()  # there was never anything to do
                    return True
            self._waker.wake()
            if self._in_callback == threading.get_ident() or self._guard.is_nested():
                return False
            self._waiters.append(_Waiter(float("inf"), finish))
        self._run_here()
        return None

    def _close(self, timeout: Optional[float]) -> bool:
        """Do what Client.close says."""
        waker = self._runtime.new_waker()
        done: List[bool] = []

        def finish() -> None:
            done.append(True)
            waker.wake()

        result = self._begin_close(timeout, finish)
        if result is None:
            if not self._await(done, waker, timeout):
                self._finish()
            result = self._all_sent
        return result

    def _await(self, done: List[bool], waker: Waker, timeout: Optional[float]) -> bool:
        """Wait until something is in done, and return whether that came in time."""
        until = None if timeout is None else self._monotonic() + timeout
        while not done:
            left = FOREVER if until is None else until - self._monotonic()
            if left <= SLACK:
                return bool(done)
            waker.wait(left)
        return True

    def _run_here(self) -> None:
        """Do the work of the thread in this one, where none could be started."""
        with self._guard:
            if self._running or self._ended:
                return
            self._running = True
        self._run(self._generation)

    def _finish(self) -> None:
        """End the client, and account for the events that are left. At the deadline of close any
        thread may do it, whatever the client's own does."""
        with self._guard:
            if self._ended:
                return
            self._put_back()
            left = len(self._queue)
            if left:
                self._all_sent = False
                reason = self._stats.last_failure
                self._reports.add_message(
                    _report.LEFT_BEHIND, "%d events%s" % (left, "; the last request: " + reason if reason else "")
                )
            self._keep_left()
            self._ended = True  # the thread does nothing from now on
        self._transport.abort()
        self._deliver_reports(self._generation)
        with self._guard:
            self._end_now()

    def _keep_left(self) -> None:
        """Drop the events that are left and not in the spool; the lock is held."""
        spool = self._spool
        if spool is not None:
            spool.resume()  # what the disk did not take before, it may take now
        left, self._queue = self._queue, collections.deque()
        for item in left:
            if spool is not None and not spool.lacks(item[SEQ]):
                self._queue.append(item)
            elif self._write_spool(self._next, item[TEXT]):
                self._queue.append((self._next, item[AT], item[TEXT]))
                self._next += 1
            else:
                self._queue_bytes -= len(item[TEXT])
                self._stats.count_drop(_report.CLOSED)
                if self._settings.on_dropped is not None:
                    self._reports.add_drop(_report.CLOSED, item[TEXT])

    def _end_now(self) -> None:
        self._ended = True
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        self._release_waiters()
        self._waker.wake()
        self._transport.close()

    def _forget_parent(self) -> None:
        """Begin anew in a process that was forked: the events are its parent's."""
        self._generation += 1
        self._closing = self._ended
        if self._spool is not None:
            self._spool.forget()
        self._transport.close()
        self._runtime._random = None
        self._reset()

    def _close_at_exit(self) -> None:
        self._close(self._settings.exit_timeout)


def _read_id(text: bytes) -> str:
    """Return the id of an encoded event."""
    head, _, _ = text.partition(b',"session_id":')
    try:
        return str(json.loads(head + b"}")["event_id"])
    except (ValueError, KeyError, TypeError):
        return ""  # the client did not write it: a spool was tampered with


class Client(Core):
    """A client of The Eye: it takes events, and a thread of its own sends them.

    Settings, all optional:

    url: the address of the collector, http://HOST:PORT or https://HOST, with a path at most; by
        default $EYE_COLLECTOR_URL, $EYE_URL, or http://127.0.0.1:8080.
    write_key: a write key of the application; by default $EYE_WRITE_KEY.
    batch_events, batch_bytes: bounds of a request: 500 events (at most 1,000), 1 MiB (at most
        7 MiB) before compression. As soon as one is reached, the batch is sent.
    max_wait: seconds that an event waits for others: 1.
    gzip_from: bytes from which a body is compressed: 1,024; 0 compresses none.
    queue_events, queue_bytes: bounds of the events that wait or are being sent: 100,000 events
        and 64 MiB. The oldest make room for new ones.
    spool: a folder in which events are kept until they are accepted or refused, so that they
        survive the end of the process. Processes may share it. It takes at most queue_bytes and
        some MiB for each. It should be on a local disk: enqueue writes into it.
    request_timeout: seconds for one request: 30; at most 1,000,000.
    backoff_min, backoff_max: seconds of the delay after a failed request, which doubles with
        each in a row, and of which up to a half is random: 1 and 60.
    retry_after_max: the longest delay that an answer may ask for: 3,600 seconds.
    exit_timeout: seconds that the end of the interpreter waits for events to be sent: 5.
    on_accepted(event_ids), on_refused(list of Refused), on_dropped(Dropped): called from the
        client's thread, one call at a time. While a callback runs nothing is sent, but enqueue
        works. flush and close return at once in a callback.
    logger: gets each kind of message once; by default logging.getLogger("theeye").

    SettingsError, a ValueError, names every fault of the settings.

    A client may be shared by threads, and used after os.fork: the child begins without events,
    and the parent goes on with its own.
    """

    def flush(self, timeout: Optional[float] = 30.0) -> bool:
        """Send what waits, and return True when every event that was enqueued before is
        accepted, refused or dropped, after the callbacks for them; or False after timeout
        seconds (None: no bound). The events stay in the queue then. A delay after a failed
        request is not shortened."""
        waker = self._runtime.new_waker()
        done: List[bool] = []

        def finish() -> None:
            done.append(True)
            waker.wake()

        result = self._begin_flush(finish)
        return self._await(done, waker, timeout) if result is None else result

    def close(self, timeout: Optional[float] = 5.0) -> bool:
        """Send what waits, and end the client; True says that every event was accepted, refused
        or dropped by the bounds of the queue.

        A delay after a failed request ends at once, unless the answer asked for it. False is
        returned after timeout seconds (None: no bound), or as soon as the next attempt would come
        later. Events that are left stay in the spool; without one, they are dropped. Later calls
        wait for the same end; the earliest deadline of all counts.
        """
        return self._close(timeout)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


_clients: "weakref.WeakSet[Core]" = weakref.WeakSet()


def _close_all() -> None:
    """Close every client at the end of the interpreter."""
    for client in list(_clients):
        try:
            client._close_at_exit()
        except Exception as e:
            log_message(client._settings.logger, _report.UNEXPECTED, repr(e))


def _forget_parent() -> None:
    for client in list(_clients):
        client._forget_parent()


def _close_at_end_of_child(client: Core) -> None:
    """A child of multiprocessing ends without atexit; it has finalizers of its own."""
    processes: Any = sys.modules.get("multiprocessing.process")
    util: Any = sys.modules.get("multiprocessing.util")
    if processes is not None and util is not None and processes.parent_process() is not None:
        util.Finalize(None, client._close_at_exit, exitpriority=100)


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
