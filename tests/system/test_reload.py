"""The configuration and the program change while everybody goes on (security.md M1, M2, M3, C8, D3, G12)."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from lab import keys, rawhttp, websocket, yamltext
from lab.gateway import children_of, free_ports, wait_until
from lab.story import Story
from support.case import WorldCase, is_long
from support.load import Load

RELOADS = 100 if is_long() else 30
UPGRADES = 20 if is_long() else 8
SWITCH_S = 20


class ReloadCase(WorldCase):
    """What reloads have in common."""

    def log_count(self, event):
        """How often provgate logged this."""
        return len(re.findall(rf"(?m) {event}( |$)", self.world.gateway.log.read_text("utf-8", "replace")))

    def signal(self, number, event="generation-serves"):
        """Send the parent a signal and wait for what it leads to."""
        before = self.log_count(event)
        os.kill(self.world.gateway.pid, number)
        wait_until(lambda: self.log_count(event) > before, SWITCH_S, event)

    def reload(self):
        """The configuration is read again, and what it says serves."""
        self.signal(signal.SIGHUP)

    def write(self, change):
        """Change the configuration file; it is as it was after the test."""
        text = self.world.config.read_text()
        self.addCleanup(self.reload)
        self.addCleanup(self.world.config.write_text, text)
        values = yamltext_copy(self.world.values)
        change(values)
        self.world.config.write_text(yamltext.dump(values))

    def cookie(self, user="bob@example.com"):
        """The session cookie of somebody who has signed in."""
        browser = self.world.sign_in(user)
        return "lab_session=" + Story(self.world).cookie(browser)

    def status(self, cookie, path="/api/me"):
        """What the app or provgate says to that session."""
        return rawhttp.fetch(self.sso(path), headers=[("Cookie", cookie)], tls=self.world.tls).status

    def pids(self):
        """All processes of provgate but the parent."""
        return set(children_of(self.world.gateway.pid))


def yamltext_copy(values):
    """A deep copy of plain values."""
    if isinstance(values, dict):
        return {key: yamltext_copy(value) for key, value in values.items()}
    return [yamltext_copy(value) for value in values] if isinstance(values, list) else values


class UnderLoad(ReloadCase):
    """Nobody loses a request (0 failed, 0 resets)."""

    tls = True
    timeout_s = 300

    def expect_nothing_lost(self, load, counted):
        """No client saw anything, and each kind had its share."""
        self.assertEqual(load.failures[:5], [], f"{len(load.failures)} of {load.counts}")
        for kind, least in counted.items():
            self.assertGreater(load.counts.get(kind, 0), least, load.counts)

    def test_m1_hang_ups_under_load_lose_nothing(self):
        with Load(self.world, self.cookie()) as load:
            for _ in range(RELOADS):
                self.reload()
        self.expect_nothing_lost(load, {"keep_alive": RELOADS, "http2": RELOADS, "upload": 5, "web_socket": RELOADS,
                                        "new_connections": RELOADS})

    def test_m2_upgrades_under_load_lose_nothing_and_keep_the_pid(self):
        before = self.pids()
        with Load(self.world, self.cookie()) as load:
            for _ in range(UPGRADES):
                self.signal(signal.SIGUSR2)
        self.expect_nothing_lost(load, {"keep_alive": UPGRADES, "http2": UPGRADES, "upload": 2,
                                        "web_socket": UPGRADES})
        self.assertIsNone(self.world.gateway.process.poll())
        wait_until(lambda: not self.pids() & before, 30, "the first children have ended")
