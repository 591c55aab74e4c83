"""Operating the link beside a running provgate: access log, `why`, break-glass, sign-outs, coverage, metrics."""

import json
import urllib.error
import urllib.request

from lab.gateway import GatewayError, wait_until
from lab.story import CUT_S, Story
from lab.yamltext import Word
from support.case import WorldCase

ALICE, BOB = "alice@example.com", "bob@example.com"


class LinkCase(WorldCase):
    """A world with an access log and a refusal page."""

    @classmethod
    def configure(cls, values):
        """The log stands beside the store; the app learns the id of each request."""
        cls.access_log = cls.folder / "access.jsonl"
        page = cls.folder / "refusal.html"
        page.write_text("<h1>Corp</h1><p id=reference>{{reference}}</p><p>{{reason}}</p>", "utf-8")
        values["sso"]["access_log"] = {"file": str(cls.access_log), "users": Word("on")}
        values["apps"][0]["sso"]["refusal"] = {"page": str(page), "contact": "call 1234"}
        values["apps"][0]["sso"]["request_id_header"] = "X-Request-Id"

    def setUp(self):
        """alice is provisioned and in, bob is in."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.okta.assign(ALICE)
        self.alice, self.bob = self.world.sign_in(ALICE), self.world.sign_in(BOB)

    def command(self, *words, status=0):
        """Run a command on the world's configuration."""
        return self.world.gateway.command(*words, status=status)

    def lines(self):
        """The access log so far, each line whole."""
        text = self.access_log.read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def line_of(self, reference):
        """The line of that id, once it is written."""
        found = []

        def is_there():
            found[:] = [line for line in self.lines() if line["id"] == reference]
            return bool(found)

        wait_until(is_there, 30, "no line in the access log")
        return found[0]

    def admin(self, path):
        """One answer of the admin API."""
        request = urllib.request.Request(self.world.admin_url + path,
                                         headers={"Authorization": f"Bearer {self.world.admin_token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def refused(self, cookie, accept="application/json"):
        """What alice reads instead of the app's page."""
        request = urllib.request.Request(self.world.sso_url + "/",
                                         headers={"Cookie": f"lab_session={cookie}", "Accept": accept})
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=60)
        self.assertEqual(raised.exception.code, 403)
        return raised.exception.read().decode()


class Why(LinkCase):
    """From a refusal page to the call that cut it."""

    def test_each_reference_leads_to_the_call_of_okta(self):
        cookie = self.story.cookie(self.alice)
        self.okta.set_active(self.okta.lookup(ALICE)["id"], False)
        first = json.loads(self.refused(cookie))
        self.assertEqual(first["contact"], "call 1234")
        shown = {json.loads(self.refused(cookie))["reference"] for _ in range(40)} | {first["reference"]}
        self.assertLess(len(shown), 40)  # a worker shows again what it showed first
        page = self.refused(cookie, "text/html")
        self.assertIn("<h1>Corp</h1>", page)
        self.assertTrue(any(reference in page for reference in shown))
        wait_until(lambda: [line for line in self.lines() if "reference" in line], 30, "no line that names the first")
        later = [line for line in self.lines() if "reference" in line][0]
        self.assertIn(later["reference"], shown)
        line = self.line_of(first["reference"])
        self.assertEqual((line["result"], line["why"], line["status"], line["user"]),
                         ("refused", "inactive", 403, ALICE))
        wait_until(lambda: all(reference in self.command("activity", "--kind", "refuse") for reference in shown), 30,
                   "no activity")
        for reference in (*shown, later["id"], ALICE):
            with self.subTest(reference):
                why = json.loads(self.command("why", reference, "--json"))
                cut = why["users"][0]["cut"][0]
                self.assertEqual((cut["kind"], cut["app"], why["users"][0]["state"]),
                                 ("deactivate", "wiki", "deactivated"))
                self.assertTrue(cut["actor"].startswith("token:"))
        with self.assertRaises(GatewayError):
            self.command("why", "ffffffff-ffff")


class AccessLog(LinkCase):
    """Rotation under requests, and no secret in it."""

    def test_a_rotated_log_goes_on_in_a_new_file_without_losing_a_request(self):
        moved = self.access_log.with_suffix(".1")
        for _ in range(20):
            self.story.expect_in(self.alice, ALICE)
        wait_until(lambda: len(self.lines()) >= 20, 30, "no lines")
        self.access_log.rename(moved)
        wait_until(self.access_log.exists, 30, "no new file")
        for _ in range(20):
            self.story.expect_in(self.bob, BOB)
        wait_until(lambda: len([line for line in self.lines() if line.get("user") == BOB]) >= 20, 30, "no lines")
        text = moved.read_text("utf-8") + self.access_log.read_text("utf-8")
        for secret in (self.story.cookie(self.alice), self.story.cookie(self.bob), self.world.token, "SAMLResponse"):
            self.assertNotIn(secret, text)
        self.assertEqual(moved.stat().st_mode & 0o7, 0)


class BreakGlass(LinkCase):
    """guard off and on, with real processes."""

    def test_the_deactivated_pass_while_it_is_off_and_are_cut_when_it_is_back(self):
        cookie = self.story.cookie(self.alice)
        self.okta.set_active(self.okta.lookup(ALICE)["id"], False)
        self.story.expect_refused(cookie)
        self.command("guard", "off", "--for", "10m", "--reason", "wrong import")
        self.assertIn("wrong import", self.command("guard", "status"))
        wait_until(lambda: '"guard":"off"' in self.admin("/healthz"), 30, "/healthz says it")
        wait_until(lambda: "\nprovgate_guard_off 1\n" in self.admin("/metrics"), 30, "/metrics says it")
        wait_until(lambda: self.is_in(cookie), 30, "still refused")
        with self.story.open_websocket(cookie) as stream:
            self.world.gateway.kill_child("sso")  # the file outlives it
            wait_until(lambda: self.is_in(cookie), 30, "refused after a restart")
            stream.closed_within(CUT_S)
        with self.story.open_websocket(cookie) as stream:
            self.command("guard", "on")
            self.assertTrue(stream.closed_within(CUT_S))
        self.story.expect_refused(cookie)
        self.story.expect_in(self.world.sign_in(BOB), BOB)
        self.assertIn("guard-off", self.command("activity", "--kind", "guard-off"))

    def is_in(self, cookie):
        """Does a request with that cookie reach the app?"""
        request = urllib.request.Request(self.world.sso_url + "/", headers={"Cookie": f"lab_session={cookie}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


class Coverage(LinkCase):
    """What the operator is told of the share that is bound."""

    def test_requests_and_sign_ins_are_counted_per_app(self):
        for _ in range(5):
            self.story.expect_in(self.alice, ALICE)

        def counts():
            return json.loads(self.command("coverage", "--app", "wiki", "--json"))

        wait_until(lambda: counts()["requestsBound"] >= 5 and counts()["signOnsProvisioned"] >= 1, 30, "not counted")
        found = counts()
        self.assertGreaterEqual(found["usersBound"], 2)
        self.assertGreaterEqual(found["sessionsAlive"], 2)
        self.assertIn("too few requests", found["advice"])
        self.assertEqual(json.loads(self.admin("/coverage"))["apps"][0]["app"], "wiki")
        self.assertIn('provgate_app_requests_total{app="wiki",session="bound"}', self.admin("/metrics"))
        self.assertIn("\nprovgate_sso_refused_though_active_total 0\n", self.admin("/metrics"))
        self.assertIn("advice", self.command("coverage"))
