"""A plain SCIM client for recorded calls: what it is given is what it sends."""

import json
from urllib.parse import quote

from lab import rawhttp

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Scim:
    """One client of the PROV face; `headers` are sent with every call, in their order."""

    def __init__(self, world, headers=(), suffix="", content_type="application/scim+json", token=None):
        self.base = world.prov_url
        self.tls = world.tls
        self.fields = [("Authorization", f"Bearer {token or world.token}"), *headers]
        self.suffix = suffix
        self.content_type = content_type

    def call(self, method, path, value=None, headers=()):
        """One call on a connection of its own; `value` is a JSON value, or bytes as they are."""
        body = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        fields = [*self.fields, *headers]
        if body is not None and self.content_type:
            fields.append(("Content-Type", self.content_type))
        join = "&" if "?" in path else "?"
        path = path + (join + self.suffix if self.suffix else "")
        return rawhttp.fetch(self.base + path, method, fields, body, self.tls, 60.0)

    def get(self, path):
        """GET that must be 200; its JSON."""
        return self.expect("GET", path)

    def expect(self, method, path, value=None, status=200):
        """A call that must have this status; its JSON, or None without a body."""
        answer = self.call(method, path, value)
        if answer.status != status:
            raise AssertionError(f"{method} {path}: {answer.status} instead of {status}: {answer.body[:600]!r}")
        return answer.json() if answer.body else None

    def find(self, text, kind="Users"):
        """The resources that a filter names."""
        return self.get(f"/{kind}?filter={quote(text, safe='')}")["Resources"]

    def user(self, name, **more):
        """A new user; its resource."""
        return self.expect("POST", "/Users", {"schemas": [USER], "userName": name, **more}, 201)

    def group(self, name, members=()):
        """A new group; its resource."""
        values = [{"value": member} for member in members]
        return self.expect("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": values}, 201)

    def patch(self, path, *operations, status=200):
        """A PATCH with these operations; its JSON, or None."""
        return self.expect("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, status)

    def members(self, group_id):
        """The ids of a group's members, sorted."""
        return sorted(member["value"] for member in self.get(f"/Groups/{group_id}").get("members", []))
