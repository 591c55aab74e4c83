"""Deactivation is immediate (law 3): open exchanges are cut within a second, later requests never reach the app."""

import socket
import threading
import time

from lab import http2, rawhttp, wire
from lab.app import COOKIE
from lab.gateway import wait_until
from lab.story import CUT_S, REFUSED, Story
from support.case import WorldCase


class OpenStream:
    """A request through provgate whose answer has begun and is being read by a thread until it ends."""

    def __init__(self, url, cookie, on_data=None):
        self.connection = rawhttp.Connection.to(url)
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        host = url.split("/")[2]
        self.connection.send_request("GET", rawhttp.target_of(url), [("Host", host), ("Cookie", f"{COOKIE}={cookie}")])
        self.answer = self.connection.read_head()
        self.clean_end = False
        self.begun, self.ended = threading.Event(), threading.Event()
        self.on_data = on_data or (lambda piece: None)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        if not self.begun.wait(60):
            raise AssertionError("the stream does not begin")

    def _take(self, piece):
        self.begun.set()
        self.on_data(piece)

    def _read(self):
        try:
            self.connection.read_body(self.answer, on_data=self._take)
            self.clean_end = True
        except (OSError, wire.Closed, ValueError):
            pass
        self.ended.set()

    def close(self):
        """Close; the thread ends with it."""
        self.connection.close()


class Cut(WorldCase):
    """Streams of a user who is deactivated meanwhile."""

    def setUp(self):
        """alice is in and linked; bob is in."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.user = self.okta.assign("alice@example.com")
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.alice = self.world.sign_in("alice@example.com")
        self.bob = self.world.sign_in("bob@example.com")

    def stream(self, browser, path, on_data=None):
        """An open stream of someone."""
        stream = OpenStream(self.sso(path), self.story.cookie(browser), on_data)
        self.addCleanup(stream.close)
        return stream

    def deactivate(self):
        """Deactivate alice; the moment at which the answer was there."""
        self.okta.unassign(self.user["id"])
        return time.monotonic()

    def assert_cut(self, path, on_data=None):
        """Her stream is cut and does not look complete; his goes on."""
        hers, his = self.stream(self.alice, path, on_data), self.stream(self.bob, "/stream?lines=100000")
        answered = self.deactivate()
        self.assertTrue(hers.ended.wait(CUT_S - (time.monotonic() - answered)), "not cut within a second")
        self.assertFalse(hers.clean_end, "the cut stream looks like a complete one")
        self.assertFalse(his.ended.is_set(), "bob's stream was cut")

    def test_f12_a_slow_chunked_stream_is_cut(self):
        self.assert_cut("/stream?lines=100000")

    def test_f12_server_sent_events_are_cut(self):
        self.assert_cut("/events?lines=100000")

    def test_f12_a_download_whose_reader_is_slow_is_cut(self):
        self.assert_cut("/static/512m", lambda piece: time.sleep(0.01))

    def test_f12_a_websocket_is_cut_and_the_other_goes_on(self):
        with self.story.open_websocket(self.story.cookie(self.alice)) as hers, \
                self.story.open_websocket(self.story.cookie(self.bob)) as his:
            answered = self.deactivate()
            self.assertTrue(hers.closed_within(CUT_S - (time.monotonic() - answered)))
            his.send("on")
            his.receive_echo("on")

    def test_every_session_of_the_user_is_refused_at_once(self):
        browsers = [self.world.sign_in("alice@example.com") for _ in range(5)]
        before = self.world.app.log.count
        self.deactivate()
        for browser in browsers:
            self.assertIn(browser.get(self.sso("/api/me")).status, REFUSED)
            self.assertFalse(self.story.reached(before, self.story.cookie(browser)))

    def test_the_next_request_on_a_kept_connection_is_refused(self):
        fields = [("Host", self.host()), ("Cookie", f"{COOKIE}={self.story.cookie(self.alice)}")]
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            self.assertEqual(connection.exchange("GET", "/api/me", fields).status, 200)
            before = self.world.app.log.count
            self.deactivate()
            try:
                self.assertIn(connection.exchange("GET", "/api/me", fields).status, REFUSED)
            except (wire.Closed, OSError):
                pass  # an idle connection of hers may also be closed
            self.assertFalse(self.story.reached(before, self.story.cookie(self.alice)))

    def test_reactivation_keeps_the_id_and_the_old_cookie_stays_dead(self):
        old = self.story.cookie(self.alice)
        self.deactivate()
        self.assertEqual(self.okta.assign("alice@example.com")["id"], self.user["id"])
        self.story.expect_refused(old)
        self.story.expect_in(self.world.sign_in("alice@example.com"), "alice@example.com")

    def test_cookie_spellings_do_not_let_a_dead_session_in(self):
        value = self.story.cookie(self.alice)
        self.deactivate()
        rows = [f"{COOKIE}={value}", f"a=b; {COOKIE}={value}", f"{COOKIE}={value};", f"{COOKIE}=\"{value}\"",
                f"{COOKIE}=x; {COOKIE}={value}", f"{COOKIE}={value}; {COOKIE}=x", f"a=1, {COOKIE}={value}",
                f" {COOKIE}={value}", f"{COOKIE} = {value}", f"{COOKIE.upper()}={value}", f"lab%5Fsession={value}",
                f"a=\"; {COOKIE}={value}; b=\"", f"{COOKIE}={value}; a=b=c", f"$Version=1; {COOKIE}={value}"]
        for row in rows:
            with self.subTest(row.replace(value, "VALUE")):
                before = self.world.app.log.count
                rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", row)])
                self.assertFalse(self.story.reached(before, value))

    def test_two_cookie_lines_do_not_let_a_dead_session_in(self):
        value = self.story.cookie(self.alice)
        self.deactivate()
        for lines in (["a=b", f"{COOKIE}={value}"], [f"{COOKIE}={value}", "a=b"]):
            before = self.world.app.log.count
            answer = rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", line) for line in lines])
            self.assertGreaterEqual(answer.status, 400)
            self.assertFalse(self.world.app.log.since(before))

    def test_no_path_and_no_method_lets_a_dead_session_in(self):
        value = self.story.cookie(self.alice)
        self.deactivate()
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
            for path in ("/", "/api/me", "//api/me", "/static/../api/me", "/api%2Fme", "/saml/../api/me", "/%61pi/me"):
                with self.subTest(f"{method} {path}"):
                    before = self.world.app.log.count
                    answer = rawhttp.fetch(self.sso(path), method, [("Cookie", f"{COOKIE}={value}")],
                                           b"" if method in ("POST", "PUT") else None)
                    self.assertGreaterEqual(answer.status, 400)
                    self.assertFalse(self.world.app.log.since(before))


class CutHttp2(WorldCase):
    """The same on one HTTP/2 connection: only her streams end, and the log keeps a line of each."""

    tls = True

    @classmethod
    def configure(cls, values):
        """With an access log: its lines are written when exchanges end in whatever way."""
        cls.access_log = cls.folder / "access.jsonl"
        values["sso"]["access_log"] = {"file": str(cls.access_log)}

    def test_f12_a_cut_ends_her_streams_alone_and_leaves_the_connection(self):
        okta, story = self.world.okta(), Story(self.world)
        self.addCleanup(okta.close)
        self.addCleanup(story.close)
        user = okta.assign("alice@example.com")
        hers, his = [[("cookie", f"{COOKIE}={story.cookie(self.world.sign_in(name))}")]
                     for name in ("alice@example.com", "bob@example.com")]
        with http2.Connection(self.world.sso_url, self.world.tls) as connection:
            streams = [connection.request("GET", "/stream?lines=100000", cookie) for cookie in (hers, hers, his)]
            answers = connection.answers
            self.assertTrue(connection.pump(lambda: all(answers[one].body for one in streams)))
            okta.unassign(user["id"])
            answered = time.monotonic()
            self.assertTrue(connection.pump(lambda: all(answers[one].is_over for one in streams[:2]),
                                            CUT_S - (time.monotonic() - answered)), "not cut within a second")
            self.assertTrue(all(answers[one].reset is not None for one in streams[:2]), "it looks complete")
            before = len(answers[streams[2]].body)
            self.assertTrue(connection.pump(lambda: len(answers[streams[2]].body) > before), "bob's stream stands")
            self.assertIsNone(connection.goaway)
            self.assertIn(connection.fetch("GET", "/api/me", hers).status, REFUSED)
            self.assertEqual(connection.fetch("GET", "/api/me", his).status, 200)
        wait_until(lambda: self.access_log.read_text("utf-8").count('"result":"cut"') == 2, 30, "no line of the cut")
