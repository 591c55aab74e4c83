"""WebSocket (RFC 6455) frames by hand, for the lab's server and client."""

import base64
import hashlib
import os
import struct
from urllib.parse import urlsplit

from lab import rawhttp, wire

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FRAME_BYTES_MAX = 16 << 20


def accept_key(key):
    """The Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()


def encode(opcode, payload, masked):
    """One final frame."""
    head = bytes([0x80 | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + unmask(payload, mask)


def unmask(payload, mask):
    """XOR with the repeated mask."""
    stretched = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")).to_bytes(len(payload), "big")


def read_frame(reader):
    """(opcode, payload) of the next frame; fragments are not joined."""
    first, second = reader.read_exact(2)
    length = second & 0x7F
    if length == 126:
        length = struct.unpack(">H", reader.read_exact(2))[0]
    elif length == 127:
        length = struct.unpack(">Q", reader.read_exact(8))[0]
    if length > FRAME_BYTES_MAX:
        raise wire.TooLong(f"frame of {length} bytes")
    mask = reader.read_exact(4) if second & 0x80 else None
    payload = reader.read_exact(length)
    return first & 0x0F, unmask(payload, mask) if mask else payload


class Client:
    """A WebSocket client; `answer` is the HTTP answer, open only when its status is 101."""

    def __init__(self, url, headers=(), timeout=wire.PATIENCE_S, tls=None):
        self.connection = rawhttp.Connection.to(url, tls, timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = [("Host", urlsplit(url).netloc), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
                  ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13"), *headers]
        self.connection.send_request("GET", rawhttp.target_of(url), fields)
        self.answer = self.connection.read_head()
        self.open = self.answer.status == 101
        if self.open and self.answer.header("Sec-WebSocket-Accept") != accept_key(key):
            raise ValueError("wrong Sec-WebSocket-Accept")
        if not self.open:
            self.connection.read_body(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connection without a closing handshake."""
        self.connection.close()

    def send(self, text):
        """Send a text message."""
        self.connection.send(encode(TEXT, text.encode(), True))

    def receive(self):
        """The next text message; wire.Closed when the connection ended."""
        opcode, payload = read_frame(self.connection.reader)
        if opcode == CLOSE:
            raise wire.Closed("close frame")
        return payload.decode()

    def receive_echo(self, text):
        """Read on past the ticks until the echo comes."""
        for _ in range(10000):
            if self.receive() == "echo " + text:
                return
        raise AssertionError("no echo")

    def closed_within(self, seconds):
        """True when the server ends the connection in that time."""
        return self.connection.closed_within(seconds)
