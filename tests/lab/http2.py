"""An HTTP/2 client of frames: it sends what it is told, also what is wrong, and keeps all that comes back.

Fields go out as plain literals (RFC 7541 section 6.2.2), so that each byte is the test's own; answers are decoded by
python3-hpack.
"""

import json
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field as dataclass_field
from urllib.parse import urlsplit

import hpack

from lab import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x1, 0x4, 0x8, 0x20
FRAME_BYTES_MAX = 16384
WINDOW_BYTES = 65535
BODY_BYTES_MAX = 1 << 30


@dataclass
class Answer:
    """What came on one stream, in the order in which it came."""

    interim: list = dataclass_field(default_factory=list)  # lists of fields
    fields: list = None
    body: bytearray = dataclass_field(default_factory=bytearray)
    trailers: list = dataclass_field(default_factory=list)
    reset: int = None  # the error code of RST_STREAM
    has_ended: bool = False

    @property
    def status(self):
        """The final status, or 0."""
        return int(dict(self.fields)[b":status"]) if self.fields else 0

    @property
    def is_over(self):
        """Does nothing follow?"""
        return self.has_ended or self.reset is not None

    def header(self, name):
        """The first value of a field, as text, or None."""
        for key, value in self.fields or ():
            if key == name.encode():
                return value.decode("latin-1")
        return None


def integer(value, prefix_bits, first=0):
    """An HPACK integer (RFC 7541 section 5.1)."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytearray([first | most]), value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + bytes([value]))


def literal(name, value, first=0x00):
    """One field as a literal: 0x00 without indexing, 0x10 never indexed, 0x40 into the table."""
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    """A block of literals."""
    return b"".join(literal(as_bytes(name), as_bytes(value)) for name, value in fields)


def json_of(answer):
    """An answer's body as JSON."""
    return json.loads(bytes(answer.body))


def as_bytes(text):
    """Text as ISO 8859-1, bytes as they are."""
    return text.encode("latin-1") if isinstance(text, str) else bytes(text)


def frame(kind, flags, stream, payload=b"", length=None):
    """One frame; `length` may lie."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Connection:
    """One connection. Reading happens in `pump`, on the caller's thread."""

    def __init__(self, url, tls, settings=(), greets=True, window_bytes=None, timeout=wire.PATIENCE_S,
                 server_name=None):
        parts = urlsplit(url)
        self.authority = parts.netloc.encode()
        self.scheme = parts.scheme.encode()
        tls.set_alpn_protocols(["h2", "http/1.1"])
        raw = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = tls.wrap_socket(raw, server_hostname=server_name or parts.hostname)
        self.reader = wire.Reader(self.sock)
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.answers = {}
        self.goaway = None  # (last stream, error code)
        self.is_closed = False
        self.acks = self.pings = 0
        self.peer_settings = {}
        self.window_bytes, self.windows = window_bytes, {}
        self.next_stream = 1
        self.opens_windows = True
        self.partial = None
        if greets:
            self.send(PREFACE + self.settings_frame(settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close; closing twice is fine."""
        self.sock.close()

    @staticmethod
    def settings_frame(settings=()):
        """SETTINGS with (identifier, value) pairs."""
        return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings))

    def send(self, data):
        """Send raw bytes; a connection that is gone takes them silently."""
        try:
            self.sock.sendall(data)
        except (ConnectionError, BrokenPipeError, ssl.SSLError):
            self.is_closed = True

    # Requests

    def open_stream(self):
        """The number of a new stream."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.answers[stream] = Answer()
        return stream

    def head(self, method, path, fields=(), authority=None):
        """The fields of a request head."""
        return [(b":method", as_bytes(method)), (b":scheme", self.scheme), (b":path", as_bytes(path)),
                (b":authority", self.authority if authority is None else as_bytes(authority)),
                *((as_bytes(name), as_bytes(value)) for name, value in fields)]

    @staticmethod
    def head_frames(stream, fields, ends):
        """HEADERS and as many CONTINUATION frames as it takes."""
        packed = fields if isinstance(fields, bytes) else block(fields)
        pieces = [packed[at:at + FRAME_BYTES_MAX] for at in range(0, len(packed), FRAME_BYTES_MAX)] or [b""]
        out = b""
        for number, piece in enumerate(pieces):
            flags = (END_HEADERS if number == len(pieces) - 1 else 0) | (END_STREAM if ends and number == 0 else 0)
            out += frame(CONTINUATION if number else HEADERS, flags, stream, piece)
        return out

    def request(self, method, path, fields=(), ends=True, authority=None):
        """Send a request head; the stream."""
        stream = self.open_stream()
        self.send(self.head_frames(stream, self.head(method, path, fields, authority), ends))
        return stream

    def send_block(self, fields, ends=True):
        """Send a request head that is written out in full, whatever it says; the stream."""
        stream = self.open_stream()
        self.send(self.head_frames(stream, fields, ends))
        return stream

    def window(self, stream):
        """What the peer lets us send on a stream."""
        return self.windows.get(stream, self.peer_settings.get(4, WINDOW_BYTES))

    def send_body(self, stream, data, ends=True, trailers=None, seconds=wire.PATIENCE_S):
        """Send a body within the peer's windows; False when the stream or the connection ended meanwhile."""
        at, deadline = 0, time.monotonic() + seconds
        while at < len(data):
            room = min(self.window(stream), self.window(0), FRAME_BYTES_MAX)
            if self.is_closed or self.answers[stream].reset is not None or time.monotonic() > deadline:
                return False
            if room <= 0:
                self.pump(seconds=0.5)
                continue
            piece = data[at:at + room]
            at += len(piece)
            is_last = at == len(data) and ends and not trailers
            for key in (stream, 0):
                self.windows[key] = self.window(key) - len(piece)
            self.send(frame(DATA, END_STREAM if is_last else 0, stream, piece))
        if trailers:
            self.send(self.head_frames(stream, list(trailers), ends))
        elif ends and not data:
            self.send(frame(DATA, END_STREAM, stream))
        return not self.is_closed

    # What comes back

    def pump(self, until=None, seconds=wire.PATIENCE_S):
        """Read frames until `until()` holds, the peer closes or the time is over; what `until()` says in the end."""
        deadline = time.monotonic() + seconds
        while not (until and until()) and not self.is_closed:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self.sock.settimeout(left)
            try:
                self.read_frame()
            except (TimeoutError, ssl.SSLWantReadError):
                break
            except (wire.Closed, ssl.SSLError, OSError):
                self.is_closed = True
            if until is None:
                break
        self.sock.settimeout(wire.PATIENCE_S)
        return bool(until and until())

    def read_frame(self):
        """One frame, and what it means; a head that was cut by the clock is kept."""
        if self.partial is None:
            self.partial = self.reader.read_exact(9)
        head = self.partial
        payload = self.reader.read_exact(int.from_bytes(head[:3], "big"))
        self.partial = None
        self.take(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7fffffff, payload)

    def take(self, kind, flags, stream, payload):
        """Keep what a frame says."""
        answer = self.answers.setdefault(stream, Answer()) if stream else None
        if kind == DATA:
            self.take_data(stream, answer, flags, payload)
        elif kind == HEADERS and flags & END_HEADERS:
            self.take_head(answer, flags, self.decoder.decode(payload, raw=True))
        elif kind in (HEADERS, CONTINUATION):
            self.take_pieces(answer, kind, flags, payload)
        elif kind == RST_STREAM:
            answer.reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS and flags & ACK:
            self.acks += 1
        elif kind == SETTINGS:
            self.take_settings(payload)
        elif kind == PING:
            self.pings += 1
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload[:8])
        elif kind == WINDOW_UPDATE:
            self.windows[stream] = self.window(stream) + int.from_bytes(payload, "big")

    def take_pieces(self, answer, kind, flags, payload):
        """A head in several frames."""
        if kind == HEADERS:
            answer.pieces, answer.piece_flags = b"", flags
        answer.pieces += payload
        if flags & END_HEADERS:
            self.take_head(answer, answer.piece_flags, self.decoder.decode(answer.pieces, raw=True))

    @staticmethod
    def take_head(answer, flags, fields):
        """Interim answer, answer or trailers, as a list of byte pairs."""
        fields = [(bytes(name), bytes(value)) for name, value in fields]
        if answer.fields is not None:
            answer.trailers = fields
        elif fields[0][1].startswith(b"1"):
            answer.interim.append(fields)
        else:
            answer.fields = fields
        answer.has_ended = answer.has_ended or bool(flags & END_STREAM)

    def take_data(self, stream, answer, flags, payload):
        """A piece of a body; the window is opened again at once unless the test wants it shut."""
        answer.body += payload
        answer.has_ended = answer.has_ended or bool(flags & END_STREAM)
        if self.opens_windows and payload:
            size = struct.pack(">I", len(payload))
            self.send(frame(WINDOW_UPDATE, 0, 0, size) + frame(WINDOW_UPDATE, 0, stream, size))

    def take_settings(self, payload):
        """The peer's settings; a new initial window moves the windows that are open (RFC 9113 section 6.9.2)."""
        before = self.peer_settings.get(4, WINDOW_BYTES)
        for at in range(0, len(payload), 6):
            key, value = struct.unpack(">HI", payload[at:at + 6])
            self.peer_settings[key] = value
        self.windows.setdefault(0, WINDOW_BYTES)
        change = self.peer_settings.get(4, WINDOW_BYTES) - before
        for stream in self.windows:
            self.windows[stream] += change if stream else 0
        self.send(frame(SETTINGS, ACK, 0))

    def answer(self, stream, seconds=wire.PATIENCE_S):
        """The whole answer on a stream."""
        self.pump(lambda: self.answers[stream].is_over, seconds)
        return self.answers[stream]

    def fetch(self, method, path, fields=(), body=None, trailers=None):
        """One request and its whole answer."""
        stream = self.request(method, path, fields, ends=body is None and not trailers)
        if body is not None or trailers:
            self.send_body(stream, body or b"", trailers=trailers)
        return self.answer(stream)

    def is_closed_within(self, seconds):
        """Does the peer end the connection in that time?"""
        self.pump(lambda: self.is_closed, seconds)
        return self.is_closed
