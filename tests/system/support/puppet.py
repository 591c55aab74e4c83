"""An app that does nothing by itself: the test takes each of its connections and says every byte."""

import queue
import socket
import threading

from lab import wire

WAIT_S = 60.0


class End:
    """The app's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(WAIT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = wire.Reader(sock)

    def read_head(self):
        """The request's head: first line and fields."""
        return wire.split_head(self.reader.read_until(b"\r\n\r\n", 1 << 20))

    def read_chunk(self):
        """The next chunk of a body in chunks."""
        size = int(self.reader.read_until(b"\r\n", 100), 16)
        data = self.reader.read_exact(size)
        if self.reader.read_exact(2) != b"\r\n":
            raise ValueError("chunk without its end")
        return data

    def read_until_size(self, read, size):
        """Pieces from read() until so many bytes have come."""
        out = b""
        while len(out) < size:
            out += read()
        return out

    def send(self, data):
        """Say something."""
        self.sock.sendall(data)

    def close(self):
        """End it."""
        self.sock.close()


class Puppet:
    """Accepts; `next()` gives the test the connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.waiting = queue.Queue()
        self.ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.waiting.put(End(sock))

    def next(self):
        """The next connection that provgate makes."""
        end = self.waiting.get(timeout=WAIT_S)
        self.ends.append(end)
        return end

    def end_all(self):
        """Close what is open, so that the next request comes on a connection of its own."""
        while not self.waiting.empty():
            self.ends.append(self.waiting.get())
        for end in self.ends:
            end.close()
        self.ends.clear()

    def stop(self):
        """Stop accepting."""
        self.listener.close()
        self.end_all()
