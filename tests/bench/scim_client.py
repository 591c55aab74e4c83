"""A folder under load: wrk on the PROV face, and single requests."""
import http.client
import json
import os
import urllib.parse

from measure import measured, wrk

PAGE = 100
HEADERS = {"Content-Type": "application/scim+json", "Accept": "application/scim+json"}
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Scim:
    """The PROV face of a provgate whose users bench_load_users made; `first` is the next unused user number."""

    base = "/scim/v2"

    def __init__(self, gate, first=0):
        self.gate, self.next = gate, first
        self.host = f"127.0.0.1:{gate.prov_port}"
        self.connection = None

    def load(self, operation, connections, seconds, first=0, count=0, extra="", nice=0):
        """One run of scim.lua: operations a second, with the CPU time of the gateway."""
        words = [operation, self.base, self.gate.token, first, count] + ([extra] if extra else [])
        run = lambda: wrk(f"http://{self.host}/", connections, seconds, "scim.lua", *words, nice=nice)
        return measured(self.gate, run)

    def create(self, connections, seconds, nice=0):
        """Durable creates of users that are new."""
        figures = self.load("create", connections, seconds, self.next, nice=nice)
        self.next += figures["requests"] + 1000
        return figures

    def request(self, method, path, body=None):
        """One request over a connection that is kept; the answer's status and value."""
        fields = {"Authorization": "Bearer " + self.gate.token, **HEADERS}
        text = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        for is_kept in (self.connection is not None, False):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=300)
            try:
                self.connection.request(method, self.base + path, text, fields)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if not is_kept:  # else it was idle for too long
                    raise
        raise RuntimeError("no answer")

    def get(self, path):
        """The value of a 200."""
        status, content = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {content[:200]}")
        return json.loads(content)

    def close(self):
        """Ends the connection; the next request makes another."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def users(self):
        """How many there are."""
        return self.get("/Users?startIndex=1&count=0")["totalResults"]

    def ids_from(self, start, count):
        """The ids of `count` people in a row; the list begins with provgate's service user, who is none."""
        found = []
        while len(found) < count:
            page = self.get(f"/Users?startIndex={start + 1 + len(found)}&count={PAGE}&attributes=id")["Resources"]
            if not page:
                break
            found += [user["id"] for user in page]
        return found[:count]

    def ids_file(self, total, count=20000):
        """A file with ids from all over the folder, a page at each of so many places."""
        pages = max(1, min(count, total) // PAGE)
        path = os.path.join(self.gate.folder, "ids")
        with open(path, "w", encoding="ascii") as f:
            for i in range(pages):
                f.write("\n".join(self.ids_from(1 + i * (total // pages), PAGE)) + "\n")
        return path

    def group(self, name):
        """The id of the group with this displayName."""
        name_is = urllib.parse.quote(f'displayName eq "{name}"')
        found = self.get(f"/Groups?filter={name_is}&excludedAttributes=members")["Resources"]
        return found[0]["id"]

    def member_file(self, group, members):
        """For the operation `member`: the group's id, then ids of users that come and go."""
        path = os.path.join(self.gate.folder, "members-" + group)
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join([group] + members) + "\n")
        return path
