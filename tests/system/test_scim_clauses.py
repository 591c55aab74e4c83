"""The clauses of the RFCs by their numbers in scim-clients.md section 5, against the real binary over TLS. Those that
are proven in tests/unit/scim and tests/unit/routes alone carry their number there."""

import json
import socket
import ssl
from urllib.parse import quote, urlsplit

from lab import rawhttp
from support.case import WorldCase
from support.scim import ENTERPRISE, ERROR, GROUP, PATCH, USER, Scim

CUSTOM = "urn:example:params:scim:schemas:extension:wiki:2.0:User"


class Clauses(WorldCase):
    """A folder with a schema of its own."""

    tls = True

    def configure(self):
        """One attribute with nothing but a name."""
        self["apps"][0]["prov"]["schemas"] = [{"id": CUSTOM, "attributes": [{"name": "desk"}]}]

    def setUp(self):
        """A plain client."""
        self.scim = Scim(self.world)

    def name(self):
        """A name of the test's own."""
        return f"{self.id().rpartition('.')[2].lower()}@example.com"

    def call(self, method, path, value=None, headers=(), token=None):
        """Any call, its errors checked as R25 wants them."""
        answer = Scim(self.world, token=token).call(method, path, value, headers)
        if answer.status >= 400:
            error = answer.json()
            self.assertEqual((error["schemas"], error["status"]), ([ERROR], str(answer.status)), path)
            self.assertTrue(error["detail"])
        return answer

    def refused(self, method, path, value, status, scim_type=None):
        """A call that is refused with this kind."""
        answer = self.call(method, path, value)
        self.assertEqual((answer.status, answer.json().get("scimType")), (status, scim_type), answer.body)

    def test_R3_external_id_is_the_clients_and_compared_exactly(self):
        self.assertNotIn("externalId", self.scim.user("none." + self.name()))
        made = self.scim.user(self.name(), externalId="Ext-Case")
        self.assertEqual([user["id"] for user in self.scim.find('externalId eq "Ext-Case"')], [made["id"]])
        self.assertEqual(self.scim.find('externalId eq "ext-case"'), [])

    def test_R12_a_certificate_is_base64_and_a_country_is_kept(self):
        body = {"schemas": [USER], "userName": self.name()}
        self.refused("POST", "/Users", {**body, "x509Certificates": [{"value": "not base64!"}]}, 400, "invalidValue")
        made = self.scim.expect("POST", "/Users", {**body, "x509Certificates": [{"value": "TUlJ"}],
                                                   "addresses": [{"type": "work", "country": "AT"}]}, 201)
        self.assertEqual((made["x509Certificates"], made["addresses"][0]["country"]), ([{"value": "TUlJ"}], "AT"))

    def test_R16_what_is_not_said_of_an_attribute_has_its_default(self):
        listed = self.scim.get(f"/Schemas/{CUSTOM}")["attributes"][0]
        del listed["description"]
        self.assertEqual(listed, {"name": "desk", "type": "string", "multiValued": False, "required": False,
                                  "caseExact": False, "mutability": "readWrite", "returned": "default",
                                  "uniqueness": "none"})

    def test_R20_tls_1_1_is_refused_and_ids_may_be_percent_encoded(self):
        address = urlsplit(self.world.prov_url)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with socket.create_connection((address.hostname, address.port), 10) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)
        made = self.scim.user(self.name())
        encoded = "".join(f"%{ord(letter):02x}" for letter in made["id"])
        self.assertEqual(self.scim.get(f"/Users/{encoded}")["id"], made["id"])

    def test_R21_any_accept_gets_scim_json_and_R22(self):
        for accept in ("application/scim+json", "application/scim+json; charset=utf-8", "application/json", "*/*",
                       "text/html"):
            answer = self.call("GET", "/Users?count=1", headers=[("Accept", accept)])
            self.assertEqual((answer.status, answer.header("Content-Type")), (200, "application/scim+json"), accept)
        made = self.scim.user("Zo\u00eb." + self.name(), displayName="\u6f22\U0001f600")
        self.assertEqual((made["userName"][:3], made["displayName"]), ("Zo\u00eb", "\u6f22\U0001f600"))

    def test_R23_unknown_parameters_are_ignored(self):
        for query in ("foo=bar", "aadOptscim062020", "count=1&x=%zz", "=", "&&count=1&"):
            self.assertEqual(self.call("GET", "/Users?" + query).status, 200, query)

    def test_R24_401_says_how_to_authenticate(self):
        for token in ("wrong", "x" * 4000):
            answer = self.call("GET", "/Users", token=token)
            self.assertEqual(answer.status, 401)
            self.assertTrue(any(value.startswith("Bearer") for value in answer.all("WWW-Authenticate")))

    def test_R25_every_error_is_a_scim_error(self):
        rows = [("GET", "/Nothing", None, 404), ("GET", "/Users/none", None, 404), ("PUT", "/Users", b"{}", 405),
                ("POST", "/Users", b"{", 400), ("POST", "/Users", b"[]", 400), ("GET", "/Users?filter=(", None, 400),
                ("POST", "/Bulk", b"{}", 501), ("GET", "/Me", None, 501), ("BREW", "/Users", None, 405)]
        for method, path, body, status in rows:
            self.assertEqual(self.call(method, path, body).status, status, (method, path))

    def test_R26_an_unknown_version_is_refused(self):
        base = self.world.prov_url
        for version, status in (("v2", 200), ("v3", 404), ("v1", 404)):
            address = base.replace("/v2", f"/{version}") + "/Users?count=1"
            answer = rawhttp.fetch(address, "GET", self.scim.fields, None, self.world.tls)
            self.assertEqual(answer.status, status, version)
            self.assertIn("schemas", answer.json())

    def test_R28_status_codes_are_those_of_the_rfc(self):
        made = self.call("POST", "/Users", {"schemas": [USER], "userName": self.name()})
        path = f"/Users/{made.json()['id']}"
        tag = made.header("ETag")
        active = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
        rows = [(made.status, 201), (self.call("GET", path).status, 200),
                (self.call("GET", path, headers=[("If-None-Match", tag)]).status, 304),
                (self.call("PATCH", path, active).status, 200),
                (self.call("PATCH", path, active, [("If-Match", tag)]).status, 412),
                (self.call("GET", "/Schemas?filter=x").status, 403),
                (self.call("POST", "/Users", b" " * (1024 * 1024 + 1)).status, 413),
                (self.call("POST", "/Users", b"{}", [("Content-Encoding", "gzip")]).status, 415),
                (self.call("OPTIONS", path).status, 204), (self.call("DELETE", path).status, 204),
                (self.call("DELETE", path).status, 404)]
        self.assertEqual([got for got, _ in rows], [wanted for _, wanted in rows])

    def test_R30_a_created_resource_has_a_location_and_R33_a_type(self):
        for kind, body in (("User", {"schemas": [USER], "userName": self.name()}),
                           ("Group", {"schemas": [GROUP], "displayName": self.name()})):
            answer = self.call("POST", f"/{kind}s", {**body, "id": "mine", "meta": {"resourceType": "Mine"}})
            made = answer.json()
            self.assertEqual((answer.status, answer.header("Location")), (201, made["meta"]["location"]))
            self.assertEqual((made["meta"]["resourceType"], made["meta"]["created"]),
                             (kind, made["meta"]["lastModified"]))
            self.assertEqual(self.call("GET", f"/{kind}s/{made['id']}").json(), made)
            self.assertNotEqual(made["id"], "mine")

    def test_R32_a_name_that_is_taken_is_409(self):
        self.scim.user(self.name())
        self.scim.group(self.name())
        self.refused("POST", "/Users", {"schemas": [USER], "userName": self.name().upper()}, 409, "uniqueness")
        self.refused("POST", "/Groups", {"schemas": [GROUP], "displayName": self.name().upper()}, 409, "uniqueness")

    def test_R34_put_never_creates(self):
        for kind, body in (("Users", {"schemas": [USER], "userName": self.name()}),
                           ("Groups", {"schemas": [GROUP], "displayName": self.name()})):
            self.refused("PUT", f"/{kind}/00000000000000000000000000", body, 404)
        self.assertEqual(self.scim.find(f'userName eq "{self.name()}"'), [])

    def test_R50_sorting_is_advertised_as_absent_and_not_done(self):
        for letter in "cab":
            self.scim.user(letter + self.name())
        found = self.scim.get(f"/Users?sortBy=userName&sortOrder=ascending&filter=userName%20co%20%22{self.name()}%22")
        self.assertEqual([user["userName"][0] for user in found["Resources"]], ["c", "a", "b"])
        self.assertIs(self.scim.get("/ServiceProviderConfig")["sort"]["supported"], False)

    def test_R53_a_password_can_not_be_asked_for(self):
        self.scim.user(self.name(), password="a-Password-in-a-filter")
        for text in ('password eq "a-Password-in-a-filter"', "password pr", 'password sw "a"'):
            answer = self.call("GET", f"/Users?filter={quote(text)}")
            outcome = (answer.status, answer.json().get("totalResults"))
            self.assertIn(outcome, [(400, None), (403, None), (200, 0)], text)
        listed = self.scim.get(f"/Users?attributes=password&filter=userName%20eq%20%22{self.name()}%22")["Resources"]
        self.assertEqual(set(listed[0]) - {"schemas", "id"}, set())

    def test_R76_patch_answers_with_the_resource_and_its_tag(self):
        made = self.call("POST", "/Users", {"schemas": [USER], "userName": self.name()})
        body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": ENTERPRISE + ":department", "value": "Ops"}]}
        answer = self.call("PATCH", f"/Users/{made.json()['id']}?attributes=active", body)
        self.assertEqual((answer.status, set(answer.json())), (200, {"schemas", "id", "active"}))
        self.assertNotEqual(answer.header("ETag"), made.header("ETag"))
        again = self.call("GET", f"/Users/{made.json()['id']}")
        self.assertEqual((again.header("ETag"), again.json()["meta"]["version"]), (answer.header("ETag"),) * 2)
        self.assertIn(ENTERPRISE, again.json()["schemas"])

    def test_R90_and_R91_bulk_is_advertised_as_absent_and_refused(self):
        self.assertIs(self.scim.get("/ServiceProviderConfig")["bulk"]["supported"], False)
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": self.name()}}]}
        self.refused("POST", "/Bulk", body, 501)
        self.assertEqual(self.scim.find(f'userName eq "{self.name()}"'), [])

    def test_R110_user_names_are_prepared_before_they_are_compared(self):
        made = self.scim.user("\u00c4RA." + self.name())
        for spelling in ("\u00e4ra.", "\u00c4ra.", "A\u0308RA."):
            found = self.scim.find(f"userName eq {json.dumps(spelling + self.name())}")
            self.assertEqual([user["id"] for user in found], [made["id"]], spelling)
            self.refused("POST", "/Users", {"schemas": [USER], "userName": spelling + self.name()}, 409, "uniqueness")
        for name in ("", "   ", "a\u0000b", "a\u0007b", "a\u202eb"):
            answer = self.call("POST", "/Users", {"schemas": [USER], "userName": name})
            self.assertEqual(answer.status, 400, repr(name))
