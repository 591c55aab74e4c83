"""kill -9 in a storm of writes and sign-ons: nothing acknowledged is lost, nothing half done is there (law 4, H1)."""

import random
import threading
import time

from lab import wire
from lab.okta import OktaError, profile
from lab.story import Story
from support.case import WorldCase, is_long
from support.oracle import Oracle

ROUNDS = 200 if is_long() else 8
WRITERS = 4
ACKNOWLEDGED_MAX = 60
PREFIX = "storm-"
WALKER = "walker-"
WALKERS_JUDGED = 2  # in each round, by a deactivation
VICTIMS = ("all", "prov", "all", "sso")


def state_of(user):
    """What the oracle compares: all that a call changes together."""
    return user.get("title"), user.get("nickName"), user["active"]


class Writer(threading.Thread):
    """Creates and changes users of its own until a call fails or it is told to stop."""

    def __init__(self, okta, oracle, number, seed, stop):
        super().__init__(daemon=True)
        self.okta, self.oracle, self.stop_event = okta, oracle, stop
        self.random = random.Random(f"{seed}-{number}")
        self.names = iter(f"{PREFIX}{seed}-{number}-{n}@example.com" for n in range(100000))
        self.own = []
        self.failure = None

    def run(self):
        """Write."""
        try:
            while not self.stop_event.is_set():
                if not self.own or self.random.random() < 0.4:
                    self.create()
                else:
                    self.change()
        except (OSError, wire.Closed, ValueError):
            pass  # killed in the middle of a call: the oracle knows
        except (OktaError, KeyError) as error:
            self.failure = error
        finally:
            self.okta.close()

    def create(self):
        """One POST."""
        name, mark = next(self.names), str(self.random.random())
        self.oracle.begin(name, (mark, mark, True))
        made = self.okta.expect("POST", "/Users", profile(name, title=mark, nickName=mark), (201,))
        self.oracle.done(name)
        self.own.append((name, made["id"], (mark, mark, True)))

    def change(self):
        """One PATCH or PUT; title and nickName always change together."""
        index = self.random.randrange(len(self.own))
        name, user_id, (title, nick, active) = self.own[index]
        if self.random.random() < 0.5:
            state = (title, nick, not active)
            self.oracle.begin(name, state)
            self.okta.patch(user_id, {"active": not active})
        else:
            mark = str(self.random.random())
            state = (mark, mark, active)
            self.oracle.begin(name, state)
            self.okta.expect("PUT", f"/Users/{user_id}", profile(name, title=mark, nickName=mark, active=active))
        self.oracle.done(name)
        self.own[index] = (name, user_id, state)


class Walker(threading.Thread):
    """Signs in one person after the other until it is told to stop."""

    def __init__(self, world, seed, stop):
        super().__init__(daemon=True)
        self.world, self.seed, self.stop_event = world, seed, stop
        self.in_now = []  # (name, browser) of answered sign-ons
        self.failures = []

    def run(self):
        """Sign in."""
        for number in range(100000):
            if self.stop_event.is_set():
                return
            name = f"{WALKER}{self.seed}-{number}@example.com"
            try:
                self.in_now.append((name, self.world.sign_in(name)))
            except (OSError, wire.Closed, ValueError, AssertionError) as error:
                self.failures.append(f"{name}: {error!r}")
                self.stop_event.wait(0.05)


class KillLoop(WorldCase):
    """Rounds of storm, kill, restart, judgement."""

    timeout_s = 180

    @staticmethod
    def configure(values):
        """A sign-on that cannot be recorded is no sign-on, so that each answered one counts."""
        values["apps"][0]["sso"]["undecided"] = "refuse"

    def setUp(self):
        """The oracle lives through all rounds."""
        self.oracle = Oracle()
        self.random = random.Random(20261121)
        self.observed = set()
        self.slowest_s = 0.0
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def storm(self, round_number):
        """Write from several connections until so many calls were answered; then kill."""
        stop = threading.Event()
        writers = [Writer(self.world.okta(), self.oracle, number, round_number, stop) for number in range(WRITERS)]
        walker = Walker(self.world, round_number, stop)
        goal = self.oracle.acknowledged + self.random.randrange(1, ACKNOWLEDGED_MAX)
        for thread in [walker, *writers]:
            thread.start()
        while self.oracle.acknowledged < goal and any(writer.is_alive() for writer in writers):
            writers[0].join(0.002)
        victim = VICTIMS[round_number % len(VICTIMS)]
        self.kill(victim)
        stop.set()
        for writer in writers:
            writer.join(90)
            self.assertFalse(writer.is_alive(), "a writer hangs")
            self.assertIsNone(writer.failure, f"round {round_number}, {victim} killed")
        walker.join(90)
        self.assertGreaterEqual(self.oracle.acknowledged, goal, "the writers did not get so far")
        if victim == "prov":
            self.assertEqual(walker.failures, [], "a sign-on failed since the prov child was killed (law 2)")
        return walker.in_now

    def kill(self, victim):
        """kill -9 and wait until all is up again."""
        gateway = self.world.gateway
        if victim == "all":
            gateway.kill_all()
            begun = time.monotonic()
            gateway.start()
        else:
            begun = time.monotonic()
            gateway.wait_child(victim, gateway.kill_child(victim))
            gateway.wait_healthy()
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    def judge(self, round_number, signed_in):
        """What is in the folder now, by import and by lookup."""
        okta = self.world.okta()
        everybody = okta.import_users()
        self.judge_sign_ons(okta, {user["userName"]: user["id"] for user in everybody}, signed_in)
        users = [user for user in everybody if user["userName"].startswith(PREFIX)]
        found = {user["userName"]: state_of(user) for user in users}
        self.assertEqual(len(found), len(users), "a name twice")
        self.assertEqual(self.oracle.judge(found), [], f"after round {round_number}")
        for user in self.random.sample(users, min(5, len(users))):
            self.assertEqual(okta.lookup(user["userName"])["id"], user["id"])
        okta.close()

    def judge_sign_ons(self, okta, ids, signed_in):
        """Everybody who was let in is in the folder, and the session is bound: a deactivation ends it."""
        self.observed |= {name for name, _ in signed_in}
        self.assertEqual(self.observed - ids.keys(), set(), "people who were let in are not in the folder")
        for name, browser in self.random.sample(signed_in, min(WALKERS_JUDGED, len(signed_in))):
            self.story.expect_in(browser, name)
            okta.unassign(ids[name])
            self.story.expect_refused(self.story.cookie(browser))

    def test_acknowledged_writes_survive_and_others_are_whole_or_absent(self):
        for round_number in range(ROUNDS):
            self.judge(round_number, self.storm(round_number))
        print(f"  {ROUNDS} rounds, {self.oracle.acknowledged} acknowledged writes, {len(self.oracle.users)} users, "
              f"{len(self.observed)} sign-ons; back within {self.slowest_s:.2f} s")

    def test_a_binding_is_on_disk_before_the_sign_in_is_answered(self):
        story, okta = self.story, self.world.okta()
        self.addCleanup(okta.close)
        for number in range(max(2, ROUNDS // 10)):
            user = okta.assign(f"bound-{number}@example.com")
            browser = self.world.sign_in(user["userName"])
            self.world.gateway.kill_all()
            self.world.gateway.start()
            okta.close()
            story.expect_in(browser, user["userName"])
            okta.unassign(user["id"])
            story.expect_refused(story.cookie(browser))
