"""Recorded traffic of other SCIM clients (scim-clients.md, section 6), and what was decided where sources conflict
(section 9, row by row), against the real binary."""

from lab import rawhttp
from support.case import WorldCase
from support.scim import ENTERPRISE, ERROR, GROUP, PATCH, USER, Scim

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
SHORT_USER = "urn:scim:schemas:core:2.0"
SHORT_ENTERPRISE = "urn:scim:schemas:extension:enterprise:2.0"


class ClientCase(WorldCase):
    """A client of one product."""

    timeout_s = 120
    headers = ()
    suffix = ""
    content_type = "application/scim+json"

    def setUp(self):
        """The product's client, and a plain one to look with."""
        self.client = Scim(self.world, self.headers, self.suffix, self.content_type)
        self.plain = Scim(self.world)

    def name(self):
        """A name of the test's own."""
        return f"{self.id().rpartition('.')[2]}@example.com"

    def seen(self, user_id):
        """The user as a plain client sees it."""
        return self.plain.get(f"/Users/{user_id}")


class Entra:
    """6.1: both dialects of Microsoft Entra ID."""

    headers = (("User-Agent", "Microsoft Azure AD SCIM provisioning 1.0.0"), ("Accept", "application/scim+json"))
    add, replace, remove = "Add", "Replace", "Remove"
    false, true = "False", "True"

    def make(self):
        """A create as Entra sends it, with its explicit nulls."""
        body = {"schemas": [USER, ENTERPRISE], "externalId": "ext-" + self.name(), "userName": self.name(),
                "active": True, "addresses": None, "phoneNumbers": None, "title": None, "roles": [],
                "displayName": "An Example", "emails": [{"primary": True, "type": "work", "value": self.name()}],
                "meta": {"resourceType": "User"}, "name": {"formatted": "An Example", "familyName": "Example",
                                                           "givenName": "An"},
                ENTERPRISE: {"department": None, "manager": None}}
        return self.client.expect("POST", "/Users", body, 201)

    def test_6_1_the_connection_test_asks_for_a_random_name(self):
        page = self.client.get('/Users?filter=userName%20eq%20%22b7e5a6d0-2a3f-4f0e-8a55-0d93b27f7a0b%22')
        self.assertEqual((page["totalResults"], page["Resources"]), (0, []))
        page = self.client.get('/Groups?excludedAttributes=members&filter=displayName%20eq%20%22none%22')
        self.assertEqual((page["totalResults"], page["Resources"]), (0, []))

    def test_6_1_match_by_name_external_id_and_work_email(self):
        made = self.make()
        for text in (f'userName eq "{self.name()}"', f'externalId eq "ext-{self.name()}"',
                     f'emails[type eq "work"].value eq "{self.name()}"', f'id eq "{made["id"]}"'):
            self.assertEqual([user["id"] for user in self.client.find(text)], [made["id"]], text)
        missing = f'id eq "{made["id"]}" and manager eq "{made["id"]}"'
        self.assertEqual(self.client.find(missing), [])

    def test_6_1_one_operation_per_attribute_with_path(self):
        made = self.make()
        rows = [('emails[type eq "work"].value', "w@example.com"), ("name.familyName", "Changed"),
                (ENTERPRISE + ":department", "Ops"), ('addresses[type eq "other"].Formatted', "Street 1"),
                ('emails[type eq "other"].Value', "o@example.com"), ("displayName", "Changed")]
        self.client.patch(f"/Users/{made['id']}", *({"op": self.replace, "path": path, "value": value}
                                                    for path, value in rows))
        seen = self.seen(made["id"])
        emails = {entry["type"]: entry["value"] for entry in seen["emails"]}
        self.assertEqual(emails, {"work": "w@example.com", "other": "o@example.com"})
        self.assertEqual((seen["name"]["familyName"], seen[ENTERPRISE]["department"], seen["displayName"]),
                         ("Changed", "Ops", "Changed"))
        self.assertEqual([(entry["type"], entry["formatted"]) for entry in seen["addresses"]], [("other", "Street 1")])

    def test_6_1_disable_and_enable_and_delete(self):
        made = self.make()
        path = f"/Users/{made['id']}"
        self.client.patch(path, {"op": self.replace, "path": "active", "value": self.false})
        self.assertIs(self.seen(made["id"])["active"], False)
        self.assertEqual(len(self.client.find(f'userName eq "{self.name()}"')), 1)
        self.client.patch(path, {"op": self.replace, "path": "active", "value": self.true})
        self.assertIs(self.seen(made["id"])["active"], True)
        self.assertEqual([self.client.call("DELETE", path).status for _ in range(2)], [204, 404])

    def test_6_1_the_manager_in_every_form(self):
        made, boss = self.make(), self.plain.user("boss." + self.name())["id"]
        for path, value in ((ENTERPRISE + ":manager", boss), (ENTERPRISE + ":manager", {"value": boss}),
                            (ENTERPRISE + ":manager", [{"$ref": None, "value": boss}]), ("manager", boss)):
            with self.subTest(f"{path} {type(value).__name__}"):
                self.client.patch(f"/Users/{made['id']}", {"op": self.add, "path": path, "value": value})
                self.assertEqual(self.seen(made["id"])[ENTERPRISE]["manager"]["value"], boss)
                gone = {"op": self.remove, "path": path}
                self.client.patch(f"/Users/{made['id']}", gone)
                self.assertNotIn("manager", self.seen(made["id"]).get(ENTERPRISE, {}))

    def test_6_1_groups_come_without_members_and_get_them_by_patch(self):
        made, other = self.make(), self.plain.user("other." + self.name())
        body = {"schemas": [GROUP, ADSCIM], "externalId": "g-" + self.name(), "displayName": self.name(),
                "meta": {"resourceType": "Group"}}
        group = self.client.expect("POST", "/Groups", body, 201)
        found = self.client.get(f'/Groups?excludedAttributes=members&filter=displayName%20eq%20%22{self.name()}%22')
        self.assertEqual([entry["id"] for entry in found["Resources"]], [group["id"]])
        values = [{"$ref": None, "value": made["id"]}, {"$ref": None, "value": other["id"]}]
        self.client.patch(f"/Groups/{group['id']}", {"op": self.add, "path": "members", "value": values})
        self.assertEqual(self.plain.members(group["id"]), sorted([made["id"], other["id"]]))
        self.assertNotIn("members", self.client.get(f"/Groups/{group['id']}?excludedAttributes=members"))
        self.take_away(group["id"], made["id"])
        self.assertEqual(self.plain.members(group["id"]), [other["id"]])
        self.client.patch(f"/Groups/{group['id']}", {"op": self.replace, "path": "displayName", "value": "new"})
        self.assertEqual(self.client.call("DELETE", f"/Groups/{group['id']}").status, 204)


class EntraDefault(Entra, ClientCase):
    """Capital operations, booleans as text, remove with a list."""

    def take_away(self, group_id, member):
        """A member goes."""
        self.client.patch(f"/Groups/{group_id}", {"op": "Remove", "path": "members", "value": [{"value": member}]})


class EntraOptscim(Entra, ClientCase):
    """?aadOptscim062020 on every request: the RFC's operations, dotted names without a path."""

    suffix = "aadOptscim062020"
    add, replace, remove = "add", "replace", "remove"
    false, true = False, True

    def take_away(self, group_id, member):
        """A member goes."""
        self.client.patch(f"/Groups/{group_id}", {"op": "remove", "path": f'members[value eq "{member}"]'})

    def test_6_1_dotted_names_without_a_path(self):
        made = self.make()
        value = {"name.givenName": "Dot", ENTERPRISE + ":employeeNumber": "7", "title": "T", "active": False,
                 'emails[type eq "work"].value': "dot@example.com"}
        self.client.patch(f"/Users/{made['id']}", {"op": "replace", "value": value})
        seen = self.seen(made["id"])
        self.assertEqual((seen["name"]["givenName"], seen[ENTERPRISE]["employeeNumber"], seen["title"], seen["active"],
                          seen["emails"][0]["value"]), ("Dot", "7", "T", False, "dot@example.com"))


class OneLogin(ClientCase):
    """6.2."""

    content_type = "application/json"

    def test_6_2_short_urns_trailing_ampersand_and_empty_query(self):
        found = self.client.get(f"/Users?filter=userName+eq+%22{self.name()}%22&")
        self.assertEqual(found["totalResults"], 0)
        body = {"schemas": [SHORT_USER, SHORT_ENTERPRISE], "userName": self.name(),
                "name": {"givenName": "O", "familyName": "L"}, "emails": [{"value": self.name()}],
                SHORT_ENTERPRISE: {"department": "Ops"}}
        made = self.client.expect("POST", "/Users", body, 201)
        self.assertEqual(made[ENTERPRISE], {"department": "Ops"})
        found = self.client.get(f"/Users?filter=userName+eq+%22{self.name()}%22&")
        self.assertEqual([user["id"] for user in found["Resources"]], [made["id"]])
        again = self.client.expect("PUT", f"/Users/{made['id']}?", {**body, "active": False})
        self.assertEqual((again["id"], again["active"]), (made["id"], False))


class JumpCloud(ClientCase):
    """6.3."""

    content_type = "application/json"

    def test_6_3_activation_makes_a_user_and_a_group_and_deletes_them(self):
        for _ in range(2):
            user = self.client.user(self.name(), externalId="jc", active=True, emails=[{"value": self.name()}])
            group = self.client.group("JumpCloud test group")
            add = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
            for _ in range(2):
                self.client.patch(f"/Groups/{group['id']}", add)
            self.assertEqual(self.plain.members(group["id"]), [user["id"]])
            self.client.expect("DELETE", f"/Groups/{group['id']}", None, 204)
            self.client.expect("DELETE", f"/Users/{user['id']}", None, 204)


class Google(ClientCase):
    """6.4."""

    headers = (("User-Agent", "Google-Auto-Provisioning"),)
    content_type = "application/json"

    def test_6_4_an_old_urn_beside_the_right_one(self):
        body = {"schemas": ["urn:scim:schemas:core:1.0", USER, ENTERPRISE], "userName": self.name(),
                "name": {"givenName": "G", "familyName": "W"}, "emails": [{"value": self.name(), "primary": True}],
                "active": True}
        made = self.client.expect("POST", "/Users", body, 201)
        self.assertEqual(made["schemas"], [USER])
        self.client.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False})
        self.assertFalse(self.seen(made["id"])["active"])
        self.client.expect("DELETE", f"/Users/{made['id']}", None, 204)


class Others(ClientCase):
    """6.5: odd forms seen in the wild."""

    def test_6_5_liberal_input(self):
        made = self.client.user(self.name(), title="T", emails=[{"value": self.name(), "type": "work"}])
        path = f"/Users/{made['id']}"
        rows = [({"op": "REPLACE", "path": "active", "value": "false"}, "active", False),
                ({"op": "replace", "path": "active", "value": [True]}, "active", True),
                ({"op": "replace", "path": "TITLE", "value": ""}, "title", None),
                ({"op": "replace", "value": {"DISPLAYNAME": "D", "unknown": {"deep": [1]}}}, "displayName", "D"),
                ({"op": "replace", "path": "emails", "value": {"value": "one@example.com"}}, "emails",
                 [{"value": "one@example.com"}])]
        for operation, key, expected in rows:
            with self.subTest(str(operation)):
                self.client.patch(path, operation)
                self.assertEqual(self.seen(made["id"]).get(key), expected)
        lower = {"schemas": [PATCH], "operations": [{"op": "replace", "path": "title", "value": "again"}]}
        self.assertEqual(self.client.expect("PATCH", path, lower)["title"], "again")
        found = self.client.find(f'  USERNAME   Eq   "{self.name()}"  ')
        self.assertEqual([user["id"] for user in found], [made["id"]])

    def test_6_5_aws_style_replace_of_several_attributes(self):
        made = self.client.user(self.name())
        value = {"name": {"givenName": "A"}, "title": "B", ENTERPRISE: {"department": "C"}}
        seen = self.client.patch(f"/Users/{made['id']}", {"op": "replace", "value": value})
        self.assertEqual((seen["name"], seen["title"]), ({"givenName": "A"}, "B"))
        self.assertEqual(seen[ENTERPRISE], {"department": "C"})
        self.assertEqual(seen["schemas"], [USER, ENTERPRISE])


class Decided(ClientCase):
    """Section 9, row by row."""

    def error(self, method, path, value=None):
        """Status and scimType of a refusal."""
        answer = self.client.call(method, path, value)
        return answer.status, answer.json().get("scimType")

    def test_section_9_row_1_error_status_is_text(self):
        error = self.client.call("GET", "/Users/none").json()
        self.assertEqual((error["schemas"], error["status"]), ([ERROR], "404"))

    def test_section_9_row_2_a_patch_answers_200_users_whole_groups_without_members(self):
        user = self.client.user(self.name())
        seen = self.client.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"title": "T"}})
        self.assertEqual(seen, self.seen(user["id"]))
        group = self.client.group(self.name(), [user["id"]])
        rename = {"op": "replace", "value": {"displayName": "x" + self.name()}}
        answer = self.client.patch(f"/Groups/{group['id']}", rename)
        self.assertNotIn("members", answer)

    def test_section_9_row_3_replace_creates_for_a_simple_type_else_no_target(self):
        user = self.client.user(self.name())
        path = f"/Users/{user['id']}"
        self.client.patch(path, {"op": "replace", "path": 'emails[type eq "home"].value', "value": "h@example.com"})
        self.assertEqual(self.seen(user["id"])["emails"], [{"type": "home", "value": "h@example.com"}])
        for text in ('emails[value eq "none"].display', 'emails[type eq "a" or type eq "b"].value'):
            body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": text, "value": "x"}]}
            self.assertEqual(self.error("PATCH", path, body), (400, "noTarget"), text)

    def test_section_9_row_4_remove_with_a_list_removes_those(self):
        users = [self.client.user(f"{number}.{self.name()}")["id"] for number in range(3)]
        group = self.client.group(self.name(), users)
        values = [{"value": user} for user in users[:2]]
        self.client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members", "value": values})
        self.assertEqual(self.client.members(group["id"]), users[2:])

    def test_section_9_row_5_a_post_on_an_inactive_twin_revives(self):
        user = self.client.user(self.name(), active=False)
        again = self.client.user(self.name(), title="T")
        self.assertEqual((again["id"], again["active"], again["title"]), (user["id"], True, "T"))

    def test_section_9_row_6_a_second_group_of_a_name_is_409(self):
        self.client.group(self.name())
        body = {"schemas": [GROUP], "displayName": self.name().upper()}
        self.assertEqual(self.error("POST", "/Groups", body), (409, "uniqueness"))

    def test_section_9_rows_7_and_8_unknown_urns_and_attributes_are_ignored(self):
        body = {"schemas": [USER, "urn:example:unknown"], "userName": self.name(), "shoeSize": 44,
                "urn:example:unknown": {"a": 1}}
        made = self.client.expect("POST", "/Users", body, 201)
        self.assertEqual(set(made), {"schemas", "id", "userName", "active", "meta"})
        again = self.client.expect("PUT", f"/Users/{made['id']}", {**made, "shoeSize": 45})
        self.assertNotIn("shoeSize", again)

    def test_section_9_row_9_an_unknown_target_of_a_filter_is_an_empty_list(self):
        self.assertEqual((self.client.find('id eq "none"'), self.client.find('members.value eq "none"', "Groups")),
                         ([], []))

    def test_section_9_row_10_remove_without_a_match(self):
        user = self.client.user(self.name())
        group = self.client.group(self.name(), [user["id"]])
        self.client.patch(f"/Groups/{group['id']}", {"op": "remove", "path": 'members[value eq "none"]'})
        body = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": 'emails[value eq "none"]'}]}
        self.assertEqual(self.error("PATCH", f"/Users/{user['id']}", body), (400, "noTarget"))

    def test_section_9_row_12_lists_are_paged_by_index_by_default(self):
        page = self.client.get("/Users")
        self.assertEqual((page["startIndex"], "nextCursor" in page), (1, False))

    def test_a_bare_query_and_unknown_parameters_are_ignored_r23(self):
        for query in ("?", "?&&", "?aadOptscim062020", "?x=%zz", "?filter=", "?startIndex=&count="):
            self.assertEqual(self.client.call("GET", "/Users" + query).status, 200, query)

    def test_r24_a_401_says_how_to_authenticate(self):
        answer = rawhttp.fetch(self.world.prov_url + "/Users")
        self.assertEqual((answer.status, [value.split()[0] for value in answer.all("WWW-Authenticate")]),
                         (401, ["Bearer", "Basic"]))
