"""SCIM 1.1: what Okta's on-premises provisioning agent sends (scim-clients.md 3.2 to 3.4), against the real binary."""

import json
import time
from urllib.parse import quote

from lab import rawhttp
from support.case import WorldCase
from support.scim import Scim

CORE = "urn:scim:schemas:core:1.0"
ENTERPRISE = "urn:scim:schemas:extension:enterprise:1.0"
CUSTOM = "urn:okta:onprem_app:1.0:user:custom"
AGENT = "urn:okta:schemas:scim:providerconfig:1.0"
AGENT_GROUP = "urn:okta:custom:group:1.0"


class Agent(WorldCase):
    """The agent's exchanges by the rows of 3.3. Its base URL ends with a slash."""

    def configure(self):
        """SCIM 1.1, and the attributes of the agent's app."""
        self["apps"][0]["prov"]["scim1_base_path"] = "/scim/v1"
        self["apps"][0]["prov"]["roles"] = [{"id": "editor"}]
        self["apps"][0]["prov"]["schemas"] = [{"id": CUSTOM, "attributes": [{"name": "desk"}]}]

    def setUp(self):
        """One client of each version."""
        self.agent = Scim(self.world, [("Accept", "application/json"), ("Accept-Charset", "utf-8")],
                          content_type="application/json; charset=utf-8")
        self.agent.base = self.world.prov_url.replace("/v2", "/v1/")
        self.plain = Scim(self.world)

    def name(self):
        """A name of the test's own."""
        return f"{self.id().rpartition('.')[2]}@example.com"

    def body(self, **more):
        """A user as the agent sends it."""
        return {"schemas": [CORE, ENTERPRISE, CUSTOM], "userName": self.name(), "id": None, "active": True,
                "name": {"givenName": "An", "familyName": "Example"}, "password": "aPasswordThatGoesNowhere",
                "emails": [{"value": self.name(), "primary": True, "type": "work"}],
                "phoneNumbers": [{"value": "123", "type": "mobile"}], "displayName": "An Example", "groups": [],
                ENTERPRISE: {"department": "Ops", "manager": {"managerId": "7", "displayName": "B"}},
                CUSTOM: {"desk": "D4"}, **more}

    def make(self, **more):
        """A user of the test's own."""
        return self.agent.expect("POST", "/Users", self.body(**more), 201)

    def find(self, text):
        """A look-up as the agent does it."""
        page = self.agent.get(f"/Users?filter={quote(text)}&startIndex=1&count=100")
        self.assertEqual((page["schemas"], page["startIndex"]), ([CORE], 1))
        self.assertEqual(page["itemsPerPage"], len(page["Resources"]))
        return [user["userName"] for user in page["Resources"]]

    def test_3_2_the_capability_call(self):
        answer = self.agent.call("GET", "/ServiceProviderConfigs")
        self.assertEqual((answer.status, answer.header("Content-Type")), (200, "application/json"))
        config = answer.json()
        self.assertEqual(config["schemas"], [CORE, AGENT])
        self.assertEqual(set(config[AGENT]["userManagementCapabilities"]), {
            "GROUP_PUSH", "IMPORT_NEW_USERS", "IMPORT_PROFILE_UPDATES", "OPP_SCIM_INCREMENTAL_IMPORTS",
            "PUSH_NEW_USERS", "PUSH_PENDING_USERS", "PUSH_PROFILE_UPDATES", "PUSH_USER_DEACTIVATION",
            "REACTIVATE_USERS"})
        self.assertEqual((config["bulk"]["maxOperations"], config["bulk"]["maxPayloadSize"]), (0, 0))
        scheme = config["authenticationSchemes"][0]
        self.assertTrue(scheme["type"] and scheme["description"])

    def test_3_3_create_is_a_look_up_and_a_post(self):
        self.assertEqual(self.find(f'userName eq "{self.name()}"'), [])
        made = self.make()
        self.assertEqual(self.find(f'userName eq "{self.name()}"'), [self.name()])
        self.assertEqual((made["schemas"], made[ENTERPRISE]["manager"]["managerId"], made[CUSTOM]["desk"]),
                         ([CORE, ENTERPRISE, CUSTOM], "7", "D4"))
        self.assertNotIn("password", made)
        self.assertNotIn("resourceType", made["meta"])
        self.assertIn("/scim/v1/Users/", made["meta"]["location"])
        again = self.agent.call("POST", "/Users", self.body())
        self.assertEqual((again.status, again.json()["Errors"][0]["code"]), (409, "409"))

    def test_3_3_create_pending(self):
        self.assertIs(self.make(active=False)["active"], False)

    def test_3_3_import_and_import_of_what_changed(self):
        made = self.make()
        self.assertIn(self.name(), [user["userName"] for user in
                                    self.agent.get("/Users?startIndex=1&count=100")["Resources"]])
        self.assertEqual(self.agent.get(f"/Users/{made['id']}")["id"], made["id"])
        self.assertIn(self.name(), self.find('meta.lastModified gt "2021-05-07T14:19:34Z"'))
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        self.assertEqual(self.find(f'meta.lastModified gt "{later}"'), [])

    def test_3_3_deactivate_and_reactivate_by_put(self):
        made = self.make()
        path = f"/Users/{made['id']}"
        for active in (False, True):
            echoed = self.agent.get(path)
            put = self.agent.expect("PUT", path, {**echoed, "active": active, "password": "again"})
            self.assertIs(put["active"], active)
            self.assertIs(self.plain.get(path)["active"], active)
        self.assertEqual(self.plain.get(path)["name"]["familyName"], "Example")

    def test_3_3_every_choice_of_the_unique_field(self):
        made = self.make(name={"givenName": "An", "familyName": "Unique-" + self.name()})
        for text in (f'id eq "{made["id"]}"', f'name.familyName eq "Unique-{self.name()}"',
                     f'{CUSTOM}:desk eq "D4" and userName eq "{self.name()}"',
                     f'email eq "nobody@example.com" or email eq "{self.name()}"'):
            self.assertEqual(self.find(text), [self.name()], text)

    def test_3_3_groups(self):
        member = self.make()
        body = {"schemas": [CORE, AGENT_GROUP], "displayName": self.name(), AGENT_GROUP: {"description": "all of it"}}
        group = self.agent.expect("POST", "/Groups", body, 201)
        self.assertEqual(group[AGENT_GROUP], {"description": "all of it"})
        put = {**group, "members": [{"value": member["id"], "display": self.name()}]}
        replaced = self.agent.expect("PUT", f"/Groups/{group['id']}", put)
        self.assertEqual([entry["value"] for entry in replaced["members"]], [member["id"]])
        page = self.agent.get("/Groups?startIndex=1&count=100")
        self.assertEqual([entry["members"] for entry in page["Resources"] if entry["id"] == group["id"]],
                         [[{"value": member["id"], "type": "User", "display": self.name()}]])
        self.assertEqual(self.agent.call("DELETE", f"/Groups/{group['id']}").status, 204)

    def test_3_4_patch_of_users_and_groups(self):
        member, other = self.make(), self.plain.user("other." + self.name())
        group = self.agent.expect("POST", "/Groups", {"schemas": [CORE], "displayName": self.name()}, 201)
        path = f"/Groups/{group['id']}"
        rows = [({"displayName": "new " + self.name()}, []),
                ({"members": [{"value": member["id"], "display": "x"}]}, [member["id"]]),
                ({"members": [{"value": member["id"], "operation": "delete"}, {"value": other["id"]}]}, [other["id"]]),
                ({"meta": {"attributes": ["members"]}, "members": [{"value": member["id"]}]}, [member["id"]]),
                ({"meta": {"attributes": ["members"]}, "members": []}, [])]
        for row, members in rows:
            self.agent.expect("PATCH", path, {"schemas": [CORE], "id": group["id"], **row})
            self.assertEqual(self.plain.members(group["id"]), members, row)
        self.assertEqual(self.plain.get(path)["displayName"], "new " + self.name())
        self.agent.expect("PATCH", f"/Users/{member['id']}", {"schemas": [CORE], "id": member["id"], "active": False})
        self.assertIs(self.plain.get(f"/Users/{member['id']}")["active"], False)

    def test_3_4_schemas_and_types_have_the_urns_of_1_1(self):
        schemas = {schema["id"]: schema for schema in self.agent.get("/Schemas")["Resources"]}
        self.assertEqual(list(schemas), [CORE + ":User", ENTERPRISE, CUSTOM, CORE + ":Group", AGENT_GROUP])
        for urn, schema in schemas.items():
            self.assertEqual(self.agent.get("/Schemas/" + urn), schema)
            self.assertEqual(schema["schemas"], [CORE])
            self.assertNotIn("urn:ietf", json.dumps(schema))
        user = {attribute["name"]: attribute for attribute in schemas[CORE + ":User"]["attributes"]}
        self.assertEqual([schemas[CORE + ":User"][name] for name in ("schema", "endpoint")], [CORE, "/Users"])
        self.assertEqual([user[name]["readOnly"] for name in ("groups", "userName")], [True, False])
        manager = [one for one in schemas[ENTERPRISE]["attributes"] if one["name"] == "manager"][0]
        self.assertEqual([sub["name"] for sub in manager["subAttributes"]], ["managerId", "displayName"])
        self.assertEqual(self.agent.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")["id"], CORE + ":User")
        self.assertEqual(self.agent.call("GET", "/Schemas/urn:okta:scim:schemas:core:1.0:Role").status, 404)
        types = self.agent.get("/ResourceTypes")["Resources"]
        self.assertEqual([(kind["id"], kind["schema"]) for kind in types], [("User", CORE), ("Group", CORE)])
        self.assertEqual(types[0]["schemaExtensions"][0]["schema"], ENTERPRISE)
        for endpoint in ("/ResourceTypes/Role", "/Roles"):
            self.assertEqual(self.agent.call("GET", endpoint).status, 404)

    def test_3_4_a_large_group_is_written_over_whole(self):
        made = [self.agent.expect("POST", "/Users", {"schemas": [CORE], "userName": f"{number}-{self.name()}"}, 201)
                for number in range(1200)]
        members = [{"value": user["id"], "display": user["userName"]} for user in made]
        group = self.agent.expect("POST", "/Groups", {"schemas": [CORE], "displayName": self.name()}, 201)
        self.agent.expect("PUT", f"/Groups/{group['id']}",
                          {"schemas": [CORE], "displayName": self.name(), "members": members})
        seen = self.agent.get(f"/Groups/{group['id']}")
        self.assertEqual([member["value"] for member in seen["members"]], [user["id"] for user in made])
        self.assertTrue(all(set(member) == {"value", "type", "display"} for member in seen["members"]))
        listed = self.agent.get(f"/Groups?filter=displayName%20eq%20%22{self.name()}%22")
        self.assertEqual(listed["Resources"], [seen])

    def test_3_4_the_oddities_of_oktas_test_of_1_1(self):
        missing = self.agent.call("GET", "/Users/00919288221112222")
        self.assertEqual((missing.status, missing.json()["Errors"][0]["code"]), (404, "404"))
        self.assertTrue(missing.json()["detail"])
        self.assertEqual(self.agent.call("GET", "/Users?filter=RUNSCOPE300@ATKO.COM").status, 400)
        self.assertEqual(self.agent.get("/ResourceTypes")["schemas"], [CORE])
        self.assertEqual(self.agent.get("/Schemas")["schemas"], [CORE + ":ListResponse"])
        for endpoint in ("/ServiceProviderConfigs", "/ResourceTypes", "/Schemas"):
            self.assertEqual(self.agent.call("POST", endpoint, b"test").status, 405, endpoint)
        refused = rawhttp.fetch(self.agent.base + "/Users", "GET", [("Authorization", "Bearer wrong")])
        self.assertEqual((refused.status, json.loads(refused.body)["Errors"][0]["code"]), (401, "401"))
