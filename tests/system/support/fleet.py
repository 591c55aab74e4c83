"""A server of an app that says its name, can be ill, and goes away and comes back on the same port."""

import random
import socket
import struct
import threading
import time

from lab import wire

READ_MAX = 1 << 20
RACE_S = 0.002


class Named:
    """Answers every path with its name; `/set/V` sets the session V; `/slow` drips; `/health` is as `is_well` says."""

    def __init__(self, name, close_after=None):
        self.name = name
        self.close_after = close_after  # answers on one connection; then it is closed without a word
        self.is_well = True
        self.connections = self.requests = self.checks = 0
        self.left = threading.Event()  # a client of /hang went away
        self.go_on = threading.Semaphore(0)  # one for each byte of /drip
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._listen()

    def _listen(self):
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def go_away(self):
        """Nobody listens any more, and every connection is reset; the port stays ours."""
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in list(self.open):
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def come_back(self):
        """Listens again."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self._listen()

    def stop(self):
        """The end."""
        if self.listener:
            self.go_away()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.add(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            sock.settimeout(120)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(sock, wire.Reader(sock))
        except (OSError, wire.Closed, wire.TooLong, ValueError):
            pass
        finally:
            self.open.discard(sock)
            sock.close()

    def _serve(self, sock, reader):
        served = 0
        while self.close_after is None or served < self.close_after:
            head = reader.read_until(b"\r\n\r\n", READ_MAX)
            first, fields = wire.split_head(head)
            path = first.split(" ")[1]
            left = int(wire.field(fields, "Content-Length") or 0)
            while left:
                left -= len(reader.read_some(left))
            served += 1
            self._answer(sock, reader, path)
        time.sleep(random.random() * RACE_S)  # so that it ends before, while and after it is used again

    def _answer(self, sock, reader, path):
        if path == "/health":
            self.checks += 1
            sock.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (200 if self.is_well else 503))
            return
        self.requests += 1
        if path == "/hang":
            self._hang(reader)
            return
        if path == "/drip":
            self._drip(sock)
            return
        if path == "/stop":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nd")
            self._hang(reader)
            return
        name = self.name.encode()
        cookie = b"Set-Cookie: lab_session=%s; Path=/\r\n" % path[5:].encode() if path.startswith("/set/") else b""
        sock.sendall(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (cookie, len(name), name))

    def _hang(self, reader):
        try:
            reader.read_some(1)
        finally:
            self.left.set()

    def _drip(self, sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        for byte in b"drip!":
            self.go_on.acquire(timeout=60)  # the test has the byte before
            sock.sendall(bytes([byte]))
