"""Strangers that hold connections take no descriptor that a request needs (K2)."""

import resource
import socket
from pathlib import Path

from lab import rawhttp
from support.case import WorldCase

SOFT, HARD = 100, 200
STRANGERS = 300
HONEST = 30


class FewDescriptors(WorldCase):
    """An sso child that is granted few."""

    @staticmethod
    def configure(values):
        """One worker: what one accepts is what all accept."""
        values["sso"]["workers"] = 1

    def restart_with_few(self):
        """A new sso child, which inherits the parent's limits."""
        gateway = self.world.gateway
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (SOFT, HARD))
        pid = gateway.wait_child("sso", gateway.kill_child("sso"))
        gateway.wait_healthy()
        return pid

    def connect(self):
        """A connection of a stranger, who says nothing."""
        host, _, port = self.host().partition(":")
        stranger = socket.create_connection((host, int(port)), timeout=60)
        self.addCleanup(stranger.close)

    def test_k2_strangers_do_not_keep_requests_from_the_app(self):
        pid = self.restart_with_few()
        limits = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "open files" in line)
        self.assertEqual(limits.split()[3:5], [str(HARD), str(HARD)])
        for _ in range(STRANGERS):
            self.connect()
        honest = [rawhttp.Connection.to(self.world.sso_url, timeout=60) for _ in range(HONEST)]
        for connection in honest:
            self.addCleanup(connection.close)
        for connection in honest:  # all at once
            connection.send_request("GET", "/stream?lines=3", [("Host", self.host())])
        for connection in honest:
            self.assertEqual(connection.read_body(connection.read_head()).status, 200)
        self.assertLess(len(list(Path(f"/proc/{pid}/fd").iterdir())), HARD)
