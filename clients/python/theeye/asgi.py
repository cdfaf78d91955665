"""Page views of an ASGI application.

    app = theeye.asgi.PageViews(app, theeye.Client(url, write_key))
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, Optional

from ._client import Core
from ._pageviews import Sender, read_cookie

Scope = Dict[str, Any]
Message = Dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class PageViews:
    """An ASGI application around another one. Without a client, that of theeye.start is used.

    scope["theeye.session_id"] is the session, None where the visitor does not want to be
    followed. The keywords are those of wsgi.PageViews.
    """

    def __init__(self, app: Application, client: Optional[Core] = None, **settings: Any) -> None:
        self._app = app
        self._sender = Sender(client, **settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("type") != "http":
            await self._app(scope, receive, send)
            return
        sender = self._sender
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope.get("headers", ())}
        visit = sender.begin(
            lambda name: headers.get(name, ""), lambda name: read_cookie(headers.get("cookie", ""), name),
            str(scope.get("method", "")), str(scope.get("path", "")), scope.get("scheme") == "https",
        )
        scope["theeye.session_id"] = visit.session_id if visit else None
        status, content_type, ended = 500, "text/html", False

        async def send_noted(message: Message) -> None:
            nonlocal status, content_type, ended
            if message.get("type") == "http.response.start":
                status = message["status"]
                known = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message.get("headers", ())}
                content_type = known.get("content-type", "")
                cookie = sender.cookie_of(visit, status, content_type, known.get("cache-control", ""))
                if cookie:
                    more = [(b"set-cookie", cookie.encode("latin-1"))]
                    message = dict(message, headers=list(message.get("headers", ())) + more)
            await send(message)
            if message.get("type") == "http.response.body" and not message.get("more_body") and not ended:
                ended = True
                sender.finish(visit, status, content_type)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            if not ended:  # the application failed, or the visitor went
                sender.finish(visit, status, content_type)
