"""The settings of a client, with their defaults and bounds."""

from __future__ import annotations

import dataclasses
import logging
import os
import urllib.parse
from typing import Callable, List, Optional

from ._report import Dropped, Refused

MAX_BATCH_EVENTS = 1000
MAX_BATCH_BYTES = 7 << 20
# Sockets and floats take no longer times. An infinite time would fail where it is used.
MAX_TIMEOUT = 1_000_000  # seconds: 11 days
MAX_SECONDS = 1_000_000_000  # 31 years


class SettingsError(ValueError):
    """Every fault of the settings of a client."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What Client documents."""

    url: str
    write_key: str
    batch_events: int
    batch_bytes: int
    max_wait: float
    gzip_from: int
    queue_events: int
    queue_bytes: int
    spool: str
    request_timeout: float
    backoff_min: float
    backoff_max: float
    retry_after_max: float
    exit_timeout: float
    on_accepted: Optional[Callable[[List[str]], object]]
    on_refused: Optional[Callable[[List[Refused]], object]]
    on_dropped: Optional[Callable[[Dropped], object]]
    logger: logging.Logger

    def __post_init__(self) -> None:
        faults = []
        if not self.write_key:
            faults.append("set write_key, or EYE_WRITE_KEY, to a write key of the application")
        elif not isinstance(self.write_key, str) or not all("!" <= c <= "~" for c in self.write_key):
            faults.append("write_key has spaces or characters that no key has")
        if not _is_address(self.url):
            faults.append("url must be http://HOST:PORT or https://HOST, with a path at most")
        for name, most in (
            ("batch_events", MAX_BATCH_EVENTS), ("batch_bytes", MAX_BATCH_BYTES), ("queue_events", None), ("queue_bytes", None),
            ("max_wait", MAX_SECONDS), ("request_timeout", MAX_TIMEOUT), ("backoff_min", MAX_SECONDS), ("backoff_max", MAX_SECONDS),
            ("retry_after_max", MAX_SECONDS), ("exit_timeout", MAX_SECONDS),
        ):
            value = getattr(self, name)
            whole = name.endswith(("_events", "_bytes"))
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not value > 0:
                faults.append("%s must be a %s above 0" % (name, "whole number" if whole else "number"))
            elif most is not None and value > most:
                faults.append("%s must be at most %d" % (name, most))
        if isinstance(self.gzip_from, bool) or not isinstance(self.gzip_from, int):
            faults.append("gzip_from must be a whole number")
        for name in ("on_accepted", "on_refused", "on_dropped"):
            callback = getattr(self, name)
            if callback is not None and not callable(callback):
                faults.append("%s must be a function" % name)
        if faults:
            raise SettingsError("theeye: " + "; ".join(faults))


def default_url() -> str:
    """Return the address that the environment names, or that of a development installation."""
    return os.environ.get("EYE_COLLECTOR_URL") or os.environ.get("EYE_URL") or "http://127.0.0.1:8080"


def _is_address(url: object) -> bool:
    # The message of a fault holds no part of the address, which may hold secrets.
    if not isinstance(url, str) or any(c <= " " or c == "\x7f" for c in url):
        return False
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    named = parts.scheme in ("http", "https") and bool(parts.hostname)
    return named and "@" not in parts.netloc and not parts.query and not parts.fragment
