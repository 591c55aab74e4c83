"""An upstream that misbehaves in the way that the path names: /f/NAME plays SCRIPTS[NAME]."""

import socket
import struct
import threading

from lab import wire
from support.recorder import Recorded, SocketServer, read_request_body

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = OK + b"Content-Length: 5\r\n\r\ngood\n"

# What is sent, and what happens after it: "keep" the connection, "close" it, "reset" it, or "hang" until stopped.
SCRIPTS = {
    "good": (GOOD, "keep"),
    "hang": (b"", "hang"),
    "close": (b"", "close"),
    "reset": (b"", "reset"),
    "close-in-head": (b"HTTP/1.1 200 OK\r\nContent-", "close"),
    "short-length": (OK + b"Content-Length: 100\r\n\r\nonly this", "close"),
    "short-chunk": (CHUNKED + b"64\r\nonly this", "close"),
    "chunk-without-end": (CHUNKED + b"4\r\ndata\r\n", "close"),
    "reset-in-body": (OK + b"Content-Length: 100\r\n\r\nonly this", "reset"),
    "huge-header": (OK + b"X-Big: " + b"x" * 71680 + b"\r\nContent-Length: 0\r\n\r\n", "keep"),
    "500-headers": (OK + b"".join(b"X-%d: y\r\n" % i for i in range(500)) + b"Content-Length: 0\r\n\r\n", "keep"),
    "bad-status-line": (b"HTTP/1.1 twohundred OK\r\nContent-Length: 0\r\n\r\n", "keep"),
    "no-http": (b"hello, this is not HTTP\r\n\r\n", "keep"),
    "two-lengths": (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "keep"),
    "length-and-chunked": (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "keep"),
    "nul-in-header": (OK + b"X-Bad: a\0b\r\nContent-Length: 0\r\n\r\n", "keep"),
    "blank-before-colon": (OK + b"Content-Length : 0\r\n\r\n", "keep"),
    "folded": (OK + b"Content-Length:\r\n 0\r\n\r\n", "keep"),
    "to-be-mended": (OK + b"X-Odd : a\r\nX-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n", "keep"),
    "odd-length": (OK + b"Content-Length: +5\r\n\r\nabcde", "keep"),
    "storm-of-1xx": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000 + GOOD, "keep"),
    "extra-bytes": (GOOD + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison\n", "keep"),
}


class Faulty(SocketServer):
    """Plays scripts; `seen` counts requests per path and method; /f/reused/NAME is good once per connection first."""

    def __init__(self):
        self.seen = []
        self.stopping = threading.Event()
        super().__init__()

    def serve(self, sock, reader):
        """One script after the other."""
        for number in range(10000):
            recorded = Recorded(reader.read_until(b"\r\n\r\n", 1 << 20))
            read_request_body(recorded, reader)
            self.seen.append(recorded.first.decode("latin-1"))
            name = recorded.target.decode("latin-1").rpartition("/")[2]
            if name == "stale":
                # A kept connection dies as it is used again; a fresh one answers well.
                data, after = (b"", "close") if number else (GOOD, "keep")
            else:
                data, after = SCRIPTS[name]
            sock.sendall(data)
            if after == "hang":
                self.stopping.wait(60)
            if after == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if after != "keep":
                return

    def stop(self):
        """Let go of those that hang, too."""
        self.stopping.set()
        super().stop()


def count(seen, path):
    """How many requests for a path came."""
    return sum(1 for line in seen if wire.split_head(line.encode())[0].split(" ")[1] == path)
