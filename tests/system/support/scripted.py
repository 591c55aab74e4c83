"""An upstream that answers each path with the raw bytes of a table: the right side of the transparency checks."""

from lab import wire
from support.recorder import Recorded, SocketServer, read_request_body


class Scripted(SocketServer):
    """`table` is name to raw answer, asked for as /NAME; closes after an answer that has no other end."""

    def __init__(self, table):
        self.table = table
        self.requests = []
        super().__init__()

    def serve(self, sock, reader):
        """Answer by the table."""
        while True:
            recorded = Recorded(reader.read_until(b"\r\n\r\n", 1 << 20))
            self.requests.append(recorded)
            read_request_body(recorded, reader)
            raw = self.table[recorded.target.decode("latin-1").lstrip("/")]
            head = recorded.first.startswith(b"HEAD ")
            sock.sendall(raw[:raw.index(b"\r\n\r\n") + 4] if head else raw)
            _, fields = wire.split_head(raw.partition(b"\r\n\r\n")[0])
            names = {name.lower() for name, _ in fields}
            status = raw.split(b" ")[1]
            framed = names & {"content-length", "transfer-encoding"} or status in (b"204", b"304", b"103")
            if not framed or (wire.field(fields, "Connection") or "").lower() == "close":
                return
