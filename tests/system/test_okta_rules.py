"""The thirty rules that decide whether Okta works (scim-clients.md, section 0), by number, against the real binary."""

import threading
from urllib.parse import quote

from lab import rawhttp
from lab.okta import Okta, profile
from support.case import WorldCase, content_of
from support.scim import ERROR, GROUP, LIST, PATCH, USER, Scim

DEADLINE_S = 60


class Rules(WorldCase):
    """One test per rule; names are the test's own."""

    timeout_s = 120

    def setUp(self):
        """A client."""
        self.scim = Scim(self.world, [("Accept", "application/scim+json"), ("User-Agent", "Okta SCIM Client 1.0.0")])

    def name(self):
        """A user name of the test's own."""
        return f"{self.id().rpartition('.')[2]}@example.com"

    def assert_error(self, answer, status, scim_type=None):
        """An Error as RFC 7644 section 3.12 has it."""
        error = answer.json()
        self.assertEqual((answer.status, error["schemas"], error["status"]), (status, [ERROR], str(status)))
        self.assertEqual(error.get("scimType"), scim_type)
        self.assertEqual(answer.header("Content-Type"), "application/scim+json")

    def test_rule_0_1_the_first_page_has_a_user(self):
        self.assertGreaterEqual(len(self.scim.get("/Users?startIndex=1&count=2")["Resources"]), 1)

    def test_rule_0_2_numbers_are_numbers(self):
        for path in ("/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100", "/Users?count=0"):
            page = self.scim.get(path)
            self.assertEqual([type(page[key]) for key in ("startIndex", "itemsPerPage", "totalResults")], [int] * 3)

    def test_rule_0_3_items_per_page_is_what_is_there(self):
        for path in ("/Users?startIndex=1&count=100", "/Users?startIndex=100001&count=100", "/Users?count=0",
                     "/Users?startIndex=1&count=1", "/Groups?startIndex=5&count=3"):
            page = self.scim.get(path)
            self.assertEqual(page["itemsPerPage"], len(page["Resources"]), path)

    def test_rules_0_4_and_0_5_full_pages_in_a_stable_order(self):
        for number in range(120):
            self.scim.user(f"{number:03}.{self.name()}")
        first = self.scim.get("/Users?startIndex=1&count=100")
        self.assertEqual(first["itemsPerPage"], 100)
        ids = [user["id"] for user in first["Resources"]]
        for start, count in ((1, 50), (51, 50), (7, 3), (1, 100)):
            page = self.scim.get(f"/Users?startIndex={start}&count={count}")
            self.assertEqual([user["id"] for user in page["Resources"]], ids[start - 1:start - 1 + count])

    def test_rule_0_6_lookups_find_inactive_users_in_any_case_with_their_spelling(self):
        made = self.scim.user("Al.ICE." + self.name(), active=False)
        for spelling in (made["userName"], made["userName"].upper(), made["userName"].lower()):
            found = self.scim.find(f'userName eq "{spelling}"')
            self.assertEqual([(user["id"], user["userName"], user["active"]) for user in found],
                             [(made["id"], made["userName"], False)])

    def test_rule_0_7_no_match_is_an_empty_list(self):
        page = self.scim.get("/Users?filter=userName%20eq%20%22nobody%22&startIndex=1&count=100")
        self.assertEqual((page["schemas"], page["totalResults"], page["Resources"]), ([LIST], 0, []))

    def test_rule_0_8_blanks_as_percent_20_and_plus(self):
        made = self.scim.user("a+b." + self.name())
        literal = quote(f'"{made["userName"]}"', safe="")
        for blank in ("%20", "+"):
            found = self.scim.get(f"/Users?filter=userName{blank}eq{blank}{literal}")["Resources"]
            self.assertEqual([user["id"] for user in found], [made["id"]])

    def test_rule_0_9_a_create_answers_with_the_whole_user(self):
        answer = self.scim.call("POST", "/Users", profile(self.name(), "00u1"))
        made = answer.json()
        self.assertEqual((answer.status, made["userName"], made["name"]["familyName"]), (201, self.name(), "Example"))
        self.assertTrue(made["id"])
        self.assertEqual(answer.header("Location"), made["meta"]["location"])

    def test_rule_0_10_a_twin_is_409_uniqueness(self):
        self.scim.user(self.name())
        answer = self.scim.call("POST", "/Users", {"schemas": [USER], "userName": self.name().upper()})
        self.assert_error(answer, 409, "uniqueness")

    def test_rule_0_11_a_password_is_taken_and_never_seen_again(self):
        made = self.scim.user(self.name(), password="pw-0-11-pw")
        again = self.scim.expect("PUT", f"/Users/{made['id']}", {**made, "password": "pw-0-11-pw"})
        self.scim.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"password": "pw-0-11-pw"}})
        self.scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "password", "value": "pw-0-11-pw"})
        self.assertNotIn("password", {**made, **again, **self.scim.get(f"/Users/{made['id']}")})
        for file in self.world.folder.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"pw-0-11-pw", content_of(file), file)

    def test_rule_0_12_put_and_patch_do_the_same(self):
        by_put, by_patch = (self.scim.user(f"{verb}.{self.name()}") for verb in ("put", "patch"))
        change = {"title": "T", "nickName": "N", "active": False, "name": {"givenName": "G", "familyName": "F"}}
        one = self.scim.expect("PUT", f"/Users/{by_put['id']}", {**by_put, **change})
        two = self.scim.patch(f"/Users/{by_patch['id']}", {"op": "replace", "value": change})
        self.assertEqual({key: one[key] for key in change}, {key: two[key] for key in change})

    def test_rule_0_13_a_patch_without_path(self):
        made = self.scim.user(self.name())
        done = self.scim.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})
        self.assertFalse(done["active"])

    def test_rule_0_14_a_put_may_echo_all_that_get_gave(self):
        made = self.scim.user(self.name(), externalId="e14", emails=[{"value": self.name(), "display": "D"}])
        self.scim.group(self.name(), [made["id"]])
        seen = self.scim.get(f"/Users/{made['id']}")
        self.assertEqual(len(seen["groups"]), 1)
        again = self.scim.expect("PUT", f"/Users/{made['id']}", seen)
        self.assertEqual((again["id"], again["groups"], again["emails"]), (made["id"], seen["groups"], seen["emails"]))
        odd = {**seen, "id": "other", "groups": [], "meta": {"resourceType": "User"}, "externalId": "e14"}
        self.assertEqual(self.scim.expect("PUT", f"/Users/{made['id']}", odd)["groups"], seen["groups"])

    def test_rules_0_15_and_0_16_a_user_comes_back_under_its_id(self):
        okta = self.world.okta("oin")
        self.addCleanup(okta.close)
        made = okta.assign(self.name(), title="T")
        okta.unassign(made["id"])
        back = okta.assign(self.name())
        self.assertEqual((back["id"], back["title"], back["active"]), (made["id"], "T", True))

    def test_rule_0_17_a_put_without_active_keeps_it(self):
        for active in (True, False):
            made = self.scim.user(f"{active}.{self.name()}", active=active)
            body = {key: value for key, value in made.items() if key != "active"}
            self.assertIs(self.scim.expect("PUT", f"/Users/{made['id']}", body)["active"], active)

    def test_rule_0_18_a_rename_carries_the_id(self):
        group = self.scim.group(self.name())
        for value in (group["id"], "another"):
            operation = {"op": "replace", "value": {"id": value, "displayName": f"{value} {self.name()}"}}
            self.scim.patch(f"/Groups/{group['id']}", operation)
            self.assertEqual(self.scim.get(f"/Groups/{group['id']}")["displayName"], f"{value} {self.name()}")

    def test_rule_0_19_remove_and_add_in_one_patch_are_atomic_and_in_order(self):
        users = [self.scim.user(f"{number}.{self.name()}")["id"] for number in range(3)]
        group = self.scim.group(self.name(), users[:2])
        remove = {"op": "remove", "path": f'members[value eq "{users[0]}"]'}
        add = {"op": "add", "path": "members", "value": [{"value": users[2], "display": "c"}]}
        self.scim.patch(f"/Groups/{group['id']}", remove, add)
        self.assertEqual(self.scim.members(group["id"]), sorted(users[1:]))
        wrong = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
        self.scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members"}, wrong, status=400)
        self.assertEqual(self.scim.members(group["id"]), sorted(users[1:]))

    def test_rule_0_20_replace_with_an_empty_list_empties(self):
        group = self.scim.group(self.name(), [self.scim.user(self.name())["id"]])
        self.scim.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "members", "value": []})
        self.assertEqual(self.scim.members(group["id"]), [])

    def test_rule_0_21_what_is_so_already_is_a_success_without_change(self):
        user = self.scim.user(self.name())["id"]
        group = self.scim.group(self.name(), [user])
        before = self.scim.get(f"/Groups/{group['id']}")
        self.scim.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user}]})
        self.scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": 'members[value eq "nobody"]'})
        self.assertEqual(self.scim.get(f"/Groups/{group['id']}"), before)

    def test_rule_0_22_members_with_value_and_display_only(self):
        user = self.scim.user(self.name())["id"]
        body = {"schemas": [GROUP], "displayName": self.name(), "members": [{"value": user, "display": "shown"}]}
        group = self.scim.expect("POST", "/Groups", body, 201)
        self.assertEqual(self.scim.members(group["id"]), [user])

    def test_rule_0_23_an_unknown_member_is_named(self):
        group = self.scim.group(self.name())
        body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": "no-such"}]}]}
        answer = self.scim.call("PATCH", f"/Groups/{group['id']}", body)
        self.assertIn(answer.status, (400, 404))
        self.assertIn("no-such", answer.json()["detail"])

    def test_rule_0_24_every_error_is_a_scim_error(self):
        big = b'{"schemas":["' + b"x" * (2 << 20)
        rows = [("GET", "/Users/none", None, 404), ("DELETE", "/Users", None, 405), ("PURGE", "/Users", None, 405),
                ("GET", "/Nothing", None, 404), ("POST", "/Users", b"{", 400), ("POST", "/Users", big, 413),
                ("POST", "/Bulk", b"{}", 501)]
        for method, path, body, status in rows:
            with self.subTest(f"{method} {path} {status}"):
                answer = self.scim.call(method, path, body)
                self.assertEqual((answer.status, answer.json()["schemas"]), (status, [ERROR]))
        text = Scim(self.world, content_type="text/plain").call("POST", "/Users", b"{}")
        self.assertEqual((text.status, text.json()["schemas"]), (415, [ERROR]))
        none = rawhttp.fetch(self.world.prov_url + "/Users")
        self.assert_error(none, 401)
        self.assertTrue(none.header("WWW-Authenticate"))
        with rawhttp.Connection.to(self.world.prov_url) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            broken = connection.read_body(connection.read_head())
        self.assertEqual((broken.status, broken.json()["schemas"]), (400, [ERROR]))

    def test_rule_0_25_status_is_a_string(self):
        self.assert_error(self.scim.call("GET", "/Users/none"), 404)

    def test_rule_0_27_a_second_post_after_a_time_out_makes_no_second_user(self):
        made = self.scim.user(self.name(), externalId="0-27", title="kept")
        answer = self.scim.call("POST", "/Users", profile(self.name(), "0-27"))
        self.assert_error(answer, 409, "uniqueness")
        self.assertEqual(self.scim.get(f"/Users/{made['id']}"), made)

    def test_rule_0_28_any_accept_is_served(self):
        for accept in ("application/scim+json", "application/scim+json; charset=utf-8", "application/json", "*/*",
                       "text/html", "application/scim+json;q=0"):
            answer = Scim(self.world, [("Accept", accept)]).call("GET", "/Users?startIndex=1&count=2")
            self.assertEqual((answer.status, answer.header("Content-Type")), (200, "application/scim+json"), accept)

    def test_rule_0_29_a_content_type_without_a_body_means_nothing(self):
        group = self.scim.group(self.name())
        for kind in ("application/scim+json; charset=utf-8", "text/plain", "nonsense"):
            self.assertEqual(self.scim.call("GET", "/Users", None, [("Content-Type", kind)]).status, 200)
        answer = self.scim.call("DELETE", f"/Groups/{group['id']}", None, [("Content-Type", "application/scim+json")])
        self.assertEqual(answer.status, 204)

    def test_rule_0_30_spelling_is_kept_and_case_does_not_count(self):
        made = self.scim.user("MiXed." + self.name())
        self.assertEqual(made["userName"], "MiXed." + self.name())
        change = {"op": "replace", "value": {"userName": "mIxed." + self.name()}}
        renamed = self.scim.patch(f"/Users/{made['id']}", change)
        self.assertEqual((renamed["id"], renamed["userName"]), (made["id"], "mIxed." + self.name()))


class TooMuch(WorldCase):
    """Rule 0.26 and trace T11 with a real 429: a store that has no room."""

    def configure(self):
        """A store that is full after a few hundred users."""
        self["store"]["max_size"] = "4MiB"

    timeout_s = 180

    def test_rule_0_26_and_t11_a_429_has_whole_seconds_and_ends(self):
        scim = Scim(self.world)
        note = "n" * 15000
        for number in range(2000):
            body = {"schemas": [USER], "userName": f"u{number}@example.com", "title": note, "nickName": note}
            answer = scim.call("POST", "/Users", body)
            if answer.status != 201:
                break
        self.assertEqual((answer.status, answer.json()["status"], answer.json()["schemas"]), (429, "429", [ERROR]))
        self.assertRegex(answer.header("Retry-After"), r"\A[1-9][0-9]*\Z")
        found = scim.find('userName eq "u0@example.com"')[0]
        done = scim.patch(f"/Users/{found['id']}", {"op": "replace", "value": {"active": False}})
        self.assertFalse(done["active"], "a deactivation always fits")


class Retries(WorldCase):
    """T11 by the client that repeats: many at once, every one of which must end well."""

    timeout_s = 180

    def test_t11_forty_clients_at_once_all_end_well(self):
        failures = []

        def work(number):
            okta = Okta(self.world.prov_url, self.world.token, "oin")
            try:
                made = okta.assign(f"t11.{number}@example.com")
                okta.unassign(made["id"])
            except Exception as error:  # noqa: BLE001: it is reported below
                failures.append(error)
            finally:
                okta.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        self.assertEqual(failures, [])
