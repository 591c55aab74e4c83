"""A full map and a full disk: creates are asked to come again, but whoever is in can be deactivated (law 3, H5)."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

from lab import rawhttp
from lab.gateway import wait_until
from lab.story import Story
from support.case import WorldCase

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CLIENTS = 16
DISK_BYTES = 48 << 20
BETWEEN_THE_RESERVES = 6 << 20


class StoreCase(WorldCase):
    """Many provisioning requests at once."""

    def setUp(self):
        """eve is in, and provisioned."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.kept = local()
        self.eve = self.world.sign_in("eve@example.com")
        answer = self.ask(("POST", "/Users", self.user("eve@example.com")))
        self.assertEqual(answer.status, 201, answer.body)
        self.eve_id = answer.json()["id"]
        self.story.expect_in(self.eve, "eve@example.com")

    def ask(self, request):
        """One request, on a connection of this thread."""
        method, path, value = request
        if not hasattr(self.kept, "connection"):
            self.kept.connection = rawhttp.Connection.to(self.world.prov_url, timeout=60)
            self.addCleanup(self.kept.connection.close)
        fields = [("Host", self.world.prov_url.split("/")[2]), ("Authorization", "Bearer " + self.world.token)]
        body = None
        if value is not None:
            fields.append(("Content-Type", "application/scim+json"))
            body = json.dumps(value).encode()
        return self.kept.connection.exchange(method, "/scim/v2" + path, fields, body)

    def ask_all(self, requests):
        """All of them, many at a time."""
        if hasattr(self.kept, "connection"):  # it would be idle for too long
            self.kept.connection.close()
            del self.kept.connection
        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(self.ask, requests))

    @staticmethod
    def user(name, text="x"):
        """A POST's body."""
        return {"schemas": [USER], "userName": name, "displayName": text, "active": True}

    @staticmethod
    def deactivation(user_id):
        """What Okta sends."""
        operation = {"op": "replace", "value": {"active": False}}
        return "PATCH", f"/Users/{user_id}", {"schemas": [PATCH], "Operations": [operation]}

    def assert_come_again(self, answer):
        """429 with a time to wait."""
        self.assertEqual(answer.status, 429, answer.body)
        self.assertGreater(int(answer.header("Retry-After")), 0)

    def assert_all(self, answers, *statuses):
        """Every answer has one of the statuses."""
        self.assertEqual({answer.status for answer in answers} - set(statuses), set())


class FullMap(StoreCase):
    """store.max_size is reached."""

    timeout_s = 240

    @staticmethod
    def configure(values):
        """A small map."""
        values["store"].update(max_size="8MiB")

    def test_law_3_every_user_of_a_full_store_can_be_deactivated(self):
        ids, full = [], None
        for part in range(200):
            answers = self.ask_all([("POST", "/Users", self.user(f"u{part}-{i}@example.com", "x" * 900))
                                    for i in range(CLIENTS * 8)])
            self.assert_all(answers, 201, 429)
            ids += [answer.json()["id"] for answer in answers if answer.status == 201]
            full = next((answer for answer in answers if answer.status == 429), None)
            if full:
                break
        self.assert_come_again(full)
        self.assertGreater(len(ids), 1000)
        self.story.expect_in(self.eve, "eve@example.com")
        self.assert_all(self.ask_all([self.deactivation(user_id) for user_id in ids]), 200, 204)
        self.assert_all([self.ask(self.deactivation(self.eve_id))], 200, 204)
        self.assertEqual(self.eve.get(self.sso("/")).status, 403)
        self.assert_all(self.ask_all([("DELETE", f"/Users/{user_id}", None) for user_id in ids]), 204)
        self.assertEqual(self.ask(("GET", "/Users?count=1", None)).status, 200)


class FullDisk(StoreCase):
    """The disk of the store is full, by others' doing."""

    disk = None

    @classmethod
    def setUpClass(cls):
        """A small disk."""
        cls.disk = Path(tempfile.mkdtemp(prefix="provgate-disk-"))
        cls.addClassCleanup(shutil.rmtree, cls.disk, True)
        try:
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(cls.disk)],
                                  capture_output=True, check=False)
        except OSError as error:
            raise unittest.SkipTest("there is no mount program") from error
        if done.returncode != 0:
            raise unittest.SkipTest("this needs leave to mount a tmpfs")
        cls.addClassCleanup(subprocess.run, ["umount", str(cls.disk)], check=False)
        cls.configure = staticmethod(lambda values: values["store"].update(path=str(cls.disk / "store")))
        super().setUpClass()

    def fill_disk(self, leave):
        """A file of somebody else takes what is free, but for so many bytes."""
        with open(self.disk / "ballast", "ab", buffering=0) as file:
            info = os.statvfs(self.disk)
            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size,
                               max(1, info.f_bavail * info.f_frsize - leave))

    def test_h5_a_full_disk_refuses_creates_and_heals_without_restart(self):
        children = [self.world.gateway.child(role) for role in ("sso", "prov")]
        ids = [self.ask(("POST", "/Users", self.user(f"u{i}@example.com"))).json()["id"] for i in range(60)]
        with self.subTest("little is left"):
            self.fill_disk(BETWEEN_THE_RESERVES)
            self.assert_come_again(self.ask(("POST", "/Users", self.user("late@example.com"))))
            self.assert_all(self.ask_all([self.deactivation(user_id) for user_id in ids[:20]]), 200, 204)
            self.story.expect_in(self.world.sign_in("bob@example.com"), "bob@example.com")
        with self.subTest("nothing is left"):
            self.fill_disk(0)
            self.assert_come_again(self.ask(("POST", "/Users", self.user("late@example.com"))))
            self.assertEqual(self.ask(("GET", "/Users?count=10", None)).status, 200)
            self.story.expect_in(self.eve, "eve@example.com")
            # pages that are free in the file are all there is
            self.assert_all(self.ask_all([self.deactivation(user_id) for user_id in ids[20:40]]), 200, 204, 429)
            self.story.expect_in(self.eve, "eve@example.com")
        with self.subTest("there is room again"):
            (self.disk / "ballast").unlink()
            late = ("POST", "/Users", self.user("late@example.com"))
            wait_until(lambda: self.ask(late).status == 201, 30, "a create")
            self.assert_all(self.ask_all([self.deactivation(user_id) for user_id in ids]), 200, 204)
            self.assert_all([self.ask(self.deactivation(self.eve_id))], 200, 204)
            self.assertEqual(self.eve.get(self.sso("/")).status, 403)
        self.assertEqual(children, [self.world.gateway.child(role) for role in ("sso", "prov")])


del StoreCase
