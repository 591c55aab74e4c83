"""Clients that go on while something happens to provgate, and keep a list of all that went wrong for them."""

import hashlib
import os
import ssl
import threading
from urllib.parse import urlsplit

from lab import http2, rawhttp, websocket

UPLOAD_BYTES = 192 << 10
UPLOAD_PIECE = 16 << 10
PAUSE_S = 0.005
STREAMS = 4
ECHOES = 12


class Load:
    """Several kinds of clients, each in threads of its own, until it is stopped."""

    def __init__(self, world, cookie):
        self.world, self.cookie = world, cookie
        self.url = world.sso_url
        self.stopping = threading.Event()
        self.failures, self.counts, self.threads = [], {}, []

    def __enter__(self):
        kinds = [self.keep_alive, self.keep_alive, self.new_connections, self.upload, self.web_socket]
        if self.world.tls:
            kinds.append(self.http2)
        self.threads = [threading.Thread(target=self.run, args=(kind,), daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a client hangs"

    def run(self, kind):
        """One client again and again; what it raises is a failure, and it begins anew."""
        name = kind.__name__
        while not self.stopping.is_set():
            try:
                kind(name)
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def count(self, name):
        """One more request went well."""
        self.counts[name] = self.counts.get(name, 0) + 1
        self.stopping.wait(PAUSE_S)

    def fields(self):
        """What each request carries."""
        return [("Host", urlsplit(self.url).netloc), ("Cookie", self.cookie)]

    def expect(self, name, status, wanted=200):
        """An answer as it should be."""
        if status != wanted:
            raise AssertionError(f"status {status}")
        self.count(name)

    def keep_alive(self, name):
        """Requests on one connection until an answer says that it was the last."""
        with rawhttp.Connection.to(self.url, self.world.tls) as connection:
            while not self.stopping.is_set():
                answer = connection.exchange("GET", "/api/me", self.fields())
                self.expect(name, answer.status)
                if (answer.header("Connection") or "").lower() == "close":
                    return

    def new_connections(self, name):
        """One request each."""
        self.expect(name, rawhttp.fetch(self.url + "/api/me", headers=self.fields()[1:], tls=self.world.tls).status)

    def upload(self, name):
        """A body that comes slowly."""
        body = os.urandom(UPLOAD_BYTES)
        with rawhttp.Connection.to(self.url, self.world.tls) as connection:
            connection.send_request("POST", "/upload", [*self.fields(), ("Content-Length", str(len(body)))])
            for at in range(0, len(body), UPLOAD_PIECE):
                connection.send(body[at:at + UPLOAD_PIECE])
                self.stopping.wait(PAUSE_S * 4)
            answer = connection.read_body(connection.read_head())
            if answer.json().get("sha256") != hashlib.sha256(body).hexdigest():
                raise AssertionError(f"the body did not arrive: {answer.status}")
            self.expect(name, answer.status)

    def web_socket(self, name):
        """Some echoes."""
        client = websocket.Client(self.url + "/ws", [("Cookie", self.cookie)], tls=self.world.tls)
        if not client.open:
            raise AssertionError(f"no WebSocket: {client.answer.status}")
        try:
            for number in range(ECHOES):
                text = f"message {number}"
                client.send(text)
                client.receive_echo(text)
                self.count(name)
        finally:
            client.close()

    def http2(self, name):
        """Several streams at a time, until the peer says that no more are wanted."""
        context = ssl.create_default_context(cafile=str(self.world.folder / "ca.pem"))
        with http2.Connection(self.url, context) as connection:
            while not self.stopping.is_set() and connection.goaway is None:
                streams = [connection.request("GET", "/api/me", [("cookie", self.cookie)]) for _ in range(STREAMS)]
                connection.pump(lambda s=streams: all(connection.answers[each].is_over for each in s))
                for stream in streams:
                    # What lies above the last stream of a GOAWAY was not looked at (RFC 9113 section 6.8).
                    if connection.goaway is None or stream <= connection.goaway[0]:
                        self.expect(name, connection.answers[stream].status)
