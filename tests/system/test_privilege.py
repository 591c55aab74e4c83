"""Who provgate runs as (security.md M6, D8, H9)."""

import os
import pwd
import shutil
import signal
import unittest
from pathlib import Path

from lab import yamltext
from lab.gateway import binary_path, children_of, wait_until
from lab.story import Story
from support.case import WorldCase

ACCOUNT = "nobody"
KEPT_AS_ROOT = 1 << 10 | 1 << 1 | 1 << 0 | 1 << 3  # NET_BIND_SERVICE, DAC_OVERRIDE, CHOWN, FOWNER


def status_of(pid):
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def is_sanitized(binary):
    """A leak sanitizer must be able to look."""
    content = Path(binary).read_bytes()
    return any(symbol in content for symbol in (b"__asan_init", b"__tsan_init"))


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Privilege(WorldCase):
    """Started as root."""

    def setUp(self):
        """The configuration as it was, and a program where everybody reaches it: an upgrade starts it as the user."""
        self.account = pwd.getpwnam(ACCOUNT)
        self.text = self.world.config.read_text()
        program = self.folder / "provgate"
        if not program.exists():
            shutil.copy2(binary_path(), program)
        self.world.gateway.binary = program

    def start_as(self, user, prepares=None):
        """Start again with the key `user`, all files being that user's."""
        self.world.gateway.stop()
        values = dict(self.world.values)
        if user:
            values["user"] = user
        self.world.config.write_text(yamltext.dump(values))
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, *((self.account.pw_uid, self.account.pw_gid) if user else (0, 0)))
        if prepares:
            prepares()
        self.world.gateway.start()
        self.addCleanup(self.world.config.write_text, self.text)

    def processes(self):
        """The parent and the children."""
        return [self.world.gateway.pid, *children_of(self.world.gateway.pid)]

    def expect_all_given_up(self):
        """No process has anything of root left."""
        pids = self.processes()
        self.assertGreaterEqual(len(pids), 3)
        for pid in pids:
            status = status_of(pid)
            self.assertEqual(set(status["Uid"]), {str(self.account.pw_uid)})
            self.assertEqual(set(status["Gid"]), {str(self.account.pw_gid)})
            self.assertLessEqual(set(status["Groups"]), {str(self.account.pw_gid)})
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name][0], 16), 0, name)
            self.assertEqual(status["NoNewPrivs"], ["1"])
            # Its memory is in no core file (D8): the files of such a process are not its user's.
            if not is_sanitized(self.world.gateway.binary):
                self.assertEqual(Path(f"/proc/{pid}/environ").stat().st_uid, 0)

    def test_m6_with_user_every_process_is_that_user_for_good_also_after_reload_and_upgrade(self):
        self.start_as(ACCOUNT)
        story = Story(self.world)
        self.addCleanup(story.close)
        bob = self.world.sign_in("bob@example.com")
        story.expect_in(bob, "bob@example.com")
        self.expect_all_given_up()
        for number in (signal.SIGHUP, signal.SIGUSR2):
            before = set(children_of(self.world.gateway.pid))
            os.kill(self.world.gateway.pid, number)
            def switched(before=before):
                """All are new."""
                return not set(self.processes()) & before and len(self.processes()) == 3
            wait_until(switched, 60, "the new ones")
            self.world.gateway.wait_healthy()
            self.expect_all_given_up()
            story.expect_in(bob, "bob@example.com")

    def test_m6_as_root_without_user_it_says_so_and_keeps_only_what_files_and_ports_need(self):
        self.start_as(None)
        self.assertIn("running-as-root", self.world.gateway.log_end())
        for pid in self.processes():
            status = status_of(pid)
            for name in ("CapPrm", "CapEff", "CapBnd"):
                self.assertEqual(int(status[name][0], 16) & ~KEPT_AS_ROOT, 0, name)
            self.assertEqual(status["NoNewPrivs"], ["1"])

    def test_h9_a_store_of_somebody_else_is_refused_and_untouched(self):
        self.start_as(ACCOUNT)
        gateway = self.world.gateway
        gateway.stop()
        store = Path(self.world.values["store"]["path"])
        os.chown(store / "data.mdb", 0, 0)
        (store / "data.mdb").chmod(0o600)
        before = (store / "data.mdb").stat().st_mtime_ns
        gateway.spawn()
        self.assertNotEqual(gateway.process.wait(60), 0)
        self.assertIn("data.mdb", gateway.log_end())
        self.assertEqual((store / "data.mdb").stat().st_mtime_ns, before)
        os.chown(store / "data.mdb", self.account.pw_uid, self.account.pw_gid)
        gateway.start()

    def test_a_command_of_root_before_the_start_locks_nobody_out(self):
        def run_as_root():
            store = Path(self.world.values["store"]["path"])
            (store / "lock.mdb").unlink()  # as after `init` and `restore`
            self.world.gateway.command("check", "--store")
            self.world.gateway.command("user", "list")
        self.start_as(ACCOUNT, run_as_root)
        self.world.gateway.command("user", "list")

    def test_m6_check_looks_at_the_files_as_that_user(self):
        self.start_as(ACCOUNT)
        tokens = self.folder / "wiki-tokens"
        os.chown(tokens, 0, 0)
        tokens.chmod(0o600)
        self.assertIn("wiki-tokens", self.world.gateway.command("check", status=2))
        os.chown(tokens, self.account.pw_uid, self.account.pw_gid)
        self.world.gateway.command("check")

    def test_m6_an_account_that_does_not_exist_is_an_error_of_the_configuration(self):
        self.world.config.write_text(self.text + "user: no-such-account\n")
        self.addCleanup(self.world.config.write_text, self.text)
        self.assertIn(": user: there is no account no-such-account", self.world.gateway.command("check", status=2))
