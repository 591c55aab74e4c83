"""A small threaded HTTP/1.1 server whose answers are exactly the bytes that the handler chose.

No Date, no Server, nothing that changes from one answer to the next: pages must be comparable byte for byte.
One thread per connection, at most CONNECTIONS_MAX at a time, each with an idle timeout.
"""

import json
import socket
import threading
from urllib.parse import parse_qs, urlsplit

from lab import wire

HEAD_BYTES_MAX = 256 * 1024
BODY_BYTES_MAX = 1 << 31
CONNECTIONS_MAX = 2048
IDLE_S = 60.0

REASONS = {200: "OK", 204: "No Content", 302: "Found", 303: "See Other", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
           426: "Upgrade Required", 500: "Internal Server Error"}


class Request:
    """One request head as it came, and a way to read its body."""

    def __init__(self, raw_head, reader, sock):
        self.raw_head = raw_head
        first, self.headers = wire.split_head(raw_head)
        self.method, self.target, self.version = first.split(" ")
        parts = urlsplit(self.target)
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)
        self.reader = reader
        self.sock = sock
        self.body_done = False

    def header(self, name):
        """First value of a header, or None."""
        return wire.field(self.headers, name)

    def parameter(self, name, default=None):
        """First value of a query parameter."""
        return self.query.get(name, [default])[0]

    def cookie(self, name):
        """The value of a cookie, read as the plain RFC 6265 list."""
        for key, value in self.headers:
            if key.lower() == "cookie":
                for pair in value.split(";"):
                    left, _, right = pair.strip().partition("=")
                    if left == name:
                        return right
        return None

    def read_body(self, on_data, limit=BODY_BYTES_MAX):
        """Give the whole body to on_data, piece by piece; return how many bytes there were."""
        count = 0

        def take(piece):
            nonlocal count
            count += len(piece)
            on_data(piece)

        if self.body_done:
            return 0
        self.body_done = True
        if (self.header("Expect") or "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (self.header("Transfer-Encoding") or "").lower():
            wire.read_chunked(self.reader, take, limit)
        else:
            self._read_length(int(self.header("Content-Length") or 0), take, limit)
        return count

    def _read_length(self, left, take, limit):
        if left > limit:
            raise wire.TooLong(f"body of {left} bytes")
        while left:
            piece = self.reader.read_some(left)
            left -= len(piece)
            take(piece)

    def body(self, limit=1 << 20):
        """The whole body."""
        pieces = []
        self.read_body(pieces.append, limit)
        return b"".join(pieces)


class Exchange:
    """One request with its answer."""

    def __init__(self, request, sock, server):
        self.request = request
        self.sock = sock
        self.server = server
        self.keep = (request.header("Connection") or "").lower() != "close" and request.version == "HTTP/1.1"

    def head(self, status, headers, reason=None):
        """Send an answer head."""
        lines = [f"HTTP/1.1 {status} {reason or REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def reply(self, status, body=b"", content_type="text/plain; charset=utf-8", headers=()):
        """Send a whole answer with its length."""
        data = body.encode() if isinstance(body, str) else body
        fields = [("Content-Type", content_type), ("Content-Length", str(len(data))), *headers]
        if status == 204:
            fields, data = list(headers), b""
        self.head(status, fields)
        if self.request.method != "HEAD" and data:
            self.sock.sendall(data)

    def reply_json(self, status, value, headers=()):
        """Send JSON."""
        self.reply(status, json.dumps(value, indent=1) + "\n", "application/json", headers)

    def redirect(self, status, location, headers=()):
        """Send somewhere else."""
        self.reply(status, "", headers=[("Location", location), *headers])

    def begin_chunked(self, status, content_type, headers=()):
        """Start a streamed answer."""
        self.head(status, [("Content-Type", content_type), ("Transfer-Encoding", "chunked"), *headers])

    def chunk(self, data):
        """Send one chunk."""
        self.sock.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end_chunked(self):
        """End a streamed answer."""
        self.sock.sendall(b"0\r\n\r\n")


class WebServer:
    """Listens on loopback and calls handler(exchange) for each request."""

    def __init__(self, handler, port=0, host="127.0.0.1", tls=None):
        self.handler = handler
        self.tls = tls
        self.stopping = threading.Event()
        self.slots = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self.open = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server((host, port), backlog=256)
        self.port = self.listener.getsockname()[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{host}:{self.port}"
        self.thread = threading.Thread(target=self._accept, name="accept", daemon=True)

    def start(self):
        """Begin to answer; returns self."""
        self.thread.start()
        return self

    def stop(self):
        """Close the listener and every connection."""
        self.stopping.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            connections = list(self.open)
        for sock in connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.thread.is_alive():
            self.thread.join(5)

    def _accept(self):
        while not self.stopping.is_set():
            self.slots.acquire()
            try:
                sock, _ = self.listener.accept()
            except OSError:
                self.slots.release()
                return
            threading.Thread(target=self._serve, args=(sock,), name="connection", daemon=True).start()

    def _serve(self, sock):
        with self.lock:
            self.open.add(sock)
        try:
            sock.settimeout(IDLE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
            reader = wire.Reader(channel)
            while self._serve_one(channel, reader):
                pass
            channel.close()
        except (OSError, wire.Closed, wire.TooLong, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()
            self.slots.release()

    def _serve_one(self, sock, reader):
        """Answer one request; True when the connection can carry another."""
        raw = reader.read_until(b"\r\n\r\n", HEAD_BYTES_MAX)
        exchange = Exchange(Request(raw, reader, sock), sock, self)
        self.handler(exchange)
        if exchange.keep:
            exchange.request.read_body(lambda piece: None)
        return exchange.keep and not self.stopping.is_set()
