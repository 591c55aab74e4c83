#!/usr/bin/python3
"""An Okta client that walks Okta's own sequences, with Okta's own headers.

kind "aiw": a wizard app, everything by PUT. kind "oin": a catalog app, PATCH for activation and groups.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import rawhttp  # noqa: E402

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PAGE = 100
PAGES_MAX = 10000
TRIES_MAX = 10


class OktaError(Exception):
    """A call that Okta would show as failed; .answer holds the answer."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.status} {answer.body[:400].decode('utf-8', 'replace')}")
        self.answer = answer


def profile(user_name, external_id=None, **more):
    """A user as Okta sends it on create (DOC20)."""
    first = user_name.split("@")[0].capitalize()
    user = {"schemas": [USER], "userName": user_name, "name": {"givenName": first, "familyName": "Example"},
            "emails": [{"primary": True, "value": user_name, "type": "work"}],
            "displayName": f"{first} Example", "locale": "en-US", "groups": [], "password": "1mz050nq", "active": True}
    if external_id:
        user["externalId"] = external_id
    user.update(more)
    return user


class Okta:
    """One provisioning connection."""

    def __init__(self, base, token, kind="aiw", on_call=None, tls=None):
        self.base = base.rstrip("/")
        self.authorization = f"Bearer {token}"
        self.kind = kind
        self.on_call = on_call
        self.tls = tls
        self.connection = None

    def close(self):
        """Drop the kept connection."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def headers(self, body):
        """The header list of scim-clients.md 1.2, in the order in which Okta sends it."""
        fields = [("Accept", "application/scim+json"), ("Accept-Charset", "utf-8"),
                  ("User-Agent", "Okta SCIM Client 1.0.0"), ("Authorization", self.authorization)]
        if body is not None:
            fields += [("Content-Type", "application/scim+json; charset=utf-8"), ("Content-Length", str(len(body)))]
        return fields + [("Host", urlsplit(self.base).netloc), ("Connection", "Keep-Alive"),
                         ("Accept-Encoding", "gzip,deflate")]

    def _once(self, method, target, body):
        fresh = self.connection is None
        if fresh:
            self.connection = rawhttp.Connection.to(self.base, self.tls, 60.0)
        try:
            answer = self.connection.exchange(method, target, self.headers(body), body)
        except Exception:
            self.close()
            if fresh or method == "POST":
                raise
            return self._once(method, target, body)
        if (answer.header("Connection") or "").lower() == "close":
            self.close()
        return answer

    def call(self, method, path, value=None):
        """One call; waits and repeats on 429 as Okta does (rule 0.26)."""
        body = None if value is None else json.dumps(value).encode()
        target = rawhttp.target_of(self.base + path)
        for _ in range(TRIES_MAX):
            answer = self._once(method, target, body)
            if self.on_call:
                self.on_call(method, path, answer)
            if answer.status != 429:
                return answer
            time.sleep(int(answer.header("Retry-After")))
        return answer

    def expect(self, method, path, value=None, status=(200,)):
        """One call that must succeed; its JSON (or None without a body)."""
        answer = self.call(method, path, value)
        if answer.status not in status:
            raise OktaError(f"{method} {path}", answer)
        return answer.json() if answer.body else None

    # 1.4 save

    def save(self):
        """T1: what happens when an administrator presses save; at least one user must come (rule 0.1)."""
        users = self.expect("GET", "/Users?startIndex=1&count=2")
        if not users.get("Resources"):
            raise AssertionError("no users returned")
        return users, self.expect("GET", f"/Groups?startIndex=1&count={PAGE}")

    # 1.5 to 1.7 users

    def lookup(self, user_name):
        """The user with this name, or None."""
        found = self.expect("GET", f"/Users?filter=userName%20eq%20%22{quote(user_name, safe='')}%22"
                                   f"&startIndex=1&count={PAGE}")
        return found["Resources"][0] if found["totalResults"] else None

    def get(self, user_id):
        """GET by id."""
        return self.expect("GET", f"/Users/{user_id}")

    def put(self, user_id, **changes):
        """1.6: GET, lay the changes over what came, PUT it all back."""
        user = self.get(user_id)
        user.update(changes)
        return self.expect("PUT", f"/Users/{user_id}", user)

    def patch(self, user_id, value):
        """PATCH replace without a path (rule 0.13); the user, if the answer holds it."""
        operations = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]}
        return self.expect("PATCH", f"/Users/{user_id}", operations, (200, 204))

    def assign(self, user_name, external_id=None, **more):
        """T2, T3 and T5: look up; create, or link, push the profile and activate."""
        wanted = profile(user_name, external_id, **more)
        found = self.lookup(user_name)
        if found is None:
            return self.expect("POST", "/Users", wanted, (201,))
        if self.kind == "oin" and not found.get("active", True):
            self.patch(found["id"], {"active": True})
        changes = {key: value for key, value in wanted.items() if key not in ("schemas", "groups", "password")}
        return self.put(found["id"], **changes)

    def set_active(self, user_id, active):
        """T4: PUT for a wizard app, PATCH without path for a catalog app."""
        if self.kind == "aiw":
            return self.put(user_id, active=active)
        return self.patch(user_id, {"active": active})

    def unassign(self, user_id):
        """Deactivate."""
        return self.set_active(user_id, False)

    # 1.9, 1.10 import

    def _pages(self, path):
        start, resources = 1, []
        for _ in range(PAGES_MAX):
            page = self.expect("GET", f"{path}?startIndex={start}&count={PAGE}")
            resources += page.get("Resources", [])
            start += PAGE
            if start > page["totalResults"]:
                return resources
        raise AssertionError("the list does not end")

    def import_users(self):
        """T10: all users, page by page."""
        return self._pages("/Users")

    def import_groups(self):
        """All groups, page by page."""
        return self._pages("/Groups")

    # 1.11 group push

    def push_group(self, name, members=()):
        """T7: POST the group, then its members ((id, display) pairs)."""
        group = self.expect("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": []}, (201,))
        self.set_members(group["id"], name, members)
        return group

    def set_members(self, group_id, name, members):
        """T8: Push Now."""
        values = [{"value": value, "display": display} for value, display in members]
        if self.kind == "aiw":
            return self.expect("PUT", f"/Groups/{group_id}",
                               {"schemas": [GROUP], "displayName": name, "members": values})
        return self.patch_group(group_id, [{"op": "replace", "path": "members", "value": values}])

    def change_members(self, group_id, name, add=(), remove=()):
        """Remove and add in one PATCH, with the rename that Okta always sends along (rules 0.18, 0.19)."""
        operations = [{"op": "replace", "value": {"id": group_id, "displayName": name}}]
        operations += [{"op": "remove", "path": f'members[value eq "{value}"]'} for value in remove]
        if add:
            operations.append({"op": "add", "path": "members",
                               "value": [{"value": value, "display": display} for value, display in add]})
        return self.patch_group(group_id, operations)

    def patch_group(self, group_id, operations):
        """PATCH a group."""
        return self.expect("PATCH", f"/Groups/{group_id}", {"schemas": [PATCH], "Operations": operations}, (200, 204))

    def unlink_group(self, group_id):
        """T9: unlink and delete; a group that is gone already is fine."""
        return self.expect("DELETE", f"/Groups/{group_id}", None, (204, 404))


def _shown(method, path, answer):
    print(f"{method:6} {path} -> {answer.status}")


COMMANDS = {
    "save": lambda okta, args: okta.save()[0],
    "lookup": lambda okta, args: okta.lookup(args.name),
    "assign": lambda okta, args: okta.assign(args.name),
    "unassign": lambda okta, args: okta.unassign(okta.lookup(args.name)["id"]),
    "reassign": lambda okta, args: okta.assign(args.name),
    "import": lambda okta, args: [user["userName"] for user in okta.import_users()],
    "groups": lambda okta, args: okta.import_groups(),
    "push": lambda okta, args: okta.push_group(args.name),
}


def main():
    """One sequence from the command line; every call is shown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True, help="SCIM base, as PROV_URL")
    parser.add_argument("--token", required=True)
    parser.add_argument("--kind", choices=("aiw", "oin"), default="aiw")
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("name", nargs="?", help="user name or group name")
    args = parser.parse_args()
    if args.command in ("lookup", "assign", "unassign", "reassign", "push") and not args.name:
        parser.error(f"{args.command} needs a name")
    result = COMMANDS[args.command](Okta(args.base, args.token, args.kind, _shown), args)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    try:
        main()
    except (OktaError, AssertionError) as failure:
        sys.exit(f"failed: {failure}")
