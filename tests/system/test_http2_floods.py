"""Floods, bombs and slow peers over HTTP/2 against the real binary: each is ended, cheaply, and nobody else notices
(B5 to B11)."""

import os
import re
import select
import socket
import ssl
import struct
import threading
import time
import unittest
from pathlib import Path

import http1_rows
from lab import http2
from lab.gateway import wait_until
from support.case import WorldCase, is_long
from support.probe import ANSWER_S, probe
from support.upstreams import Http2Client, Puppeted, Recorded
from test_memory import is_sanitized

FRAMES = 200000
SLOWER = 10 if is_sanitized() else 2  # than a quiet machine
CPU_S = 3.0 * SLOWER
HEAD_CPU_S = 0.25 * SLOWER
FRESH_S = 20.0
UPSTREAM_MAX = 2000
LOG_LINES_MAX = 100
GROWTH_KIB_MAX = 64 * 1024
SLOW_S = 45.0
BLOCK_BYTES = 65536
TICKS = os.sysconf("SC_CLK_TCK")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class FloodCase(Http2Client, Recorded, WorldCase):
    """A recorder behind the TLS face; CPU, memory, descriptors and log are watched."""

    tls = True
    with_app = False
    is_alone = True
    timeout_s = 120

    def proc(self, name):
        """A file of the sso child in /proc."""
        return Path(f"/proc/{self.world.gateway.child('sso')}/{name}")

    def cpu_s(self):
        """CPU seconds that the sso child has used."""
        fields = self.proc("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_kib(self, field="VmRSS"):
        """Resident memory, or its peak."""
        return int(re.search(field + r":\s+(\d+)", self.proc("status").read_text()).group(1))

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir(self.proc("fd")))

    def setUp(self):
        self.recorder.requests.clear()
        self.pid, self.log_lines = self.world.gateway.child("sso"), self.log_length()
        self.assert_fresh_request()
        self.before = (self.cpu_s(), self.descriptors())
        self.proc("clear_refs").write_text("5")
        self.resident_before = self.resident_kib("VmHWM")

    def log_length(self):
        """Lines in the log."""
        return self.world.gateway.log.read_bytes().count(b"\n")

    def assert_fresh_request(self):
        """I1: a new client is served; soon, but this machine may have more to do."""
        begun = time.monotonic()
        self.assertEqual(self.connect().fetch("GET", "/fresh").status, 200)
        self.assertLess(time.monotonic() - begun, FRESH_S)

    def assert_cheap(self, upstream_max=UPSTREAM_MAX):
        """I1 to I3 and the limits of the case."""
        self.assert_fresh_request()
        self.assertEqual(self.world.gateway.child("sso"), self.pid)
        self.assertLess(self.cpu_s() - self.before[0], CPU_S, "CPU seconds")
        self.assertLessEqual(len(self.recorder.requests) - 2, upstream_max)
        self.assertLessEqual(self.log_length() - self.log_lines, LOG_LINES_MAX)
        if not is_sanitized():
            self.assertLess(self.resident_kib("VmHWM") - self.resident_before, GROWTH_KIB_MAX)

    @staticmethod
    def pour(connection, pieces, hangs_up=False, block_bytes=BLOCK_BYTES):
        """Send pieces in writes of so many bytes until all are sent or the peer has closed; what it says is read, or it
        would have to stop. Does the peer end the connection? It does in any case when it has read all, if we hang up.
        By one thread: two must not use a TLS connection at once."""
        sock, pieces, waiting = connection.sock, iter(pieces), bytearray()
        sock.settimeout(0)
        is_all_taken, deadline = False, time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            while not is_all_taken and len(waiting) < block_bytes:
                piece = next(pieces, None)
                is_all_taken = piece is None
                waiting += piece or b""
            readable, writable, _ = select.select([sock], [sock] if waiting else [], [], 1)
            if readable and is_closed(sock):
                return True
            if writable:
                sent = send_some(sock, waiting)
                del waiting[:sent]
                deadline = time.monotonic() + ANSWER_S
                if is_all_taken and not waiting and hangs_up:
                    hang_up(sock)
        return False


def hang_up(sock):
    """Nothing follows."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_WR)
    except OSError:
        pass


def is_closed(sock):
    """Reads all that is there: has the peer closed?"""
    try:
        while sock.recv(BLOCK_BYTES):
            pass
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    except OSError:
        pass
    return True


def send_some(sock, data):
    """How much was taken; all of it when the peer is gone, which is found by reading."""
    try:
        return sock.send(data)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    except OSError:
        return len(data)


class Floods(FloodCase):
    """B5 to B9."""

    def request_block(self, connection, path=b"/flood"):
        """A request head."""
        return http2.block(connection.head("GET", path))

    def test_b5_rapid_reset_at_once(self):
        connection = self.connect()
        packed = self.request_block(connection)
        ends = self.pour(connection, (http2.frame(http2.HEADERS, 5, stream, packed)
                                      + http2.frame(http2.RST_STREAM, 0, stream, struct.pack(">I", 8))
                                      for stream in range(1, 40001, 2)))
        self.assertTrue(ends, "the connection goes on")
        self.assert_cheap()

    def test_b5_rapid_reset_after_four_milliseconds(self):
        connection = self.connect()
        packed = self.request_block(connection)

        def pieces():
            for first in range(1, 40001, 100):
                streams = range(first, first + 100, 2)
                yield b"".join(http2.frame(http2.HEADERS, 5, stream, packed) for stream in streams)
                time.sleep(0.004)
                yield b"".join(http2.frame(http2.RST_STREAM, 0, stream, struct.pack(">I", 8)) for stream in streams)

        self.assertTrue(self.pour(connection, pieces(), block_bytes=1), "the connection goes on")
        self.assert_cheap()

    def test_b5_made_you_reset(self):
        breaches = {"a window of 0": lambda stream: http2.frame(http2.WINDOW_UPDATE, 0, stream, b"\0\0\0\0"),
                    "a window too large": lambda stream: http2.frame(http2.WINDOW_UPDATE, 0, stream,
                                                                     b"\x7f\xff\xff\xff"),
                    "PRIORITY that is cut": lambda stream: http2.frame(http2.PRIORITY, 0, stream, b"\0\0\0\0"),
                    "a bad trailer": lambda stream: http2.frame(http2.HEADERS, 5, stream, http2.block([(b":x", b"y")]))}
        for name, breach in breaches.items():
            with self.subTest(name):
                connection = self.connect()
                packed = self.request_block(connection)
                ends = self.pour(connection, (http2.frame(http2.HEADERS, 4, stream, packed) + breach(stream)
                                              for stream in range(1, 40001, 2)))
                self.assertTrue(ends, "the connection goes on")
        self.assert_cheap()

    def test_b6_frames_that_carry_no_work(self):
        floods = {"PING": http2.frame(http2.PING, 0, 0, b"12345678"), "SETTINGS": http2.frame(http2.SETTINGS, 0, 0),
                  "settings": http2.Connection.settings_frame([(1, 4096), (4, 65535)] * 10),
                  "PRIORITY": http2.frame(http2.PRIORITY, 0, 9, b"\0\0\0\0\1"),
                  "WINDOW_UPDATE": http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
                  "unknown": http2.frame(99, 0, 0, b"x"), "unknown on streams": http2.frame(99, 0, 7, b""),
                  "PING ACK": http2.frame(http2.PING, 1, 0, b"12345678"),
                  "SETTINGS ACK": http2.frame(http2.SETTINGS, 1, 0)}
        for name, data in floods.items():
            with self.subTest(name):
                self.before = (self.cpu_s(), 0)
                self.pour(self.connect(), (data for _ in range(FRAMES)), hangs_up=True)
                self.assert_cheap()

    def test_b6_empty_data(self):
        for name, data in {"empty": http2.frame(http2.DATA, 0, 1),
                           "padded": http2.frame(http2.DATA, 8, 1, b"\x03\0\0\0")}.items():
            with self.subTest(name):
                connection = self.connect()
                head = connection.head_frames(1, connection.head("POST", "/empty"), False)
                self.pour(connection, (head if number == 0 else data for number in range(FRAMES)), hangs_up=True)
                self.assert_cheap()

    def test_b7_continuation_full_and_empty(self):
        fill = http2.literal(b"x-a", b"y" * 4000)
        for name, piece, count in (("full", fill * 4, 100), ("empty", b"", 11000)):
            with self.subTest(name):
                connection = self.connect()
                first = http2.frame(http2.HEADERS, 1, 1, self.request_block(connection))
                more = http2.frame(http2.CONTINUATION, 0, 1, piece)
                ends = self.pour(connection, (more if number else first for number in range(count)))
                self.assertTrue(ends, "the connection goes on")
        self.assert_cheap(upstream_max=0)

    def test_b8_a_bomb_of_indexed_fields(self):
        connection = self.connect()
        head = self.request_block(connection)
        first = head + http2.literal(b"x-bomb", b"y" * 3900, 0x40)  # into the table, as index 62
        self.pour(connection, (http2.frame(http2.HEADERS, 5, stream, first if stream == 1 else head + b"\xbe" * 16000)
                               for stream in range(1, 401, 2)), hangs_up=True)
        self.assert_cheap(upstream_max=1)

    def test_b8_ten_thousand_fields_and_tables_that_change(self):
        connection = self.connect()
        fields = connection.head("GET", "/many") + [(b"x-%d" % n, b"y") for n in range(10000)]
        connection.send(connection.head_frames(connection.open_stream(), fields, True))
        answer = connection.answer(1)
        self.assertIn(answer.status, (0, 400, 431))
        sizes = b"".join(b"\x20" + http2.integer(4096, 5, 0x20) for _ in range(2000))
        other = self.connect()
        other.send(http2.frame(http2.HEADERS, 5, 1, sizes + self.request_block(other)))
        other.pump(lambda: other.is_closed or 1 in other.answers and other.answers[1].is_over)
        self.assert_cheap(upstream_max=1)


    def test_a13_twenty_thousand_cookie_crumbs(self):
        connection, begun = self.connect(), self.cpu_s()
        crumbs = http2.literal(b"cookie", b"a=b") * 20000
        connection.send(connection.head_frames(connection.open_stream(), self.request_block(connection) + crumbs, True))
        answer = connection.answer(1)
        self.assertIn(answer.status, (0, 400, 431))
        self.assertLess(self.cpu_s() - begun, HEAD_CPU_S)
        self.assert_cheap(upstream_max=0)


    def test_a9_a13_heads_of_http1_beyond_the_limits_cost_little(self):
        for name, fields in http1_rows.A9_HEADS.items():
            with self.subTest(name):
                begun = self.cpu_s()
                head = http1_rows.get(fields).replace(b"@HOST@", self.host().encode()).replace(b"@PATH@", b"/")
                outcome = probe(self.world.sso_url, head, tls=self.world.tls)
                self.assertIn(outcome.status, (0, 400, 413, 414, 431))
                self.assertLess(self.cpu_s() - begun, HEAD_CPU_S)
        self.assert_cheap(upstream_max=0)


class Streams(Puppeted, FloodCase):
    """B9 and B11, where the test is the app."""

    def setUp(self):
        self.pid = self.world.gateway.child("sso")

    def tearDown(self):
        self.puppet.end_all()

    def serve(self):
        """One request of the app's, answered."""
        app = self.puppet.next()
        head = app.read_head()
        app.send(OK)
        return head

    def test_b9_four_hundred_streams_at_once(self):
        connection = self.connect()
        packed = http2.block(connection.head("GET", "/many"))
        streams = [connection.open_stream() for _ in range(400)]
        connection.send(b"".join(http2.frame(http2.HEADERS, 5, stream, packed) for stream in streams))
        connection.pump(lambda: sum(a.reset == 7 for a in connection.answers.values()) >= 300 or connection.is_closed)
        refused = [stream for stream in streams if connection.answers[stream].reset == 7]
        self.assertEqual(len(refused), 300)
        for _ in range(100):
            self.serve()
        for stream in set(streams) - set(refused):
            self.assertEqual(connection.answer(stream).status, 200)

    def test_b11_what_a_client_leaves_behind_is_cancelled_once(self):
        goaway = http2.frame(http2.GOAWAY, 0, 0, struct.pack(">II", 0, 0))
        reset = http2.frame(http2.RST_STREAM, 0, 1, struct.pack(">I", 8))
        before = None
        for name, leave in (("closes", b""), ("resets", reset), ("says GOAWAY and closes", goaway)):
            for after_head in (False, True):
                with self.subTest(name, after_head=after_head):
                    connection = self.connect()
                    stream = connection.request("GET", "/long")
                    app = self.puppet.next()
                    app.read_head()
                    if after_head:
                        app.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                        connection.pump(lambda c=connection, s=stream: len(c.answers[s].body) == 3)
                    connection.send(leave)
                    if name != "resets":
                        connection.close()
                    self.assertEqual(app.sock.recv(1), b"", "the app's side goes on")
                    self.assertTrue(self.puppet.waiting.empty(), "it was asked again")
                    self.puppet.end_all()
                    connection.close()
            before = before or self.descriptors()
        wait_until(lambda: self.descriptors() <= before + 5, 60, "descriptors come back")
        self.assertEqual(self.world.gateway.child("sso"), self.pid)

    def test_b11_a_goaway_alone_lets_what_is_under_way_finish(self):
        connection = self.connect()
        stream = connection.request("GET", "/long")
        app = self.puppet.next()
        app.read_head()
        connection.send(http2.frame(http2.GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
        app.send(OK)
        answer = connection.answer(stream)
        self.assertEqual((answer.status, bytes(answer.body)), (200, b"ok"))
        self.assertTrue(connection.is_closed_within(60))


@unittest.skipUnless(is_long(), "45 s at the real limits: --long; tests/unit/http does the same with shorter ones")
class SlowPeers(WorldCase):
    """B10 at the real limits, all at the same time."""

    tls = True
    timeout_s = 120

    def slow(self, kind):
        """A connection that goes on as slowly as the kind says; its end in seconds."""
        connection = http2.Connection(self.world.sso_url, self.world.tls, settings=[(4, 0)] if "window" in kind else ())
        connection.opens_windows = False
        tick = getattr(self, kind)(connection)
        begun = time.monotonic()
        while not connection.is_closed and time.monotonic() - begun < SLOW_S + 5:
            connection.is_closed_within(1.0 if kind != "window_of_a_byte" else 5.0)
            if tick and not connection.is_closed:
                connection.send(tick)
        connection.close()
        self.took[kind] = time.monotonic() - begun if connection.is_closed else None

    @staticmethod
    def window_shut(connection):
        """A hundred answers wait for a window."""
        for _ in range(100):
            connection.request("GET", "/static/64k")

    @staticmethod
    def window_of_a_byte(connection):
        """It opens by one byte every five seconds."""
        return http2.frame(http2.WINDOW_UPDATE, 0, connection.request("GET", "/static/64k"), struct.pack(">I", 1))

    @staticmethod
    def pings_alone(connection):
        """Nothing but PING. The idle limit ends it."""
        return http2.frame(http2.PING, 0, 0, b"12345678")

    @staticmethod
    def pings_with_the_window_shut(connection):
        """An answer waits."""
        connection.request("GET", "/static/64k")
        return http2.frame(http2.PING, 0, 0, b"12345678")

    @staticmethod
    def body_drip(connection):
        """A byte of a body each second."""
        return http2.frame(http2.DATA, 0, connection.request("POST", "/upload", ends=False), b"x")

    @staticmethod
    def empty_continuation_drip(connection):
        """A header block that does not end."""
        connection.send(http2.frame(http2.HEADERS, 1, 1, http2.block(connection.head("GET", "/"))))
        return http2.frame(http2.CONTINUATION, 0, 1)

    @staticmethod
    def nothing(_):
        """Not even SETTINGS are acknowledged."""

    def test_b10_slow_peers_are_ended_in_time(self):
        kinds = ["window_shut", "window_of_a_byte", "pings_alone", "pings_with_the_window_shut", "body_drip",
                 "empty_continuation_drip", "nothing"]
        self.took = {}
        threads = [threading.Thread(target=self.slow, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for kind in kinds:
            with self.subTest(kind):
                self.assertIsNotNone(self.took.get(kind), "never ended")
                self.assertLess(self.took[kind], SLOW_S + 1)
        self.assertEqual(http2.Connection(self.world.sso_url, self.world.tls).fetch("GET", "/static/1").status, 200)
