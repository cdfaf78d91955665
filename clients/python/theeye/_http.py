"""One kept connection to the collector, on which each request has a time in all."""

from __future__ import annotations

import base64
import codecs
import http
import http.client
import io
import select
import socket
import ssl
import time
import urllib.parse
import urllib.request
from typing import Any, Dict, Optional, Protocol, Tuple

from ._answer import Answer
from ._version import VERSION

# getaddrinfo imports this codec for each host that is text. A fork during an import of another
# thread leaves the child with a lock that nobody releases.
codecs.lookup("idna")

MAX_ANSWER_BYTES = 4 << 20  # a result has some hundred bytes


class Transport(Protocol):
    """Sends requests, one at a time."""

    def send(self, body: bytes, compressed: bool, timeout: float) -> Answer:
        """Make one request in so many seconds. It raises OSError where no whole answer comes."""

    def abort(self) -> None:
        """End the request that is under way; any thread may call it."""

    def close(self) -> None:
        """Close the connection."""


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a moment."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


class _TimedSocket:
    """What http.client uses of a socket, until a moment."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.until = 0.0

    def sendall(self, data: Any) -> None:
        self.sock.settimeout(max(self.until - time.monotonic(), 0.001))
        self.sock.sendall(data)  # the timeout is for all of it

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self.sock, self.until))

    def close(self) -> None:
        """Do nothing: http.client closes a connection that ends with the answer before it has read
        the body. The transport closes it."""


class _Response(http.client.HTTPResponse):
    """An answer, before which the server may send informational ones, of any status below 200."""

    def _read_status(self) -> Tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # of the parser
            if not 100 <= status < 200 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class HTTPTransport:
    """The Transport of every client outside of tests."""

    def __init__(self, url: str, write_key: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc
        self._path = parts.path.rstrip("/") + "/v1/events"
        self._key = write_key
        self._context: Optional[ssl.SSLContext] = None
        self._socket: Optional[_TimedSocket] = None
        self._aborted = False

    def send(self, body: bytes, compressed: bool, timeout: float) -> Answer:
        """Make one request. A kept connection that the server has closed is replaced at once."""
        until = time.monotonic() + timeout
        self._aborted = False
        kept = self._socket
        if kept is not None and not _is_open(kept.sock):
            self.close()
            kept = None
        if kept is not None:
            try:
                return self._request(kept, body, compressed, until)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                if self._aborted:
                    raise
        return self._request(self._connect(until), body, compressed, until)

    def _request(self, sock: _TimedSocket, body: bytes, compressed: bool, until: float) -> Answer:
        sock.until = until
        try:
            answer, keep = self._exchange(sock, body, compressed)
        except http.client.HTTPException as e:
            self.close()
            if isinstance(e, OSError):  # RemoteDisconnected
                raise
            raise OSError("the answer cannot be read: %s" % type(e).__name__) from e
        except BaseException:
            self.close()
            raise
        if not keep:
            self.close()
        return answer

    def _exchange(self, sock: _TimedSocket, body: bytes, compressed: bool) -> Tuple[Answer, bool]:
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = sock
        connection.auto_open = 0
        connection.response_class = _Response
        connection.putrequest("POST", self._target(), skip_host=True, skip_accept_encoding=True)
        headers = {
            "Host": self._authority,
            "Authorization": "Bearer " + self._key,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Accept": "application/json",
            "User-Agent": "theeye-python/" + VERSION,
        }
        if compressed:
            headers["Content-Encoding"] = "gzip"
        if not self._tls:
            headers.update(_proxy_headers(self._proxy()))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        content = response.read(MAX_ANSWER_BYTES + 1)
        if response.length and len(content) <= MAX_ANSWER_BYTES:
            raise OSError("the answer ends early")
        keep = not response.will_close and len(content) <= MAX_ANSWER_BYTES and response.isclosed()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content), keep

    def _proxy(self) -> Optional[urllib.parse.SplitResult]:
        """Return the proxy that the environment names for this address."""
        proxies = urllib.request.getproxies()
        address = proxies.get("https" if self._tls else "http") or proxies.get("all")
        if not address or urllib.request.proxy_bypass(self._authority):
            return None
        if self._host in ("localhost", "127.0.0.1", "::1"):
            return None
        return urllib.parse.urlsplit(address if "://" in address else "http://" + address)

    def _target(self) -> str:
        if not self._tls and self._proxy() is not None:
            return "http://" + self._authority + self._path
        return self._path

    def _connect(self, until: float) -> _TimedSocket:
        proxy = self._proxy()
        host, port = self._host, self._port
        if proxy is not None:
            host, port = proxy.hostname or "", proxy.port or 80
        sock = _dial(host, port, until)
        self._socket = _TimedSocket(sock)  # which abort closes
        try:
            if self._aborted:
                raise OSError("the client is closed")
            if self._tls:
                if proxy is not None:
                    _open_tunnel(sock, self._host, self._port, proxy, until)
                if self._context is None:
                    self._context = ssl.create_default_context()
                sock.settimeout(max(until - time.monotonic(), 0.001))
                self._socket.sock = self._context.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            self.close()
            raise
        return self._socket

    def abort(self) -> None:
        """End the request that is under way."""
        self._aborted = True
        current = self._socket
        if current is not None:
            try:
                current.sock.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass  # it is closed

    def close(self) -> None:
        """Close the connection."""
        current, self._socket = self._socket, None
        if current is not None:
            current.sock.close()


def _dial(host: str, port: int, until: float) -> socket.socket:
    """Connect to the first address of a host that answers."""
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        left = until - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        sock: Optional[socket.socket] = None
        try:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(left)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as e:
            failure = e
            if sock is not None:
                sock.close()
    raise failure


def _is_open(sock: socket.socket) -> bool:
    """Report whether a connection without a request under way can take one: the server has
    neither closed it nor sent what no one asked for."""
    try:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            return not poll.poll(0)
        return not select.select([sock], [], [], 0)[0]
    except (OSError, ValueError):
        return False


def _proxy_headers(proxy: Optional[urllib.parse.SplitResult]) -> Dict[str, str]:
    if proxy is None or proxy.username is None:
        return {}
    user = "%s:%s" % (urllib.parse.unquote(proxy.username), urllib.parse.unquote(proxy.password or ""))
    return {"Proxy-Authorization": "Basic " + base64.b64encode(user.encode()).decode()}


def _open_tunnel(sock: socket.socket, host: str, port: int, proxy: urllib.parse.SplitResult, until: float) -> None:
    name = "[%s]" % host if ":" in host else host
    lines = ["CONNECT %s:%d HTTP/1.1" % (name, port), "Host: %s:%d" % (name, port)]
    lines += ["%s: %s" % header for header in _proxy_headers(proxy).items()]
    timed = _TimedSocket(sock)
    timed.until = until
    timed.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    # One byte at a time: what follows the head is for TLS.
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        sock.settimeout(max(until - time.monotonic(), 0.001))
        byte = sock.recv(1)
        if not byte or len(head) > 65536:
            raise OSError("the proxy does not answer CONNECT")
        head += byte
    status = head.split(b" ", 2)[1:2]
    if not status or not status[0].startswith(b"2"):
        raise OSError("the proxy refuses CONNECT: %s" % head.split(b"\r\n", 1)[0][:100].decode("latin-1"))
