"""An upstream that keeps every byte it is sent: the judge of what got through.

It reads strictly (only Content-Length or exactly `chunked`), because the gateway promises to send nothing else.
"""

import socket
import threading
from dataclasses import dataclass

from lab import wire

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
REQUESTS_MAX = 100000
IDLE_S = 120.0


@dataclass
class Recorded:
    """One request as it arrived."""

    head: bytes
    body: bytes = b""
    complete: bool = False

    @property
    def first(self):
        """The request line."""
        return self.head.split(b"\r\n")[0]

    @property
    def target(self):
        """What stands between method and version."""
        return self.first.split(b" ", 1)[1].rsplit(b" ", 1)[0]

    @property
    def fields(self):
        """(name, value) pairs."""
        return wire.split_head(self.head)[1]


class SocketServer:
    """Accepts on loopback, one thread per connection; subclasses say what happens on one."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = set()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(IDLE_S)
            self.connections += 1
            self.open.add(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            self.serve(sock, wire.Reader(sock))
        except (OSError, wire.Closed, wire.TooLong, ValueError):
            pass
        finally:
            self.open.discard(sock)
            sock.close()

    def serve(self, sock, reader):
        """Handle one connection."""
        raise NotImplementedError

    def stop(self):
        """Stop accepting and close what is open."""
        for sock in [self.listener, *self.open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()


def read_request_body(recorded, reader):
    """Read the body that the head announces; the request is complete only when all of it came."""
    pieces = []
    coding = wire.field(recorded.fields, "Transfer-Encoding")
    try:
        if coding is not None:
            if coding != "chunked":
                raise ValueError("coding")
            wire.read_chunked(reader, pieces.append, 1 << 26)
        else:
            pieces.append(reader.read_exact(int(wire.field(recorded.fields, "Content-Length") or 0)))
        recorded.complete = True
    finally:
        recorded.body = b"".join(pieces)


class Recorder(SocketServer):
    """Answers everything with 200 and keeps it."""

    def __init__(self):
        self.requests = []
        super().__init__()

    def serve(self, sock, reader):
        """Record request after request."""
        while len(self.requests) < REQUESTS_MAX:
            recorded = Recorded(reader.read_until(b"\r\n\r\n", 8 << 20))
            self.requests.append(recorded)
            read_request_body(recorded, reader)
            sock.sendall(ANSWER)
