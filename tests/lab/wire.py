"""A buffered reader over a socket, shared by the lab's servers and clients.

Every read is bounded: by the socket's timeout and by a limit the caller names.
"""


PATIENCE_S = 60.0  # for what must come: a wait ends with it, so this only says how late a failure is told


class Closed(Exception):
    """The peer closed (or reset) before what was asked for had arrived."""


class TooLong(Exception):
    """The peer sent more than the caller allows."""


class Reader:
    """Reads heads, exact lengths and whatever is there from one socket."""

    BLOCK = 65536

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def _fill(self):
        try:
            data = self.sock.recv(self.BLOCK)
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def read_until(self, delimiter, limit):
        """Bytes up to and including the delimiter."""
        start = 0
        while True:
            found = self.buffer.find(delimiter, start)
            if found >= 0:
                end = found + len(delimiter)
                taken, self.buffer = self.buffer[:end], self.buffer[end:]
                return taken
            if len(self.buffer) > limit:
                raise TooLong(f"more than {limit} bytes without {delimiter!r}")
            start = max(0, len(self.buffer) - len(delimiter) + 1)
            self._fill()

    def read_exact(self, count):
        """Exactly so many bytes."""
        while len(self.buffer) < count:
            self._fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_some(self, limit):
        """At least one byte, at most limit."""
        if not self.buffer:
            self._fill()
        taken, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return taken

    def read_to_end(self, limit):
        """All bytes up to the peer's orderly or abrupt close."""
        while len(self.buffer) <= limit:
            try:
                self._fill()
            except Closed:
                taken, self.buffer = self.buffer, b""
                return taken
        raise TooLong(f"more than {limit} bytes")


def split_head(head):
    """First line and list of (name, value) of a request or answer head, as text (ISO 8859-1, order and case kept)."""
    lines = head.decode("latin-1").split("\r\n")
    fields = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(":")
            fields.append((name, value.strip(" \t")))
    return lines[0], fields


def field(fields, name):
    """The first value of a field, or None."""
    for key, value in fields:
        if key.lower() == name.lower():
            return value
    return None


def read_chunked(reader, on_data, limit):
    """Read a chunked body; give each chunk to on_data; return the trailer fields."""
    total = 0
    while True:
        line = reader.read_until(b"\r\n", 1024)
        size = int(line.split(b";")[0].strip(), 16)
        if size == 0:
            break
        total += size
        if total > limit:
            raise TooLong(f"body of more than {limit} bytes")
        left = size
        while left:
            piece = reader.read_some(left)
            left -= len(piece)
            on_data(piece)
        if reader.read_exact(2) != b"\r\n":
            raise ValueError("chunk without its line end")
    trailers = []
    while True:
        line = reader.read_until(b"\r\n", 65536)
        if line == b"\r\n":
            return trailers
        trailers += split_head(b"\r\n" + line)[1]
