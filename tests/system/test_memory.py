"""Bodies of any length pass with flat memory and back-pressure both ways (A11, C3); not for sanitizer builds."""

import hashlib
import re
import threading
import unittest
from pathlib import Path

from lab import rawhttp
from lab.gateway import binary_path, wait_until
from support.case import WorldCase, is_long

BLOCK = b"provgate" * 8192
BLOCKS = 1024 * 16 if is_long() else 256 * 16
GROWTH_KIB_MAX = 16 * 1024
READERS = 200
MEMBERS = 300000
READERS_KIB_MAX = 64 * 1024  # C3
SANITIZER_SYMBOLS = (b"__asan_init", b"__tsan_init")


def is_sanitized():
    """Is the binary built with a sanitizer, whose own memory would be measured?"""
    content = binary_path().read_bytes() if binary_path().exists() else b""
    return any(symbol in content for symbol in SANITIZER_SYMBOLS)


@unittest.skipIf(is_sanitized(), "the binary is built with a sanitizer")
class FlatMemory(WorldCase):
    """Resident memory of the sso child while bodies pass."""

    timeout_s = 300

    def resident_kib(self):
        """Highest resident memory since the last reset, in KiB."""
        status = Path(f"/proc/{self.world.gateway.child('sso')}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

    def reset_peak(self):
        """Forget the highest value (proc(5), clear_refs)."""
        Path(f"/proc/{self.world.gateway.child('sso')}/clear_refs").write_text("5")
        return self.resident_kib()

    def assert_flat(self, before, kib_max=GROWTH_KIB_MAX):
        """Not grown by more than the cap."""
        self.assertLess(self.resident_kib() - before, kib_max, "KiB more resident memory")

    def test_an_upload_leaves_memory_flat(self):
        before = self.reset_peak()
        digest = hashlib.sha256()
        with rawhttp.Connection.to(self.world.sso_url, timeout=60) as connection:
            length = len(BLOCK) * BLOCKS
            connection.send_request("POST", "/upload", [("Host", self.host()), ("Content-Length", str(length))])
            for _ in range(BLOCKS):
                connection.send(BLOCK)
                digest.update(BLOCK)
            answer = connection.read_body(connection.read_head())
        self.assertEqual(answer.json(), {"bytes": length, "sha256": digest.hexdigest()})
        self.assert_flat(before)

    def test_a_download_leaves_memory_flat(self):
        before = self.reset_peak()
        megabytes = len(BLOCK) * BLOCKS >> 20
        count = 0

        def take(piece):
            nonlocal count
            count += len(piece)

        with rawhttp.Connection.to(self.world.sso_url, timeout=60) as connection:
            connection.send_request("GET", f"/static/{megabytes}m", [("Host", self.host())])
            connection.read_body(connection.read_head(), on_data=take)
        self.assertEqual(count, megabytes << 20)
        self.assert_flat(before)

    def test_c3_readers_that_do_not_read_cost_little(self):
        before = self.reset_peak()
        connections = [rawhttp.Connection.to(self.world.sso_url) for _ in range(READERS)]
        for connection in connections:
            self.addCleanup(connection.close)
            connection.send_request("GET", "/static/100m", [("Host", self.host())])
        for connection in connections:
            self.assertEqual(connection.read_head().status, 200)
        for _ in range(20):
            self.assertEqual(rawhttp.fetch(self.sso("/static/1m")).status, 200)
        self.assert_flat(before, READERS_KIB_MAX)

    def prov_kib(self):
        """Resident memory of the prov child now, in KiB."""
        status = Path(f"/proc/{self.world.gateway.child('prov')}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def post_group(self, body):
        """A group of nobody; what it is answered does not matter here."""
        url = self.world.prov_url + "/Groups"
        fields = [("Authorization", f"Bearer {self.world.token}"), ("Content-Type", "application/scim+json")]
        try:
            rawhttp.fetch(url, "POST", headers=fields, body=body, timeout=60)
        except OSError:
            pass

    def test_c2_memory_of_large_bodies_is_given_back(self):
        before = self.prov_kib()
        member = b'{"value":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
        body = b'{"displayName":"x","members":[' + b",".join([member] * MEMBERS) + b"]}"
        threads = [threading.Thread(target=self.post_group, args=(body,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: self.prov_kib() - before < GROWTH_KIB_MAX, 60, "resident memory that was given back")
