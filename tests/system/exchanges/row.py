"""One legitimate exchange: what the client sends, what the app answers, byte for byte."""

from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"


@dataclass
class Row:
    """`chunks` is a body without a length, piece by piece; `body` is one with a length. `protocols` leaves out what a
    protocol cannot say."""

    name: str
    method: str = "GET"
    target: str = "/"
    fields: tuple = ()
    body: bytes = None
    chunks: tuple = None
    trailers: tuple = ()
    answer: bytes = PLAIN
    protocols: tuple = ("HTTP/1.1", "HTTP/2")
    absolute: str = ""  # what stands before the path in the request line

    @property
    def content(self):
        """The body's bytes."""
        return b"".join(self.chunks) if self.chunks is not None else self.body or b""

    def framing_field(self):
        """The field that frames the body in HTTP/1.1."""
        if self.chunks is not None:
            return [("Transfer-Encoding", "chunked")]
        return [("Content-Length", str(len(self.body)))] if self.body is not None else []


HTTP1 = ("HTTP/1.1",)


def sized(head, body=b"a"):
    """An answer with its length."""
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(head, *pieces, trailers=b"", extension=b""):
    """An answer in chunks."""
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailers + b"\r\n"
