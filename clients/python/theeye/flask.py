"""Page views of a Flask application.

    theeye.flask.PageViews(app, theeye.Client(url, write_key))
"""

from __future__ import annotations

from typing import Any, Optional

from . import wsgi
from ._client import Core


class PageViews:
    """Sends the page views of a Flask application, as wsgi.PageViews does. The session is
    request.environ["theeye.session_id"]. init_app serves applications that are made later."""

    def __init__(self, app: Any = None, client: Optional[Core] = None, **settings: Any) -> None:
        self._client, self._settings = client, settings
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Any) -> None:
        """Send the page views of an application."""
        app.wsgi_app = wsgi.PageViews(app.wsgi_app, self._client, **self._settings)
