"""An HTTP/1.1 client that sends exactly what it is told and shows exactly what came back.

The standard client reorders, adds and hides; the lab compares bytes, so it needs its own.
"""

import gzip
import json
import socket
import ssl
import time
from dataclasses import dataclass, field as dataclass_field
from urllib.parse import urlsplit

from lab import wire

HEAD_BYTES_MAX = 1 << 20
BODY_BYTES_MAX = 1 << 30
NO_BODY = (204, 304)


@dataclass
class Response:
    """One answer; headers in the order and spelling in which they came."""

    version: str
    status: int
    reason: str
    headers: list
    body: bytes = b""
    trailers: list = dataclass_field(default_factory=list)
    raw_head: bytes = b""

    def header(self, name):
        """First value of a header, or None."""
        return wire.field(self.headers, name)

    def all(self, name):
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def content(self):
        """The body with its content coding undone."""
        return gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body

    def json(self):
        """The body as JSON."""
        return json.loads(self.content())


class Connection:
    """One connection; keep-alive is the caller's choice."""

    def __init__(self, host, port, tls=None, server_name=None, timeout=wire.PATIENCE_S):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name or host)
        self.reader = wire.Reader(self.sock)

    @classmethod
    def to(cls, url, tls=None, timeout=wire.PATIENCE_S):
        """Connect to where a URL points."""
        parts = urlsplit(url)
        if parts.scheme == "https" and tls is None:
            tls = ssl.create_default_context()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.hostname, port, tls if parts.scheme == "https" else None, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close; closing twice is fine."""
        self.sock.close()

    def send(self, data):
        """Send raw bytes."""
        self.sock.sendall(data)

    def send_request(self, method, target, headers, body=None):
        """Send a request; Content-Length is added when there is a body and the caller named no framing."""
        names = {name.lower() for name, _ in headers}
        fields = list(headers)
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        self.send(head.encode("latin-1") + (body or b""))

    def read_head(self, interim=False):
        """The next answer's head; interim answers (1xx but 101) are skipped unless asked for."""
        while True:
            raw = self.reader.read_until(b"\r\n\r\n", HEAD_BYTES_MAX)
            first, headers = wire.split_head(raw)
            version, _, rest = first.partition(" ")
            status, _, reason = rest.partition(" ")
            response = Response(version, int(status), reason, headers, raw_head=raw)
            if interim or response.status == 101 or response.status >= 200:
                return response

    def read_body(self, response, method="GET", on_data=None):
        """Read the body by its framing into response.body (or piece by piece to on_data)."""
        pieces = []
        take = on_data or pieces.append
        if method == "HEAD" or response.status in NO_BODY or response.status < 200:
            return response
        length = response.header("Content-Length")
        if "chunked" in (response.header("Transfer-Encoding") or "").lower():
            response.trailers = wire.read_chunked(self.reader, take, BODY_BYTES_MAX)
        elif length is not None:
            left = int(length)
            while left:
                piece = self.reader.read_some(left)
                left -= len(piece)
                take(piece)
        else:
            take(self.reader.read_to_end(BODY_BYTES_MAX))
        response.body = b"".join(pieces)
        return response

    def exchange(self, method, target, headers, body=None):
        """One request and its whole answer."""
        self.send_request(method, target, headers, body)
        return self.read_body(self.read_head(), method)

    def closed_within(self, seconds):
        """True when the peer ends the connection in that time; bytes that still come are dropped."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                self.reader.read_some(65536)
            except wire.Closed:
                return True
            except OSError:
                return False
        return False


def target_of(url):
    """The request target of a URL."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def fetch(url, method="GET", headers=(), body=None, tls=None, timeout=wire.PATIENCE_S):
    """One request on a connection of its own."""
    with Connection.to(url, tls, timeout) as connection:
        fields = [("Host", urlsplit(url).netloc), *headers]
        return connection.exchange(method, target_of(url), fields, body)
