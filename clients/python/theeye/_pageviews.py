"""What the middlewares share: which answers are page views, the session, and the event."""

from __future__ import annotations

import logging
import re
import time
import urllib.parse
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

from . import _report
from ._client import Client, Core
from ._default import default_client
from ._event import new_id

COOKIE = "theeye_session"
IDLE = 30 * 60  # seconds without a request after which a session has ended
LONGEST = 24 * 60 * 60  # seconds of a session
AHEAD = 5 * 60  # seconds that the clock of another server of the site may be ahead
MAX_TEXT = 2000  # characters that are kept of a header

_cookie = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\.([0-9a-f]{1,12})")


class Visit(NamedTuple):
    """What is known of a request before the site answers it."""

    began: float  # by the monotonic clock
    session_id: Optional[str]  # None: the visitor does not want to be followed
    new_cookie: str  # its value
    host: str
    path: str
    method: str
    referrer: str
    user_agent: str
    secure: bool
    prefetch: bool


class Sender:
    """Makes page views of requests. It raises nothing."""

    def __init__(
        self, client: Optional[Core], category: str = "page interaction", name: str = "pageview",
        respect_privacy_signals: bool = True, is_page_view: Optional[Callable[[str, int, str], bool]] = None,
        reported: bool = False,
    ) -> None:
        """client None is that of theeye.start. is_page_view gets method, status and content type,
        and replaces the rule: every text/html but redirects."""
        self._client = client
        self._category, self._name = category, name
        self._respect = respect_privacy_signals
        self._is_page_view = is_page_view or _is_page_view
        self._failed = reported

    def begin(
        self, header: Callable[[str], str], cookie: Callable[[str], str], method: str, path: str, secure: bool
    ) -> Optional[Visit]:
        """Look at a request. header returns a header by its name in lower case, cookie the value of
        a cookie; both "" if there is none."""
        try:
            refused = self._respect and (header("dnt") == "1" or header("sec-gpc") == "1")
            session_id: Optional[str] = None
            value = ""
            if not refused:
                session_id, value = _continue_session(cookie(COOKIE), time.time_ns())
            prefetch = "prefetch" in header("sec-purpose") or "prefetch" in header("purpose")
            return Visit(
                time.monotonic(), session_id, value, header("host"), path, method, _without_query(header("referer")),
                header("user-agent")[:MAX_TEXT], secure, prefetch,
            )
        except Exception as e:
            self._report(e)
            return None

    def cookie_of(self, visit: Optional[Visit], status: int, content_type: str, cache_control: str) -> str:
        """Return the value of the header Set-Cookie for an answer; "" for none."""
        try:
            if visit is None or visit.session_id is None or not self._counts(visit, status, content_type):
                return ""
            # A cache that many visitors share would give them all one session.
            if "public" in cache_control or "s-maxage" in cache_control:
                return ""
            secure = "; Secure" if visit.secure else ""
            return "%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax%s" % (COOKIE, visit.new_cookie, IDLE, secure)
        except Exception as e:
            self._report(e)
            return ""

    def finish(self, visit: Optional[Visit], status: int, content_type: str) -> None:
        """Send the page view, if the answer is one."""
        try:
            client = self._client or default_client()
            if visit is None or visit.session_id is None or not self._counts(visit, status, content_type):
                return
            if client is None:
                raise RuntimeError("there is no client; call theeye.start, or pass one")
            data: Dict[str, Any] = {
                "host": visit.host, "path": visit.path, "method": visit.method, "status": status,
                "duration_ms": round((time.monotonic() - visit.began) * 1000, 3),
            }
            if visit.referrer:
                data["referrer"] = visit.referrer
            if visit.user_agent:
                data["user_agent"] = visit.user_agent
            client.enqueue(visit.session_id, self._category, self._name, data)
        except Exception as e:
            self._report(e)

    def _counts(self, visit: Visit, status: int, content_type: str) -> bool:
        return not visit.prefetch and self._is_page_view(visit.method, status, content_type)

    def _report(self, e: Exception) -> None:
        if not self._failed:
            self._failed = True
            _report.log_message(logging.getLogger("theeye"), _report.MIDDLEWARE_FAILED, repr(e)[:500])


def _is_page_view(method: str, status: int, content_type: str) -> bool:
    html = content_type.split(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
    return html and method not in ("HEAD", "OPTIONS") and not 300 <= status < 400


def _continue_session(value: str, now_ns: int) -> "tuple[str, str]":
    """Return the session that a cookie holds, or a new one, and the value of the next cookie. A
    session's id has the time of its begin, and the value that of the last request, in seconds."""
    now = now_ns // 1_000_000_000
    found = _cookie.fullmatch(value)
    if found is not None:
        begin, last = int(found[1].replace("-", "")[:12], 16) // 1000, int(found[2], 16)
        if now - IDLE < last <= now + AHEAD and now - LONGEST < begin <= now + AHEAD:
            return found[1], "%s.%x" % (found[1], now)
    session_id = new_id(now_ns)
    return session_id, "%s.%x" % (session_id, now)


def _without_query(address: str) -> str:
    """Return an address without what may hold secrets."""
    if not address:
        return ""
    try:
        parts = urllib.parse.urlsplit(address[:MAX_TEXT])
        return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return ""


def read_cookie(header: str, name: str) -> str:
    """Return a cookie from the header Cookie; "" if it is not there."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def make_client(settings: Mapping[str, Any]) -> "tuple[Optional[Core], Dict[str, Any]]":
    """Return the client that settings of a site describe, and those that are for Sender."""
    rest = dict(settings)
    own = {k: rest.pop(k) for k in ("category", "name", "respect_privacy_signals", "is_page_view") if k in rest}
    client: Optional[Core] = rest.pop("client", None)
    if client is None and (rest or default_client() is None):
        client = Client(**rest)
    return client, own
