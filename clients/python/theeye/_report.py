"""What a client reports to its site: messages in the log, and callbacks."""

from __future__ import annotations

import dataclasses
import logging
from typing import Dict, List, Set, Tuple

CALLBACK_FAILED = "callback_failed"
CLOSED = "closed"
INVALID_EVENT = "invalid_event"
LEFT_BEHIND = "left_behind"
MIDDLEWARE_FAILED = "middleware_failed"
NOT_STARTED = "not_started"
NOT_THE_EYE = "not_the_eye"
QUEUE_FULL = "queue_full"
REFUSED = "refused"
SPOOL_DAMAGED = "spool_damaged"
SPOOL_FAILED = "spool_failed"
UNAUTHORIZED = "unauthorized"
UNEXPECTED = "unexpected"

SENTENCES: Dict[str, str] = {
    CALLBACK_FAILED: "a callback raises an exception",
    CLOSED: "enqueue is called after close; events are dropped",
    INVALID_EVENT: "events are sent that will be rejected; mend the calls of enqueue",
    LEFT_BEHIND: "the client was closed before all events were sent",
    MIDDLEWARE_FAILED: "a page view was not sent",
    NOT_STARTED: "enqueue is called before theeye.start; events are dropped",
    NOT_THE_EYE: "the answers are none of a collector; is the URL right? Events are kept",
    QUEUE_FULL: "the queue is full; the oldest events are dropped",
    REFUSED: "the collector refuses events, which are not sent again",
    SPOOL_DAMAGED: "the spool has bytes that cannot be read; the events in them are lost",
    SPOOL_FAILED: "the spool cannot be written; events are kept in memory alone",
    UNAUTHORIZED: "the collector does not take the write key; events are kept and sent once it does",
    UNEXPECTED: "the client has a fault of its own; events may be lost",
    "too_large": "events are dropped that have more than 1 MiB",
    "unserialisable": "events are dropped whose data cannot be written as JSON",
}

MAX_PENDING_DROPS = 1000  # events that wait for on_dropped


@dataclasses.dataclass(frozen=True)
class Refused:
    """An event that the collector refused: it cannot be carried, and is not sent again.

    code is stable, such as "too_deep"; message is one sentence for people; event is the event
    as it was sent.
    """

    event_id: str
    code: str
    message: str
    event: bytes


@dataclasses.dataclass
class Dropped:
    """Events that the client gave up.

    reason is "queue_full", "too_large", "unserialisable", "closed" or "not_started". events are
    those of them that were encoded, as JSON: at most 1,000, the oldest first.
    """

    reason: str
    count: int = 0
    events: List[bytes] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Stats:
    """The counts of a client since it was made, or since its process was forked.

    enqueued + recovered is accepted + refused + dropped + queued. recovered counts the events
    that the spool held at the start, failed_requests the requests after which the same events
    were to be sent again. last_failure says why the last request failed; "" after one that
    succeeded.
    """

    enqueued: int = 0
    recovered: int = 0
    accepted: int = 0
    refused: int = 0
    dropped_queue_full: int = 0
    dropped_too_large: int = 0
    dropped_unserialisable: int = 0
    dropped_closed: int = 0
    dropped_not_started: int = 0
    queued: int = 0
    queued_bytes: int = 0
    requests: int = 0
    failed_requests: int = 0
    last_failure: str = ""

    @property
    def dropped(self) -> int:
        """The events that were dropped, for whichever reason."""
        return (
            self.dropped_queue_full + self.dropped_too_large + self.dropped_unserialisable
            + self.dropped_closed + self.dropped_not_started
        )

    def count_drop(self, reason: str) -> None:
        """Count an event that is dropped."""
        name = "dropped_" + reason
        setattr(self, name, getattr(self, name) + 1)


class Reports:
    """Messages and dropped events that the site has not got yet. The client's lock guards them."""

    def __init__(self) -> None:
        self._reported: Set[str] = set()
        self._messages: List[Tuple[str, str]] = []
        self._drops: List[Dropped] = []
        self._kept = 0

    def add_message(self, code: str, detail: str = "") -> bool:
        """Add a message; False says that it was reported before."""
        if code in self._reported:
            return False
        self._reported.add(code)
        self._messages.append((code, detail))
        return True

    def forget_message(self, code: str) -> None:
        """Let a message be reported again."""
        self._reported.discard(code)

    def add_drop(self, reason: str, event: bytes) -> None:
        """Add a dropped event for on_dropped; b"" is one that was not encoded."""
        if not self._drops or self._drops[-1].reason != reason:
            self._drops.append(Dropped(reason))
        last = self._drops[-1]
        last.count += 1
        if event and self._kept < MAX_PENDING_DROPS:
            last.events.append(event)
            self._kept += 1

    def is_empty(self) -> bool:
        """Report whether nothing waits."""
        return not self._messages and not self._drops

    def take_pending(self) -> Tuple[List[Tuple[str, str]], List[Dropped]]:
        """Return what waits, and keep none of it."""
        pending = self._messages, self._drops
        self._messages, self._drops, self._kept = [], [], 0
        return pending


def log_message(logger: logging.Logger, code: str, detail: str) -> None:
    """Log a message. A handler that raises is the site's, and must not end a thread."""
    try:
        text = "theeye: " + SENTENCES[code]
        logger.warning(text + " (%s)" if detail else text, *([detail] if detail else []), extra={"eye_code": code})
    except Exception:
        pass
