"""What operators do by command beside a running provgate: users, activity, backup and restore, import and export."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

from lab.gateway import GatewayError, binary_path, wait_until
from lab.story import CUT_S, Story
from support.case import WorldCase

ALICE, BOB = "alice@example.com", "bob@example.com"


class OperatorCase(WorldCase):
    """A world with an Okta connection and the commands."""

    def setUp(self):
        """One Okta connection per test."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def command(self, *words, status=0):
        """Run a command on the world's configuration."""
        return self.world.gateway.command(*words, status=status)

    def user(self, name):
        """What `user show` says."""
        return json.loads(self.command("user", "show", "--user", name, "--json"))


class Help(unittest.TestCase):
    """Without a world."""

    def test_every_command_has_help_and_refuses_what_it_does_not_know(self):
        for name in ("user", "activity", "import", "export", "backup", "restore", "policy"):
            for words, status in ((["--help"], 0), (["--nonsense"], 2), (["--config"], 2)):
                with self.subTest(f"{name} {words}"):
                    done = subprocess.run([str(binary_path()), name, *words], capture_output=True, text=True,
                                          timeout=60, stdin=subprocess.DEVNULL, check=False)
                    self.assertEqual(done.returncode, status)
                    self.assertTrue(done.stdout.startswith("usage: ") if status == 0 else done.stderr.strip())


class Users(OperatorCase):
    """deactivate, lock, end-sessions, and what is left of them in the activity."""

    def setUp(self):
        """alice and bob are in; she is linked."""
        super().setUp()
        self.okta.assign(ALICE)
        self.command("user", "unlock", "--user", ALICE)
        self.alice, self.bob = self.world.sign_in(ALICE), self.world.sign_in(BOB)

    def assert_cut_by(self, verb):
        """Her next request is refused, her WebSocket is cut, bob goes on."""
        cookie = self.story.cookie(self.alice)
        with self.story.open_websocket(cookie) as hers, \
                self.story.open_websocket(self.story.cookie(self.bob)) as his:
            self.command("user", verb, "--user", ALICE, "--reason", "test")
            done = time.monotonic()
            self.story.expect_refused(cookie)
            self.assertTrue(hers.closed_within(CUT_S - (time.monotonic() - done)))
            his.send("on")
            his.receive_echo("on")
        self.story.expect_in(self.bob, BOB)

    def test_a_deactivation_by_command_cuts_and_okta_sees_it(self):
        self.assert_cut_by("deactivate")
        self.assertIs(self.okta.lookup(ALICE)["active"], False)
        self.story.expect_sign_in_refused(ALICE)
        self.command("user", "reactivate", "--user", ALICE)
        self.story.expect_refused(self.story.cookie(self.alice))
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)

    def test_a_lock_by_command_cuts_and_no_call_of_okta_lifts_it(self):
        self.assert_cut_by("lock")
        self.assertIs(self.okta.lookup(ALICE)["active"], True)
        self.okta.assign(ALICE)
        self.story.expect_sign_in_refused(ALICE)
        self.command("user", "unlock", "--user", ALICE)
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)

    def test_sessions_ended_by_command_leave_the_user_active(self):
        self.assert_cut_by("end-sessions")
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)

    def test_list_and_show_agree_with_okta(self):
        listed = {entry["userName"]: entry for entry in map(
            json.loads, self.command("user", "list", "--json").splitlines())}
        self.assertEqual(listed[ALICE]["id"], self.okta.lookup(ALICE)["id"])
        self.assertTrue(listed[ALICE]["linked"])
        self.assertFalse(listed[BOB]["provisioned"])
        self.assertGreaterEqual(self.user(BOB)["sessions"]["alive"], 1)
        self.assertNotIn(self.story.cookie(self.bob), self.command("user", "show", "--user", BOB))

    def test_a_wrong_name_gets_a_suggestion(self):
        with self.assertRaisesRegex(GatewayError, "did you mean alice@example.com"):
            self.command("user", "show", "--user", "alcie@example.com")

    def test_activity_is_followed_live(self):
        words = [str(self.world.gateway.binary), "activity", "--follow", "--json", "--kind", "lock", "--config",
                 str(self.world.config)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as follower:
            self.addCleanup(follower.kill)
            known = self.command("activity", "--kind", "lock", "--json", "--count", "10").splitlines()
            for line in known:
                self.assertEqual(follower.stdout.readline().strip(), line)
            self.command("user", "lock", "--user", ALICE, "--reason", "seen live")
            entry = json.loads(follower.stdout.readline())
            self.assertEqual((entry["userName"], entry["reference"]), (ALICE, "seen live"))
            self.assertTrue(entry["actor"].startswith("operator:"))
            follower.send_signal(signal.SIGTERM)
            self.assertEqual(follower.wait(60), 0)


class Followed(OperatorCase):
    """activity --follow, whatever becomes of the store meanwhile."""

    def test_activity_is_followed_over_a_restart_and_a_restore(self):
        store, copy = Path(self.world.values["store"]["path"]), self.folder / "copy"
        words = [str(self.world.gateway.binary), "activity", "--follow", "--json", "--kind", "create", "--config",
                 str(self.world.config)]
        self.okta.assign("first@example.com")
        self.command("backup", "--to", str(copy))
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              text=True) as follower:
            self.addCleanup(follower.kill)
            self.assertEqual(json.loads(follower.stdout.readline())["userName"], "first@example.com")
            self.okta.assign("second@example.com")
            self.assertEqual(json.loads(follower.stdout.readline())["userName"], "second@example.com")
            self.world.gateway.stop()
            store.rename(store.with_name("store.old"))
            self.command("restore", "--from", str(copy))
            self.world.gateway.start()
            self.world.gateway.wait_healthy()
            wait_until(lambda: f"{store}/data.mdb" in self.files_of(follower.pid), 60, "the new store is followed")
            self.okta.assign("third@example.com")
            self.assertEqual(json.loads(follower.stdout.readline())["userName"], "third@example.com")
            follower.send_signal(signal.SIGTERM)
            self.assertEqual(follower.wait(60), 0)

    @staticmethod
    def files_of(pid):
        """Names of the files that a process has open, as they are now."""
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]


class Values(OperatorCase):
    """activity.values: what Okta changed in attributes that the operator names."""

    @classmethod
    def configure(cls, values):
        """Three attributes, one of them of an extension."""
        values["activity"] = {"values": ["title", "department", "active", "displayName"]}

    def recorded(self, *words):
        """Values of the entries, oldest first."""
        lines = self.command("activity", "--json", *words).splitlines()
        return [entry["values"] for entry in map(json.loads, lines) if "values" in entry]

    def test_old_and_new_values_are_recorded_of_named_attributes_only(self):
        carol = "carol@example.com"
        enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        user = self.okta.assign(carol, title="Clerk", nickName="Unseen")
        self.okta.patch(user["id"], {"title": "Boss", "nickName": "Hidden"})
        self.okta.put(user["id"], **{"title": "B" * 300, enterprise: {"department": "Sales"}})
        self.okta.set_active(user["id"], False)
        created, patched, put, *left = self.recorded("--user", carol)
        self.assertEqual((created["title"], created["active"]), ([None, "Clerk"], [None, True]))
        self.assertEqual(patched, {"title": ["Clerk", "Boss"]})
        self.assertEqual(put, {"title": ["Boss", "B" * 253 + "..."], enterprise + ":department": [None, "Sales"]})
        self.assertEqual(left, [{"active": [True, False]}] * len(left))
        self.assertEqual(self.recorded("--user", carol, "--kind", "deactivate"), [{"active": [True, False]}])
        self.assertIn('  values {"title":["Clerk","Boss"]}  ', self.command("activity", "--user", carol))
        self.okta.push_group("Sales")
        self.assertEqual(self.recorded("--kind", "group-create"), [{"displayName": [None, "Sales"]}])
        everything = self.command("activity", "--json", "--count", "0")
        self.assertNotIn("Unseen", everything)
        self.assertNotIn("Hidden", everything)


class Load:
    """Users assigned one after the other by threads of their own, until stopped."""

    def __init__(self, world, threads=2):
        self.world = world
        self.stopping = threading.Event()
        self.acknowledged, self.tried, self.errors = [], [], []
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        okta = self.world.okta()
        try:
            for count in range(100000):
                if self.stopping.is_set():
                    break
                name = f"load{number}-{count}@example.com"
                self.tried.append(name)
                okta.assign(name)
                self.acknowledged.append(name)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)
        finally:
            okta.close()

    def stop(self):
        """Wait for all."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Backups(OperatorCase):
    """A backup under load, restored."""

    def test_a_backup_under_load_restores_the_same_users(self):
        linked = self.okta.assign(ALICE)
        browser = self.world.sign_in(ALICE)
        load = Load(self.world)
        self.addCleanup(load.stop)
        wait_until(lambda: len(load.acknowledged) >= 20, 30, "the load runs")
        before = list(load.acknowledged)
        copy = self.folder / "copy"
        self.command("backup", "--to", str(copy))
        self.story.expect_in(browser, ALICE)
        load.stop()
        self.assertFalse(load.errors)
        self.assertEqual(self.world.gateway.stop(), 0)
        store = self.folder / "store"
        with self.assertRaisesRegex(GatewayError, "there is a store in"):
            self.command("restore", "--from", str(copy))
        os.rename(store, self.folder / "lost")
        self.command("restore", "--from", str(copy))
        self.command("check", "--store")
        self.world.gateway.start()
        found = {user["userName"]: user for user in self.okta.import_users()}
        self.assertEqual(found[ALICE]["id"], linked["id"])
        self.assertLessEqual(set(before), set(found))
        self.assertLessEqual({name for name in found if name.startswith("load")}, set(load.tried))
        self.story.expect_in(browser, ALICE)
        lost = {entry["id"] for entry in map(json.loads, self.old_list(self.folder / "lost"))}
        self.assertNotIn(self.okta.assign("after@example.com")["id"], lost)

    def old_list(self, store):
        """The lines of `user list --json` of the store that was moved away."""
        text = self.world.config.read_text()
        config = self.folder / "lost.yaml"
        config.write_text(text.replace(str(self.folder / "store"), str(store)))
        return subprocess.run([str(self.world.gateway.binary), "user", "list", "--json", "--count", "1000000",
                               "--config", str(config)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=True).stdout.splitlines()


class Descriptors(OperatorCase):
    """Commands that were started without stdout, stdin or stderr."""

    def test_what_is_printed_never_gets_into_the_files_of_the_store(self):
        store = Path(self.world.values["store"]["path"])
        self.okta.assign(ALICE)
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            for words in ("user list --count 0", "export", "check --store", "token list --app wiki",
                          "user show --user nobody"):
                line = f"exec {binary_path()} {words} --config {self.world.config} {closed}"
                done = subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, timeout=60, check=False)
                with self.subTest(f"{words} {closed}"):
                    is_lost = closed in (">&-", "<&- >&- 2>&-") or "nobody" in words
                    self.assertEqual(done.returncode, 1 if is_lost else 0)
        for name in ("lock.mdb", "data.mdb", "store.key"):
            with self.subTest(name):
                content = (store / name).read_bytes()
                self.assertNotIn(b"urn:ietf:params:scim:schemas:core", content[:4096])
                self.assertNotIn(b"provgate: ", content[:4096])
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)
        self.command("check", "--store")


    def test_a_secret_that_nobody_could_read_is_said_to_be_lost(self):
        words = [binary_path(), "token", "new", "--app", "wiki", "--name", "lost", "--config", self.world.config]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the secret could not be written, and nobody knows it; revoke lost in", done.stderr)
        self.command("token", "revoke", "--app", "wiki", "--name", "lost")


class Imports(OperatorCase):
    """Accounts of the app come in beside a running provgate and are adopted by sign-ons and by Okta."""

    def test_imported_users_are_adopted_with_the_same_id(self):
        accounts = self.folder / "accounts.csv"
        accounts.write_text("userName,givenName,familyName,active\r\n"
                            "ines@example.com,Ines,Imported,true\r\n"
                            "otto@example.com,Otto,Old,false\r\n")
        self.assertIn("2 would be created", self.command("import", str(accounts), "--dry-run"))
        self.assertIsNone(self.okta.lookup("ines@example.com"))
        self.assertIn("2 created", self.command("import", str(accounts)))
        found = self.okta.lookup("ines@example.com")
        self.assertEqual(found["name"]["familyName"], "Imported")
        self.story.expect_in(self.world.sign_in("ines@example.com"), "ines@example.com")
        self.assertEqual(self.okta.assign("ines@example.com")["id"], found["id"])
        shown = self.user("ines@example.com")
        self.assertEqual((shown["id"], shown["linked"], shown["imported"]), (found["id"], True, True))
        self.story.expect_sign_in_refused("otto@example.com")
        self.assertIn("2 known already", self.command("import", str(accounts)))
        exported = {user["userName"]: user for user in map(json.loads, self.command("export").splitlines())}
        self.assertEqual(exported["ines@example.com"]["id"], found["id"])
        self.assertIs(exported["otto@example.com"]["active"], False)

    def test_what_one_provgate_exports_another_imports_through_a_pipe(self):
        self.okta.assign("piped@example.com", title="Plumber")
        other = self.folder / "other.yaml"
        other.write_text(self.world.config.read_text().replace(str(self.folder / "store"), str(self.folder / "other")))
        program = str(self.world.gateway.binary)
        subprocess.run([program, "init", "--config", str(other)], check=True, timeout=60, stdin=subprocess.DEVNULL)
        for form in ("csv", "ndjson"):
            line = (f"{program} export --format {form} --output - --config {self.world.config} | "
                    f"{program} import --format {form} - --config {other}")
            done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
            self.assertIn("-: ", done.stdout)
            self.assertIn(" 0 refused", done.stdout)
        shown = subprocess.run([program, "user", "show", "--user", "piped@example.com", "--config", str(other)],
                               capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertIn("Plumber", shown)
        self.command("import", "-", status=2)
        self.command("import", "-", "--format", "xml", status=2)

    def test_on_a_terminal_there_is_a_bar_and_an_interrupt_ends_with_the_counts(self):
        accounts = self.folder / "interrupted.csv"
        accounts.write_text("userName\n" + "".join(f"interrupted{number}@example.com\n" for number in range(200000)))
        terminal, end = os.openpty()
        self.addCleanup(os.close, terminal)
        with subprocess.Popen([str(self.world.gateway.binary), "import", str(accounts), "--config",
                               str(self.world.config)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=end,
                              text=True) as running:
            self.addCleanup(running.kill)
            os.close(end)
            shown = b""
            while b" 1 %" not in shown:
                shown += os.read(terminal, 4096)
            self.assertIn(b"importing [-", shown)
            running.send_signal(signal.SIGINT)
            counts = running.stdout.read()
            self.assertEqual(running.wait(60), 1)
        rows, created = re.search(r"(\d+) rows: (\d+) created, 0 known already, 0 refused", counts).groups()
        self.assertEqual(rows, created)
        self.assertTrue(self.okta.lookup(f"interrupted{int(created) - 1}@example.com"))
        self.assertFalse(self.okta.lookup(f"interrupted{created}@example.com"))
        self.assertNotIn("%", self.command("import", str(accounts), "--dry-run", "--json"))

    def test_an_import_that_was_killed_is_run_again(self):
        accounts = self.folder / "killed.csv"
        accounts.write_text("userName\n" + "".join(f"killed{number}@example.com\n" for number in range(8000)))
        words = [str(self.world.gateway.binary), "import", str(accounts), "--config", str(self.world.config)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as running:
            self.addCleanup(running.kill)
            wait_until(lambda: self.okta.lookup("killed600@example.com") or running.poll() is not None, 30,
                       "rows come in")
            running.kill()
        counts = json.loads(self.command("import", str(accounts), "--json"))
        self.assertEqual(counts["created"] + counts["matched"], 8000)
        self.assertGreater(counts["matched"], 600)
        self.command("check", "--store")
        names = [json.loads(line)["userName"] for line in self.command("export").splitlines()]
        self.assertEqual(len([name for name in names if name.startswith("killed")]), 8000)

    def test_a_large_import_keeps_nobody_waiting(self):
        accounts = self.folder / "many.csv"
        accounts.write_text("userName\n" + "".join(f"many{number}@example.com\n" for number in range(8000)))
        with subprocess.Popen([str(self.world.gateway.binary), "import", str(accounts), "--config",
                               str(self.world.config)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              text=True) as running:
            self.addCleanup(running.kill)
            rounds = 0
            while running.poll() is None:
                browser = self.world.sign_in(f"visitor{rounds}@example.com")
                self.story.expect_in(browser, f"visitor{rounds}@example.com")
                self.command("user", "lock", "--user", f"visitor{rounds}@example.com")
                self.story.expect_refused(self.story.cookie(browser))
                rounds += 1
            self.assertEqual(running.returncode, 0)
            self.assertIn("8000 created", running.stdout.read())
        self.assertGreater(rounds, 0)
