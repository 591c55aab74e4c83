"""A test case with a world of its own, and what every test may ask of it."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from lab.gateway import binary_path
from lab.world import World

SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer")


def content_of(path):
    """The bytes of a file; none of one that was replaced meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def is_long():
    """Was the long tier asked for?"""
    return os.environ.get("PROVGATE_TEST_LONG") == "1"


class WorldCase(unittest.TestCase):
    """One world per class. Subclasses set the class attributes; `configure(values)` may change the configuration."""

    tls = False
    with_app = True
    configure = None
    world = None

    @classmethod
    def upstream(cls):
        """The upstream's address when it is not the lab's app."""
        return None

    @classmethod
    def environment(cls):
        """More variables for provgate's environment."""
        return {}

    @classmethod
    def setUpClass(cls):
        """Start the world."""
        if not binary_path().exists():
            raise AssertionError(f"no binary at {binary_path()}; build it or set PROVGATE_BIN")
        cls.folder = Path(tempfile.mkdtemp(prefix="provgate-test-"))
        cls.addClassCleanup(cls._clean)
        cls.world = World(cls.folder, cls.tls, cls.upstream(), cls.configure)
        cls.world.gateway.environment = cls.environment()
        cls.addClassCleanup(cls._stop)
        cls.world.start(cls.with_app)

    @classmethod
    def _stop(cls):
        status = cls.world.stop()
        log = cls.world.gateway.log.read_text("utf-8", "replace") if cls.world.gateway.log.exists() else ""
        for mark in SANITIZER_MARKS:
            if mark in log:
                raise AssertionError(f"the sanitizer spoke:\n{log[log.index(mark):][:6000]}")
        for secret in [cls.world.token, cls.world.admin_token, *cls.world.app.sessions.users]:
            if secret and secret in log:
                raise AssertionError("a token or a session cookie is in the log (law 9)")
        if status != 0:
            raise AssertionError(f"provgate ended with status {status}:\n{log[-3000:]}")

    @classmethod
    def _clean(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def sso(self, path):
        """An address on the SSO face."""
        return self.world.sso_url + path

    def host(self):
        """The Host field of the SSO face."""
        return self.world.sso_url.partition("://")[2]
