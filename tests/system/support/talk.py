"""One exchange, step by step, in either protocol, with the same words."""

from lab import http2, rawhttp, wire


class Http1Talk:
    """A request on a connection of HTTP/1.1."""

    def __init__(self, case):
        self.connection = rawhttp.Connection.to(case.world.sso_url, case.world.tls)
        self.host = case.host()
        self.is_chunked = False
        self.head = None
        self.pieces = b""

    def begin(self, method, path, fields=(), length=None, has_body=False):
        """Send the head; a body without a length goes in chunks."""
        self.is_chunked = has_body and length is None
        framing = [("Transfer-Encoding", "chunked")] if self.is_chunked else []
        framing += [("Content-Length", str(length))] if length is not None else []
        self.connection.send_request(method, path, [("Host", self.host), *fields, *framing])

    def give(self, data, ends=False):
        """Send a piece of the body, or only its end."""
        if not self.is_chunked:
            self.connection.send(data)
            return
        framed = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        self.connection.send(framed + (b"0\r\n\r\n" if ends else b""))

    def interim(self):
        """The next interim answer's status."""
        answer = self.connection.read_head(interim=True)
        assert answer.status < 200, f"the final answer {answer.status} came first"
        return answer.status

    def status(self):
        """The final answer's status."""
        self.head = self.connection.read_head()
        return self.head.status

    def take(self, size):
        """So many bytes of the body, which is in chunks or until the end of the connection."""
        while len(self.pieces) < size:
            length = int(self.connection.reader.read_until(b"\r\n", 100), 16)
            self.pieces += self.connection.reader.read_exact(length)
            self.connection.reader.read_exact(2)
        taken, self.pieces = self.pieces[:size], self.pieces[size:]
        return taken

    def whole(self):
        """The body to its end, and the trailers."""
        self.connection.read_body(self.head)
        return self.head.body, self.head.trailers

    def rest(self):
        """What is left of the body that take() read from."""
        pieces = [self.pieces]
        wire.read_chunked(self.connection.reader, pieces.append, 1 << 20)
        return b"".join(pieces)

    def ask_next(self, path):
        """Send another request on the connection, if it is still there."""
        try:
            self.connection.send_request("GET", path, [("Host", self.host)])
        except OSError:
            pass

    def has_ended(self):
        """Has provgate ended the connection?"""
        return self.connection.closed_within(0.02)

    def close(self):
        """End it."""
        self.connection.close()


class Http2Talk:
    """A request as a stream."""

    def __init__(self, case):
        self.connection = http2.Connection(case.world.sso_url, case.world.tls)
        self.stream = None
        self.taken = self.heard = 0

    @property
    def answer(self):
        """What has come."""
        return self.connection.answers[self.stream]

    def begin(self, method, path, fields=(), length=None, has_body=False):
        """Send HEADERS."""
        framing = [("content-length", str(length))] if length is not None else []
        fields = [(name.lower(), value) for name, value in fields]
        self.stream = self.connection.request(method, path, [*fields, *framing], ends=not has_body and length is None)

    def give(self, data, ends=False):
        """Send DATA."""
        self.connection.send_body(self.stream, data, ends)

    def interim(self):
        """The next interim answer's status."""
        self.heard += 1
        self.connection.pump(lambda: len(self.answer.interim) >= self.heard or self.status_is_known())
        return int(dict(self.answer.interim[self.heard - 1])[b":status"])

    def status(self):
        """The final answer's status."""
        self.connection.pump(self.status_is_known)
        return self.answer.status

    def status_is_known(self):
        """Did the final head come, or will it never?"""
        return bool(self.answer.fields) or self.answer.is_over

    def take(self, size):
        """So many bytes of the body."""
        self.connection.pump(lambda: len(self.answer.body) >= self.taken + size or self.answer.is_over)
        self.taken += size
        return bytes(self.answer.body[self.taken - size:self.taken])

    def whole(self):
        """The body to its end, and the trailers."""
        self.connection.answer(self.stream)
        return bytes(self.answer.body), [(n.decode("latin-1"), v.decode("latin-1")) for n, v in self.answer.trailers]

    def rest(self):
        """What is left of the body that take() read from."""
        return self.whole()[0][self.taken:]

    def ask_next(self, path):
        """Send another request on the connection."""
        self.connection.request("GET", path)

    def has_ended(self):
        """Has provgate ended the connection?"""
        return self.connection.is_closed_within(0.02)

    def close(self):
        """End it."""
        self.connection.close()
