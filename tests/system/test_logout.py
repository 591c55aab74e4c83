"""Universal Logout and OAuth bearers on the real binary (security.md F16)."""

import json
import time
from urllib.parse import urlencode

from lab import rawhttp
from lab.gateway import wait_until
from lab.idp import ENTITY
from lab.issuer import Issuer
from lab.story import CUT_S, REFUSED, Story
from support.case import WorldCase

ALICE, BOB = "alice@example.com", "bob@example.com"
AUDIENCE = "https://prov.example.test/global-token-revocation"
API = "https://prov.example.test/scim"


class IssuerCase(WorldCase):
    """A world whose PROV face believes an issuer."""

    issuer = None

    @classmethod
    def setUpClass(cls):
        """The issuer first: provgate asks it at its start."""
        cls.issuer = Issuer()
        cls.addClassCleanup(cls.issuer.stop)
        cls.configure = cls.believe
        super().setUpClass()

    @classmethod
    def believe(cls, values):
        """The keys of the configuration."""
        common = {"issuer": cls.issuer.name, "keys": {"url": cls.issuer.url}}
        values["apps"][0]["prov"]["logout"] = {**common, "audience": AUDIENCE}
        values["apps"][0]["prov"]["oauth"] = {**common, "audience": API,
                                              "scopes": {"provision": "scim.write", "read": "scim.read"}}

    def logout(self, token, subject=None):
        """POST it; the answer."""
        subject = subject or {"format": "email", "email": ALICE}
        url = self.world.prov_url.removesuffix("/scim/v2") + "/global-token-revocation"
        return rawhttp.fetch(url, "POST", [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")],
                             json.dumps({"sub_id": subject}).encode())

    def good(self, **more):
        """A token that works once."""
        return self.issuer.sign(self.issuer.claims(AUDIENCE, **more))

    def ready(self):
        """Wait for the keys: until then a right token is told to come back."""
        def is_ready():
            status = self.logout(self.good(), {"format": "email", "email": "nobody@example.com"}).status
            self.assertIn(status, (404, 429))
            return status == 404

        wait_until(is_ready, 60, "the keys")


class Logout(IssuerCase):
    """Out everywhere, and nobody else, and not by anything but the right token."""

    def setUp(self):
        """alice and bob are in."""
        self.story = Story(self.world)
        self.addCleanup(self.story.close)
        self.ready()
        self.alice, self.bob = self.world.sign_in(ALICE), self.world.sign_in(BOB)

    def test_F16_a_good_token_ends_all_sessions_at_once_and_the_user_may_come_back(self):
        cookie = self.story.cookie(self.alice)
        with self.story.open_websocket(cookie) as hers, \
                self.story.open_websocket(self.story.cookie(self.bob)) as his:
            answer = self.logout(self.good())
            done = time.monotonic()
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.story.expect_refused(cookie)
            self.assertTrue(hers.closed_within(CUT_S - (time.monotonic() - done)))
            his.send("on")
            his.receive_echo("on")
        self.story.expect_in(self.bob, BOB)
        okta = self.world.okta()
        self.addCleanup(okta.close)
        self.assertIs(okta.lookup(ALICE)["active"], True)
        self.story.expect_in(self.world.sign_in(ALICE), ALICE)
        entries = [json.loads(line) for line in self.world.gateway.command("activity", "--json").splitlines()]
        actors = [entry["actor"] for entry in entries if entry["kind"] == "end-sessions"]
        self.assertIn(f"logout:{self.issuer.name}", actors)

    def test_F16_nothing_but_the_right_token_ends_a_session(self):
        issuer, good = self.issuer, self.issuer.claims(AUDIENCE)
        stranger = Issuer()
        self.addCleanup(stranger.stop)
        evil = self.issuer.url.replace("/keys", "/evil")
        asked = len(issuer.asked)
        for name, token in {
                "alg none": issuer.sign(good, alg="none"),
                "HS256 with the public key": issuer.sign_with_public_key(good),
                "another's key": issuer.sign(good, key=stranger.keys["k1"]),
                "wrong aud": issuer.sign(issuer.claims(API)),
                "wrong iss": issuer.sign({**good, "iss": stranger.name + "x"}),
                "expired": issuer.sign(issuer.claims(AUDIENCE, exp=int(time.time()) - 100)),
                "no jti": issuer.sign(issuer.claims(AUDIENCE, jti=None)),
                "jku": issuer.sign(good, jku=evil), "x5u": issuer.sign(good, x5u=evil),
                "crit": issuer.sign(good, crit=["exp"]),
                "access token": issuer.sign(good, typ="at+jwt"), "SCIM's own credential": self.world.token,
                "unknown kid": issuer.sign(good, kid="other"), "kid ../x": issuer.sign(good, kid="../x")}.items():
            with self.subTest(name):
                answer = self.logout(token)
                self.assertEqual(answer.status, 401)
                self.assertIn('error="invalid_token"', answer.header("WWW-Authenticate"))
        self.story.expect_in(self.alice, ALICE)
        self.assertFalse([path for path in issuer.asked if path != "/keys"])
        self.assertLessEqual(len(issuer.asked) - asked, 1)

    def test_F16_a_token_works_once_also_after_a_restart(self):
        token = self.good()
        self.assertEqual(self.logout(token).status, 204)
        self.assertEqual(self.logout(token).status, 401)
        self.assertEqual(self.world.gateway.stop(), 0)
        self.world.gateway.start()
        self.ready()
        alice = self.world.sign_in(ALICE)
        self.assertEqual(self.logout(token).status, 401)
        self.story.expect_in(alice, ALICE)

    def test_an_issuer_and_name_id_name_the_user_too(self):
        subject = {"format": "iss_sub", "iss": self.issuer.name, "sub": ALICE}
        self.assertEqual(self.logout(self.good(), subject).status, 204)
        self.story.expect_refused(self.story.cookie(self.alice))
        self.assertEqual(self.logout(self.good(), {**subject, "iss": "https://other.test"}).status, 404)
        self.story.expect_in(self.bob, BOB)


class LogoutByNameId(IssuerCase):
    """An attribute names the user at the sign-on; the identity provider's subject is the name id."""

    @classmethod
    def believe(cls, values):
        """Employees have numbers."""
        super().believe(values)
        values["apps"][0]["sso"]["identity"][0]["saml"].update(user="attribute employee", match="externalId")

    def sign_in(self, name_id, number):
        """The session of whoever has that number."""
        body = urlencode({"SAMLResponse": self.world.idp.response(name_id, attributes={"employee": number})}).encode()
        answer = rawhttp.fetch(self.sso("/saml/acs"), "POST", [("Content-Type", "application/x-www-form-urlencoded")],
                               body)
        self.assertEqual(answer.status, 303)
        return answer.header("Set-Cookie").partition(";")[0]

    def status(self, cookie):
        """What its next request gets."""
        return rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", cookie)]).status

    def test_a_name_id_that_is_no_name_of_the_record_is_found_by_its_link(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        self.ready()
        okta.assign(ALICE, "E1")
        okta.assign(BOB, "E2")
        hers, his = self.sign_in("a.smith@mail.example", "E1"), self.sign_in(ALICE.replace("alice", "b.jones"), "E2")
        subject = {"format": "iss_sub", "iss": ENTITY, "sub": "a.smith@mail.example"}
        self.assertEqual(self.logout(self.good(), subject).status, 204)
        self.assertIn(self.status(hers), REFUSED)
        self.assertEqual(self.status(his), 200)
        # who never came that way is found by the name
        self.assertEqual(self.logout(self.good(), {**subject, "sub": "nobody@example.com"}).status, 404)
        self.assertEqual(self.logout(self.good(), {**subject, "sub": BOB}).status, 204)
        self.assertIn(self.status(his), REFUSED)


class Rollover(IssuerCase):
    """The issuer changes its keys, or does not answer."""

    def test_a_token_of_a_new_key_works_at_the_first_try(self):
        self.ready()
        self.world.sign_in(ALICE)
        self.issuer.new_key("k2")
        self.assertEqual(self.logout(self.issuer.sign(self.issuer.claims(AUDIENCE), kid="k2")).status, 204)
        self.issuer.status = 500
        self.assertEqual(self.logout(self.issuer.sign(self.issuer.claims(AUDIENCE), kid="k3")).status, 401)
        self.assertEqual(self.logout(self.good()).status, 204)


class NoKeys(IssuerCase):
    """The issuer fails from the start."""

    @classmethod
    def believe(cls, values):
        """As always, but it answers 500."""
        super().believe(values)
        cls.issuer.status = 500

    def test_a_token_that_nobody_can_check_is_told_to_come_back(self):
        answer = self.logout(self.good())
        self.assertEqual(answer.status, 429)
        self.assertTrue(answer.header("Retry-After").isdigit())


class Bearer(IssuerCase):
    """Access tokens on SCIM."""

    def call(self, method, path, token, body=None):
        """One call; the answer."""
        headers = [("Authorization", f"Bearer {token}")]
        if body is not None:
            headers.append(("Content-Type", "application/scim+json"))
        return rawhttp.fetch(self.world.prov_url + path, method, headers, body)

    def access(self, scope, **more):
        """An access token."""
        return self.issuer.sign(self.issuer.claims(API, scp=scope, sub="client", **more), typ="at+jwt")

    def test_scopes_decide_and_static_credentials_go_on(self):
        self.ready()
        user = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                           "userName": "o@example.com"}).encode()
        self.assertEqual(self.call("GET", "/Users", self.access(["scim.read"])).status, 200)
        answer = self.call("POST", "/Users", self.access(["scim.read"]), user)
        self.assertEqual(answer.status, 403)
        self.assertIn('error="insufficient_scope"', answer.header("WWW-Authenticate"))
        self.assertEqual(self.call("POST", "/Users", self.access("openid scim.write"), user).status, 201)
        self.assertEqual(self.call("GET", "/Users", self.access(["other"])).status, 403)
        self.assertEqual(self.call("GET", "/Users", self.good()).status, 401)
        self.assertEqual(self.call("GET", "/Users", self.world.token).status, 200)

    def test_a_credential_has_the_scope_it_was_made_with(self):
        secret = self.world.gateway.command("token", "new", "--app", "wiki", "--name", "looker", "--scope", "read",
                                            "--expires", "90d").strip()
        wait_until(lambda: self.call("GET", "/Users", secret).status == 200, 30, "the new credential counts")
        self.assertEqual(self.call("DELETE", "/Users/none", secret).status, 403)
        listed = json.loads(self.world.gateway.command("token", "list", "--app", "wiki", "--json"))
        self.assertEqual({entry["name"]: entry["scope"] for entry in listed}, {"okta": "provision", "looker": "read"})
        self.assertEqual(self.world.gateway.stop(), 0)
        listed = json.loads(self.world.gateway.command("token", "list", "--app", "wiki", "--json"))
        self.assertIn("used", {entry["name"]: entry for entry in listed}["looker"])
        self.world.gateway.start()
        self.world.gateway.command("token", "revoke", "--app", "wiki", "--name", "looker")
        self.world.gateway.command("token", "new", "--admin", "--name", "x", "--scope", "read", status=2)


class PostedToken(IssuerCase):
    """OpenID Connect with form_post, on the way to the app."""

    @classmethod
    def believe(cls, values):
        """The app takes sign-ons in two ways."""
        super().believe(values)
        values["apps"][0]["sso"]["identity"].append({"id_token": {
            "acs": ["/callback"], "issuer": cls.issuer.name, "audience": "client-1", "keys": {"url": cls.issuer.url}}})

    def post(self, token, more=""):
        """The provider's form; (status, did the app see it)."""
        before = self.world.app.log.count
        answer = rawhttp.fetch(self.sso("/callback"), "POST", [("Content-Type", "application/x-www-form-urlencoded")],
                               f"state=s&id_token={token}{more}".encode())
        return answer.status, bool(self.world.app.log.since(before))

    def token(self, user=ALICE, **more):
        """What the provider signs for the app."""
        claims = self.issuer.claims("client-1", sub=f"00u-{user}", preferred_username=user, **more)
        return self.issuer.sign(claims, typ="JWT")

    def test_the_app_sees_what_the_provider_vouches_for_once_and_of_the_active_only(self):
        self.ready()
        token = self.token()
        self.assertTrue(self.post(token)[1])
        unsigned = self.issuer.sign(self.issuer.claims("client-1", sub="x"), alg="none", typ="JWT")
        for name, bad in {"used": token, "another audience": self.good(), "no jti, used": None,
                          "alg none": unsigned}.items():
            with self.subTest(name):
                if bad is None:
                    bad = self.token(jti=None)
                    self.assertTrue(self.post(bad)[1])
                self.assertEqual(self.post(bad), (403, False))
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign(ALICE)
        okta.set_active(user["id"], False)
        self.assertEqual(self.post(self.token()), (403, False))
        self.assertTrue(self.post(self.token(BOB))[1])
        self.assertEqual(self.post(self.token(BOB), "&id_token=x"), (400, False))
