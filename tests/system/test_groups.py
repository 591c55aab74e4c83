"""Group push as Okta does it (scim-clients.md 1.10, 1.11, 1.16 T7 to T9, rules 0.18 to 0.23), on the real binary."""

import json
import threading

from lab.okta import GROUP, OktaError, profile
from support.case import WorldCase

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MANY = 6000  # more members than one change of the store may name


class GroupPush:
    """The same for both kinds of app."""

    kind = None

    def setUp(self):
        """A connection, three users."""
        self.okta = self.world.okta(self.kind)
        self.addCleanup(self.okta.close)
        self.users = [self.okta.assign(f"{name}.{self.name()}@example.com") for name in ("alice", "bob", "carol")]
        self.pairs = [(user["id"], user["userName"]) for user in self.users]

    def name(self):
        """A name of the test's own."""
        return f"{self.id().rpartition('.')[2]}.{self.kind}"

    def group(self, group_id):
        """The group as GET shows it."""
        return self.okta.expect("GET", f"/Groups/{group_id}")

    def members(self, group_id):
        """Ids of its members."""
        return sorted(member["value"] for member in self.group(group_id).get("members", []))

    def ids(self, *numbers):
        """Ids of our users."""
        return sorted(self.pairs[number][0] for number in numbers)

    def test_t7_a_new_push(self):
        group = self.okta.push_group(self.name(), self.pairs[:2])
        self.assertEqual(self.members(group["id"]), self.ids(0, 1))
        shown = self.group(group["id"])
        self.assertEqual((shown["displayName"], shown["meta"]["resourceType"]), (self.name(), "Group"))
        self.assertEqual({member["display"] for member in shown["members"]}, {pair[1] for pair in self.pairs[:2]})

    def test_t8_and_rule_0_20_push_now_of_an_empty_group(self):
        group = self.okta.push_group(self.name(), self.pairs)
        self.okta.set_members(group["id"], self.name(), [])
        self.assertEqual(self.members(group["id"]), [])

    def test_t9_unlink_and_delete_twice(self):
        group = self.okta.push_group(self.name(), self.pairs)
        self.assertEqual(self.okta.call("DELETE", f"/Groups/{group['id']}").status, 204)
        answer = self.okta.call("DELETE", f"/Groups/{group['id']}")
        self.assertEqual((answer.status, answer.json()["schemas"]), (404, [ERROR]))
        self.okta.unlink_group(group["id"])
        self.assertNotIn("groups", self.okta.get(self.pairs[0][0]))

    def test_rules_0_18_and_0_19_rename_remove_and_add_in_one_patch(self):
        group = self.okta.push_group(self.name(), self.pairs[:2])
        self.okta.change_members(group["id"], "new " + self.name(), add=self.pairs[2:], remove=[self.pairs[0][0]])
        self.assertEqual(self.members(group["id"]), self.ids(1, 2))
        self.assertEqual(self.group(group["id"])["displayName"], "new " + self.name())

    def test_rule_0_21_what_is_so_already_changes_nothing(self):
        group = self.okta.push_group(self.name(), self.pairs[:1])
        before = self.group(group["id"])["meta"]
        self.okta.change_members(group["id"], self.name(), add=self.pairs[:1], remove=[self.pairs[2][0]])
        self.okta.set_members(group["id"], self.name(), self.pairs[:1])
        self.assertEqual(self.group(group["id"])["meta"], before)

    def test_rule_0_23_an_unknown_member_is_named(self):
        group = self.okta.push_group(self.name(), self.pairs[:1])
        with self.assertRaises(OktaError) as caught:
            self.okta.set_members(group["id"], self.name(), [*self.pairs, ("no-such-user", "x")])
        answer = caught.exception.answer
        self.assertEqual((answer.status, answer.json()["scimType"]), (400, "invalidValue"))
        self.assertIn("no-such-user", answer.json()["detail"])
        self.assertEqual(self.members(group["id"]), self.ids(0))

    def test_a_second_group_of_that_name_is_409(self):
        self.okta.push_group(self.name())
        answer = self.okta.call("POST", "/Groups", {"schemas": [GROUP], "displayName": self.name().upper()})
        self.assertEqual((answer.status, answer.json()["scimType"]), (409, "uniqueness"))

    def test_the_look_up_before_each_update(self):
        group = self.okta.push_group(self.name())
        found = self.okta.expect("GET", f"/Groups?filter=displayName%20eq%20%22{self.name()}%22&startIndex=1&count=100")
        self.assertEqual([one["id"] for one in found["Resources"]], [group["id"]])

    def test_a_deactivated_member_stays_and_comes_back(self):
        group = self.okta.push_group(self.name(), self.pairs)
        self.okta.unassign(self.pairs[0][0])
        self.assertEqual(self.members(group["id"]), self.ids(0, 1, 2))
        self.okta.assign(self.pairs[0][1])
        self.assertEqual([one["display"] for one in self.okta.get(self.pairs[0][0])["groups"]], [self.name()])

    def test_1_10_groups_are_imported_with_their_members(self):
        made = [self.okta.push_group(f"{self.name()} {number}", self.pairs[:number])["id"] for number in range(3)]
        groups = {group["id"]: group for group in self.okta.import_groups()}
        for number, group_id in enumerate(made):
            self.assertEqual(len(groups[group_id]["members"]), number)


class GroupPushOfAWizardApp(GroupPush, WorldCase):
    """Everything by PUT."""

    kind = "aiw"


class GroupPushOfACatalogApp(GroupPush, WorldCase):
    """Members by PATCH."""

    kind = "oin"


class Many(WorldCase):
    """Large groups and many changes at once."""

    timeout_s = 300

    def fill(self, count):
        """Users over several connections; their ids."""
        ids, lock = [], threading.Lock()

        def work(first):
            okta = self.world.okta()
            for number in range(first, count, 16):
                user = okta.expect("POST", "/Users", profile(f"many{number:05}@example.com"), (201,))
                with lock:
                    ids.append(user["id"])
            okta.close()

        threads = [threading.Thread(target=work, args=(first,)) for first in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(ids), count)
        return ids

    def test_thousands_of_members_by_put_and_by_patches_and_after_a_restart(self):
        ids = self.fill(MANY)
        okta = self.world.okta("aiw")
        self.addCleanup(okta.close)
        pairs = [(one, "x") for one in ids]
        group = okta.push_group("everybody", pairs)
        self.assertEqual(okta.expect("GET", f"/Groups/{group['id']}?excludedAttributes=members").get("members"), None)
        shown = okta.expect("GET", f"/Groups/{group['id']}")
        self.assertEqual({member["value"] for member in shown["members"]}, set(ids))
        catalog = self.world.okta("oin")
        self.addCleanup(catalog.close)
        other = catalog.push_group("in batches")
        for first in range(0, MANY, 1000):
            catalog.change_members(other["id"], "in batches", add=pairs[first:first + 1000])
        self.assertEqual(len(catalog.expect("GET", f"/Groups/{other['id']}")["members"]), MANY)
        okta.set_members(group["id"], "everybody", pairs[:1])
        self.world.gateway.stop()
        self.world.gateway.start()
        self.assertEqual(len(okta.expect("GET", f"/Groups/{other['id']}")["members"]), MANY)
        self.assertEqual(len(okta.expect("GET", f"/Groups/{group['id']}")["members"]), 1)

    def test_concurrent_patches_of_one_group_lose_nothing(self):
        okta = self.world.okta("oin")
        self.addCleanup(okta.close)
        users = [okta.assign(f"race{number}@example.com")["id"] for number in range(64)]
        group = okta.push_group("race")
        failures = []

        def work(mine):
            one = self.world.okta("oin")
            try:
                for user in mine:
                    one.change_members(group["id"], "race", add=[(user, "x")])
            except (OktaError, OSError) as failure:
                failures.append(failure)
            finally:
                one.close()

        threads = [threading.Thread(target=work, args=(users[first::8],)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        shown = okta.expect("GET", f"/Groups/{group['id']}")
        self.assertEqual({member["value"] for member in shown["members"]}, set(users))
        self.assertEqual(shown["meta"]["version"], 'W/"65"')

    def test_a_body_over_16_mib_is_413_as_scim(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        members = [{"value": "x" * 200}] * 90000
        answer = okta.call("POST", "/Groups", {"schemas": [GROUP], "displayName": "large", "members": members})
        self.assertEqual((answer.status, json.loads(answer.body)["status"]), (413, "413"))
