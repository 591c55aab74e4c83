"""The PROV face is hidden (law 5): no path, host or form of target leads from one face to the other."""

from lab import rawhttp
from support.case import WorldCase
from support.probe import probe


class HiddenFace(WorldCase):
    """Right credentials at the wrong door."""

    def raw(self, base, target, host, more=b""):
        """One GET with exactly this target and host; the outcome."""
        token = f"Authorization: Bearer {self.world.token}\r\n".encode()
        head = b"GET " + target.encode() + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + token + more + b"\r\n"
        return probe(base, head)

    def hosts(self):
        """(host of the SSO face, host of the PROV face)."""
        return self.host(), self.world.prov_url.split("/")[2]

    def test_the_prov_host_on_the_sso_listener_is_421(self):
        before = self.world.app.log.count
        _, prov_host = self.hosts()
        for target in ("/scim/v2/Users", "/", f"http://{prov_host}/scim/v2/Users"):
            with self.subTest(target):
                outcome = self.raw(self.world.sso_url, target, prov_host)
                self.assertIn(outcome.status, (400, 421))
                self.assertNotIn(b"ListResponse", b"".join(outcome.bodies))
        self.assertFalse(self.world.app.log.since(before))

    def test_the_sso_host_on_the_prov_listener_is_421(self):
        before = self.world.app.log.count
        sso_host, _ = self.hosts()
        for target in ("/", "/api/me", "/scim/v2/Users", f"http://{sso_host}/"):
            with self.subTest(target):
                self.assertIn(self.raw(self.world.prov_url, target, sso_host).status, (400, 421))
        self.assertFalse(self.world.app.log.since(before))

    def test_scim_under_every_spelling_on_the_sso_face_reaches_the_app_or_is_refused(self):
        sso_host, _ = self.hosts()
        for target in ("/scim/v2/Users", "/SCIM/v2/Users", "//scim/v2/Users", "/x/../scim/v2/Users", "/scim%2fv2/Users",
                       "/%73cim/v2/Users", "/scim/v2/Users;x", "/scim/v2/./Users", "/scim/v2/ServiceProviderConfig"):
            with self.subTest(target):
                outcome = self.raw(self.world.sso_url, target, sso_host)
                self.assertIn(outcome.status, (400, 404))
                self.assertNotIn(b"urn:ietf:params:scim", b"".join(outcome.bodies))

    def test_admin_paths_are_on_neither_face(self):
        for base in (self.world.sso_url, self.world.prov_url.removesuffix("/scim/v2")):
            for path in ("/healthz", "/metrics"):
                answer = rawhttp.fetch(base + path, headers=[("Authorization", f"Bearer {self.world.admin_token}")])
                self.assertIn(answer.status, (401, 404))
                self.assertNotIn(b"provgate_", answer.body)

    def test_ambiguous_requests_to_the_prov_face_are_refused_too(self):
        _, prov_host = self.hosts()
        chunks = b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"
        for more in (chunks, b"Content-Length: +0\r\n"):
            self.assertEqual(self.raw(self.world.prov_url, "/scim/v2/Users", prov_host, more).status, 400)
        self.assertIn(self.raw(self.world.prov_url, "http://other.example/scim/v2/Users", prov_host).status, (400, 421))
