"""Page views of a Django site.

    MIDDLEWARE = ["theeye.django.PageViews", ...]
    THEEYE = {"url": "https://events.example.com", "write_key": KEY}
"""

from __future__ import annotations

import inspect
import logging
from typing import Any, Callable, Optional

from . import _report
from ._pageviews import Sender, Visit, make_client


def PageViews(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware for views of both kinds, sync and async. It should be the first.

    settings.THEEYE has the settings of theeye.Client, or "client", a client of the site's own;
    without both, the client of theeye.start is used. Besides it may have the keywords of
    wsgi.PageViews. request.theeye_session_id is the session, None where the visitor does not
    want to be followed.
    """
    sender = _make_sender()

    def begin(request: Any) -> Optional[Visit]:
        try:
            visit = sender.begin(
                lambda name: str(request.META.get("HTTP_" + name.upper().replace("-", "_"), "")),
                lambda name: str(request.COOKIES.get(name, "")), str(request.method), str(request.path),
                bool(request.is_secure()),
            )
        except Exception:
            visit = None
        request.theeye_session_id = visit.session_id if visit else None
        return visit

    def finish(visit: Optional[Visit], response: Any) -> Any:
        try:
            content_type = str(response.get("Content-Type", ""))
            if sender.cookie_of(visit, response.status_code, content_type, str(response.get("Cache-Control", ""))):
                _set_cookie(response, visit)
            sender.finish(visit, response.status_code, content_type)
        except Exception:
            pass  # a response of a kind that is not known
        return response

    if inspect.iscoroutinefunction(get_response) or getattr(get_response, "_is_coroutine", None) is not None:

        async def middleware_async(request: Any) -> Any:
            visit = begin(request)
            return finish(visit, await get_response(request))

        return middleware_async

    def middleware(request: Any) -> Any:
        visit = begin(request)
        return finish(visit, get_response(request))

    return middleware


# What Django asks a middleware that serves both kinds.
PageViews.sync_capable = True  # type: ignore[attr-defined]
PageViews.async_capable = True  # type: ignore[attr-defined]


def _make_sender() -> Sender:
    """Return the Sender that the settings describe. If they are wrong, there is a message, and
    the site serves its pages all the same."""
    try:
        from django.conf import settings  # type: ignore[import]

        client, own = make_client(getattr(settings, "THEEYE", {}))
        return Sender(client, **own)
    except Exception as e:
        _report.log_message(logging.getLogger("theeye"), _report.MIDDLEWARE_FAILED, str(e)[:500])
        return Sender(None, reported=True)


def _set_cookie(response: Any, visit: Optional[Visit]) -> None:
    from ._pageviews import COOKIE, IDLE

    if visit is not None:
        response.set_cookie(
            COOKIE, visit.new_cookie, max_age=IDLE, path="/", httponly=True, samesite="Lax", secure=visit.secure
        )
