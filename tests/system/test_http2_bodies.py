"""Bodies over HTTP/2: many streams at once, windows both ways, flat memory (A11, law 1)."""

import hashlib
import threading

from lab import http2, wire
from support.case import WorldCase, is_long
from support.upstreams import Http2Client, Puppeted
from test_memory import READERS_KIB_MAX, FlatMemory, is_sanitized

BLOCK = bytes(range(256)) * 256
STREAMS = 40
MEGABYTES = 512 if is_long() else 48


class ManyStreams(Http2Client, WorldCase):
    """Uploads and downloads side by side on one connection."""

    tls = True
    timeout_s = 300
    resident_kib, reset_peak, assert_flat = FlatMemory.resident_kib, FlatMemory.reset_peak, FlatMemory.assert_flat

    def test_a11_uploads_side_by_side_arrive_whole(self):
        connection = self.connect()
        streams = [connection.request("POST", "/upload", ends=False) for _ in range(STREAMS)]
        for number in range(4):
            for stream in streams:
                self.assertTrue(connection.send_body(stream, BLOCK, ends=number == 3))
        expected = {"bytes": 4 * len(BLOCK), "sha256": hashlib.sha256(BLOCK * 4).hexdigest()}
        for stream in streams:
            answer = connection.answer(stream)
            self.assertEqual(answer.status, 200)
            self.assertEqual(http2.json_of(answer), expected)

    def test_a11_downloads_side_by_side_arrive_whole(self):
        connection = self.connect()
        streams = [connection.request("GET", "/static/1m") for _ in range(STREAMS)]
        digests = {hashlib.sha256(connection.answer(stream, 60).body).hexdigest() for stream in streams}
        self.assertEqual(len(digests), 1)
        self.assertEqual(len(connection.answers[streams[0]].body), 1 << 20)

    def test_a11_a_long_upload_and_a_long_download_leave_memory_flat(self):
        connection = self.connect()
        before, digest = self.reset_peak(), hashlib.sha256()
        stream = connection.request("POST", "/upload", ends=False)
        for number in range(MEGABYTES * 16):
            self.assertTrue(connection.send_body(stream, BLOCK, ends=number == MEGABYTES * 16 - 1))
            digest.update(BLOCK)
        answer = http2.json_of(connection.answer(stream, 60))
        self.assertEqual(answer, {"bytes": MEGABYTES << 20, "sha256": digest.hexdigest()})
        stream = connection.request("GET", f"/static/{MEGABYTES}m")
        got = connection.answers[stream]
        size = 0
        while not got.is_over:
            connection.pump()
            size += len(got.body)
            got.body.clear()
        self.assertEqual((size, got.reset), (MEGABYTES << 20, None))
        if not is_sanitized():
            self.assert_flat(before)

    def test_a11_downloads_that_nobody_reads_hold_little_and_hold_up_nobody(self):
        before = self.reset_peak()
        connections = [self.connect(settings=[(4, 0)]) for _ in range(4)]
        for connection in connections:
            for _ in range(STREAMS):
                connection.request("GET", "/static/64m")
        for connection in connections:
            connection.pump(lambda c=connection: all(answer.fields for answer in c.answers.values()))
        self.assertEqual(self.connect().fetch("GET", "/static/1m").status, 200)
        if not is_sanitized():
            self.assert_flat(before, READERS_KIB_MAX)


class StandingApps(Puppeted, WorldCase):
    """An app that reads nothing of some uploads."""

    tls = True
    with_app = False

    def fill(self, connection, stream):
        """Send until the window is shut."""
        data = http2.frame(http2.DATA, 0, stream, bytes(http2.FRAME_BYTES_MAX))
        def is_open():
            return min(connection.window(stream), connection.window(0)) >= http2.FRAME_BYTES_MAX
        while connection.pump(is_open, seconds=0.3):
            for key in (stream, 0):
                connection.windows[key] = connection.window(key) - http2.FRAME_BYTES_MAX
            connection.send(data)

    def test_uploads_that_the_app_does_not_read_hold_up_no_other(self):
        with http2.Connection(self.world.sso_url, self.world.tls) as connection:
            connection.pump(lambda: connection.acks)
            for _ in range(10):
                stream = connection.request("POST", "/stands", ends=False)
                self.puppet.next().read_head()
                self.fill(connection, stream)
            stream = connection.request("POST", "/goes", ends=False)
            app = self.puppet.next()
            app.read_head()
            got = []
            reader = threading.Thread(target=wire.read_chunked, args=(app.reader, got.append, 1 << 30))
            reader.start()
            self.assertTrue(connection.send_body(stream, bytes(3000000)))
            reader.join(60)
            self.assertEqual(sum(map(len, got)), 3000000)
