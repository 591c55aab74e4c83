"""An app that plays rows: the field X-Row of a request says which answer it gets, byte for byte."""

import threading

from lab import wire
from support.recorder import Recorded, SocketServer


class Player(SocketServer):
    """Keeps what came for each row. Answers when the whole request has come."""

    def __init__(self, rows):
        self.rows = list(rows)
        self.got = {}
        self.lock = threading.Lock()
        super().__init__()

    def take(self, number):
        """What came for a row since the last time, as a list."""
        with self.lock:
            return self.got.pop(number, [])

    @staticmethod
    def read_body(recorded, reader):
        """The body and the trailers, read strictly."""
        pieces, recorded.trailers = [], []
        coding = wire.field(recorded.fields, "Transfer-Encoding")
        if coding is not None:
            if coding != "chunked":
                raise ValueError("coding")
            recorded.trailers = wire.read_chunked(reader, pieces.append, 1 << 26)
        else:
            pieces.append(reader.read_exact(int(wire.field(recorded.fields, "Content-Length") or 0)))
        recorded.body = b"".join(pieces)

    def serve(self, sock, reader):
        """Row after row; an answer that has no other end ends the connection."""
        while True:
            recorded = Recorded(reader.read_until(b"\r\n\r\n", 1 << 20))
            self.read_body(recorded, reader)
            number = int(wire.field(recorded.fields, "X-Row"))
            with self.lock:
                self.got.setdefault(number, []).append(recorded)
            sock.sendall(self.rows[number].answer)
            if ends_with_connection(self.rows[number].answer):
                return


def ends_with_connection(answer):
    """Does only the end of the connection end this answer, or does its head say that it closes?"""
    heads = answer
    while heads.startswith(b"HTTP/1.1 1"):
        heads = heads.partition(b"\r\n\r\n")[2]
    first, fields = wire.split_head(heads.partition(b"\r\n\r\n")[0])
    said = (wire.field(fields, "Connection") or "").lower()
    if "close" in said or (first.startswith("HTTP/1.0") and "keep-alive" not in said):
        return True
    names = {name.lower() for name, _ in fields}
    return not names & {"content-length", "transfer-encoding"} and first.split(" ")[1] not in ("204", "304")
