"""/Schemas is exactly what is stored, writable and removable: every attribute that it lists is written in every way,
read back and taken away, as its own words say (R16, R17, R102)."""

import base64

from support.case import WorldCase
from support.scim import ENTERPRISE, GROUP, USER, Scim

CUSTOM = "urn:example:params:scim:schemas:extension:wiki:2.0:User"
TEAM = "urn:example:params:scim:schemas:extension:team:2.0:Group"
TYPES = ("string", "boolean", "decimal", "integer", "dateTime", "binary", "reference")
WITHOUT_A_VALUE = {"active": True}  # what an attribute is when nobody says


def declared(urn, **more):
    """A schema with every type, once and many times, and every kind of returned."""
    attributes = [{"name": kind + "One", "type": kind} for kind in TYPES]
    attributes += [{"name": kind + "Many", "type": kind, "multiValued": True} for kind in TYPES]
    attributes += [{"name": "complexOne", "type": "complex", "subAttributes": [{"name": kind, "type": kind}
                                                                             for kind in TYPES]},
                   {"name": "complexMany", "type": "complex", "multiValued": True,
                    "subAttributes": [{"name": "value"}, {"name": "size", "type": "integer"}]},
                   {"name": "always", "returned": "always"}, {"name": "request", "returned": "request"},
                   {"name": "never", "returned": "never", "mutability": "writeOnly"}]
    return {"id": urn, "attributes": attributes, **more}


class Schemas(WorldCase):
    """Core, enterprise and two schemas of the app's own; roles make roles and entitlements appear."""

    timeout_s = 240

    def configure(self):
        """Schemas of every kind."""
        self["apps"][0]["prov"]["schemas"] = [declared(CUSTOM), declared(TEAM, resource="Group")]
        self["apps"][0]["prov"]["roles"] = [{"id": "role-a"}, {"id": "role-b"}]

    def setUp(self):
        """A client, people to be members, and what is advertised."""
        self.scim = Scim(self.world)
        self.people = []
        self.schemas = {schema["id"]: schema for schema in self.scim.get("/Schemas")["Resources"]}
        self.count = 0

    def sample(self, attribute, which):
        """A value of the attribute's type; another one for each `which`."""
        name, kind = attribute["name"], attribute["type"]
        if kind == "complex":
            value = {sub["name"]: self.sample(sub, which) for sub in attribute["subAttributes"]
                     if sub["mutability"] != "readOnly" and sub["name"] != "primary"}
            if name in ("roles", "entitlements"):
                value["value"] = ("role-a", "role-b")[which % 2]
            elif name == "members":
                value["value"] = self.people[which % 2]
            return value
        return {"boolean": which % 2 == 0, "integer": 10 + which, "decimal": 1.5 + which, "string": f"v{which}-{name}",
                "dateTime": f"2026-01-0{1 + which}T00:00:00Z", "reference": f"https://x.example/{name}/{which}",
                "binary": base64.b64encode(f"{name}{which}".encode()).decode()}[kind]

    def value(self, attribute, which):
        """The same, as a list where there are many."""
        value = self.sample(attribute, which)
        return [value] if attribute["multiValued"] else value

    def shown(self, attribute, value):
        """What of a written value is to be seen."""
        if isinstance(value, list) and attribute["name"] == "members":
            return [{"value": entry["value"]} for entry in value]
        return value

    def read(self, path, urn, attribute, extension):
        """The attribute as it is, asked for by name."""
        name = attribute["name"]
        full = f"{urn}:{name}" if extension else name
        holder = self.scim.get(f"{path}?attributes={full}")
        value = (holder.get(urn, {}) if extension else holder).get(name)
        if name == "members" and value is not None:
            return [{"value": entry["value"]} for entry in value] or None  # R8: none and [] are the same
        return value

    def body(self, kind, urn, attribute, value, extension):
        """A whole resource with this attribute."""
        self.count += 1
        whole = {"schemas": [USER, ENTERPRISE, CUSTOM] if kind == "Users" else [GROUP, TEAM]}
        whole["userName" if kind == "Users" else "displayName"] = f"{self.id().rpartition('.')[2]}{self.count}"
        whole.update({urn: {attribute["name"]: value}} if extension else {attribute["name"]: value})
        return whole

    def walk(self, kind, urn, extension):
        """Every writable attribute of one schema."""
        test = self.id().rpartition(".")[2]
        self.people = [self.scim.user(f"{test}-{extension}-{i}")["id"] for i in range(2)]
        for attribute in self.schemas[urn]["attributes"]:
            with self.subTest(f"{urn}:{attribute['name']}"):
                if attribute["mutability"] == "readOnly":
                    self.check_read_only(kind, urn, attribute, extension)
                else:
                    self.check_writable(kind, urn, attribute, extension)

    def check_read_only(self, kind, urn, attribute, extension):
        """Ignored in whole resources, refused as the path of a PATCH."""
        made = self.scim.expect("POST", f"/{kind}", self.body(kind, urn, attribute, [{"value": "x"}], extension), 201)
        self.assertEqual(made.get(attribute["name"], []), [])
        refused = {"op": "add", "path": attribute["name"], "value": [{"value": "x"}]}
        self.assertEqual(self.scim.patch(f"/{kind}/{made['id']}", refused, status=400)["scimType"], "mutability")

    def check_writable(self, kind, urn, attribute, extension):
        """POST, PUT, PATCH replace, remove and add, each read back."""
        name = attribute["name"]
        path_name = f"{urn}:{name}" if extension else name
        hidden = attribute["returned"] == "never"
        first, second = self.value(attribute, 0), self.value(attribute, 1)
        body = self.body(kind, urn, attribute, first, extension)
        made = self.scim.expect("POST", f"/{kind}", body, 201)
        path = f"/{kind}/{made['id']}"
        whole = made.get(urn, {}) if extension else made
        self.assertEqual(name in whole, attribute["returned"] in ("default", "always"), "returned")

        def check(wanted, way):
            self.assertEqual(self.read(path, urn, attribute, extension),
                             None if hidden else self.shown(attribute, wanted), way)
        check(first, "POST")
        target = body[urn] if extension else body
        target[name] = second
        self.scim.expect("PUT", path, body)
        check(second, "PUT")
        self.scim.patch(path, {"op": "replace", "path": path_name, "value": first})
        check(first, "replace by path")
        self.scim.patch(path, {"op": "replace", "value": {path_name: second}})
        check(second, "replace without path")
        self.scim.patch(path, {"op": "replace", "value": {urn: {name: first}} if extension else {name: first}})
        check(first, "replace by an object")
        if attribute["required"]:
            gone = self.scim.patch(path, {"op": "remove", "path": path_name}, status=400)
            self.assertIn(gone["scimType"], ("mutability", "invalidValue"))
            return
        self.scim.patch(path, {"op": "remove", "path": path_name})
        check(WITHOUT_A_VALUE.get(name), "remove")
        self.scim.patch(path, {"op": "add", "path": path_name, "value": second})
        check(second, "add")
        self.check_subs(path, urn, attribute, path_name, extension)

    def check_subs(self, path, urn, attribute, path_name, extension):
        """Each part of a complex attribute with one value can be set and taken away on its own."""
        if attribute["type"] != "complex" or attribute["multiValued"] or attribute["returned"] == "never":
            return
        for sub in attribute["subAttributes"]:
            if sub["mutability"] != "readWrite":
                continue
            part = f"{path_name}.{sub['name']}"
            self.scim.patch(path, {"op": "replace", "path": path_name, "value": self.value(attribute, 1)})
            for operation, wanted in (({"op": "replace", "path": part, "value": self.sample(sub, 2)},
                                       self.sample(sub, 2)), ({"op": "remove", "path": part}, None)):
                self.scim.patch(path, operation)
                value = self.read(path, urn, attribute, extension) or {}
                self.assertEqual(value.get(sub["name"]), wanted, operation)

    def test_R102_every_attribute_of_a_user(self):
        self.walk("Users", USER, False)

    def test_R102_every_attribute_of_the_enterprise_extension(self):
        self.walk("Users", ENTERPRISE, True)

    def test_R102_every_attribute_of_a_schema_of_the_apps_own(self):
        self.walk("Users", CUSTOM, True)

    def test_R102_every_attribute_of_a_group_and_its_extension(self):
        self.walk("Groups", GROUP, False)
        self.walk("Groups", TEAM, True)

    def test_R102_what_is_not_advertised_is_not_stored(self):
        body = {"schemas": [USER, CUSTOM], "userName": "not.listed@example.com", "nobody": 1, "password": "x",
                CUSTOM: {"nobody": 1, "stringOne": "s"}}
        made = self.scim.expect("POST", "/Users", body, 201)
        known = {entry["name"] for entry in self.schemas[USER]["attributes"]}
        known |= {"schemas", "id", "externalId", "meta", CUSTOM}
        self.assertEqual((set(made) - known, made[CUSTOM]), (set(), {"stringOne": "s"}))
        for path in ("nobody", CUSTOM + ":nobody"):
            refused = self.scim.patch(f"/Users/{made['id']}", {"op": "add", "path": path, "value": 1}, status=400)
            self.assertEqual(refused["scimType"], "invalidPath")
        listed = {entry["schema"] for kind in self.scim.get("/ResourceTypes")["Resources"]
                  for entry in [kind, *kind.get("schemaExtensions", [])]}
        self.assertEqual(listed, set(self.schemas))
