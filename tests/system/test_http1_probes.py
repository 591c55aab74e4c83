"""Raw HTTP/1 probes against the SSO face: what is ambiguous never reaches a recording upstream (A1 to A10)."""

import http1_rows as rows
from lab import rawhttp, wire
from support.case import WorldCase
from support.probe import MAY_STAY_OPEN, probe
from support.upstreams import Recorded

REFUSALS = (400, 404, 405, 408, 413, 414, 417, 421, 426, 431, 501, 505)
HEAD_REFUSALS = (400, 413, 414, 431)


class Http1Probes(Recorded, WorldCase):
    """Each row on a connection of its own."""

    number = 0

    def fill(self, data):
        """Put host and a path of its own into a row; (data, path)."""
        type(self).number += 1
        path = f"/probe/{self.number}"
        return data.replace(b"@HOST@", self.host().encode()).replace(b"@PATH@", path.encode()), path

    def send(self, data, **more):
        """Send a row; (outcome, requests that the upstream got meanwhile). One of an earlier row may come late."""
        data, path = self.fill(data)
        before = len(self.recorder.requests)
        outcome = probe(self.world.sso_url, data, **more)
        return outcome, [r for r in self.recorder.requests[before:]
                         if r.target == path.encode() or not r.target.startswith(b"/probe/")]

    def assert_refused(self, data, statuses=REFUSALS):
        """A clear refusal (or an immediate close), the connection ended, nothing upstream."""
        outcome, got = self.send(data)
        self.assertEqual([r.head[:300] for r in got], [])
        if outcome.status not in MAY_STAY_OPEN:
            self.assertTrue(outcome.closed, f"the connection stays open after {outcome.statuses}")
        if outcome.statuses:
            self.assertIn(outcome.status, statuses)
        self.assertLessEqual(len(outcome.statuses), 1)

    def assert_table_refused(self, table):
        """Every row of name to data."""
        for name, data in table.items():
            with self.subTest(name):
                self.assert_refused(data)

    def test_a0_a_plain_request_passes_byte_for_byte(self):
        outcome, got = self.send(rows.get(b"X-One: 1\r\nx-one:  2 \r\nAccept: */*\r\n"))
        self.assertEqual((outcome.statuses, len(got)), ([200], 1))
        sent = [(n, v) for n, v in got[0].fields if n.lower() in ("x-one", "accept")]
        self.assertEqual(sent, [("X-One", "1"), ("x-one", "2"), ("Accept", "*/*")])

    def test_a1_length_and_coding_together_or_two_lengths(self):
        self.assert_table_refused({
            "CL then TE": rows.post(rows.CL5 + rows.TE, rows.CHUNKS), "TE then CL": rows.post(rows.TE + rows.CL5),
            "two that differ": rows.post(rows.CL5 + b"Content-Length: 6\r\n"),
            "two alike": rows.post(rows.CL5 * 2), "case differs": rows.post(rows.CL5 + b"content-length: 0\r\n")})

    def test_a1_odd_lengths(self):
        self.assert_table_refused({value: rows.post(b"Content-Length: " + value + b"\r\n")
                                   for value in rows.A1_ODD_LENGTHS})

    def test_a2_odd_codings(self):
        self.assert_table_refused({value: rows.post(b"Transfer-Encoding: " + value + b"\r\n", rows.CHUNKS)
                                   for value in rows.A2_CODINGS})

    def test_a2_coding_twice_and_on_http_1_0(self):
        old = rows.post(rows.TE, rows.CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0")
        self.assert_table_refused({"twice": rows.post(rows.TE * 2, rows.CHUNKS), "HTTP/1.0": old})

    def test_a2_chunked_passes(self):
        outcome, got = self.send(rows.post(rows.TE, rows.CHUNKS))
        self.assertEqual((outcome.statuses, [r.body for r in got]), ([200], [b"hello"]))

    def test_a3_odd_fields(self):
        self.assert_table_refused({field: rows.get(field) for field in rows.A3_FIELDS})

    def test_a3_odd_first_field(self):
        self.assert_table_refused({field: b"GET @PATH@ HTTP/1.1\r\n" + field + rows.GOOD_HOST + b"\r\n"
                                   for field in rows.A3_FIELDS})

    def test_a4_odd_chunks_never_make_a_complete_request(self):
        for chunks in rows.A4_CHUNKS:
            with self.subTest(chunks):
                outcome, got = self.send(rows.post(rows.TE, chunks))
                self.assertLessEqual(len(got), 1)
                self.assertFalse([r for r in got if r.complete], "the upstream took it for a whole request")
                self.assertTrue(outcome.closed)
                self.assertNotIn(200, outcome.statuses)

    def test_a5_hosts(self):
        self.assert_table_refused({name: rows.get(host=host) for name, host in rows.A5_HOSTS.items()})

    def test_a5_target_forms(self):
        self.assert_table_refused(rows.A5_FORMS)

    def test_a6_paths_are_forwarded_as_they_are_or_refused(self):
        for path in rows.A6_PATHS:
            with self.subTest(path[:60]):
                outcome, got = self.send(b"GET " + path + b" HTTP/1.1\r\n" + rows.GOOD_HOST + b"\r\n")
                if got:
                    self.assertEqual([r.target for r in got], [path])
                    self.assertEqual(outcome.statuses, [200])
                else:
                    self.assertIn(outcome.status, REFUSALS)

    def test_a6_odd_but_legal_paths_pass(self):
        for path in (b"/a/../b", b"//a", b"/a%2Fb", b"/a;jsessionid=1?b", b"/?q=a+b%20c&d", b"/" + b"x" * 15000):
            with self.subTest(path[:60]):
                _, got = self.send(b"GET " + path + b" HTTP/1.1\r\n" + rows.GOOD_HOST + b"\r\n")
                self.assertEqual([r.target for r in got], [path])

    def test_a7_methods_that_are_tokens_pass(self):
        for method in rows.A7_PASS:
            with self.subTest(method):
                rest = b" @PATH@ HTTP/1.1\r\n" + rows.GOOD_HOST + b"Content-Length: 0\r\n\r\n"
                outcome, got = self.send(method + rest)
                self.assertEqual([r.first.split(b" ")[0] for r in got], [method])
                self.assertEqual(outcome.statuses, [200])

    def test_a7_methods_that_are_not(self):
        self.assert_table_refused({m: m + b" @PATH@ HTTP/1.1\r\n" + rows.GOOD_HOST + b"\r\n" for m in rows.A7_METHODS})

    def test_a7_versions(self):
        rest = b"\r\n" + rows.GOOD_HOST + b"\r\n"
        self.assert_table_refused({version: b"GET @PATH@ " + version + rest for version in rows.A7_VERSIONS})

    def test_a7_http_0_9_and_the_http_2_preface_in_clear(self):
        self.assert_table_refused({"0.9": b"GET @PATH@\r\n\r\n", "preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"})

    def test_a7_an_h2c_upgrade_goes_no_further(self):
        fields = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        outcome, got = self.send(rows.get(fields))
        self.assertNotIn(101, outcome.statuses)
        for request in got:
            self.assertFalse([n for n, v in request.fields if n.lower() in ("http2-settings", "upgrade")])

    def test_a8_spoofed_fields_are_replaced_or_stripped(self):
        for name in rows.A8_NAMES:
            with self.subTest(name):
                outcome, got = self.send(rows.get(f"{name}: spoof-7\r\n".encode()))
                self.assertEqual((outcome.statuses, len(got)), ([200], 1))
                self.assertNotIn(b"spoof-7", got[0].head)

    def test_a8_our_own_forwarding_fields_are_there_once(self):
        _, got = self.send(rows.get(b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n"
                                    b"Connection: X-Forwarded-For, X-Forwarded-Proto\r\n"))
        fields = [(name.lower(), value) for name, value in got[0].fields]
        self.assertEqual([v for n, v in fields if n == "x-forwarded-for"], ["127.0.0.1"])
        self.assertEqual([v for n, v in fields if n == "x-forwarded-proto"], ["http"])
        self.assertEqual([v for n, v in fields if n == "x-forwarded-host"], [self.host()])
        self.assertEqual([v for n, v in fields if n == "host"], [self.host()])

    def test_a8_fields_named_in_connection_go_no_further(self):
        _, got = self.send(rows.get(b"Connection: X-Hop, close\r\nX-Hop: secret\r\nKeep-Alive: timeout=5\r\n"))
        names = [name.lower() for name, _ in got[0].fields]
        self.assertNotIn("x-hop", names)
        self.assertNotIn("keep-alive", names)

    def test_a9_heads_beyond_the_limits(self):
        for name, fields in rows.A9_HEADS.items():
            with self.subTest(name):
                self.assert_refused(rows.get(fields), HEAD_REFUSALS)

    def test_a9_endless_lines(self):
        endless = b"x" * (1 << 20)
        self.assert_table_refused({"request line": b"GET /" + endless, "field": rows.get(b"X: " + endless)[:-4]})

    def test_a10_pipelined_requests_are_answered_in_order(self):
        one, two = self.fill(rows.get())[0], self.fill(rows.get())[0]
        before = len(self.recorder.requests)
        outcome = probe(self.world.sso_url, one + two, answers=2)
        got = [r.target for r in self.recorder.requests[before:]]
        self.assertEqual(outcome.statuses, [200, 200])
        self.assertEqual(got, [one.split(b" ")[1], two.split(b" ")[1]])

    def test_a10_pipelined_with_a_body_between(self):
        one, two = self.fill(rows.post(rows.CL5))[0], self.fill(rows.get())[0]
        before = len(self.recorder.requests)
        outcome = probe(self.world.sso_url, one + two, answers=2)
        got = self.recorder.requests[before:]
        self.assertEqual(outcome.statuses, [200, 200])
        self.assertEqual([(r.target, r.body) for r in got], [(one.split(b" ")[1], b"hello"), (two.split(b" ")[1], b"")])

    def test_a10_what_follows_a_refused_request_is_not_served(self):
        bad, good = self.fill(rows.post(rows.CL5 + rows.TE, rows.CHUNKS))[0], self.fill(rows.get())[0]
        before = len(self.recorder.requests)
        outcome = probe(self.world.sso_url, bad + good)
        self.assertTrue(outcome.closed)
        self.assertEqual(self.recorder.requests[before:], [])

    def test_a12_expect_100_continue_goes_through(self):
        host = ("Host", self.host())
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("POST", "/expect", [host, ("Content-Length", "5"), ("Expect", "100-continue")])
            first = None
            try:
                connection.sock.settimeout(0.5)
                first = connection.read_head(interim=True)
            except TimeoutError:
                pass  # an upstream that says nothing: the client sends after a while
            except wire.Closed:
                self.fail("closed")
            if first is None or first.status == 100:
                connection.sock.settimeout(wire.PATIENCE_S)
                connection.send(b"hello")
                first = connection.read_head()
            self.assertIn(first.status, (200, 417))
