"""What is under way passes at once, both ways, in both protocols: events, uploads, Expect, early answers (A12, law 1).

The test is the app as well: each step waits for what the step before must have caused, so nothing that is held back
until more comes can pass.
"""

import itertools
import subprocess

from lab import rawhttp, websocket, wire
from lab.gateway import wait_until
from support.case import WorldCase
from support.talk import Http1Talk, Http2Talk
from support.upstreams import Puppeted

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
EXPECT = (("Expect", "100-continue"),)
STEPS = 20


class StreamCase(Puppeted, WorldCase):
    """The app is a puppet."""

    with_app = False

    def tearDown(self):
        self.puppet.end_all()


class Http1Streams(StreamCase):
    """Over HTTP/1.1."""

    talk_class = Http1Talk

    def talk(self):
        """A client."""
        talk = self.talk_class(self)
        self.addCleanup(talk.close)
        return talk

    def begun(self, *request, **more):
        """A request that has reached the app: both ends, and the head that the app saw."""
        talk = self.talk()
        talk.begin(*request, **more)
        app = self.puppet.next()
        return talk, app, app.read_head()

    def test_events_arrive_one_by_one_before_the_next_is_written(self):
        talk, app, _ = self.begun("GET", "/events")
        app.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Type: text/event-stream\r\n\r\n"))
        self.assertEqual(talk.status(), 200)
        for number in range(STEPS):
            event = b"data: %d\n\n" % number
            app.send(b"%x\r\n%s\r\n" % (len(event), event))
            self.assertEqual(talk.take(len(event)), event)

    def test_single_bytes_arrive_of_an_answer_that_only_the_end_ends(self):
        talk, app, _ = self.begun("GET", "/log")
        app.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        self.assertEqual(talk.status(), 200)
        for byte in b"tail -f":
            app.send(bytes([byte]))
            self.assertEqual(talk.take(1), bytes([byte]))
        app.close()
        self.assertEqual(talk.rest(), b"")

    def test_the_head_arrives_before_any_byte_of_the_body(self):
        talk, app, _ = self.begun("GET", "/slow")
        app.send(CHUNKED)
        self.assertEqual(talk.status(), 200)

    def test_pieces_of_an_upload_arrive_before_the_next_is_sent(self):
        for length in (None, STEPS * 3):
            with self.subTest(length):
                talk, app, (_, fields) = self.begun("POST", "/upload", length=length, has_body=True)
                self.assertEqual(wire.field(fields, "Content-Length"), None if length is None else str(length))
                for number in range(STEPS):
                    talk.give(b"%03d" % number)
                    read = app.read_chunk if length is None else lambda: app.reader.read_some(3)
                    self.assertEqual(app.read_until_size(read, 3), b"%03d" % number)
                app.send(OK)
                self.assertEqual((talk.status(), talk.whole()[0]), (200, b"ok"))

    def test_both_directions_at_once(self):
        talk, app, _ = self.begun("POST", "/echo", has_body=True)
        app.send(CHUNKED)
        self.assertEqual(talk.status(), 200)
        for number in range(STEPS):
            talk.give(b"piece %d" % number)
            piece = app.read_chunk()
            app.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.assertEqual(talk.take(len(piece)), b"piece %d" % number)

    def test_interim_answers_arrive_before_the_answer(self):
        talk, app, _ = self.begun("GET", "/hints")
        for status in (103, 102, 103):
            app.send(b"HTTP/1.1 %d Soon\r\nLink: </a>\r\n\r\n" % status)
            self.assertEqual(talk.interim(), status)
        app.send(OK)
        self.assertEqual((talk.status(), talk.whole()[0]), (200, b"ok"))

    def test_a12_expect_reaches_the_app_and_its_100_the_client(self):
        talk, app, (_, fields) = self.begun("POST", "/upload", EXPECT, length=5, has_body=True)
        self.assertEqual(wire.field(fields, "Expect"), "100-continue")
        app.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(talk.interim(), 100)
        talk.give(b"hello", ends=True)
        self.assertEqual(app.reader.read_exact(5), b"hello")
        app.send(OK)
        self.assertEqual((talk.status(), talk.whole()[0]), (200, b"ok"))

    def test_a12_expect_refused_costs_no_body(self):
        for status in (401, 413, 417):
            with self.subTest(status):
                talk, app, _ = self.begun("POST", "/upload", EXPECT, length=1000000, has_body=True)
                app.send(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status)
                self.assertEqual((talk.status(), talk.whole()[0]), (status, b"no"))
                self.assert_next_is_clean(talk)
                self.puppet.end_all()

    def assert_next_is_clean(self, talk):
        """Another request on the connection reaches the app as it was said, or finds the connection ended."""
        talk.ask_next("/next")
        wait_until(lambda: not self.puppet.waiting.empty() or talk.has_ended(), 60, "the next request or the end")
        if not self.puppet.waiting.empty():
            self.assertEqual(self.puppet.next().read_head()[0], "GET /next HTTP/1.1")

    def test_a12_expect_that_the_app_ignores_is_answered_in_the_end(self):
        talk, app, _ = self.begun("POST", "/upload", EXPECT, length=5, has_body=True)
        talk.give(b"hello", ends=True)
        self.assertEqual(app.reader.read_exact(5), b"hello")
        app.send(OK)
        self.assertEqual((talk.status(), talk.whole()[0]), (200, b"ok"))

    def test_a12_an_early_refusal_arrives_while_the_body_is_sent(self):
        for status, length in itertools.product((400, 413), (10000000, None)):
            with self.subTest(status=status, length=length):
                talk, app, _ = self.begun("POST", "/upload", length=length, has_body=True)
                talk.give(b"x" * 1000)
                app.send(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno" % status)
                self.assertEqual((talk.status(), talk.whole()[0]), (status, b"no"))
                self.assert_next_is_clean(talk)
                self.puppet.end_all()

    def test_a12_an_early_answer_does_not_end_an_upload_that_the_app_still_reads(self):
        talk, app, _ = self.begun("POST", "/upload", has_body=True)
        app.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.assertEqual((talk.status(), talk.whole()[0]), (200, b"ok"))
        for number in range(STEPS):
            talk.give(b"%03d" % number)
            self.assertEqual(app.read_until_size(app.read_chunk, 3), b"%03d" % number)
        talk.give(b"", ends=True)
        self.assertEqual(app.reader.read_exact(5), b"0\r\n\r\n")

    def test_trailers_arrive_with_the_end(self):
        talk, app, _ = self.begun("GET", "/sum")
        app.send(CHUNKED + b"1\r\na\r\n")
        self.assertEqual(talk.status(), 200)
        app.send(b"0\r\nX-Sum: 1\r\n\r\n")
        body, trailers = talk.whole()
        self.assertEqual((body, [(n.lower(), v) for n, v in trailers]), (b"a", [("x-sum", "1")]))

    def test_an_answer_that_breaks_off_does_not_look_whole(self):
        for answer in (CHUNKED + b"5\r\nhello\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"):
            with self.subTest(answer):
                talk, app, _ = self.begun("GET", "/cut")
                app.send(answer)
                self.assertEqual(talk.status(), 200)
                app.close()
                self.assertFalse(self.looks_whole(talk))

    def looks_whole(self, talk):
        """Did the client get an end?"""
        try:
            talk.whole()
        except (wire.Closed, OSError):
            return False
        return True


class Http2Streams(Http1Streams):
    """Over HTTP/2."""

    tls = True
    talk_class = Http2Talk

    def looks_whole(self, talk):
        """A reset is the end of one that broke off."""
        talk.whole()
        return talk.answer.reset is None


class Pipelines(StreamCase):
    """What only HTTP/1.1 has."""

    def test_a10_pipelined_requests_of_every_kind_reach_the_app_in_order(self):
        host = b"Host: " + self.host().encode() + b"\r\n"
        sent = [b"GET /1 HTTP/1.1\r\n" + host + b"\r\n",
                b"POST /2 HTTP/1.1\r\n" + host + b"Content-Length: 3\r\n\r\nabc",
                b"HEAD /3 HTTP/1.1\r\n" + host + b"\r\n",
                b"PUT /4 HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                b"GET /5 HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"]
        with rawhttp.Connection.to(self.world.sso_url) as client:
            client.send(b"".join(sent))
            app = self.puppet.next()
            for number, request in enumerate(sent, 1):
                first, fields = app.read_head()
                self.assertEqual(first, request.partition(b"\r\n")[0].decode())
                if wire.field(fields, "Content-Length"):
                    self.assertEqual(app.reader.read_exact(3), b"abc")
                elif wire.field(fields, "Transfer-Encoding"):
                    self.assertEqual(app.read_chunk(), b"abc")
                    self.assertEqual(app.reader.read_exact(5), b"0\r\n\r\n")
                body = b"" if number == 3 else b"%d" % number
                app.send(b"HTTP/1.1 200 OK\r\nX-N: %d\r\nContent-Length: 1\r\n\r\n" % number + body)
                answer = client.read_body(client.read_head(), first.split(" ")[0])
                self.assertEqual((answer.header("X-N"), answer.body), (str(number), body))
            self.assertTrue(client.closed_within(60))


class WebSockets(StreamCase):
    """Tunnels carry every byte at once, whatever it is."""

    SIZES = (0, 1, 125, 126, 127, 4095, 65535, 65536, 65537, 1 << 20)

    def opened(self, early=b"", more=b""):
        """Both ends of a tunnel; `early` comes with the client's head, `more` with the app's 101."""
        client = rawhttp.Connection.to(self.world.sso_url, self.world.tls)
        self.addCleanup(client.close)
        head = (f"GET /ws HTTP/1.1\r\nHost: {self.host()}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                "Sec-WebSocket-Protocol: a, b\r\n\r\n")
        client.send(head.encode() + early)
        app = self.puppet.next()
        first, fields = app.read_head()
        sent = {line.partition(": ")[0]: line.partition(": ")[2] for line in head.split("\r\n")[1:-2]}
        got = dict(fields)
        self.assertEqual(first, "GET /ws HTTP/1.1")
        for name in ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions",
                     "Sec-WebSocket-Protocol"):
            self.assertEqual(got[name], sent[name])
        self.assertEqual(got["Connection"], "Upgrade")
        answer = (b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: b\r\n"
                  b"Set-Cookie: a=b\r\n\r\n")
        app.send(answer + more)
        self.assertEqual(client.read_head().raw_head, answer)
        return client, app

    def test_frames_of_odd_sizes_pass_both_ways(self):
        client, app = self.opened()
        for size, opcode in itertools.product(self.SIZES, (websocket.TEXT, websocket.BINARY)):
            payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
            for source, to, masked in ((client, app, True), (app, client, False)):
                source.send(websocket.encode(opcode, payload, masked))
                self.assertEqual(websocket.read_frame(to.reader), (opcode, payload))

    def test_single_bytes_of_a_frame_pass_at_once(self):
        client, app = self.opened()
        for byte in websocket.encode(websocket.TEXT, b"drip", True):
            client.send(bytes([byte]))
            self.assertEqual(app.reader.read_exact(1), bytes([byte]))
        for byte in websocket.encode(websocket.PING, b"", False):
            app.send(bytes([byte]))
            self.assertEqual(client.reader.read_exact(1), bytes([byte]))

    def test_bytes_that_come_with_either_head_are_not_lost(self):
        client, app = self.opened(early=b"\x81\x80abcd", more=b"\x81\x00")
        self.assertEqual(app.reader.read_exact(6), b"\x81\x80abcd")
        self.assertEqual(client.reader.read_exact(2), b"\x81\x00")

    def test_close_handshakes_pass_from_either_side(self):
        for first, is_client in ((0, True), (1, False)):
            with self.subTest(first):
                ends = self.opened()
                one, two = ends if is_client else ends[::-1]
                one.send(websocket.encode(websocket.CLOSE, b"\x03\xe8bye", is_client))
                self.assertEqual(websocket.read_frame(two.reader), (websocket.CLOSE, b"\x03\xe8bye"))
                two.send(websocket.encode(websocket.CLOSE, b"\x03\xe8", not is_client))
                self.assertEqual(websocket.read_frame(one.reader), (websocket.CLOSE, b"\x03\xe8"))
                two.close()
                with self.assertRaises(wire.Closed):
                    one.reader.read_exact(1)
                self.puppet.end_all()

    def test_what_is_no_websocket_passes_as_well(self):
        client, app = self.opened()
        data = b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\0\xff"
        client.send(data)
        self.assertEqual(app.reader.read_exact(len(data)), data)


class WebSocketsOverTls(WebSockets):
    """The same over TLS."""

    tls = True


class AnswerTrailers(StreamCase):
    """The header that names the user to provgate stays hidden where it is a trailer."""

    @staticmethod
    def configure(values):
        """The app tells who it is."""
        values["apps"][0]["sso"]["identity"] = [{"header": {"name": "X-Remote-User"}}]

    def test_a_trailer_that_names_the_user_does_not_leave(self):
        talk = Http1Talk(self)
        self.addCleanup(talk.close)
        talk.begin("GET", "/sum")
        app = self.puppet.next()
        app.read_head()
        trailers = b"X-Sum: 1\r\nX-Remote-User: alice\r\nx_remote_user: alice\r\nX-Last: 2\r\n"
        app.send(CHUNKED + b"1\r\na\r\n0\r\n" + trailers + b"\r\n")
        self.assertEqual(talk.status(), 200)
        self.assertEqual(talk.whole(), (b"a", [("X-Sum", "1"), ("X-Last", "2")]))


class RefusedUploads(StreamCase):
    """A client that is refused while it sends reads the refusal; what it is told to stop with must not destroy it."""

    tls = True
    BYTES = 3 << 20

    def status_for_curl(self, protocol, answer):
        """What curl says of an upload that the app answers after the head."""
        body = self.folder / "upload"
        body.write_bytes(bytes(self.BYTES))
        command = ["curl", "-sk", protocol, "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{body}",
                   self.world.sso_url + "/upload"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
            app = self.puppet.next()
            app.read_head()
            app.send(answer)
            said = curl.communicate(timeout=60)[0]
            app.close()
            return said, curl.returncode

    def test_a12_curl_reads_the_refusal_of_its_upload(self):
        for protocol, closing in itertools.product(("--http1.1", "--http2"), (b"", b"Connection: close\r\n")):
            with self.subTest(protocol=protocol, closing=closing):
                answer = b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n%s\r\nno" % closing
                self.assertEqual(self.status_for_curl(protocol, answer), ("413", 0))
