"""The gate at the assertion consumer service: only what the identity provider vouched for, and only once."""

from lab import keys, rawhttp, saml
from lab.story import REFUSED, Story
from support.case import WorldCase

FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Gate(WorldCase):
    """Responses, good and forged."""

    def setUp(self):
        """A few short names."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def post(self, fields):
        """Post to the ACS; (status, did it reach the app?)."""
        before, browser = self.world.app.log.count, self.world.browser()
        answer = browser.post_form(self.world.app.acs, fields)
        if answer.status != 303:
            self.assertIsNone(self.story.cookie(browser), "a refusal that sets the session cookie")
        return answer.status, bool(self.story.reached(before, path="/saml/acs"))

    def assert_refused(self, fields):
        """Refused, and the app saw nothing."""
        status, reached = self.post(fields)
        self.assertTrue(400 <= status < 500, f"answered with {status}")
        self.assertFalse(reached, "it reached the app")

    def test_all_three_signings_pass(self):
        for response, assertion in ((True, True), (True, False), (False, True)):
            with self.subTest(response=response, assertion=assertion):
                signing = saml.Signing(response=response, assertion=assertion)
                field = self.world.idp.response("alice@example.com", signing=signing)
                self.assertEqual(self.post({"SAMLResponse": field, "RelayState": "/"}), (303, True))

    def test_thirty_attributes_and_no_relay_state_pass(self):
        attributes = {f"attribute{number}": "value " * 40 for number in range(30)}
        field = self.world.idp.response("alice@example.com", attributes=attributes)
        self.assertEqual(self.post({"SAMLResponse": field}), (303, True))

    def test_forged_responses_never_reach_the_app(self):
        rows = {"unsigned": {"signing": saml.Signing(response=False, assertion=False)},
                "other key": {"pair": keys.make("someone else")}, "audience": {"audience": "https://other.example"},
                "expired": {"not_on_or_after_s": -120}, "not yet": {"not_before_s": 3600},
                "confirmation expired": {"confirmation_s": -120}, "recipient": {"recipient": "https://other/acs"},
                "destination": {"acs": "https://other.example/saml/acs"}, "issuer": {"issuer": "http://other"},
                "method": {"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"},
                "status": {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}}
        for name, changes in rows.items():
            with self.subTest(name):
                self.assert_refused({"SAMLResponse": self.world.idp.response("alice@example.com", **changes)})

    def test_a_changed_byte_never_reaches_the_app(self):
        xml = saml.signed(self.world.idp.statement("alice@example.com"), self.world.pair)
        for old, new in ((b">alice@", b">mally@"), (b"Version=\"2.0\"", b"Version=\"1.1\""),
                         (b"<saml2p:", b"<!-- x --><saml2p:"),
                         (b"alice@", b"<!-- x -->alice@"), (b"<saml2p:Response", b"<!DOCTYPE x><saml2p:Response")):
            with self.subTest(new):
                self.assert_refused({"SAMLResponse": saml.encoded(xml.replace(old, new))})

    def test_form_tricks_never_reach_the_app(self):
        field = self.world.idp.response("alice@example.com").replace("+", "%2B").replace("=", "%3D").encode()
        rows = {"twice": b"SAMLResponse=" + field + b"&SAMLResponse=" + field, "other case": b"samlresponse=" + field,
                "coded name": b"SAML%52esponse=" + field, "semicolon": b"a=b;SAMLResponse=" + field,
                "empty": b"SAMLResponse=", "none": b"RelayState=x", "not base64": b"SAMLResponse=%%%"}
        for name, body in rows.items():
            with self.subTest(name):
                before = self.world.app.log.count
                answer = rawhttp.fetch(self.world.app.acs, "POST", [FORM], body)
                self.assertGreaterEqual(answer.status, 400)
                self.assertFalse(self.story.reached(before, path="/saml/acs"))

    def test_other_spellings_of_the_acs_path_never_reach_the_app(self):
        field = self.world.idp.response("alice@example.com").replace("+", "%2B").replace("=", "%3D").encode()
        for path in ("//saml/acs", "/saml//acs", "/saml/./acs", "/x/../saml/acs", "/saml%2Facs", "/%73aml/acs",
                     "/saml/acs;x=1"):
            with self.subTest(path):
                before = self.world.app.log.count
                answer = rawhttp.fetch(self.sso(path), "POST", [FORM], b"SAMLResponse=" + field)
                self.assertGreaterEqual(answer.status, 400)
                self.assertFalse(self.world.app.log.since(before))

    def test_f6_a_replayed_response_is_refused_also_after_kill_and_restart(self):
        browser = self.world.browser()
        _, fields = browser.fetch_response(self.world.idp.url, "alice@example.com")
        self.assertEqual(self.post(fields), (303, True))
        self.assert_refused(fields)
        self.world.gateway.kill_all()
        self.world.gateway.start()
        self.assert_refused(fields)

    def test_a_deactivated_user_is_refused_with_a_page_and_others_sign_in(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("carol@example.com")
        okta.unassign(user["id"])
        answer = self.world.browser().sign_in(self.world.idp.url, "carol@example.com")
        self.assertIn(answer.status, REFUSED)
        self.assertIn("html", answer.header("Content-Type"))
        self.story.expect_sign_in_refused("carol@example.com")
        self.world.sign_in("bob@example.com")
