"""A running provgate whose block device fails under it: a real file system on a disk that really stops (H8)."""

import itertools
import json
import threading
import unittest

from lab import rawhttp, wire
from lab.gateway import wait_until
from lab.okta import PATCH, profile
from lab.story import Story
from support import device, oracle
from support.case import WorldCase, is_long

WRITERS = 3
CALLS_BEFORE = 60
REFUSED_AFTER = 12  # calls that each writer makes beyond its first refusal
PEOPLE = 6
COLD_USERS = 30000
TITLE = 400
WAIT_S = 60
FULL_USERS = 3000
THIN_LEFT = 2 << 20  # less than the last reserve of the disk


def ask(world, connection, method, path, value):
    """One call, and no waiting when it is told to come again."""
    fields = [("Host", world.prov_url.split("/")[2]), ("Authorization", "Bearer " + world.token),
              ("Content-Type", "application/scim+json")]
    answer = connection.exchange(method, "/scim/v2" + path, fields, json.dumps(value).encode())
    if answer.status not in (200, 201) and (answer.status != 429 or int(answer.header("Retry-After")) < 1):
        raise AssertionError(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
    return answer


def change(**values):
    """The body of a PATCH."""
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "value": values}]}


class Writer(threading.Thread):
    """Creates, deactivates and changes users; what is refused stays with the oracle as it was left."""

    def __init__(self, world, known, number, seed):
        super().__init__(daemon=True)
        self.world, self.known, self.number, self.seed = world, known, number, seed
        self.users, self.statuses = [], []
        self.refused = 0
        self.failure = None
        self.should_end = threading.Event()

    def run(self):
        """Until it is told to end, or was refused often enough."""
        try:
            with rawhttp.Connection.to(self.world.prov_url, timeout=WAIT_S) as connection:
                number = 0
                while not self.should_end.is_set() and self.refused <= REFUSED_AFTER:
                    self.step(connection, number)
                    number += 1
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def ask(self, connection, method, path, value):
        """One call, counted."""
        answer = ask(self.world, connection, method, path, value)
        self.statuses.append(answer.status)
        self.refused += answer.status == 429
        return answer

    def step(self, connection, number):
        """One call in three makes a user."""
        if number % 3 == 0 or not self.users:
            name, title = f"disk-{self.seed}-{self.number}-{number}@example.com", f"t{number}"
            self.known.begin(name, (title, True))
            answer = self.ask(connection, "POST", "/Users", profile(name, title=title))
            if answer.status == 201:
                self.known.done(name)
                self.users.append((name, answer.json()["id"], True))
            return
        name, user_id, is_active = self.users.pop(0)
        title = f"t{number}"
        self.known.begin(name, (title, not is_active))
        answer = self.ask(connection, "PATCH", f"/Users/{user_id}", change(title=title, active=not is_active))
        if answer.status == 200:
            self.known.done(name)
            self.users.append((name, user_id, not is_active))


class Visitor(threading.Thread):
    """Somebody who is in, somebody who is out, and somebody new, again and again: none may notice anything."""

    def __init__(self, story, inside, outside, seed):
        super().__init__(daemon=True)
        self.story, self.inside, self.outside, self.seed = story, inside, outside, seed
        self.rounds, self.failures = 0, []
        self.should_end = threading.Event()

    def run(self):
        """Until it is told to end."""
        while not self.should_end.is_set():
            try:
                self.story.expect_in(self.inside, "carol@example.com")
                self.story.expect_refused(self.outside)
                name = f"new-{self.seed}-{self.rounds}@example.com"
                self.story.expect_in(self.story.world.sign_in(name), name)
            except (OSError, wire.Closed, ValueError, AssertionError) as error:
                self.failures.append(f"round {self.rounds}: {error!r}")
                self.should_end.wait(0.05)
            self.rounds += 1


class DeviceCase(WorldCase):
    """The store lies on a disk of its own."""

    is_alone = True
    timeout_s = 240
    file_system = "ext4"
    runs = itertools.count()

    @classmethod
    def setUpClass(cls):
        """Skips where no such disk can be made."""
        try:
            cls.disk = device.Device(cls.file_system)
        except device.Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.addClassCleanup(cls.disk.close)
        cls.known = oracle.Oracle()
        super().setUpClass()

    @classmethod
    def configure(cls, values):
        """On the disk."""
        values["store"]["path"] = str(cls.disk.place / "store")
        values["store"]["max_size"] = "96MiB"

    def setUp(self):
        """People who are in, and one who is out."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.run_number = next(self.runs)
        self.log_at = 0

    def arm(self, options=None, is_bounded=False):
        """The same store on a disk that can fail, nothing of it in memory but what the start reads."""
        self.assertEqual(self.world.gateway.stop(), 0)
        self.disk.arm(options, is_bounded)
        self.log_at = self.world.gateway.log.stat().st_size
        self.world.gateway.start()

    def mend(self):
        """Stops, which never hangs, mends the disk, starts."""
        self.assertEqual(self.world.gateway.stop(), 0)
        self.disk.repair()
        self.world.gateway.start()

    def children(self):
        """Who serves."""
        return [self.world.gateway.child(role) for role in ("sso", "prov")]

    def people(self):
        """Browsers of people who are in and in the folder, and the session of one who was deactivated."""
        okta = self.world.okta()
        self.addCleanup(okta.close)
        names = ["carol@example.com", *(f"p{number}-{self.run_number}@example.com" for number in range(PEOPLE))]
        browsers = {name: self.world.sign_in(name) for name in names}
        ids = {name: wait_until(lambda name=name: okta.lookup(name), WAIT_S, f"{name} is in the folder")["id"]
               for name in names}
        gone = names[-1]
        okta.patch(ids[gone], {"active": False})
        self.story.expect_refused(self.story.cookie(browsers[gone]))
        return browsers, ids, gone

    def metric(self, name):
        """A value of /metrics."""
        answer = rawhttp.fetch(self.world.admin_url + "/metrics",
                               headers=[("Authorization", "Bearer " + self.world.admin_token)])
        return next((float(line.split()[1]) for line in answer.body.decode().splitlines()
                     if line.startswith(name + " ")), None)

    def health(self):
        """What /healthz says of the store."""
        answer = rawhttp.fetch(self.world.admin_url + "/healthz")
        self.assertEqual(answer.status, 200)
        return answer.json()["store"]

    def expect_read_only(self):
        """The operator is told in each way."""
        self.assertGreater(self.metric("provgate_store_writes_failed_total"), 0)
        self.assertEqual(self.health(), "read-only")
        self.assertIn(b"store-read-only path=", self.world.gateway.log.read_bytes()[self.log_at:])

    def judge(self, browsers, ids, gone):
        """Exactly what was acknowledged; and people's sessions are known."""
        okta = self.world.okta()
        self.addCleanup(okta.close)
        users = [user for user in okta.import_users() if user["userName"].startswith("disk-")]
        found = {user["userName"]: (user["title"], user["active"]) for user in users}
        self.assertEqual(len(found), len(users), "a name twice")
        self.assertEqual(self.known.judge(found), [])
        self.story.expect_refused(self.story.cookie(browsers[gone]))
        for name in ids:
            if name not in (gone, "carol@example.com"):
                self.story.expect_in(browsers[name], name)
                okta.patch(ids[name], {"active": False})
                self.story.expect_refused(self.story.cookie(browsers[name]))
        self.world.gateway.command("check", "--store")


class FailingDevice(DeviceCase):
    """All that the store needs is in memory when the disk fails."""

    def play(self, fail, options=None, is_bounded=False):
        """Work goes on, the disk fails, SSO does not notice; what was acknowledged is there afterwards."""
        self.arm(options, is_bounded)
        browsers, ids, gone = self.people()
        visitor = Visitor(self.story, browsers["carol@example.com"], self.story.cookie(browsers[gone]), self.run_number)
        writers = [Writer(self.world, self.known, number, self.run_number) for number in range(WRITERS)]
        children = self.children()
        for thread in [visitor, *writers]:
            thread.start()
        wait_until(lambda: sum(len(writer.statuses) for writer in writers) > CALLS_BEFORE, WAIT_S, "work")
        fail()
        at = visitor.rounds
        for writer in writers:
            writer.join(WAIT_S)
            self.assertFalse(writer.is_alive(), "a call hangs")
            self.assertIsNone(writer.failure)
        wait_until(lambda: visitor.rounds > at + 10, WAIT_S, "ten rounds of people")
        self.look(visitor, ids, children)
        visitor.should_end.set()
        visitor.join(WAIT_S)
        self.mend()
        self.judge(browsers, ids, gone)
        print(f"  {self.known.acknowledged} acknowledged changes so far, {sum(writer.refused for writer in writers)} "
              f"calls refused, {visitor.rounds} rounds of people, 0 lost")

    def look(self, visitor, ids, children):
        """What is seen while the disk is dead."""
        self.assertEqual(visitor.failures[:3], [], f"{len(visitor.failures)} people noticed")
        self.assertEqual(self.children(), children, "a process ended")
        self.expect_read_only()
        okta = self.world.okta()
        self.addCleanup(okta.close)
        for name, user_id in ids.items():
            self.assertEqual(okta.get(user_id)["userName"], name)


class FailingExt4(FailingDevice):
    """After an error ext4 does what it was mounted for."""

    def test_h8_eio_at_every_write_and_the_file_system_becomes_read_only(self):
        self.play(self.disk.refuse_writes, "errors=remount-ro")

    def test_h8_eio_at_every_write_and_the_file_system_goes_on(self):
        self.play(self.disk.refuse_writes, "errors=continue")

    def test_h8_a_thin_disk_that_is_full_and_the_file_system_becomes_read_only(self):
        self.play(self.disk.run_out, "errors=remount-ro", is_bounded=True)

    def test_h8_a_thin_disk_that_is_full_and_the_file_system_goes_on(self):
        self.play(self.disk.run_out, "errors=continue", is_bounded=True)

    def test_h8_a_disk_that_is_cut_off_and_the_file_system_becomes_read_only(self):
        self.play(self.disk.cut, "errors=remount-ro")

    def test_h8_a_disk_that_is_cut_off_and_the_file_system_goes_on(self):
        self.play(self.disk.cut, "errors=continue")


class FailingXfs(FailingDevice):
    """XFS shuts itself down when it cannot write its log: then nothing of it can be read either."""

    file_system = "xfs"

    def test_h8_eio_at_every_write_on_xfs(self):
        self.play(self.disk.refuse_writes)

    def test_h8_a_thin_disk_that_is_full_on_xfs(self):
        self.play(self.disk.run_out, is_bounded=True)

    def test_h8_a_disk_that_is_cut_off_on_xfs(self):
        self.play(self.disk.cut)

    def test_h8_xfs_shuts_itself_down_on_a_sound_disk(self):
        self.play(self.disk.shut_down)


@unittest.skipUnless(is_long(), "part of the long tier")
class FailingBtrfs(FailingDevice):
    """Btrfs lets nothing be written after an error."""

    file_system = "btrfs"

    def test_h8_eio_at_every_write_on_btrfs(self):
        self.play(self.disk.refuse_writes)

    def test_h8_a_thin_disk_that_is_full_on_btrfs(self):
        self.play(self.disk.run_out, is_bounded=True)

    def test_h8_a_disk_that_is_cut_off_on_btrfs(self):
        self.play(self.disk.cut)


class FullDisk(DeviceCase):
    """Others fill the file system, alone or with what is below it."""

    def users(self):
        """Many that are active, by name and id."""
        prefix = f"disk-{self.run_number}-"
        rows = self.folder / "rows.ndjson"
        rows.write_text("".join(json.dumps({"userName": f"{prefix}{number}@example.com", "title": "x"}) + "\n"
                                for number in range(FULL_USERS)))
        self.world.gateway.command("import", str(rows), "--folder", "staff")
        okta = self.world.okta()
        self.addCleanup(okta.close)
        users = {user["userName"]: user["id"] for user in okta.import_users() if user["userName"].startswith(prefix)}
        for name in users:
            self.known.begin(name, ("x", True))
            self.known.done(name)
        return users

    def deactivate(self, users):
        """Each in turn until one must come again; then its name."""
        with rawhttp.Connection.to(self.world.prov_url, timeout=WAIT_S) as connection:
            for name, user_id in users.items():
                self.known.begin(name, ("x", False))
                answer = ask(self.world, connection, "PATCH", f"/Users/{user_id}", change(active=False))
                if answer.status == 429:
                    return name
                self.known.done(name)
        return None

    def play(self, left, is_thin):
        """Deactivations until no more can be written; SSO goes on, and nothing is lost."""
        users = self.users()
        self.arm(is_bounded=is_thin)
        browsers, ids, gone = self.people()
        children = self.children()
        self.disk.fill(left)
        if is_thin:
            self.disk.run_out()
        refused = self.deactivate(users)
        self.assertIsNotNone(refused, "all were taken")
        self.story.expect_in(browsers["carol@example.com"], "carol@example.com")
        self.story.expect_refused(self.story.cookie(browsers[gone]))
        self.story.expect_in(self.world.sign_in("new@example.com"), "new@example.com")
        self.assertEqual(self.children(), children, "a process ended")
        if is_thin:
            self.expect_read_only()
            self.mend()
        self.disk.make_room()
        wait_until(lambda: self.deactivate({refused: users[refused]}) is None, WAIT_S, "a deactivation")
        self.assertEqual(self.health(), "up")
        self.judge(browsers, ids, gone)

    def test_h5_a_full_file_system_heals_without_restart(self):
        self.play(0, False)

    def test_h8_a_full_file_system_on_a_thin_disk_that_is_full_is_a_sync_that_failed(self):
        self.play(THIN_LEFT, True)


class FullExt4(FullDisk):
    """The file system that most have."""


@unittest.skipUnless(is_long(), "part of the long tier")
class FullXfs(FullDisk):
    """The same on XFS."""

    file_system = "xfs"


@unittest.skipUnless(is_long(), "part of the long tier")
class FullBtrfs(FullDisk):
    """Btrfs needs new room for each write, so that without its mark lock.mdb could not be written, nor a page read."""

    file_system = "btrfs"


class ColdStore(DeviceCase):
    """Hardly a page of a large store is in memory when the disk goes: reads fail as well."""

    def fill(self):
        """So many users that the start does not read all of them."""
        rows = self.folder / "rows.ndjson"
        rows.write_text("".join(json.dumps({"userName": f"cold{number}@example.com", "title": "x" * TITLE}) + "\n"
                                for number in range(COLD_USERS)))
        self.world.gateway.command("import", str(rows), "--folder", "staff")

    def play(self, fail):
        """Whoever is not in memory is undecided; no process ends."""
        self.fill()
        browsers, ids, gone = self.people()  # behind the others: whoever reads in order comes to them last
        self.arm()
        children = self.children()
        fail()
        for name in ids:
            if name != gone:
                self.story.expect_in(browsers[name], name)
        self.assertGreater(self.metric("provgate_sso_undecided_total"), 0)
        answer = rawhttp.fetch(self.world.prov_url + f"/Users/{ids[gone]}",
                               headers=[("Authorization", f"Bearer {self.world.token}")])
        self.assertEqual(answer.status, 429)
        self.assertGreater(int(answer.header("Retry-After")), 0)
        self.assertEqual(self.world.sign_in("late@example.com").get(self.sso("/")).status, 200)
        self.assertEqual(self.children(), children, "a process ended")
        self.mend()
        self.judge(browsers, ids, gone)

    def test_h8_what_cannot_be_read_is_undecided_and_ends_no_process(self):
        self.play(self.disk.cut)


@unittest.skipUnless(is_long(), "part of the long tier")
class ColdXfs(ColdStore):
    """The same on XFS."""

    file_system = "xfs"

    def test_h8_what_xfs_does_not_give_after_a_shutdown_is_undecided(self):
        self.play(self.disk.shut_down)


@unittest.skipUnless(is_long(), "part of the long tier")
class ColdBtrfs(ColdStore):
    """The same on btrfs."""

    file_system = "btrfs"


del DeviceCase, FailingDevice, FullDisk
