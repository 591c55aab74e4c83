"""Deactivation under load: the moment it is answered is the moment from which nothing passes; nobody else notices."""

import threading
import time

from lab import rawhttp, wire
from lab.app import COOKIE
from lab.okta import profile
from lab.story import REFUSED, Story
from support.case import WorldCase, is_long

ROUNDS = 200 if is_long() else 10
RACES = 2000 if is_long() else 60


class Hammer(threading.Thread):
    """Asks for /api/me without a pause on a kept connection; keeps (began, status, user) of each request."""

    def __init__(self, world, cookie):
        super().__init__(daemon=True)
        self.world, self.cookie = world, cookie
        self.done = threading.Event()
        self.seen = []
        self.errors = []
        self.connection = None

    def run(self):
        """Hammer until told to stop."""
        host = self.world.sso_url.partition("://")[2]
        fields = [("Host", host), ("Cookie", f"{COOKIE}={self.cookie}"), ("Accept", "application/json")]
        while not self.done.is_set():
            try:
                if self.connection is None:
                    self.connection = rawhttp.Connection.to(self.world.sso_url)
                began = time.monotonic()
                answer = self.connection.exchange("GET", "/api/me", fields)
                self.seen.append((began, answer.status, answer.json().get("user")))
                if (answer.header("Connection") or "").lower() == "close":
                    self.drop()
            except (OSError, wire.Closed, ValueError) as error:
                self.errors.append((time.monotonic(), error))
                self.drop()
        self.drop()

    def drop(self):
        """Close the connection."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def stop(self):
        """Stop and wait."""
        self.done.set()
        self.join(120)


class UnderLoad(WorldCase):
    """alice is hammering, and so is bob."""

    timeout_s = 120

    def setUp(self):
        """Okta is connected."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def hammers(self, user, count):
        """So many sessions of a user, hammering."""
        made = [Hammer(self.world, self.story.cookie(self.world.sign_in(user))) for _ in range(count)]
        for hammer in made:
            hammer.start()
            self.addCleanup(hammer.stop)
        return made

    def wait_seen(self, hammers, count):
        """Until each has so many answers more."""
        goals = [len(hammer.seen) + count for hammer in hammers]
        end = time.monotonic() + 60
        while any(len(h.seen) < goal and h.is_alive() for h, goal in zip(hammers, goals)):
            self.assertLess(time.monotonic(), end, "the hammers stand still")
            hammers[0].join(0.005)

    def test_no_request_that_begins_after_the_answer_passes(self):
        for _ in range(ROUNDS):
            user = self.okta.assign("alice@example.com")
            alices, bobs = self.hammers("alice@example.com", 3), self.hammers("bob@example.com", 1)
            self.wait_seen([*alices, *bobs], 20)
            self.okta.unassign(user["id"])
            answered = time.monotonic()
            self.wait_seen([*alices, *bobs], 20)
            for hammer in [*alices, *bobs]:
                hammer.stop()
            late = [status for hammer in alices for began, status, _ in hammer.seen if began > answered]
            self.assertTrue(late)
            self.assertTrue(set(late) <= set(REFUSED), f"passed after the answer: {set(late)}")
            early = {status for hammer in alices for began, status, _ in hammer.seen if began < answered}
            self.assertTrue(early <= {200, *REFUSED}, early)
            self.assertEqual({(status, who) for h in bobs for _, status, who in h.seen}, {(200, "bob@example.com")})
            self.assertEqual(bobs[0].errors, [])

    def test_a_sign_in_that_races_a_deactivation_leaves_no_live_session(self):
        user = self.okta.assign("racer@example.com")
        for number in range(RACES):
            self.okta.patch(user["id"], {"active": True})
            browser, barrier, answers = self.world.browser(), threading.Barrier(2, timeout=60), []
            action, fields = browser.fetch_response(self.world.idp.url, "racer@example.com")

            def sign_in(browser=browser, barrier=barrier, answers=answers, action=action, fields=fields):
                barrier.wait()
                try:
                    answers.append(browser.post_form(action, fields).status)
                except (wire.Closed, OSError) as error:
                    answers.append(error)  # cut in the middle: no answer, no cookie

            thread = threading.Thread(target=sign_in)
            thread.start()
            barrier.wait()
            self.okta.patch(user["id"], {"active": False})
            thread.join(120)
            self.assertEqual(len(answers), 1, "the sign-in hangs")
            cookie = self.story.cookie(browser)
            if cookie:
                before = self.world.app.log.count
                self.assertIn(browser.get(self.sso("/api/me")).status, REFUSED, f"race {number}: {answers}")
                self.assertFalse(self.story.reached(before, cookie))

    def test_a_provisioning_storm_and_its_end_disturb_nobody(self):
        bobs = self.hammers("bob@example.com", 2)
        stop = threading.Event()

        def storm(number):
            okta = self.world.okta()
            try:
                for n in range(10000):
                    if stop.is_set():
                        break
                    okta.expect("POST", "/Users", profile(f"storm-{number}-{n}@example.com"), (201,))
            except (OSError, wire.Closed):
                pass  # killed below
            finally:
                okta.close()

        threads = [threading.Thread(target=storm, args=(number,), daemon=True) for number in range(4)]
        for thread in threads:
            thread.start()
        self.wait_seen(bobs, 100)
        for number in range(3):
            self.story.expect_in(self.world.sign_in(f"guest{number}@example.com"), f"guest{number}@example.com")
        killed = self.world.gateway.kill_child("prov")
        self.wait_seen(bobs, 100)
        stop.set()
        for thread in threads:
            thread.join(60)
        self.world.gateway.wait_child("prov", killed)
        self.world.gateway.wait_healthy()
        for hammer in bobs:
            hammer.stop()
            self.assertEqual(hammer.errors, [])
            self.assertEqual({(status, who) for _, status, who in hammer.seen}, {(200, "bob@example.com")})
