"""Apps whose sign-on provgate cannot read: the app says who it is, in a header of its answers or when it is asked."""

import re
import secrets

from lab.gateway import wait_until
from lab.webserver import WebServer
from support.case import WorldCase

COOKIE = "lab_session"
ALICE, BOB = "alice@example.com", "bob@example.com"
HTML = [("Accept", "text/html")]


class LocalApp:
    """An app with a login form of its own: /login?user=U sets the session cookie, / says who you are."""

    def __init__(self, tells=False):
        self.tells = tells
        self.users = {}
        self.seen = []
        self.server = WebServer(self.handle).start()

    def handle(self, exchange):
        """Answer one request."""
        request = exchange.request
        user = self.users.get(request.cookie(COOKIE))
        self.seen.append((request.path, user, request.headers))
        if request.path == "/callback":
            value = secrets.token_urlsafe(18)
            user = self.users[value] = request.parameter("user")
            self.reply(exchange, 303, user, [("Location", "/"), ("Set-Cookie", f"{COOKIE}={value}; Path=/; HttpOnly")])
        elif request.path == "/api/me":
            exchange.reply_json(200 if user else 401, {"user": {"name": user}})
        else:
            self.reply(exchange, 200, user)

    def reply(self, exchange, status, user, headers=()):
        """Say who it is, in a header too when this app does that."""
        told = [("X-Remote-User", user)] if self.tells and user else []
        exchange.reply(status, f"you are {user}\n", headers=[*told, *headers])

    def count(self, path, user=None):
        """How many requests there were."""
        return sum(1 for seen in self.seen if seen[0] == path and user in (None, seen[1]))


class Identity(WorldCase):
    """What both ways have in common; not run by itself."""

    identity, tells = None, False

    @classmethod
    def upstream(cls):
        cls.app = LocalApp(cls.tells)
        cls.addClassCleanup(cls.app.server.stop)
        return cls.app.server.url

    @classmethod
    def configure(cls, values):
        """The app has no SAML."""
        values["apps"][0]["sso"]["identity"] = [cls.identity]

    def log_in(self, user):
        """A browser that signed in at the app, and the answer."""
        browser = self.world.browser()
        return browser, browser.get(self.sso(f"/callback?user={user}"), HTML)

    def walk(self, okta_kind):
        """Sign in, be provisioned, deactivated, reactivated."""
        okta = self.world.okta(okta_kind)
        self.addCleanup(okta.close)
        alice, answer = self.log_in(ALICE)
        bob, _ = self.log_in(BOB)
        self.assertEqual(answer.status, 303)
        self.assertFalse([name for name, _ in answer.headers if "remote" in name.lower()])
        self.assertEqual(alice.get(self.sso("/")).body, f"you are {ALICE}\n".encode())
        user = okta.assign(ALICE)
        okta.unassign(user["id"])
        reached = self.app.count("/", ALICE)
        self.assertEqual(alice.get(self.sso("/"), HTML).status, 403)
        _, again = self.log_in(ALICE)
        self.assertEqual((again.status, again.all("Set-Cookie")), (403, []))
        self.assertEqual(self.app.count("/", ALICE), reached)
        self.assertEqual(bob.get(self.sso("/")).status, 200)
        okta.assign(ALICE)
        # The old session stays dead; its browser is sent to sign in again.
        self.assertEqual(alice.get(self.sso("/"), HTML).status, 302)
        self.assertNotIn(COOKIE, alice.cookies(self.world.sso_url))
        self.assertEqual(self.app.count("/", ALICE), reached)
        self.assertEqual(alice.get(self.sso(f"/callback?user={ALICE}"), HTML).status, 303)
        self.assertEqual(alice.get(self.sso("/")).status, 200)
        self.world.gateway.kill_all()
        self.world.gateway.start()
        self.assertEqual(alice.get(self.sso("/")).status, 200)

    def old_session(self, user):
        """A browser with a session from before provgate."""
        browser = self.world.browser()
        browser.keep(self.world.sso_url, f"{COOKIE}=old-{user}")
        self.app.users[f"old-{user}"] = user
        return browser


class Header(Identity):
    """The app tells in its answers."""

    identity, tells = {"header": {"name": "X-Remote-User"}}, True

    def test_the_story_with_an_app_that_tells(self):
        self.walk("aiw")

    def test_a_session_from_before_is_known_from_its_first_answer_on(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("carol@example.com")
        browser = self.old_session("carol@example.com")
        answer = browser.get(self.sso("/"), [("X-Remote-User", BOB), ("X_REMOTE_USER", BOB)])
        self.assertEqual(answer.status, 200)
        self.assertFalse([name for name, _ in self.app.seen[-1][2] if "remote" in name.lower()])
        okta.unassign(user["id"])
        self.assertEqual(browser.get(self.sso("/")).status, 403)


class Probe(Identity):
    """The app is asked."""

    identity = {"probe": {"when": ["unbound", {"after": "/callback"}], "get": "/api/me", "user_name": "/user/name"}}

    def test_the_story_with_an_app_that_is_asked(self):
        self.walk("oin")

    def test_a_session_from_before_is_asked_about_once(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("dave@example.com")
        browser, before, bound = self.old_session("dave@example.com"), self.app.count("/api/me"), self.bound()
        self.assertEqual(browser.get(self.sso("/")).status, 200)
        wait_until(lambda: self.bound() > bound, 30, "the session is bound")
        okta.unassign(user["id"])
        wait_until(lambda: browser.get(self.sso("/")).status == 403, 30, "the session is known")
        self.assertEqual(self.app.count("/api/me"), before + 1)

    def test_whom_okta_deleted_is_as_out_as_whom_it_deactivated(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign("erin@example.com")
        okta.expect("DELETE", f"/Users/{user['id']}", status=(204,))
        browser = self.old_session("erin@example.com")
        wait_until(lambda: browser.get(self.sso("/")).status == 403, 30, "the session is known")
        # The app's word counts before it is on disk. Changes are committed in order: when bob's is, erin's is, too.
        bound = self.bound()
        self.assertEqual(self.log_in(BOB)[1].status, 303)
        wait_until(lambda: self.bound() > bound, 30, "the session is on disk")
        self.world.gateway.kill_all()
        self.world.gateway.start()
        reached = self.app.count("/", "erin@example.com")
        self.assertEqual(browser.get(self.sso("/")).status, 403)
        okta.assign("erin@example.com")
        self.assertNotEqual(browser.get(self.sso("/")).status, 200)
        self.assertEqual(self.app.count("/", "erin@example.com"), reached)

    def bound(self):
        """How many sessions the store holds by the app's word."""
        headers = [("Authorization", f"Bearer {self.world.admin_token}")]
        text = self.world.browser().get(self.world.admin_url + "/metrics", headers).body.decode()
        return int(re.search(r"(?m)^provgate_sso_identified_total (\d+)$", text).group(1))


class Roles(WorldCase):
    """Paths that need a role."""

    @classmethod
    def configure(cls, values):
        """/static is for admins."""
        values["apps"][0]["sso"]["roles"] = [{"path": "/static", "require": ["admin"]}]
        values["apps"][0]["prov"]["roles"] = [{"id": "admin", "display": "Administrator",
                                                "groups": ["Wiki Admins"]}]

    def test_a_pushed_group_gives_its_role(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign(BOB)
        bob = self.world.sign_in(BOB)
        self.assertEqual(bob.get(self.sso("/static/4k")).status, 403)
        okta.push_group("Wiki Admins", [(user["id"], BOB)])
        self.assertEqual(bob.get(self.sso("/static/4k")).status, 200)

    def test_a_role_opens_its_path_and_its_loss_closes_it_at_once(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign(ALICE)
        alice = self.world.sign_in(ALICE)
        self.assertEqual(alice.get(self.sso("/static/4k")).status, 403)
        self.assertEqual(alice.get(self.sso("/%73tatic/4k")).status, 403)
        self.assertEqual(alice.get(self.sso("/api/me")).status, 200)
        for roles, status in (([{"value": "admin", "display": "Administrator"}], 200), ([], 403)):
            okta.put(user["id"], roles=roles)
            self.assertEqual(alice.get(self.sso("/static/4k")).status, status)
        self.assertEqual(alice.get(self.sso("/api/me")).status, 200)
        self.assertEqual(self.world.browser().get(self.sso("/static/4k")).status, 200)


class Address(WorldCase):
    """Servlet containers take a session from the address."""

    def test_f2_a_dead_session_does_not_come_in_by_the_address(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        user = okta.assign(ALICE)
        alice, bob = self.world.sign_in(ALICE), self.world.sign_in(BOB)
        value = alice.cookies(self.world.sso_url)[COOKIE]
        path = f"/static/100;{COOKIE}={value}"
        anybody = self.world.browser()
        self.assertNotEqual(anybody.get(self.sso(path)).status, 403)
        okta.unassign(user["id"])
        for address in (path, f"/static/100?{COOKIE}={value}", f"/static;{COOKIE.upper()}={value}/100"):
            self.assertEqual(anybody.get(self.sso(address)).status, 403, address)
        self.assertNotEqual(bob.get(self.sso(path)).status, 403)


del Identity
