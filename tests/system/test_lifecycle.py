"""What becomes of a record, from a store of an older format to the end of its retention time; and the brake."""

import json
import shutil
import tarfile
import unittest
from pathlib import Path

from lab import rawhttp
from lab.gateway import wait_until
from lab.story import Story
from support.case import WorldCase

ALICE = "alice@example.com"
OLD_STORE = Path(__file__).resolve().parents[1] / "unit" / "store" / "fixtures" / "format-1.tar.xz"
PURGED_S = 60


class LifeCase(WorldCase):
    """A world with an Okta connection and the commands."""

    def setUp(self):
        """One connection per test."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def command(self, *words, status=0):
        """Run a command on the world's configuration."""
        return self.world.gateway.command(*words, status=status)

    def once(self, method, path, body=b""):
        """A call that is not tried again on 429."""
        return rawhttp.fetch(self.world.prov_url + path, method, body=body, headers=[
            ("Authorization", f"Bearer {self.world.token}"), ("Content-Type", "application/scim+json")])

    def names(self):
        """userNames of all that an import finds."""
        return {user["userName"] for user in self.okta.import_users()}


class OldStore(LifeCase):
    """A store that the last program of format 1 made, years ago; records are deleted after a minute."""

    @classmethod
    def configure(cls, values):
        """Retention that ends."""
        values["apps"][0]["prov"]["policy"] = {"retain": "1m", "after_retention": "delete"}

    def put_old_store(self):
        """In the place of the world's own."""
        store = Path(self.world.values["store"]["path"])
        shutil.rmtree(store)
        with tarfile.open(OLD_STORE) as archive:
            archive.extractall(store.parent)
        (store.parent / "format-1").rename(store)

    def test_h15_it_is_brought_up_to_date_and_what_is_due_goes(self):
        self.world.gateway.stop()
        self.put_old_store()
        self.command("user", "list", status=1)
        self.world.gateway.start()
        self.world.gateway.wait_healthy()
        # user1 was deactivated, user2 deleted, user3 put out by an operator; seen is nobody's but the operator's
        wait_until(lambda: len(self.purges()) == 3, PURGED_S, "all three are purged")
        self.assertNotIn("user1@example.com", self.names())
        self.assertIn("seen@example.com", self.names())
        self.assertIn("user0@example.com", self.names())
        self.assertEqual(self.command("user", "list", "--deleted"), "")
        self.story.expect_sign_in_refused("user1@example.com")
        self.story.expect_sign_in_refused("user2@example.com")
        self.okta.assign("user1@example.com", "00u1")
        self.story.expect_in(self.world.sign_in("user1@example.com"), "user1@example.com")
        self.assertEqual(self.command("check", "--store").count("damaged"), 0)
        self.assertEqual(len(self.purges()), 3)
        self.assertFalse([entry for entry in self.purges() if "user" in entry.get("userName", "")])

    def purges(self):
        """What the activity says of them."""
        return [json.loads(line) for line in self.command("activity", "--kind", "purge", "--json").splitlines()]


class Deleted(LifeCase):
    """SCIM DELETE, and the operator's way back."""

    def test_a_deleted_person_stays_out_until_restored_or_provisioned_again(self):
        made = self.okta.assign(ALICE, "00ualice")
        cookie = self.story.cookie(self.world.sign_in(ALICE))
        self.okta.expect("DELETE", f"/Users/{made['id']}", None, (204,))
        self.story.expect_refused(cookie)
        self.story.expect_sign_in_refused(ALICE)
        self.assertIsNone(self.okta.lookup(ALICE))
        self.assertIn(ALICE, self.command("user", "list", "--deleted"))
        self.command("user", "restore", "--user", ALICE, "--active")
        self.assertEqual(self.okta.lookup(ALICE)["id"], made["id"])
        self.story.expect_refused(cookie)
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)
        self.okta.expect("DELETE", f"/Users/{made['id']}", None, (204,))
        again = self.okta.assign(ALICE, "00ualice")
        self.assertNotEqual(again["id"], made["id"])
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)
        self.command("user", "restore", "--id", made["id"], status=1)

    def test_a_client_that_deletes_and_makes_anew_lifts_no_lock(self):
        made = self.okta.assign("locked@example.com", "00ulocked")
        self.command("user", "lock", "--user", "locked@example.com", "--reason", "stolen laptop")
        self.okta.expect("DELETE", f"/Users/{made['id']}", None, (204,))
        self.assertNotEqual(self.okta.assign("locked@example.com", "00ulocked")["id"], made["id"])
        self.story.expect_sign_in_refused("locked@example.com")
        self.command("user", "unlock", "--user", "locked@example.com")
        self.story.expect_in(self.world.sign_in("locked@example.com"), "locked@example.com")

    def test_an_address_that_others_have_as_well_brings_nobody_back(self):
        team = [{"value": "team@example.com", "primary": True}]
        gone = self.okta.assign("gone@example.com", "00ugone", emails=team)
        self.okta.expect("DELETE", f"/Users/{gone['id']}", None, (204,))
        self.okta.assign("colleague@example.com", "00ucolleague", emails=team)
        self.story.expect_sign_in_refused("gone@example.com")


class Foreseen(LifeCase):
    """policy test and policy match: what would happen, and then it does; and nothing by asking."""

    @classmethod
    def configure(cls, values):
        """A retention with an end."""
        values["apps"][0]["prov"]["policy"] = {"retain": "90d", "after_retention": "delete"}

    def foresee(self, body, *who):
        """What `policy test --change` says of the body."""
        path = self.folder / "change.json"
        path.write_text(json.dumps(body))
        return json.loads(self.command("policy", "test", "--app", "wiki", "--change", str(path), "--json", *who))

    @staticmethod
    def patch(**value):
        """A PatchOp that replaces."""
        return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "value": value}]}

    @staticmethod
    def user(name, **more):
        """A body of POST or PUT."""
        return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, **more}

    def test_a_change_is_foreseen_and_nothing_is_written(self):
        self.story.cookie(self.world.sign_in(ALICE))
        self.assertEqual(self.foresee(self.user("new@example.com"))["outcome"], "create")
        adopt = self.foresee(self.user(ALICE.upper(), title="Boss"))
        self.assertEqual((adopt["outcome"], adopt["rule"]), ("adopt", "userName"))
        self.assertIn("title", adopt["attributes"])
        made = self.okta.assign(ALICE, "00ualice")
        before = self.command("activity", "--json")
        self.assertEqual(adopt["userId"], made["id"])
        refused = self.foresee(self.user(ALICE))
        self.assertEqual(refused["outcome"], "refuse")
        self.assertIn("409", refused["effects"][0])
        out = self.foresee(self.patch(active=False), "--user", ALICE)
        self.assertEqual((out["outcome"], out["changes"], out["sessionsEnded"]), ("update", True, 1))
        self.assertEqual(out["attributes"], "active")
        text = " ".join(out["effects"])
        for part in ("sessions end", "is kept until", "the brake lets it pass"):
            self.assertIn(part, text)
        self.assertEqual(self.foresee(self.patch(active=True), "--user", ALICE)["outcome"], "nothing")
        self.assertEqual(self.foresee(self.user(ALICE, active="perhaps"), "--user", ALICE)["outcome"], "refuse")
        self.assertEqual(self.foresee(self.patch(title="x"), "--id", made["id"])["attributes"], "title")
        self.command("policy", "test", "--app", "wiki", "--change", str(self.folder / "change.json"), status=2)
        self.command("policy", "test", "--app", "wiki", "--change", "/nowhere", "--user", ALICE, status=1)
        self.assertEqual(self.command("activity", "--json"), before)
        # and so it comes
        self.okta.expect("PATCH", f"/Users/{made['id']}", self.patch(active=False), (200,))
        revive = self.foresee(self.user(ALICE))
        self.assertEqual((revive["outcome"], revive["userId"]), ("revive", made["id"]))

    def assert_as_foretold(self, body, user_id=None):
        """The answer to a body (a value, or bytes) is what `policy test` said before; returns it."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = self.folder / "change.json"
        path.write_bytes(text)
        said = json.loads(self.command("policy", "test", "--app", "wiki", "--change", str(path), "--json",
                                       *(["--id", user_id] if user_id else [])))
        method = "POST" if user_id is None else "PATCH" if b"Operations" in text else "PUT"
        answer = self.once(method, f"/Users/{user_id}" if user_id else "/Users", text)
        with self.subTest(f"{method} {text[:80]}"):
            if said["outcome"] == "refuse":
                self.assertIn(f"refused with {answer.status}: ", said["effects"][0])
            else:
                self.assertEqual(answer.status, 201 if method == "POST" else 200, said)
        return said["outcome"], answer

    def test_whatever_body_comes_is_answered_as_foretold(self):
        _, made = self.assert_as_foretold(self.user("one@example.com", externalId="x1"))
        one = made.json()["id"]
        self.assert_as_foretold(self.user("two@example.com", externalId="x2", active=False))
        gone = self.okta.assign("gone@example.com", "x3")["id"]
        self.once("DELETE", f"/Users/{gone}")
        many = [{"value": f"m{number}@example.com"} for number in range(200)]
        bodies = [self.user(name) for name in ("one@example.com", "two@example.com", "x" * 3000, "", " ", "a\x01b",
                                               "Provgate-Service@provgate.invalid")]
        bodies += [self.user("one@example.com", **more) for more in (
            {"externalId": "x2"}, {"externalId": "y" * 5000}, {"emails": many}, {"title": "z" * 300000},
            {"active": "true"}, {"roles": [{"value": "nobody"}]}, {"roles": [{"value": "admin"}]}, {"title": "T"},
            {"title": "z" * 1100000})]
        bodies += [{"userName": "one@example.com"}, b"", b"{", b"[]", b'"x"', b'{"userName":"\xff"}', b"[" * 5000]
        patches = [self.patch(**value) for value in (
            {"title": "U"}, {"title": "U"}, {"shoe": 1}, {"userName": "two@example.com"}, {"active": "False"},
            {"active": "perhaps"}, {"id": "x"}, {"roles": [{"value": "nobody"}]})]
        for body in bodies + patches:
            for user_id in (one, gone) if body in patches else (one, gone, None):
                self.assert_as_foretold(body, user_id)

    def test_a_put_from_before_the_deactivation_is_foretold_to_change_nothing(self):
        made = self.okta.assign("stale@example.com", "x9")
        self.once("PATCH", f"/Users/{made['id']}", json.dumps(self.patch(title="newer")).encode())
        self.once("PATCH", f"/Users/{made['id']}", json.dumps(self.patch(active=False)).encode())
        body = json.dumps(made).encode()
        said = self.foresee(made, "--id", made["id"])
        self.assertIn("stays deactivated", said["effects"][0])
        self.assertIs(self.once("PUT", f"/Users/{made['id']}", body).json()["active"], False)

    def test_an_event_is_foreseen_with_the_brake(self):
        self.okta.assign("event@example.com", "00uevent")
        said = self.command("policy", "test", "--app", "wiki", "--user", "event@example.com", "--event", "delete")
        self.assertIn("the brake lets it pass", said)
        self.assertIn("provgate user restore brings it back", said)


class Brake(LifeCase):
    """action: hold."""

    @classmethod
    def configure(cls, values):
        """A brake that one can reach."""
        values["apps"][0]["prov"]["policy"] = {"brake": {"action": "hold", "share": "20%", "at_least": 3,
                                                         "within": "1h", "max_hold": "30m"}}

    def take_out(self, number):
        """The answer to a PATCH that deactivates."""
        return self.patch(number, {"active": False})

    def patch(self, number, value):
        """The answer to a PATCH that replaces something."""
        operations = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{"op": "replace", "value": value}]}
        return self.once("PATCH", f"/Users/{self.ids[number]}", json.dumps(operations).encode())

    def held(self):
        """How many changes wait for an operator."""
        return json.loads(self.command("policy", "brake", "status", "--app", "wiki", "--json"))["held"]

    def test_a_run_is_held_released_rejected_and_never_stops_an_operator(self):
        self.ids = [self.okta.assign(f"run{i}@example.com", f"00r{i}")["id"] for i in range(12)]
        browser = self.world.sign_in("run3@example.com")
        self.assertEqual([self.take_out(i).status for i in range(3)], [200] * 3)
        held = self.take_out(3)
        self.assertEqual(held.status, 429)
        self.assertTrue(held.header("Retry-After").isdigit())
        self.assertIn("held by the brake", held.json()["detail"])
        self.story.expect_in(browser, "run3@example.com")
        self.assertEqual(self.once("DELETE", f"/Users/{self.ids[4]}").status, 429)
        self.assertEqual(self.held(), 2)
        self.assertEqual(self.brake_health(), "holds")
        self.assertIn("\nprovgate_brake_waiting 2\n", self.metrics())
        wait_until(lambda: "provgate_brake_alerts_total 1" in self.metrics(), 30, "it is counted")
        self.command("user", "deactivate", "--user", "run5@example.com")
        self.command("policy", "brake", "reject", "--app", "wiki", "--reason", "wrong rule")
        refused = self.take_out(3)
        self.assertEqual(refused.status, 403)
        self.assertIn("wrong rule", refused.json()["detail"])
        self.assertEqual(self.take_out(6).status, 429)
        self.assertEqual(self.patch(6, {"title": "profile push"}).status, 200)
        self.assertEqual(self.held(), 1)
        self.assertEqual(self.patch(6, {"active": True}).status, 200)
        self.assertEqual(self.held(), 0)
        self.assertEqual(self.take_out(6).status, 429)
        self.command("policy", "brake", "release", "--app", "wiki")
        self.assertFalse(self.okta.get(self.ids[6])["active"])
        self.assertEqual(self.brake_health(), "ok")
        self.assertEqual([self.take_out(i).status for i in (6, 7)], [200, 200])
        self.story.expect_in(browser, "run3@example.com")

    def brake_health(self):
        """What /healthz says of it."""
        return rawhttp.fetch(self.world.admin_url + "/healthz").json()["brake"]

    def metrics(self):
        """The text of GET /metrics."""
        answer = rawhttp.fetch(self.world.admin_url + "/metrics",
                               headers=[("Authorization", f"Bearer {self.world.admin_token}")])
        return answer.body.decode()


if __name__ == "__main__":
    unittest.main()
