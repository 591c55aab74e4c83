"""Okta's own sequences (scim-clients.md 1.16, T1 to T10) and the credentials, against the real binary."""

import json

from lab import rawhttp
from lab.okta import OktaError, profile
from support.case import WorldCase

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Traces:
    """The same traces for both kinds of app."""

    kind = None

    def setUp(self):
        """A connection."""
        self.okta = self.world.okta(self.kind)
        self.addCleanup(self.okta.close)

    def name(self):
        """A user name of the test's own."""
        return f"{self.id().rpartition('.')[2]}@example.com"

    def test_t1_save(self):
        users, groups = self.okta.save()
        first = users["Resources"][0]
        for key in ("schemas", "id", "userName", "active", "meta", "name", "emails"):
            self.assertIn(key, first)
        for page in (users, groups):
            for key in ("startIndex", "itemsPerPage", "totalResults"):
                self.assertIs(type(page[key]), int, key)
            self.assertEqual(page["itemsPerPage"], len(page["Resources"]))

    def test_t2_assign_new(self):
        made = self.okta.assign(self.name(), "00u" + self.name())
        self.assertTrue(made["id"])
        self.assertEqual((made["userName"], made["active"]), (self.name(), True))
        self.assertNotIn("password", made)
        self.assertEqual(self.okta.get(made["id"]), self.okta.lookup(self.name()))

    def test_t2_a_second_post_is_409_as_okta_expects_it(self):
        self.okta.assign(self.name())
        answer = self.okta.call("POST", "/Users", profile(self.name().upper()))
        self.assertEqual(answer.status, 409)
        self.assertEqual((answer.json()["scimType"], answer.json()["status"]), ("uniqueness", "409"))

    def test_t3_assign_existing(self):
        self.world.sign_in(self.name())
        observed = self.okta.lookup(self.name())
        linked = self.okta.assign(self.name(), nickName="Al")
        again = self.okta.put(observed["id"], active=True)
        self.assertEqual((linked["id"], again["id"], again["nickName"]), (observed["id"], observed["id"], "Al"))

    def test_t4_unassign_and_t5_reassign_keep_id_and_attributes(self):
        made = self.okta.assign(self.name(), title="Engineer")
        self.okta.unassign(made["id"])
        found = self.okta.lookup(self.name())
        self.assertEqual((found["id"], found["active"], found["title"]), (made["id"], False, "Engineer"))
        back = self.okta.assign(self.name())
        self.assertEqual((back["id"], back["active"], back["title"]), (made["id"], True, "Engineer"))

    def test_t6_user_name_changed_while_unassigned(self):
        made = self.okta.assign(self.name(), "ext-" + self.name())
        self.okta.unassign(made["id"])
        new = "new." + self.name()
        self.assertIsNone(self.okta.lookup(new))
        answer = self.okta.call("POST", "/Users", profile(new, "ext-" + self.name()))
        self.assertEqual((answer.status, answer.json()["id"]), (201, made["id"]))
        self.assertIsNone(self.okta.lookup(self.name()))

    def test_put_echoes_what_get_gave(self):
        made = self.okta.assign(self.name(), addresses=[{"type": "work", "primary": True, "locality": "Bern"}])
        same = self.okta.put(made["id"])
        for key in ("id", "userName", "name", "emails", "addresses", "active"):
            self.assertEqual(same[key], made[key])

    def test_put_without_active_keeps_the_user_active(self):
        made = self.okta.assign(self.name())
        body = {key: value for key, value in made.items() if key != "active"}
        self.assertTrue(self.okta.expect("PUT", f"/Users/{made['id']}", body)["active"])

    def test_lookup_takes_blanks_as_plus_and_plus_as_percent_2b(self):
        name = f"{self.kind}+tag@example.com"
        made = self.okta.assign(name)
        literal = f"%22{self.kind}%2Btag%40example.com%22"
        page = self.okta.expect("GET", f"/Users?filter=userName+eq+{literal}&startIndex=1&count=100")
        self.assertEqual([user["id"] for user in page["Resources"]], [made["id"]])

    def test_no_match_is_an_empty_list(self):
        page = self.okta.expect("GET", "/Users?filter=userName%20eq%20%22nobody%22&startIndex=1&count=100")
        self.assertEqual((page["totalResults"], page["itemsPerPage"], page["Resources"]), (0, 0, []))

    def test_unknown_id_is_404_as_scim(self):
        with self.assertRaises(OktaError) as caught:
            self.okta.get("no-such-id")
        answer = caught.exception.answer
        self.assertEqual((answer.status, answer.json()["status"], answer.json()["schemas"]), (404, "404", [ERROR]))

    def test_t7_to_t9_group_push(self):
        made = self.okta.assign(self.name())
        group = self.okta.push_group("Team " + self.kind, [(made["id"], self.name())])
        self.okta.set_members(group["id"], "Team " + self.kind, [])
        self.okta.unlink_group(group["id"])
        self.okta.unlink_group(group["id"])


class TracesOfAWizardApp(Traces, WorldCase):
    """Everything by PUT."""

    kind = "aiw"


class TracesOfACatalogApp(Traces, WorldCase):
    """Activation by PATCH."""

    kind = "oin"


class Import(WorldCase):
    """T10."""

    timeout_s = 120

    def test_t10_import_of_250_users_in_pages(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        made = {okta.expect("POST", "/Users", profile(f"user{n:03}@example.com"), (201,))["id"] for n in range(250)}
        first = okta.import_users()
        self.assertEqual([user["id"] for user in first], [user["id"] for user in okta.import_users()])
        ids = [user["id"] for user in first]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(made, set(ids))
        page = okta.expect("GET", "/Users?startIndex=10001&count=100")
        self.assertEqual((page["itemsPerPage"], page["Resources"], page["totalResults"]), (0, [], len(ids)))


class Credentials(WorldCase):
    """D1: who is not Okta learns nothing."""

    def ask(self, headers, path="/Users", method="GET", body=None):
        """One call with these header fields."""
        return rawhttp.fetch(self.world.prov_url + path, method, headers, body)

    def test_d1_wrong_credentials_are_401_with_the_same_body_for_every_id(self):
        token = self.world.token
        okta = self.world.okta()
        self.addCleanup(okta.close)
        known = okta.assign("alice@example.com")["id"]
        rows = [[], [("Authorization", "")], [("Authorization", "Bearer")], [("Authorization", "Bearer ")],
                [("Authorization", "Bearer wrong")], [("Authorization", token)], [("Authorization", f"Basic {token}")],
                [("Authorization", f"Bearer {token}x")], [("Authorization", f"Bearer {token[:-1]}")],
                [("Authorization", f"Bearer {token}, Bearer x")], [("X-Authorization", f"Bearer {token}")],
                [("Cookie", f"Authorization=Bearer {token}")],
                [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]]
        for row in rows:
            with self.subTest(str(row).replace(token, "TOKEN")):
                answers = [self.ask(row, f"/Users/{name}") for name in (known, "no-such-id")]
                self.assertIn(answers[0].status, (401, 400, 431))
                self.assertEqual(answers[0].json()["schemas"], [ERROR])
                self.assertEqual(answers[0].json()["status"], str(answers[0].status))
                self.assertEqual(answers[0].body, answers[1].body)

    def test_d1_a_token_in_the_query_is_none(self):
        self.assertEqual(self.ask([], f"/Users?access_token={self.world.token}").status, 401)

    def test_the_scheme_is_caseless(self):
        self.assertEqual(self.ask([("Authorization", f"bearer {self.world.token}")]).status, 200)

    def test_errors_before_any_handler_are_scim_json(self):
        fields = [("Authorization", f"Bearer {self.world.token}"), ("Content-Type", "application/scim+json")]
        rows = [("GET", "/Nothing", None, (404,)), ("POST", "/Users", b"{", (400,)), ("POST", "/Users", b"[]", (400,)),
                ("DELETE", "/Users", None, (404, 405)), ("PUT", "/Users/x", b"{}", (400, 404)),
                ("POST", "/Users", b"x" * (2 << 20), (413,))]
        for method, path, body, statuses in rows:
            with self.subTest(f"{method} {path}"):
                answer = self.ask(fields, path, method, body)
                self.assertIn(answer.status, statuses)
                self.assertEqual(json.loads(answer.body)["schemas"], [ERROR])

    def test_an_unknown_host_is_421(self):
        fields = [("Host", "other.example"), ("Authorization", f"Bearer {self.world.token}")]
        with rawhttp.Connection.to(self.world.prov_url) as connection:
            answer = connection.exchange("GET", "/scim/v2/Users", fields)
        self.assertEqual(answer.status, 421)
