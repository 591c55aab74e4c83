"""Names at the edge: which certificate, which face, and nothing between them (B12, C5, C7; law 5)."""

import ssl

from lab import keys, rawhttp
from lab.gateway import wait_until
from support.edge import ONE, PROV, TWO, EdgeCase

RELOAD_S = 60


class Names(EdgeCase):
    """Each name finds its certificate and its face, and nothing else."""

    def names_in(self, shaken):
        """The DNS names of the certificate that was presented."""
        return {value for kind, value in shaken.getpeercert()["subjectAltName"] if kind == "DNS"}

    def test_c5_the_certificate_is_chosen_by_name(self):
        self.assertEqual(self.names_in(self.shake("sso", ONE)), {ONE})
        self.assertEqual(self.names_in(self.shake("sso", TWO)), {TWO})
        self.assertEqual(self.names_in(self.shake("prov", PROV)), {PROV})
        self.assertEqual(self.names_in(self.shake("sso", "127.0.0.1")), {ONE})

    def test_c5_without_a_known_name_the_first_certificate_is_presented(self):
        for name in ("unknown.lab.test", PROV, "x" * 63 + ".test"):
            with self.subTest(name), self.assertRaises(ssl.SSLCertVerificationError) as caught:
                self.shake("sso", name)
            self.assertIn("is not valid for", str(caught.exception))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.shake("prov", ONE)

    def test_c5_protocols_that_are_not_spoken_are_an_alert(self):
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
            context = self.context()
            if offered:
                context.set_alpn_protocols(offered)
            self.assertEqual(self.shake("sso", ONE, context).selected_alpn_protocol(), chosen)
        for offered in (["http/1.0"], ["garbage"], ["h3"]):
            context = self.context()
            context.set_alpn_protocols(offered)
            with self.subTest(offered), self.assertRaises(ssl.SSLError) as caught:
                self.shake("sso", ONE, context)
            self.assertIn("no application protocol", str(caught.exception).replace("_", " ").lower())
        context = self.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.assertEqual(self.shake("prov", PROV, context).selected_alpn_protocol(), "http/1.1")

    def test_b12_a_name_of_the_other_face_is_421_over_http1(self):
        before = self.world.app.log.count
        for name in (ONE, TWO):
            for path in ("/scim/v2/Users", "/"):
                answer = self.status_by_http1("sso", name, PROV, path)
                self.assertEqual(answer.status, 421)
                self.assertNotIn(b"ListResponse", answer.body)
        for host in (ONE, TWO, "other.lab.test"):
            self.assertEqual(self.status_by_http1("prov", PROV, host, "/scim/v2/Users").status, 421)
        self.assertEqual(self.status_by_http1("sso", ONE, "other.lab.test").status, 421)
        self.assertFalse(self.world.app.log.since(before))

    def test_b12_a_name_of_the_other_face_is_421_over_http2_and_the_connection_goes_on(self):
        before = self.world.app.log.count
        connection = self.connect_http2(ONE)
        token = (("authorization", f"Bearer {self.world.token}"),)
        for authority in (PROV, f"{PROV}:{self.port('prov')}", f"127.0.0.1:{self.port('prov')}", "other.lab.test"):
            with self.subTest(authority):
                answer = connection.answer(connection.request("GET", "/scim/v2/Users", token, authority=authority))
                self.assertEqual(answer.status, 421)
                self.assertNotIn(b"ListResponse", bytes(answer.body))
        self.assertFalse(self.world.app.log.since(before))
        self.assertEqual(connection.answer(connection.request("GET", "/static/1k", authority=ONE)).status, 200)

    def test_b12_names_of_one_listener_may_share_a_connection(self):
        """Both are the same face under the same rules: a browser that coalesces them is served."""
        connection = self.connect_http2(ONE)
        for authority in (TWO, ONE, self.host()):
            answer = connection.answer(connection.request("GET", "/static/1k", authority=authority))
            self.assertEqual(answer.status, 200)

    def take_session(self, face, name, context):
        """A TLS session with a ticket."""
        shaken = self.shake(face, name, context)
        host = name.encode()
        shaken.sendall(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        shaken.recv(65536)
        return shaken.session  # the connection stays: OpenSSL takes a session for spoilt that ends without a word

    def test_c7_a_ticket_of_one_face_does_not_resume_on_the_other(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for face, name, other in (("prov", PROV, "sso"), ("sso", ONE, "prov")):
                with self.subTest(f"{version.name} {face}"):
                    context = self.context(verifies=False)
                    context.maximum_version = version
                    session = self.take_session(face, name, context)
                    self.assertTrue(self.shake(face, name, context, session).session_reused)
                    self.assertFalse(self.shake(other, name, context, session).session_reused)

    def test_c8_a_new_certificate_is_used_and_a_broken_one_is_not(self):
        path, key = self.second
        kept = (path.read_bytes(), key.read_bytes())
        connection = self.connect_http2(TWO)

        def serial():
            return self.shake("sso", TWO).getpeercert()["serialNumber"]

        before = serial()
        path.write_bytes(b"junk")
        wait_until(lambda: "certificates-kept" in self.world.gateway.log_end(), RELOAD_S, "a line about the bad file")
        self.assertIn(str(path), self.world.gateway.log_end())
        self.assertEqual(serial(), before)
        keys.make("two", [TWO], self.authority).write(self.folder, "two")
        wait_until(lambda: serial() != before, RELOAD_S, "the new certificate")
        self.assertEqual(connection.answer(connection.request("GET", "/static/1k", authority=TWO)).status, 200)
        self.assertNotEqual(kept, (path.read_bytes(), key.read_bytes()))

    def test_metrics_say_when_certificates_end(self):
        fields = [("Authorization", f"Bearer {self.world.admin_token}")]
        text = rawhttp.fetch(self.world.admin_url + "/metrics", headers=fields).body.decode()
        for use, name in (("sso", "one.pem"), ("sso", "two.pem"), ("prov", "prov-named.pem"), ("idp", "idp.pem")):
            self.assertRegex(text, rf'provgate_certificate_expiry_seconds{{use="{use}",file="[^"]*{name}"}} \d+')
