"""An upstream that misbehaves (J1 to J5): a clear answer, nobody else's bytes, and the PROV face goes on."""

import json
import socket
import urllib.request

from lab import rawhttp, wire
from lab.gateway import wait_until
from support.case import WorldCase
from support.faulty import SCRIPTS, Faulty, count

BROKEN_ANSWERS = ("huge-header", "500-headers", "bad-status-line", "no-http", "two-lengths", "length-and-chunked",
                  "nul-in-header", "blank-before-colon", "folded", "odd-length", "storm-of-1xx")
CUT_BODIES = ("short-length", "short-chunk", "chunk-without-end", "reset-in-body")
REASONS = {"close": "closed", "reset": "closed", "close-in-head": "closed", "bad-status-line": "malformed",
           "two-lengths": "malformed", "storm-of-1xx": "malformed", "short-length": "body-closed",
           "reset-in-body": "body-closed"}
ANSWER_TIMEOUT = "2s"


class FaultyCase(WorldCase):
    """One faulty upstream, one script a path."""

    faulty = None

    @classmethod
    def upstream(cls):
        """The faulty one."""
        cls.faulty = Faulty()
        cls.addClassCleanup(cls.faulty.stop)
        return cls.faulty.url

    @classmethod
    def configure(cls, values):
        """An access log."""
        cls.access_log = cls.folder / "access.jsonl"
        values["sso"]["access_log"] = {"file": str(cls.access_log)}

    def get(self, name, method="GET", body=None):
        """Ask for a script."""
        return rawhttp.fetch(self.sso("/f/" + name), method, body=body)

    def assert_good(self):
        """The next client's answer is its own."""
        for _ in range(3):
            answer = self.get("good")
            self.assertEqual((answer.status, answer.body), (200, b"good\n"))

    def lines(self, path):
        """What the access log says of that path, once it says something."""
        found = []

        def is_there():
            text = self.access_log.read_text("utf-8") if self.access_log.exists() else ""
            found[:] = [line for line in map(json.loads, text.rpartition("\n")[0].splitlines()) if line["path"] == path]
            return bool(found)

        wait_until(is_there, 30, "no line in the access log")
        return found

    def metrics(self):
        """The metrics as text."""
        request = urllib.request.Request(self.world.admin_url + "/metrics",
                                         headers={"Authorization": f"Bearer {self.world.admin_token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def assert_reason(self, name, reason):
        """Why this script failed stands in both logs and in the metrics, and not on the page."""
        path = f"/f/why/{name}"
        try:
            body = rawhttp.fetch(self.sso(path)).body
        except (wire.Closed, OSError, ValueError):
            body = b""
        line = self.lines(path)[-1]
        self.assertEqual(line["why"], reason)
        told = f"id={line['id']} reason={reason} detail="
        wait_until(lambda: told in self.world.gateway.log_end(20000), 30, "no line in the log")
        self.assertNotIn(reason.encode(), body)
        counted = f'provgate_app_upstream_failures_total{{app="wiki",reason="{reason}"}}'
        wait_until(lambda: counted in self.metrics(), 30, "it is not counted")


class UpstreamThatHangs(FaultyCase):
    """A short limit, which the other scripts need not keep on a busy machine."""

    @classmethod
    def configure(cls, values):
        """For an upstream that does not answer."""
        super().configure(values)
        values["apps"][0]["sso"]["upstream"]["answer_timeout"] = ANSWER_TIMEOUT

    def test_j2_an_upstream_that_never_answers_is_504_and_others_go_on(self):
        with rawhttp.Connection.to(self.world.sso_url) as waiting:
            waiting.send_request("GET", "/f/hang", [("Host", self.host())])
            self.assert_good()
            answer = waiting.read_body(waiting.read_head())
        self.assertEqual(answer.status, 504)
        self.assertNotIn(self.faulty.url.partition("://")[2].encode(), answer.body)

    def test_j2_its_reason_is_in_the_logs(self):
        self.assert_reason("hang", "head-timeout")


class UpstreamFaults(FaultyCase):
    """What else it may do."""

    def test_j3_a_close_before_the_head_is_502(self):
        for name in ("close", "reset", "close-in-head"):
            with self.subTest(name):
                self.assertEqual(self.get(name).status, 502)
        self.assert_good()

    def test_j3_a_get_on_a_kept_connection_is_tried_again_once(self):
        self.assertEqual(self.get("good").status, 200)
        before = len(self.faulty.seen)
        answer = self.get("stale")
        self.assertEqual((answer.status, answer.body), (200, b"good\n"))
        self.assertLessEqual(count(self.faulty.seen[before:], "/f/stale"), 2)

    def test_j3_a_post_is_never_tried_again(self):
        self.assertEqual(self.get("good").status, 200)
        before = len(self.faulty.seen)
        answer = self.get("stale", "POST", b"x")
        self.assertIn(answer.status, (200, 502))
        self.assertEqual(count(self.faulty.seen[before:], "/f/stale"), 1)

    def test_j4_a_body_that_is_cut_does_not_look_complete(self):
        for name in CUT_BODIES:
            with self.subTest(name):
                with self.assertRaises((wire.Closed, OSError, ValueError)):
                    answer = self.get(name)
                    self.fail(f"a clean end with {answer.status} and {answer.body!r}")
        self.assert_good()

    def test_j5_broken_answers_are_502_and_the_connection_is_not_used_again(self):
        for name in BROKEN_ANSWERS:
            with self.subTest(name):
                self.assertEqual(self.get(name).status, 502)
                self.assert_good()

    def test_a_blank_before_a_colon_and_a_folded_line_are_mended(self):
        for _ in range(2):
            answer = self.get("to-be-mended")
            self.assertEqual(answer.status, 200)
            self.assertEqual((answer.header("x-odd"), answer.header("x-folded")), ("a", "a   b"))

    def test_j5_extra_bytes_after_an_answer_are_nobodys_answer(self):
        for _ in range(10):
            answer = self.get("extra-bytes")
            self.assertEqual((answer.status, answer.body), (200, b"good\n"))
            self.assert_good()

    def test_j_every_failure_has_its_reason_in_the_logs_and_none_on_the_page(self):
        for name, reason in REASONS.items():
            with self.subTest(name):
                self.assert_reason(name, reason)

    def test_every_script_leaves_the_prov_face_alone(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        for name in SCRIPTS.keys() - {"hang"}:
            try:
                self.get(name)
            except (wire.Closed, OSError, ValueError):
                pass
        okta.save()


del FaultyCase


class UpstreamThatIsDown(WorldCase):
    """Nobody listens where the app should be (J1)."""

    with_app = False

    @classmethod
    def upstream(cls):
        """A port that is bound and not listening: nobody else can take it."""
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        cls.addClassCleanup(holder.close)
        return f"http://127.0.0.1:{holder.getsockname()[1]}"

    def test_j1_a_refused_port_is_502_and_scim_works(self):
        answer = rawhttp.fetch(self.sso("/"))
        self.assertEqual(answer.status, 502)
        okta = self.world.okta()
        self.addCleanup(okta.close)
        okta.save()
        okta.assign("alice@example.com")
