"""Rows of the link: how soon a deactivation bites."""
import http.client
import json
import select
import socket
import threading
import time

from measure import say, spread
from peers import Provgate, free_port
from rows_prov import scim_ids

STREAMS, ROUNDS = 1000, 10000
DEACTIVATE = json.dumps(
    {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": False}}],
    }
)


def cookie(user):
    """Of the user's first session: bench_load_store gives each 16 in a row."""
    return f"bench_session=s{user * 16:016x}"


class Streams(threading.Thread):
    """An app: /stream never ends, everything else is answered at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=2048)
        self.port = self.listener.getsockname()[1]

    def run(self):
        poll = select.epoll()
        poll.register(self.listener, select.EPOLLIN)
        peers = {}
        while True:
            for fd, _ in poll.poll():
                if fd == self.listener.fileno():
                    peer, _ = self.listener.accept()
                    peers[peer.fileno()] = peer
                    poll.register(peer, select.EPOLLIN)
                    continue
                head = peers[fd].recv(65536)
                if not head:
                    poll.unregister(fd)
                    peers.pop(fd).close()
                elif head.startswith(b"GET /stream"):
                    peers[fd].sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"5\r\n:hi\n\n\r\n"
                    )
                else:
                    peers[fd].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Provisioning:
    """A SCIM client with one connection."""

    def __init__(self, gate):
        self.connection = http.client.HTTPConnection("127.0.0.1", gate.prov_port)
        self.fields = {"Authorization": "Bearer " + gate.token, "Content-Type": "application/scim+json"}

    def deactivate(self, ident):
        """The time at which the answer was there."""
        self.connection.request("PATCH", "/scim/v2/Users/" + ident, DEACTIVATE, self.fields)
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"PATCH: {answer.status}")
        return time.monotonic()


def open_streams(gate):
    """One per user, each after its first bytes."""
    streams = []
    for user in range(STREAMS):
        stream = socket.create_connection(("127.0.0.1", gate.port))
        stream.sendall(
            f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {cookie(user)}\r\n\r\n".encode()
        )
        while b":hi" not in stream.recv(4096):
            pass
        streams.append(stream)
    return streams


def watch_ends(streams, ends):
    """When each stream ended, until all have."""
    poll, users = select.epoll(), {}
    for user, stream in enumerate(streams):
        users[stream.fileno()] = user
        poll.register(stream, select.EPOLLIN | select.EPOLLRDHUP)
    deadline = time.monotonic() + 120
    while len(ends) < len(streams) and time.monotonic() < deadline:
        for fd, _ in poll.poll(1):
            try:
                data = streams[users[fd]].recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                ends[users[fd]] = time.monotonic()
                poll.unregister(fd)


def cut_streams(gate, ids):
    """Milliseconds from each deactivation's answer to the end of the stream; negative: ended before the answer."""
    streams, ends, answers = open_streams(gate), {}, []
    watcher = threading.Thread(target=watch_ends, args=(streams, ends))
    watcher.start()
    okta = Provisioning(gate)
    for user in range(STREAMS):
        answers.append(okta.deactivate(ids[user]))
        time.sleep(0.002)
    watcher.join()
    return [(ends[user] - answers[user]) * 1000 for user in ends], STREAMS - len(ends)


def next_requests(gate, ids):
    """Requests that passed although they were begun after the answer."""
    okta, passed, before = Provisioning(gate), 0, 0
    app = http.client.HTTPConnection("127.0.0.1", gate.port)

    def ask(user):
        app.request("GET", "/", headers={"Cookie": cookie(user), "Accept": "application/json"})
        answer = app.getresponse()
        answer.read()
        return answer.status

    for user in range(STREAMS, STREAMS + ROUNDS):
        before += ask(user) == 200
        okta.deactivate(ids[user])
        passed += ask(user) == 200
    return before, passed


def bench_cut(options, folder, report):
    """Open streams and next requests of users who are being deactivated one after the other."""
    app = Streams()
    app.start()
    users = STREAMS + ROUNDS
    gate = Provgate(
        "provgate", folder, options.binary, options.tools, app.port, 2, users=users, sessions=users * 16
    )
    with open(scim_ids(gate, users)) as f:
        ids = f.read().split("\n")
    late, alive = cut_streams(gate, ids)
    before, passed = next_requests(gate, ids)
    report["cut"] = {**spread(late), "alive": alive, "before": before, "passed": passed}
    figures = spread(late)
    say(
        f"\nCut of {STREAMS} open streams after the deactivation's answer: p50 {figures['p50']:.1f} ms, "
        f"p99 {figures['p99']:.1f} ms, worst {figures['max']:.1f} ms; still open {alive}"
    )
    say(f"Requests begun after the answer: {ROUNDS}, of which passed {passed} (before it {before} passed)")
    gate.stop()
