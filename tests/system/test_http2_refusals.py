"""What breaks the rules of HTTP/2 never reaches a recording upstream, and ends at once (B1 to B4, B12)."""

import http2_rows as rows
from lab import http2
from support.case import WorldCase
from support.upstreams import Http2Client, Recorded

REFUSALS = (400, 404, 405, 413, 414, 421, 431, 501)
CLOSED_S = 30.0


class Http2Case(Http2Client, Recorded, WorldCase):
    """A recorder behind the TLS face."""

    tls = True
    with_app = False

    def fill(self, fields):
        """Put in the right host."""
        return [(name, value.replace(b"@HOST@", self.host().encode())) for name, value in fields]

    def assert_well(self, connection=None):
        """The next request is answered, on this connection or on a new one."""
        connection = connection or self.connect()
        self.assertEqual(connection.fetch("GET", "/well").status, 200)
        self.assertIn(b"/well", [request.target for request in self.recorder.requests])

    def assert_refused(self, connection, stream, before):
        """RST_STREAM, GOAWAY or a clear refusal; nothing upstream."""
        answer = connection.answer(stream)
        self.assertEqual([r.head[:300] for r in self.recorder.requests[before:]], [])
        if answer.status:
            self.assertIn(answer.status, REFUSALS)
        else:
            self.assertTrue(answer.reset or connection.goaway, "neither an answer nor an end")


class Http2Heads(Http2Case):
    """Each row is a stream; all rows that leave it on one connection."""

    def each_refused(self, table, send):
        """Row after row; a connection that was ended is replaced."""
        connection = self.connect()
        for name, row in table.items():
            with self.subTest(name):
                before = len(self.recorder.requests)
                self.assert_refused(connection, send(connection, row), before)
                if connection.goaway or connection.is_closed:
                    connection = self.connect()
        self.assert_well(self.connect())

    def test_b1_names_values_and_fields_of_a_connection(self):
        self.assertGreaterEqual(len(rows.B1), 30)
        self.each_refused(rows.B1, lambda connection, row: connection.send_block(self.fill(row)))

    def test_b2_lengths_that_are_not_the_length(self):
        def send(connection, lengths):
            fields = rows.POST + [(b"content-length", value) for value in lengths]
            stream = connection.open_stream()
            data = http2.frame(http2.DATA, http2.END_STREAM, stream, b"hello")
            connection.send(connection.head_frames(stream, self.fill(fields), False) + data)
            return stream
        self.each_refused(rows.B2_BODY, send)

    def test_b2_a_length_without_a_body(self):
        self.each_refused({"5": 5, "1": 1}, lambda connection, length: connection.send_block(
            self.fill(rows.POST + [(b"content-length", str(length).encode())])))

    def test_b2_a_body_that_ends_early_or_late_never_looks_whole(self):
        for pieces in ((b"hel",), (b"hel", b"lo!")):
            with self.subTest(pieces):
                connection = self.connect()
                before = len(self.recorder.requests)
                stream = connection.request("POST", "/cut", [("content-length", "5")], ends=False)
                for number, piece in enumerate(pieces):
                    connection.send_body(stream, piece, ends=number == len(pieces) - 1)
                    connection.send(http2.frame(http2.PING, 0, 0, b"12345678"))
                    connection.pump(lambda: connection.pings > number or connection.is_closed)
                self.assertNotEqual(connection.answer(stream).status, 200)
                self.assertEqual([r for r in self.recorder.requests[before:] if r.complete], [])
                self.assert_well()

    def test_b3_pseudo_fields(self):
        self.assertGreaterEqual(len(rows.B3), 26)
        self.each_refused(rows.B3, lambda connection, row: connection.send_block(self.fill(row)))

    def test_b3_what_is_odd_but_legal_passes(self):
        good = self.fill(rows.GOOD)
        legal = {"host instead of authority": self.fill(rows.without(b":authority") + [(b"host", b"@HOST@")]),
                 "host as well": self.fill(rows.more(b"host", b"@HOST@")), "another order": good[::-1],
                 "scheme in capitals": self.fill(rows.changed(b":scheme", b"HTTPS")),
                 "te: trailers": good + [(b"te", b"trailers")], "empty value": good + [(b"x-e", b"")],
                 "never indexed": b"".join(http2.literal(name, value, 0x10) for name, value in good),
                 "indexed": b"".join(http2.literal(name, value, 0x40) for name, value in good)}
        connection = self.connect()
        for name, fields in legal.items():
            with self.subTest(name):
                self.assertEqual(connection.answer(connection.send_block(fields)).status, 200)


class Http2Frames(Http2Case):
    """B4, by the sections of RFC 9113: each breach on a connection of its own."""

    def setUp(self):
        self.recorder.requests.clear()

    def all_sent(self, table, **more):
        """(name, connection) of each row, all under way at the same time: a connection lingers before it closes."""
        connections = [(name, self.connect(**more)) for name in table]
        for name, connection in connections:
            connection.send(table[name])
        return connections

    def assert_ended(self, connection):
        """Closed in time."""
        self.assertTrue(connection.is_closed_within(CLOSED_S), f"still open; GOAWAY {connection.goaway}")

    def test_b4_breaches_end_the_connection(self):
        self.assertGreaterEqual(len(rows.B4_CONNECTION), 21)
        for name, connection in self.all_sent(rows.B4_CONNECTION):
            with self.subTest(name):
                self.assert_ended(connection)
                self.assertTrue(connection.goaway, "no GOAWAY")
                self.assertNotEqual(connection.goaway[1], 0)
        self.assertEqual(self.recorder.requests, [])
        self.assert_well()

    def test_b4_what_does_not_begin_as_it_must(self):
        for name, connection in self.all_sent(rows.B4_START, greets=False):
            with self.subTest(name):
                self.assert_ended(connection)
        self.assertEqual(self.recorder.requests, [])
        self.assert_well()

    def test_b4_breaches_on_a_stream_end_it_or_the_connection(self):
        for number, (name, data) in enumerate(rows.B4_STREAM.items()):
            with self.subTest(name):
                path = b"/breach/%d" % number
                connection = self.connect()
                stream = connection.open_stream()
                head = connection.head("POST", path)
                connection.send(connection.head_frames(stream, head, False) + data)
                if "RST_STREAM" not in name:  # the client itself has ended that one
                    is_ended = connection.pump(lambda: connection.answers[stream].is_over or connection.goaway)
                    self.assertTrue(is_ended or connection.is_closed, "neither RST_STREAM nor GOAWAY")
                behind = "behind the end" in name
                whole = [r for r in self.recorder.requests if r.target == path and r.complete]
                self.assertEqual([] if behind else whole, [])
                self.assert_well(None if connection.goaway or connection.is_closed else connection)

    def test_b4_what_is_legal_passes(self):
        for name, data in rows.B4_LEGAL.items():
            with self.subTest(name):
                connection = self.connect()
                connection.send(data)
                self.assert_well(connection)


class Authorities(Http2Case):
    """B12: names of the other face."""

    def authority_of(self, url):
        """Host and port."""
        return url.partition("://")[2].partition("/")[0]

    def test_b12_a_name_of_the_other_face_is_misdirected(self):
        pairs = ((self.world.sso_url, self.world.prov_url), (self.world.prov_url, self.world.sso_url))
        for to, name in pairs:
            with self.subTest(to):
                before = len(self.recorder.requests)
                with http2.Connection(to, self.world.tls) as connection:
                    if connection.sock.selected_alpn_protocol() != "h2":
                        continue  # that face speaks HTTP/1.1 alone; test_hidden_face has it
                    stream = connection.request("GET", "/scim/v2/Users", authority=self.authority_of(name))
                    self.assertEqual(connection.answer(stream).status, 421)
                    self.assertEqual(self.recorder.requests[before:], [])
                    connection.authority = self.authority_of(to).encode()
                    self.assertNotEqual(connection.fetch("GET", "/well").status, 421)
