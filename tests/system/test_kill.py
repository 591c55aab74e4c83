"""kill -9 in a storm of writes: nothing acknowledged is lost, nothing half done is there (law 4)."""

import random
import threading

from lab import wire
from lab.okta import OktaError, profile
from lab.story import Story
from support.case import WorldCase, is_long
from support.oracle import Oracle

ROUNDS = 200 if is_long() else 6
WRITERS = 4
ACKNOWLEDGED_MAX = 60
PREFIX = "storm-"
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


class KillLoop(WorldCase):
    """Rounds of storm, kill, restart, judgement."""

    timeout_s = 180

    def setUp(self):
        """The oracle lives through all rounds."""
        self.oracle = Oracle()
        self.random = random.Random(20261121)

    def storm(self, round_number):
        """Write from several connections until so many calls were answered; then kill."""
        stop = threading.Event()
        writers = [Writer(self.world.okta(), self.oracle, number, round_number, stop) for number in range(WRITERS)]
        goal = self.oracle.acknowledged + self.random.randrange(1, ACKNOWLEDGED_MAX)
        for writer in writers:
            writer.start()
        while self.oracle.acknowledged < goal and any(writer.is_alive() for writer in writers):
            writers[0].join(0.002)
        victim = VICTIMS[round_number % len(VICTIMS)]
        self.kill(victim)
        stop.set()
        for writer in writers:
            writer.join(20)
            self.assertFalse(writer.is_alive(), "a writer hangs")
            self.assertIsNone(writer.failure, f"round {round_number}, {victim} killed")
        self.assertGreaterEqual(self.oracle.acknowledged, goal, "the writers did not get so far")

    def kill(self, victim):
        """kill -9 and wait until all is up again."""
        gateway = self.world.gateway
        if victim == "all":
            gateway.kill_all()
            gateway.start()
        else:
            gateway.wait_child(victim, gateway.kill_child(victim))
            gateway.wait_healthy()

    def judge(self, round_number):
        """What is in the folder now, by import and by lookup."""
        okta = self.world.okta()
        users = [user for user in okta.import_users() if user["userName"].startswith(PREFIX)]
        found = {user["userName"]: state_of(user) for user in users}
        self.assertEqual(len(found), len(users), "a name twice")
        self.assertEqual(self.oracle.judge(found), [], f"after round {round_number}")
        for user in self.random.sample(users, min(5, len(users))):
            self.assertEqual(okta.lookup(user["userName"])["id"], user["id"])
        okta.close()

    def test_acknowledged_writes_survive_and_others_are_whole_or_absent(self):
        for round_number in range(ROUNDS):
            self.storm(round_number)
            self.judge(round_number)
        print(f"  {ROUNDS} rounds, {self.oracle.acknowledged} acknowledged writes, {len(self.oracle.users)} users")

    def test_a_binding_is_on_disk_before_the_sign_in_is_answered(self):
        story, okta = Story(self.world), self.world.okta()
        self.addCleanup(story.close)
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
