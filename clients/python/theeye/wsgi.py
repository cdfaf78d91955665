"""Page views of a WSGI application.

    app = theeye.wsgi.PageViews(app, theeye.Client(url, write_key))
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from ._client import Core
from ._pageviews import Sender, Visit, read_cookie

Environ = Dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class PageViews:
    """A WSGI application around another one. Without a client, that of theeye.start is used.

    environ["theeye.session_id"] is the session, None where the visitor does not want to be
    followed. The keywords are category ("page interaction"), name ("pageview"),
    respect_privacy_signals (True), and is_page_view(method, status, content_type).
    """

    def __init__(self, app: Application, client: Optional[Core] = None, **settings: Any) -> None:
        self._app = app
        self._sender = Sender(client, **settings)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        sender = self._sender

        def header(name: str) -> str:
            return str(environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

        path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
        try:
            path = path.encode("latin-1").decode("utf-8", "replace")  # as PEP 3333 has it
        except UnicodeError:
            pass
        visit = sender.begin(
            header, lambda name: read_cookie(header("cookie"), name), str(environ.get("REQUEST_METHOD", "")), path,
            environ.get("wsgi.url_scheme") == "https",
        )
        environ["theeye.session_id"] = visit.session_id if visit else None
        answer = _Answer()

        def start(status: str, headers: List[Tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            cookie = answer.read(sender, visit, status, headers)
            return start_response(status, headers + [("Set-Cookie", cookie)] if cookie else headers, *exc_info)

        try:
            body = self._app(environ, start)
        except Exception:
            sender.finish(visit, 500, "text/html")
            raise
        if answer.status and not answer.content_type.startswith(("text/html", "application/xhtml")):
            sender.finish(visit, answer.status, answer.content_type)  # by a rule of the site
            return body  # as it is: a server may send files in its own way
        return _Body(body, sender, visit, answer)


class _Answer:
    """The head of an answer."""

    status = 0
    content_type = ""

    def read(self, sender: Sender, visit: Optional[Visit], status: str, headers: List[Tuple[str, str]]) -> str:
        """Note the head, and return the cookie for it."""
        try:
            known = {k.lower(): v for k, v in headers}
            self.status = int(status.split(" ", 1)[0])
            self.content_type = known.get("content-type", "")
            return sender.cookie_of(visit, self.status, self.content_type, known.get("cache-control", ""))
        except Exception:  # the server will say what is wrong with it
            return ""


class _Body:
    """The body of a page; its end is that of the view."""

    def __init__(self, body: Iterable[bytes], sender: Sender, visit: Optional[Visit], answer: _Answer) -> None:
        self._body, self._sender, self._visit, self._answer = body, sender, visit, answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            visit, self._visit = self._visit, None
            self._sender.finish(visit, self._answer.status, self._answer.content_type)
