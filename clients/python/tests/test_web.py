"""The middlewares. Django and Flask themselves are used where they are installed; TestFrameworks
says where they are not, and fails if EYE_TEST_FRAMEWORKS asks for them."""

import asyncio
import importlib.util
import os
import re
import sys
import time
import unittest
import wsgiref.util
import wsgiref.validate

import theeye
import theeye.asgi
import theeye.django
import theeye.flask
import theeye.wsgi
from theeye import _pageviews
from theeye._event import new_id
from tests.collector import Collector
from tests.test_process import Log

HAVE = {name: importlib.util.find_spec(name) is not None for name in ("django", "flask")}
COOKIE = re.compile(r"theeye_session=([0-9a-f-]{36})\.[0-9a-f]+; (.*)")


class TestFrameworks(unittest.TestCase):
    def test_frameworks(self):
        missing = [name for name in HAVE if not HAVE[name]]
        if missing and os.environ.get("EYE_TEST_FRAMEWORKS"):
            self.fail("not installed: %s" % missing)
        for name in missing:
            sys.stderr.write("%s is not installed: its middleware is not tested with it\n" % name)


class WebCase(unittest.TestCase):
    def setUp(self):
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.client = theeye.Client(self.collector.url, "key", max_wait=600)
        self.addCleanup(self.client.close, 0)

    def events(self):
        """Return what was sent since the last call."""
        self.assertTrue(self.client.flush(120))
        events, self.collector.events = self.collector.events, []
        return events

    def page_view(self):
        [event] = self.events()
        self.assertEqual(("page interaction", "pageview"), (event["category"], event["name"]))
        self.assertGreaterEqual(event["data"].pop("duration_ms"), 0)
        return event

    def request(self, path, headers):
        """Return status, headers and body of an answer; each kind of site has its own."""
        raise NotImplementedError

    def check_site(self):
        """What is the same for all."""
        agent = {"User-Agent": "browser", "Referer": "https://user:secret@other.example/from?token=1#x"}
        status, headers, body = self.request("/page", agent)
        self.assertEqual((200, b"<p>page</p>"), (status, body))
        event = self.page_view()
        self.assertEqual({
            "host": "site.example", "path": "/page", "method": "GET", "status": 200, "user_agent": "browser",
            "referrer": "https://other.example/from",
        }, event["data"])
        session, attributes = COOKIE.fullmatch(headers["set-cookie"]).groups()
        self.assertEqual(session, event["session_id"])
        self.assertEqual(
            {"httponly", "max-age=1800", "path=/", "samesite=lax"},
            {a.strip().lower() for a in attributes.split(";") if not a.strip().lower().startswith("expires")},
        )
        # The same visitor.
        cookie = headers["set-cookie"].split(";")[0]
        _, headers, _ = self.request("/session", {"Cookie": "other=1; " + cookie})
        self.assertEqual(session, self.page_view()["session_id"])
        self.assertIn("set-cookie", headers)
        _, _, body = self.request("/session", {"Cookie": cookie})
        self.assertEqual(session.encode(), body)
        self.page_view()
        # Visitors that do not want to be followed.
        for signal in ("DNT", "Sec-GPC"):
            _, headers, body = self.request("/session", {signal: "1", "Cookie": cookie})
            self.assertEqual(b"None", body)
            self.assertNotIn("set-cookie", headers)
        # No views.
        for path, status in (("/file", 200), ("/redirect", 302)):
            got, headers, _ = self.request(path, {})
            self.assertEqual(status, got)
            self.assertNotIn("set-cookie", headers)
        self.request("/page", {"Sec-Purpose": "prefetch"})
        self.assertEqual([], self.events())
        # A page that caches may keep is a view, and gives no session away.
        _, headers, _ = self.request("/public", {})
        self.assertNotIn("set-cookie", headers)
        self.page_view()
        # Failures are views.
        status, _, _ = self.request("/missing", {})
        self.assertEqual((404, 404), (status, self.page_view()["data"]["status"]))


def answer_of(path, session):
    """Return what a test site answers: status, headers and body."""
    html = [("Content-Type", "text/html; charset=utf-8")]
    return {
        "/page": ("200 OK", html, b"<p>page</p>"),
        "/session": ("200 OK", html, str(session).encode()),
        "/file": ("200 OK", [("Content-Type", "application/json")], b"{}"),
        "/redirect": ("302 Found", html + [("Location", "/page")], b""),
        "/public": ("200 OK", html + [("Cache-Control", "public, max-age=60")], b"<p>all</p>"),
    }.get(path, ("404 Not Found", html, b"<p>none</p>"))


def call_wsgi(app, path, headers, scheme="http"):
    environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "HTTP_HOST": "site.example", "wsgi.url_scheme": scheme}
    for name, value in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    wsgiref.util.setup_testing_defaults(environ)
    seen = []

    def start_response(status, headers, exc_info=None):
        seen[:] = [int(status.split()[0]), {k.lower(): v.strip() for k, v in headers}]
        return lambda data: None

    body = app(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return seen[0], seen[1], content


class TestWSGI(WebCase):
    def site(self, environ, start_response):
        status, headers, body = answer_of(environ["PATH_INFO"], environ["theeye.session_id"])
        start_response(status, headers)
        return [body]

    def request(self, path, headers):
        app = theeye.wsgi.PageViews(wsgiref.validate.validator(self.site), self.client)
        return call_wsgi(wsgiref.validate.validator(app), path, headers)

    def test_site(self):
        self.check_site()

    def test_a_generator_that_starts_late(self):
        def site(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/html")])
            yield b"a"
            self.assertEqual([], self.events())
            yield b"b"

        status, headers, body = call_wsgi(theeye.wsgi.PageViews(site, self.client), "/", {}, "https")
        self.assertEqual((200, b"ab"), (status, body))
        self.assertIn("; Secure", headers["set-cookie"])
        self.page_view()

    def test_an_application_that_raises(self):
        def site(environ, start_response):
            raise KeyError("site")

        with self.assertRaises(KeyError):
            call_wsgi(theeye.wsgi.PageViews(site, self.client), "/x", {})
        self.assertEqual(500, self.page_view()["data"]["status"])

    def test_a_body_for_the_server_stays_as_it_is(self):
        body = wsgiref.util.FileWrapper(open(__file__, "rb"))
        self.addCleanup(body.close)

        def site(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/x-python")])
            return body

        app = theeye.wsgi.PageViews(site, self.client)
        self.assertIs(body, app({"PATH_INFO": "/"}, lambda *args: None))

    def test_settings(self):
        app = theeye.wsgi.PageViews(
            self.site, self.client, category="api", name="call", respect_privacy_signals=False,
            is_page_view=lambda method, status, content_type: content_type == "application/json",
        )
        call_wsgi(app, "/file", {"DNT": "1"})
        call_wsgi(app, "/page", {})
        [event] = self.events()
        self.assertEqual(("api", "call", "/file"), (event["category"], event["name"], event["data"]["path"]))

    def test_failures_stay_inside(self):
        log = Log()
        logger = _pageviews.logging.getLogger("theeye")
        logger.addHandler(log)
        self.addCleanup(logger.removeHandler, log)

        def broken(method, status, content_type):
            raise RuntimeError("a rule of the site")

        app = theeye.wsgi.PageViews(self.site, self.client, is_page_view=broken)
        for _ in range(3):
            self.assertEqual(200, call_wsgi(app, "/page", {"Referer": "http://[bad"})[0])
        self.assertEqual(["middleware_failed"], log.codes)


class TestASGI(WebCase):
    async def site(self, scope, receive, send):
        status, headers, body = answer_of(scope["path"], scope["theeye.session_id"])
        raw = [(k.lower().encode(), v.encode()) for k, v in headers]
        await send({"type": "http.response.start", "status": int(status.split()[0]), "headers": raw})
        await send({"type": "http.response.body", "body": body[:2], "more_body": True})
        await send({"type": "http.response.body", "body": body[2:]})

    def request(self, path, headers):
        return asyncio.run(call_asgi(theeye.asgi.PageViews(self.site, self.client), path, headers))

    def test_site(self):
        self.check_site()

    def test_an_application_that_raises(self):
        async def site(scope, receive, send):
            raise KeyError("site")

        with self.assertRaises(KeyError):
            asyncio.run(call_asgi(theeye.asgi.PageViews(site, self.client), "/", {}))
        self.assertEqual(500, self.page_view()["data"]["status"])

    def test_what_is_no_http(self):
        seen = []

        async def site(scope, receive, send):
            seen.append(scope)

        asyncio.run(theeye.asgi.PageViews(site, self.client)({"type": "lifespan"}, None, None))
        self.assertEqual([{"type": "lifespan"}], seen)


async def call_asgi(app, path, headers):
    raw = [(b"host", b"site.example")] + [(k.lower().encode(), v.encode()) for k, v in headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "scheme": "http", "headers": raw,
        "query_string": b"", "http_version": "1.1", "server": ("site.example", 80),
    }
    answer = {"body": b""}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        elif message["type"] == "http.response.body":
            answer["body"] += message.get("body", b"")

    await app(scope, receive, send)
    return answer["status"], answer["headers"], answer["body"]


@unittest.skipUnless(HAVE["flask"], "Flask is not installed")
class TestFlask(WebCase):
    def test_site(self):
        import flask

        app = flask.Flask("site")

        @app.route("/<name>")
        def page(name):
            status, headers, body = answer_of("/" + name, flask.request.environ["theeye.session_id"])
            return body, int(status.split()[0]), headers

        theeye.flask.PageViews(app, self.client)

        def request(path, headers):
            answer = app.test_client(use_cookies=False).get(path, headers=dict(headers, Host="site.example"))
            self.addCleanup(answer.close)
            answer.close()
            return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.data

        self.request = request
        self.check_site()


@unittest.skipUnless(HAVE["django"], "Django is not installed")
class TestDjango(WebCase):
    def setUp(self):
        super().setUp()
        import django
        import django.conf
        import django.http
        import django.urls

        def page(request, name):
            status, headers, body = answer_of("/" + name, request.theeye_session_id)
            response = django.http.HttpResponse(body, status=int(status.split()[0]))
            for key, value in headers:
                response[key] = value
            return response

        async def page_async(request, name):
            return page(request, name)

        class Urls:
            urlpatterns = [django.urls.path("<name>", page)]

        class AsyncUrls:
            urlpatterns = [django.urls.path("<name>", page_async)]

        self.urls, self.async_urls = Urls, AsyncUrls
        if not django.conf.settings.configured:
            django.conf.settings.configure(
                ALLOWED_HOSTS=["site.example"], MIDDLEWARE=["theeye.django.PageViews"], SECRET_KEY="x", LOGGING_CONFIG=None,
            )
            django.setup()
        self.settings = django.conf.settings
        self.settings.THEEYE = {"client": self.client}

    def test_sync_site(self):
        import django.core.handlers.wsgi
        import django.urls

        self.settings.ROOT_URLCONF = self.urls
        django.urls.clear_url_caches()
        app = django.core.handlers.wsgi.WSGIHandler()
        self.request = lambda path, headers: call_wsgi(app, path, headers)
        self.check_site()

    def test_async_site(self):
        import django.core.handlers.asgi
        import django.urls

        self.settings.ROOT_URLCONF = self.async_urls
        django.urls.clear_url_caches()
        bodies = []

        class Handler(django.core.handlers.asgi.ASGIHandler):
            # Django before 4.2 leaves the file of a body to the garbage collector.
            async def read_body(self, receive):
                bodies.append(await super().read_body(receive))
                return bodies[-1]

        app = Handler()

        def request(path, headers):
            try:
                return asyncio.run(call_asgi(app, path, headers))
            finally:
                while bodies:
                    bodies.pop().close()

        self.request = request
        self.check_site()

    def test_wrong_settings_leave_the_site_alone(self):
        self.settings.THEEYE = {"url": "nonsense", "write_key": "key"}
        with self.assertLogs("theeye", "WARNING") as log:
            class Request:
                META, COOKIES, method, path = {}, {}, "GET", "/"

                def is_secure(self):
                    return False

            request = Request()
            self.assertEqual({}, theeye.django.PageViews(lambda request: {})(request))
            self.assertIsNotNone(request.theeye_session_id)
        self.assertEqual(1, len(log.records))


class TestSession(unittest.TestCase):
    MINUTE = 60 * 10 ** 9

    def test_session(self):
        now = time.time_ns()
        session, cookie = _pageviews._continue_session("", now)
        self.assertEqual(session, _pageviews._continue_session(cookie, now + 29 * self.MINUTE)[0])
        self.assertNotEqual(session, _pageviews._continue_session(cookie, now + 31 * self.MINUTE)[0])
        moment = now
        while moment < now + 23 * 60 * self.MINUTE:
            moment += 20 * self.MINUTE
            same, cookie = _pageviews._continue_session(cookie, moment)
            self.assertEqual(session, same)
        moment += 20 * self.MINUTE
        _, cookie = _pageviews._continue_session(cookie, moment)
        moment += 20 * self.MINUTE
        _, cookie = _pageviews._continue_session(cookie, moment)
        other, _ = _pageviews._continue_session(cookie, moment + 21 * self.MINUTE)
        self.assertNotEqual(session, other)

    def test_cookies_of_others(self):
        now = time.time_ns()
        future = new_id(now + 60 * self.MINUTE)
        for value in (
            "x", "0" * 36 + ".1", "%s.%x" % (future, now // 10 ** 9), "%s.%x" % (new_id(now), now // 10 ** 9 + 3600),
            "e2085be5-9137-4e4e-80b5-f1ffddc25423.%x" % (now // 10 ** 9), "a" * 100_000,
        ):
            session, cookie = _pageviews._continue_session(value, now)
            self.assertNotIn(value[:36], (session,))
            self.assertEqual(session, _pageviews._continue_session(cookie, now)[0])


if __name__ == "__main__":
    unittest.main()
