"""The wall clock jumps while provgate runs (L1, L3), or is wrong when it starts (L2)."""

import datetime
import mmap
import os
import struct
import subprocess
import time
import unittest

from lab import rawhttp, saml
from lab.gateway import wait_until
from lab.story import Story
from support import faults
from support.case import WorldCase

DAY_MS = 86400 * 1000
YEAR_MS = 365 * DAY_MS
JUMPS = (("L1 +1 day", DAY_MS), ("L1 -1 day", -DAY_MS), ("L1 -10 years", -10 * YEAR_MS))
WAIT_S = 60  # generous


class ClockCase(WorldCase):
    """clock.c moves the wall clock; the monotonic one stays."""

    timeout_s = 240

    @classmethod
    def setUpClass(cls):
        """Not with a sanitizer, which wants to be the first library."""
        if faults.is_sanitized():
            raise unittest.SkipTest("nothing is preloaded into a sanitized binary; the release binary is tested")
        super().setUpClass()

    @classmethod
    def environment(cls):
        """A page that says by how much."""
        path = cls.folder / "clock"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            cls.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        return {"LD_PRELOAD": str(faults.tool("faults_clock.so")), "FAULTS_CLOCK": str(path)}

    def setUp(self):
        """The right time."""
        self.jump(0)
        self.story, self.okta = Story(self.world), self.world.okta()
        self.addCleanup(self.story.close)
        self.addCleanup(self.okta.close)
        self.addCleanup(self.jump, 0)

    @classmethod
    def jump(cls, offset_ms):
        """From now on."""
        cls.page[0:8] = struct.pack("<q", offset_ms)

    def passes(self, offset_ms):
        """Does a response that was issued at that time get through?"""
        issued = saml.now() + datetime.timedelta(milliseconds=offset_ms)
        return self.passes_field(self.world.idp.response("clock@example.com", issued=issued))

    def passes_field(self, field):
        """Does this response reach the app, whose own clock is right and which may refuse it?"""
        before = self.world.app.log.count
        self.world.browser().post_form(self.world.app.acs, {"SAMLResponse": field, "RelayState": "/"})
        return bool(self.story.reached(before, path="/saml/acs"))

    def metric(self, name):
        """A value of /metrics."""
        answer = rawhttp.fetch(self.world.admin_url + "/metrics",
                               headers=[("Authorization", "Bearer " + self.world.admin_token)])
        return next((float(line.split()[1]) for line in answer.body.decode().splitlines()
                     if line.startswith(name + " ")), None)


class Jumps(ClockCase):
    """While provgate runs."""

    @staticmethod
    def configure(values):
        """What is due goes."""
        values["apps"][0]["prov"]["policy"] = {"retain": "1d", "after_retention": "delete"}

    def test_l1_open_connections_and_timers_do_not_notice(self):
        browser = self.world.sign_in("timer@example.com")
        cookie = self.story.cookie(browser)
        user = self.okta.assign("timer@example.com")
        kept = rawhttp.Connection.to(self.world.sso_url, timeout=60)
        self.addCleanup(kept.close)
        fields = [("Host", self.host()), ("Cookie", f"lab_session={cookie}")]
        self.assertEqual(kept.exchange("GET", "/api/me", fields).status, 200)
        with self.story.open_websocket(cookie) as client:
            for name, offset in JUMPS:
                with self.subTest(name):
                    self.jump(offset)
                    for _ in range(20):
                        self.assertEqual(kept.exchange("GET", "/api/me", fields).status, 200)
                        client.send("still here")
                        client.receive_echo("still here")
                        time.sleep(0.02)  # a few turns of each loop; nothing is judged by it
            self.okta.unassign(user["id"])
            self.assertTrue(client.closed_within(WAIT_S), "the WebSocket lives on after a deactivation")
        self.story.expect_refused(cookie)

    def test_l1_what_is_done_every_second_goes_on(self):
        for name, offset in JUMPS:
            with self.subTest(name):
                self.jump(offset)
                token = self.world.gateway.command("token", "new", "--app", "wiki", "--name", f"t{offset}").strip()
                head = [("Authorization", "Bearer " + token)]
                wait_until(lambda head=head: rawhttp.fetch(self.world.prov_url + "/Users?count=1",
                                                           headers=head).status == 200, WAIT_S, "the new token")

    def test_l1_the_expiry_of_an_assertion_follows_the_wall_clock(self):
        for name, offset in JUMPS:
            with self.subTest(name):
                self.jump(offset)
                self.assertFalse(self.passes(0))
                self.assertTrue(self.passes(offset))
        self.jump(0)
        self.assertTrue(self.passes(0))

    def test_l1_no_assertion_is_taken_twice_whatever_the_clock_does(self):
        field = self.world.idp.response("replay@example.com")
        self.assertTrue(self.passes_field(field))
        for name, offset in JUMPS:
            with self.subTest(name):
                self.jump(offset)
                for _ in range(8):  # each sign-on forgets some that are over
                    self.assertTrue(self.passes(offset))
                self.jump(0)
                self.assertFalse(self.passes_field(field), "an assertion was taken twice")

    def test_l3_last_modified_never_goes_backwards(self):
        user = self.okta.assign("modified@example.com")
        last = user["meta"]["lastModified"]
        for name, offset in (*JUMPS, ("back", 0)):
            with self.subTest(name):
                self.jump(offset)
                changed = self.okta.put(user["id"], title=name)
                self.assertGreaterEqual(changed["meta"]["lastModified"], last)
                self.assertTrue(changed["meta"]["lastModified"].endswith("Z"))
                self.assertEqual(changed["meta"]["created"], user["meta"]["created"])
                last = changed["meta"]["lastModified"]


class Retention(ClockCase):
    """A wrong year must not end every retention time."""

    configure = Jumps.configure

    def test_l1_the_end_of_retention_stops_with_an_alarm(self):
        user = self.okta.assign("kept@example.com")
        self.okta.unassign(user["id"])
        # the pass must have looked at the right time once before it can notice
        told = 'provgate_clock_jumped{what="retention",process="prov"}'
        wait_until(lambda: self.metric(told) == 0, WAIT_S, "a pass at the right time")
        self.jump(10 * YEAR_MS)
        wait_until(lambda: self.metric("provgate_retention_stopped_total") == 1, WAIT_S, "the alarm")
        wait_until(lambda: "clock-jumped" in self.world.gateway.log.read_text(), WAIT_S, "a line of it")
        self.jump(0)
        self.assertEqual(self.okta.get(user["id"])["active"], False)


class Start(ClockCase):
    """At the start."""

    def test_l2_a_start_in_1970_is_refused_and_says_why(self):
        self.assertEqual(self.world.gateway.stop(), 0)
        self.jump(-int(time.time()) * 1000 + DAY_MS)
        try:
            done = subprocess.run([str(self.world.gateway.binary), "run", "--config", str(self.world.config)],
                                  env={**os.environ, **self.world.gateway.environment}, capture_output=True, text=True,
                                  timeout=WAIT_S, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("clock", done.stderr)
        finally:
            self.jump(0)
            self.world.gateway.start()
        self.assertTrue(self.passes(0))


del ClockCase
