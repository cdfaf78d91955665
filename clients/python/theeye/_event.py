"""Events as JSON: their ids, their times, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json.encoder
import os
import random
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any, Callable, Dict, List, Tuple, Union

MAX_EVENT_BYTES = 1 << 20  # what the collector takes of one event
MAX_DEPTH = 32  # levels of the data that the collector takes
MAX_NAME = 200  # characters of a category, a name and an event id

UNSERIALISABLE = "unserialisable"
TOO_LARGE = "too_large"

_is_uuid = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
).fullmatch


class Unsendable(Exception):
    """An event that cannot be sent; reason is UNSERIALISABLE or TOO_LARGE."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def encode_event(
    session_id: Any, category: Any, name: Any, data: Any,
    timestamp: Any, event_id: Any, schema_version: Any, now_ns: int,
) -> Tuple[bytes, str]:
    """Return an event as JSON in UTF-8, and what the collector will reject it for ("" if
    nothing is seen to be wrong). now_ns is the time of the call in nanoseconds since 1970.

    It raises Unsendable, and no other exception that a value may cause.
    """
    fault = ""
    try:
        if data is None:
            encoded = "{}"
        else:
            encoded = _encode(data)
            if encoded[0] != "{":
                fault = "data must be an object (a dict)"
            if len(encoded) > 2 * MAX_DEPTH and _depth(encoded) > MAX_DEPTH:  # a level has two brackets
                raise Unsendable(UNSERIALISABLE, "data nests more than %d levels" % MAX_DEPTH)
        ms, id_head, time_head = _last_ms
        if now_ns // 1_000_000 != ms:
            id_head, time_head = _begin_ms(now_ns)
        kind = _types.get((category, name)) if type(category) is type(name) is str else None
        if kind is None:
            kind, kind_fault = _encode_type(category, name)
            fault = fault or kind_fault
        if type(session_id) is not str and isinstance(session_id, uuid.UUID):
            session_id = str(session_id)
        is_session = isinstance(session_id, str) and _is_uuid(session_id)
        bits = _random_bits(26)
        if is_session and event_id is None and timestamp is None and schema_version is None:
            # Nearly every event. One format is quicker than those of the parts.
            text = _PLAIN % (
                id_head, bits >> 14, 0x8000 | bits & 0x3FFF, _random_bits(48), session_id, kind, encoded,
                time_head, now_ns // 1000 % 1000,
            )
        else:
            if event_id is None:
                id_text = '"%s%03x-%04x-%012x"' % (id_head, bits >> 14, 0x8000 | bits & 0x3FFF, _random_bits(48))
            else:
                id_text = _encode_text(event_id)
                if not _is_name(event_id):
                    fault = "event_id must have 1 to %d characters" % MAX_NAME
            session = _encode_text(session_id)
            if not is_session:
                fault = "session_id must be a UUID of 36 characters"
            moment = '%s%03dZ"' % (time_head, now_ns // 1000 % 1000) if timestamp is None else _encode_text(timestamp)
            if schema_version is not None:
                moment += ',"schema_version":' + _encode(schema_version)
            text = '{"event_id":%s,"session_id":%s%s%s,"timestamp":%s}' % (id_text, session, kind, encoded, moment)
        try:
            encoded_event = text.encode()
        except UnicodeEncodeError:
            encoded_event = _mend_surrogates(text)
    except Unsendable:
        raise
    except Exception as e:  # whatever a value does when it is encoded
        raise Unsendable(UNSERIALISABLE, _describe(e)) from None
    if len(encoded_event) > MAX_EVENT_BYTES:
        raise Unsendable(TOO_LARGE, "the event has %d bytes; %d are allowed" % (len(encoded_event), MAX_EVENT_BYTES))
    return encoded_event, fault


# An event whose caller gives no id, no time and no revision.
_PLAIN = '{"event_id":"%s%03x-%04x-%012x","session_id":"%s"%s%s,"timestamp":%s%03dZ"}'

# The members of the types that were seen, which are few.
_types: Dict[Tuple[str, str], str] = {}
MAX_TYPES = 1000


def _encode_type(category: Any, name: Any) -> Tuple[str, str]:
    """Return the members of a type up to the data, and what is wrong with it."""
    text = ',"category":%s,"name":%s,"data":' % (_encode_text(category), _encode_text(name))
    if not _is_name(category):
        return text, "category must have 1 to %d characters" % MAX_NAME
    if not _is_name(name):
        return text, "name must have 1 to %d characters" % MAX_NAME
    if len(_types) < MAX_TYPES:
        _types[str(category), str(name)] = text
    return text, ""


def _describe(e: Exception) -> str:
    try:
        return ("%s: %s" % (type(e).__name__, e))[:500]
    except Exception:  # of the site's own exception
        return type(e).__name__


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def _mend_surrogates(text: str) -> bytes:
    """Return a text with halves of surrogate pairs in UTF-8: joined if both are there, else U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


# Brackets stay, strings and all else go.
_outside_of_strings = re.compile(r'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+')


def _depth(encoded: str) -> int:
    """Return how deep a JSON text nests, or the number of its brackets that open, where these
    are few."""
    depth = deepest = encoded.count("{") + encoded.count("[")
    if deepest <= MAX_DEPTH:
        return deepest
    depth = deepest = 0
    for bracket in _outside_of_strings.sub("", encoded):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _encode_other(value: Any) -> Any:
    """Return a value of a common type as one that JSON has."""
    if isinstance(value, datetime.datetime):
        return format_time(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError("%s has no form in JSON" % type(value).__name__)


# The encoder in C that JSONEncoder makes for each call; making it costs more than a small
# event. An interpreter without it uses JSONEncoder.
_c_make_encoder: Any = getattr(json.encoder, "c_make_encoder", None)
_quote: Callable[[str], str] = getattr(json.encoder, "encode_basestring")
_encode_slowly = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_other
).encode


# Encoders that no call uses: one notes which objects it is in, to find cycles, and one that
# failed still notes them.
_encoders: List[Callable[[Any, int], Any]] = []


def _encode(value: Any) -> str:
    try:
        encode = _encoders.pop()
    except IndexError:
        if _c_make_encoder is None:
            return _encode_slowly(value)
        encode = _c_make_encoder({}, _encode_other, _quote, None, ":", ",", False, False, False)
    text = "".join(encode(value, 0))
    _encoders.append(encode)
    return text


def _encode_text(value: Any) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, datetime.datetime):
        return '"' + format_time(value) + '"'
    return _encode(value)


# Where new ids come from: not the generator that a site may seed, or two processes would make
# the same ids.
_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)

_random_bits = _random.getrandbits

# The millisecond of the last event: the head of its id, and of its time, with a quotation mark.
_last_ms: Tuple[int, str, str] = (-1, "", "")


def _begin_ms(now_ns: int) -> Tuple[str, str]:
    global _last_ms
    ms = now_ns // 1_000_000
    id_head = "%08x-%04x-7" % (ms >> 16, ms & 0xFFFF)
    time_head = time.strftime('"%Y-%m-%dT%H:%M:%S.', time.gmtime(ms // 1000)) + "%03d" % (ms % 1000)
    _last_ms = (ms, id_head, time_head)
    return id_head, time_head


def new_id(now_ns: int) -> str:
    """Return a UUID of version 7."""
    bits = _random_bits(26)
    return "%s%03x-%04x-%012x" % (_begin_ms(now_ns)[0], bits >> 14, 0x8000 | bits & 0x3FFF, _random_bits(48))


def format_ns(now_ns: int) -> str:
    """Return a moment, given in nanoseconds since 1970, as text, to the microsecond."""
    return "%s%03dZ" % (_begin_ms(now_ns)[1][1:], now_ns // 1000 % 1000)


def format_time(value: datetime.datetime) -> str:
    """Return a moment in UTC as text. One without a zone is local time, as in datetime."""
    return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


Timestamp = Union[datetime.datetime, str]
