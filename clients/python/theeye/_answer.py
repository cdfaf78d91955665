"""What an answer of the collector means for the events of the request."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import http
import json
from typing import Any, List, Mapping, Optional, Tuple

UNAVAILABLE = "unavailable"  # 408, 429, 5xx, no answer: the same events may be taken later
UNAUTHORIZED = "unauthorized"  # 401, 403
UNREADABLE = "unreadable"  # 400, 413, 415, 422: the same body fails again
NOT_THE_EYE = "not_the_eye"


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer. The names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Result:
    """What the collector says of one event."""

    refused: bool
    code: str = ""
    message: str = ""


class Failure(Exception):
    """Why nothing is known about the events of a request. Sending them again is always safe."""

    def __init__(self, kind: str, status: int = 0, code: str = "", detail: str = "", retry_after: float = 0) -> None:
        super().__init__(kind, status, code, detail)
        self.kind, self.status, self.code, self.detail, self.retry_after = kind, status, code, detail, retry_after

    def __str__(self) -> str:
        if self.status == 0:
            return "no answer: " + self.detail
        if self.code:
            return "%d %s: %s" % (self.status, self.code, self.detail)
        if self.kind == NOT_THE_EYE:
            return "%d, not from The Eye%s" % (self.status, ": " + self.detail if self.detail else "")
        try:
            return "%d %s" % (self.status, http.HTTPStatus(self.status).phrase)
        except ValueError:
            return str(self.status)


def read_answer(answer: Answer, events: int, now: float) -> List[Result]:
    """Return the results of so many events, in their order, or raise Failure. now is in seconds
    since 1970."""
    status, detail = answer.status, ""
    if status in (200, 202, 422):
        try:
            return _read_results(answer.body, events)
        except ValueError as e:
            detail = str(e)
    if status in (400, 413, 415, 422):
        kind = UNREADABLE
    elif status in (401, 403):
        kind = UNAUTHORIZED
    elif status in (408, 429) or status >= 500:
        kind = UNAVAILABLE
    else:
        kind = NOT_THE_EYE
    code, sentence = _read_problem(answer.body)
    raise Failure(kind, status, code, sentence if code else detail, _retry_after(answer.headers, now))


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _read_results(body: bytes, events: int) -> List[Result]:
    answer = _read_json(body)
    found = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise ValueError("the answer is no JSON of results; is the URL right?")
    if len(found) != events:
        raise ValueError("%d events were sent, %d are answered" % (events, len(found)))
    results: List[Optional[Result]] = [None] * events
    for r in found:
        index = r.get("index") if isinstance(r, dict) else None
        if type(index) is not int or not 0 <= index < events or results[index] is not None:
            raise ValueError("an index is out of range, or answered twice")
        if r.get("status") not in ("accepted", "refused"):
            raise ValueError("an event has an unknown status")
        results[index] = Result(r["status"] == "refused", str(r.get("code", "")), str(r.get("message", "")))
    return [r for r in results if r is not None]


def _read_problem(body: bytes) -> Tuple[str, str]:
    problem = _read_json(body)
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        return "", ""
    return problem["code"], str(problem.get("detail", ""))


def _retry_after(headers: Mapping[str, str], now: float) -> float:
    """Return the seconds that an answer asks for; 0 if it asks for none that can be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:18])
    at = _read_date(value)
    if at is None:
        return 0
    sent = _read_date(headers.get("date", ""))  # the clock here may be wrong
    return max(at - (now if sent is None else sent), 0)


def _read_date(value: str) -> Optional[float]:
    try:
        at = email.utils.parsedate_to_datetime(value)
        return at.replace(tzinfo=at.tzinfo or datetime.timezone.utc).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
