"""The client of the process, which the functions of the package use."""

from __future__ import annotations

import itertools
import logging
import threading
from typing import Any, Optional

from . import _report
from ._client import Client
from ._event import Timestamp
from ._report import Stats, log_message

_client: Optional[Client] = None
_starting = threading.RLock()
# The calls before start, which may come from several threads: next is one step.
_early_calls = itertools.count(1)
_early = 0


def start(url: Optional[str] = None, write_key: Optional[str] = None, **settings: Any) -> Client:
    """Make the client of the process. The settings are those of Client.

    A second call closes the client of the first, and makes another one."""
    global _client
    with _starting:
        previous, _client = _client, Client(url, write_key, **settings)
        made = _client
    if previous is not None:
        previous.close()
    return made


def default_client() -> Optional[Client]:
    """Return the client of the process; None before start."""
    return _client


def enqueue(
    session_id: Any = None, category: Any = None, name: Any = None, data: Any = None, *,
    timestamp: Optional[Timestamp] = None, event_id: Optional[str] = None, schema_version: Optional[int] = None,
) -> bool:
    """Do what Client.enqueue does. Before start, events are dropped and counted."""
    global _early
    client = _client
    if client is not None:
        return client.enqueue(
            session_id, category, name, data, timestamp=timestamp, event_id=event_id, schema_version=schema_version
        )
    calls = next(_early_calls)
    _early = max(_early, calls)
    if calls == 1:
        log_message(logging.getLogger("theeye"), _report.NOT_STARTED, "")
    return False


def flush(timeout: Optional[float] = 30.0) -> bool:
    """Do what Client.flush does."""
    client = _client
    return client.flush(timeout) if client is not None else True


def close(timeout: Optional[float] = 5.0) -> bool:
    """Do what Client.close does."""
    client = _client
    return client.close(timeout) if client is not None else True


def stats() -> Stats:
    """Return the counts of the client, and of the calls before start."""
    client = _client
    counts = client.stats() if client is not None else Stats()
    counts.enqueued += _early
    counts.dropped_not_started += _early
    return counts
