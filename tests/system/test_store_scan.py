"""A store that is too large to be checked at its start is scanned beside the work (semantics.md 1)."""

import json

from lab import rawhttp
from lab.gateway import wait_until
from lab.story import Story
from support.case import WorldCase

USERS = 3000
TEXT = 15000  # bytes of each of two attributes: together well above 64 MiB
WAIT_S = 120  # generous


class LargeStore(WorldCase):
    """Imported users with much to say."""

    timeout_s = 240

    def metric(self, name):
        """A value of /metrics."""
        answer = rawhttp.fetch(self.world.admin_url + "/metrics",
                               headers=[("Authorization", "Bearer " + self.world.admin_token)])
        return next((float(line.split()[1]) for line in answer.body.decode().splitlines()
                     if line.startswith(name + " ")), None)

    def health(self):
        """What /healthz says of the store, and its status."""
        answer = rawhttp.fetch(self.world.admin_url + "/healthz")
        return answer.status, answer.json()["store"]

    def fill(self):
        """By the import command."""
        path = self.folder / "users.ndjson"
        with path.open("w") as file:
            for number in range(USERS):
                file.write(json.dumps({"userName": f"user{number}@example.com", "title": "t" * TEXT,
                                       "displayName": f"mark-{number}-" + "x" * TEXT}) + "\n")
        self.world.gateway.command("import", str(path), "--app", "wiki")

    def spoil(self, number):
        """Change a byte in every copy of a user's record."""
        path, mark = self.folder / "store" / "data.mdb", f"mark-{number}-x".encode()
        data, at, count = path.read_bytes(), -1, 0
        with path.open("r+b") as file:
            while (at := data.find(mark, at + 1)) >= 0:
                file.seek(at)
                file.write(b"~")
                count += 1
        self.assertGreater(count, 0)

    def test_a_large_store_is_scanned_in_the_background_and_damage_is_an_alarm(self):
        story, gateway = Story(self.world), self.world.gateway
        self.addCleanup(story.close)
        browser = self.world.sign_in("carol@example.com")
        self.fill()
        self.assertEqual(self.metric("provgate_store_scans_total"), 0, "a small store needs no scan")
        self.assertEqual(gateway.stop(), 0)
        gateway.start()
        wait_until(lambda: self.metric("provgate_store_scans_done_total") == 1, WAIT_S, "the end of the scan")
        self.assertGreater(self.metric("provgate_store_scanned_records_total"), 3 * USERS)
        self.assertEqual(self.metric("provgate_store_damage_total"), 0)
        self.assertEqual(self.health(), (200, "up"))
        wait_until(lambda: "every record is sound" in gateway.log.read_text(), WAIT_S, "a line of it")

        self.assertEqual(gateway.stop(), 0)
        self.spoil(USERS // 2)
        gateway.start()
        wait_until(lambda: self.metric("provgate_store_damage_total") == 1, WAIT_S, "the alarm")
        wait_until(lambda: self.health() == (200, "damaged"), WAIT_S, "/healthz says it")
        wait_until(lambda: "store-damaged" in gateway.log.read_text(), WAIT_S, "a line of it")
        story.expect_in(browser, "carol@example.com")
        okta = self.world.okta()
        self.addCleanup(okta.close)
        self.assertEqual(okta.lookup("user7@example.com")["userName"], "user7@example.com")
        self.assertEqual(okta.call("GET", f'/Users?filter=userName+eq+"user{USERS // 2}@example.com"').status, 500)
        gateway.command("check", "--store", status=1)
