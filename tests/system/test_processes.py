"""The supervising parent and its two children: each face goes on without the other; one writer per store."""

import os
import re
import signal
import subprocess
from pathlib import Path

from lab import rawhttp
from lab.gateway import children_of, wait_until
from lab.story import Story
from support.case import WorldCase, content_of


class Processes(WorldCase):
    """Children that hang, die and come back."""

    def setUp(self):
        """bob is in."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.bob = self.world.sign_in("bob@example.com")

    def pause(self, role):
        """Stop a child (it hangs) until the test ends."""
        pid = wait_until(lambda: self.world.gateway.child(role), 30, f"a {role} child")
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)

    def test_there_are_two_children_of_the_same_binary(self):
        gateway = self.world.gateway
        self.assertEqual(len(children_of(gateway.pid)), 2)
        for role in ("sso", "prov"):
            self.assertEqual(os.readlink(f"/proc/{gateway.child(role)}/exe"), str(gateway.binary))

    def test_with_the_prov_child_hanging_pages_and_sign_ins_go_on(self):
        self.pause("prov")
        for _ in range(20):
            self.story.expect_in(self.bob, "bob@example.com")
        self.story.expect_in(self.world.sign_in("dave@example.com"), "dave@example.com")

    def test_with_the_sso_child_hanging_provisioning_goes_on(self):
        self.pause("sso")
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("erin@example.com")
        okta.unassign(user["id"])
        self.assertFalse(okta.lookup("erin@example.com")["active"])

    def test_children_come_back_again_and_again(self):
        gateway = self.world.gateway
        for role in ("prov", "sso", "prov"):
            gateway.wait_child(role, gateway.kill_child(role))
            gateway.wait_healthy()
        self.story.expect_in(self.bob, "bob@example.com")

    def test_a_second_run_on_the_same_store_is_refused(self):
        done = subprocess.run([str(self.world.gateway.binary), "run", "--config", str(self.world.config)],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(done.stderr.strip(), "no reason is given")
        self.story.expect_in(self.bob, "bob@example.com")

    def test_a_hang_up_ends_nothing(self):
        gateway = self.world.gateway
        served, before = gateway.log.read_text().count("crew-serves"), set(children_of(gateway.pid))
        os.kill(gateway.pid, signal.SIGHUP)
        self.story.expect_in(self.bob, "bob@example.com")
        self.assertIsNone(gateway.process.poll())
        wait_until(lambda: gateway.log.read_text().count("crew-serves") > served, 60, "the new ones serve")
        wait_until(lambda: not before & set(children_of(gateway.pid)), 60, "the old ones have ended")

    def test_secrets_are_in_no_command_line_and_no_environment(self):
        gateway = self.world.gateway
        for pid in [gateway.pid, *children_of(gateway.pid)]:
            for name in ("cmdline", "environ"):
                content = Path(f"/proc/{pid}/{name}").read_bytes()
                self.assertNotIn(self.world.token.encode(), content)
                self.assertNotIn(self.world.admin_token.encode(), content)

    def test_secrets_are_in_no_file_of_the_store(self):
        value = self.story.cookie(self.bob)
        for path in self.world.folder.rglob("*"):
            if path.is_file():
                content = content_of(path)
                for secret in (self.world.token, self.world.admin_token, value):
                    self.assertNotIn(secret.encode(), content, path)


class LogReader(WorldCase):
    """Law 2: whoever reads the log may stop reading or go away."""

    def setUp(self):
        """provgate writes its log into a pipe that is full."""
        gateway = self.world.gateway
        self.plain_log, pipe = gateway.log, self.folder / "log.pipe"
        os.mkfifo(pipe)
        self.reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(setattr, gateway, "log", self.plain_log)
        gateway.stop()
        gateway.log = pipe
        gateway.start()
        try:
            while True:
                os.write(self.reader, b"x" * 4096)
        except BlockingIOError:
            pass

    def test_requests_pass_while_nobody_reads_the_log_and_after_the_reader_has_gone(self):
        gateway = self.world.gateway
        bob = self.world.sign_in("bob@example.com")
        form = [("Content-Type", "application/x-www-form-urlencoded")]
        for _ in range(600):  # each refusal wants to write a line
            rawhttp.fetch(gateway.sso_url + "/saml/acs", "POST", form, b"SAMLResponse=AAAA")
        story = Story(self.world)
        self.addCleanup(story.close)
        story.expect_in(bob, "bob@example.com")
        os.close(self.reader)
        gateway.wait_child("prov", gateway.kill_child("prov"))
        gateway.wait_healthy()
        story.expect_in(bob, "bob@example.com")


class Admin(WorldCase):
    """The admin listener."""

    def ask(self, path, token=None):
        """One call."""
        headers = [("Authorization", f"Bearer {token}")] if token else []
        return rawhttp.fetch(self.world.admin_url + path, headers=headers)

    def test_healthz_is_open_and_metrics_need_the_admin_token(self):
        self.assertEqual(self.ask("/healthz").status, 200)
        self.assertEqual(self.ask("/metrics").status, 401)
        self.assertEqual(self.ask("/metrics", self.world.token).status, 401)
        answer = self.ask("/metrics", self.world.admin_token)
        self.assertEqual(answer.status, 200)
        for name in ("connections_accepted", "store_commits", "store_changes"):
            counted = re.compile(rf"(?m)^provgate_{name}_total [1-9]")
            wait_until(lambda counted=counted: counted.search(self.metrics()), 30, f"{name} is counted")
        self.assertIn(b"# TYPE provgate_", answer.body)

    def metrics(self):
        """The page."""
        return self.ask("/metrics", self.world.admin_token).body.decode()

    def test_the_admin_token_does_not_open_the_prov_face(self):
        headers = [("Authorization", f"Bearer {self.world.admin_token}")]
        self.assertEqual(rawhttp.fetch(self.world.prov_url + "/Users", headers=headers).status, 401)
