"""A server that answers as a collector does, in the process of a test."""

import gzip
import http.server
import json
import threading


class Collector:
    """Accepts every event. before is called with the number of a request, from 1, and may return
    a status to answer in the place of 202, or "close": the connection ends without an answer."""

    def __init__(self, before=None):
        collector = self
        self.events = []  # all that were accepted, in their order
        self.requests = 0
        self.connections = 0
        self.headers = []
        self.changed = threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                with collector.changed:
                    collector.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                with collector.changed:
                    collector.requests += 1
                    collector.changed.notify_all()
                    number = collector.requests
                    collector.headers.append(dict(self.headers))
                verdict = before(number) if before else None
                if verdict == "close":
                    self.close_connection = True
                    return
                if verdict is None:
                    events = json.loads(body)["events"]
                    with collector.changed:
                        collector.events += events
                        collector.changed.notify_all()
                    results = [{"index": i, "event_id": e["event_id"], "status": "accepted"} for i, e in enumerate(events)]
                    answer = json.dumps({"accepted": len(events), "refused": 0, "results": results}).encode()
                else:
                    answer = b'{"code": "starting", "detail": "not yet"}'
                self.send_response(verdict or 202)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def wait_for(self, events):
        """Return all events as soon as there are so many."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.events) >= events, 120):
                raise AssertionError("%d of %d events came" % (len(self.events), events))
            return list(self.events)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
