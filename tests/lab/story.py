"""The story that must work, one step a sentence. Walked by the smoke run, and step by step by the system tests."""

import time

from lab import rawhttp, websocket
from lab.app import COOKIE
from lab.request_log import cookie_digest

ALICE, BOB = "alice@example.com", "bob@example.com"
PAGES = ("/", "/api/me", "/static/0", "/static/4k", "/static/1m", "/stream?lines=3", "/no/such/page", "/echo-not")
REFUSED = (401, 403)
CUT_S = 20.0  # generous: what lives on is told from what is cut late; how soon is measured by ./dev bench
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding")  # RFC 9110 section 7.6.1
JSON = [("Accept", "application/json")]
HTML = [("Accept", "text/html,application/xhtml+xml")]


def check(condition, text):
    """A step fails with a sentence."""
    if not condition:
        raise AssertionError(text)


def comparable(answer):
    """Status line, end-to-end headers in order, body."""
    headers = [(name, value) for name, value in answer.headers if name.lower() not in HOP_BY_HOP]
    return answer.status, answer.reason, headers, answer.body


class Story:
    """alice, bob, and Okta."""

    def __init__(self, world):
        self.world = world
        self.alice = self.bob = self.old_cookie = None
        self.aiw, self.oin = world.okta("aiw"), world.okta("oin")
        self.alice_id = None

    # What the steps are made of

    def cookie(self, browser):
        """The session cookie's value."""
        return browser.cookies(self.world.sso_url).get(COOKIE)

    def page(self, browser, path="/api/me", headers=()):
        """Fetch through provgate."""
        return browser.get(self.world.sso_url + path, headers)

    def reached(self, before, cookie=None, path=None):
        """Requests that reached the app since a count, of one session or for one path."""
        return [entry for entry in self.world.app.log.since(before)
                if (cookie is None or entry["cookie"] == cookie_digest(cookie))
                and (path is None or entry["target"] == path)]

    def expect_in(self, browser, user):
        """The session works."""
        answer = self.page(browser)
        check(answer.status == 200 and answer.json()["user"] == user, f"{user} is not in: {answer.status}")

    def expect_refused(self, cookie):
        """A session is refused, as a page and as JSON, and none of it reaches the app."""
        before = self.world.app.log.count
        session = [("Cookie", f"{COOKIE}={cookie}")]
        url = self.world.sso_url
        page = rawhttp.fetch(url + "/", headers=session + HTML, tls=self.world.tls)
        data = rawhttp.fetch(url + "/api/me", headers=session + JSON, tls=self.world.tls)
        check(page.status in REFUSED, f"the page was answered with {page.status}")
        check("html" in (page.header("Content-Type") or ""), "the refusal of a page is not a page")
        check(data.status in REFUSED, f"the call was answered with {data.status}")
        check("json" in (data.header("Content-Type") or "") and data.json(), "the refusal of a call is not JSON")
        check(not self.reached(before, cookie), "a refused request reached the app")

    def expect_sign_in_refused(self, user):
        """The ACS refuses, sets no session, and the app sees nothing."""
        browser, before = self.world.browser(), self.world.app.log.count
        answer = browser.sign_in(self.world.idp.url, user)
        check(answer.status in REFUSED, f"signing in was answered with {answer.status}")
        check(self.cookie(browser) is None, "the refused sign-in set a session cookie")
        check(not self.reached(before, path="/saml/acs"), "the refused sign-in reached the app")

    def expect_deactivated(self, cookie):
        """All that must be true while alice is deactivated."""
        found = self.aiw.lookup(ALICE)
        check(found and found["id"] == self.alice_id and found["active"] is False, f"the lookup says {found}")
        self.expect_refused(cookie)
        self.expect_sign_in_refused(ALICE)
        self.expect_in(self.bob, BOB)

    def deactivate_and_look(self, deactivate):
        """Deactivate with a WebSocket open; the next request, the WebSocket, bob."""
        cookie = self.cookie(self.alice)
        with self.open_websocket(cookie) as hers, self.open_websocket(self.cookie(self.bob)) as his:
            before = self.world.app.log.count
            deactivate()
            answered = time.monotonic()
            answer = self.page(self.alice)
            check(answer.status in REFUSED, f"the very next request was answered with {answer.status}")
            check(not self.reached(before, cookie), "the very next request reached the app")
            check(hers.closed_within(CUT_S - (time.monotonic() - answered)), "the WebSocket lives on")
            his.send("still here")
            his.receive_echo("still here")
        self.expect_deactivated(cookie)

    def open_websocket(self, cookie):
        """A WebSocket through provgate that has proved to be open."""
        client = websocket.Client(self.world.sso_url + "/ws", [("Cookie", f"{COOKIE}={cookie}")], tls=self.world.tls)
        check(client.open, f"the WebSocket was answered with {client.answer.status}")
        client.send("hello")
        client.receive_echo("hello")
        return client

    # The steps

    def sign_in(self):
        """alice and bob sign in through provgate"""
        self.alice = self.world.sign_in(ALICE)
        self.bob = self.world.sign_in(BOB)
        self.expect_in(self.alice, ALICE)
        self.expect_in(self.bob, BOB)

    def pages_are_identical(self):
        """the app's pages are byte-identical to those fetched without provgate"""
        session = [("Cookie", f"{COOKIE}={self.cookie(self.alice)}")]
        for path in PAGES:
            through = rawhttp.fetch(self.world.sso_url + path, headers=session, tls=self.world.tls)
            direct = rawhttp.fetch(self.world.app.url + path, headers=session)
            check(comparable(through) == comparable(direct), f"{path} differs: {through.raw_head} {direct.raw_head}")

    def alice_is_observed(self):
        """alice is observed, and Okta's lookup finds her"""
        self.aiw.save()
        found = self.aiw.lookup(ALICE)
        check(found is not None, "the lookup does not find her")
        check(found["userName"] == ALICE and found["active"] is True and found["id"], f"the lookup says {found}")
        self.alice_id = found["id"]
        check(self.aiw.lookup("ALICE@Example.com")["id"] == self.alice_id, "the lookup is not caseless")

    def okta_links_her(self):
        """Okta looks her up, finds her and PUTs her profile: same id, now linked"""
        linked = self.aiw.assign(ALICE, "00ualice", title="Engineer")
        check(linked["id"] == self.alice_id, "the id changed")
        found = self.aiw.get(self.alice_id)
        check(found.get("title") == "Engineer" and found.get("externalId") == "00ualice", f"GET says {found}")
        names = [user["userName"].lower() for user in self.aiw.import_users()]
        check(names.count(ALICE) == 1, "she is in the list more than once")
        self.expect_in(self.alice, ALICE)

    def deactivate_by_put(self):
        """Okta deactivates her by PUT: next request refused, WebSocket cut, ACS refuses, bob goes on"""
        self.deactivate_and_look(lambda: self.aiw.unassign(self.alice_id))

    def _reactivate(self, okta):
        self.old_cookie = self.cookie(self.alice)
        okta.assign(ALICE, "00ualice", title="Engineer")
        found = okta.lookup(ALICE)
        check(found["id"] == self.alice_id and found["active"] is True, f"the lookup says {found}")
        self.expect_refused(self.old_cookie)
        self.alice = self.world.sign_in(ALICE)
        self.expect_in(self.alice, ALICE)
        self.expect_refused(self.old_cookie)

    def reactivate_by_put(self):
        """Okta reactivates by PUT: same id, the old cookie stays dead, a new sign-in works"""
        self._reactivate(self.aiw)

    def deactivate_by_patch(self):
        """Okta deactivates her by PATCH without path: the same again"""
        self.deactivate_and_look(lambda: self.oin.unassign(self.alice_id))

    def reactivate_by_patch(self):
        """Okta reactivates by PATCH: the same again"""
        self._reactivate(self.oin)

    def kill_sso(self):
        """kill -9 of the sso process: deactivated stays deactivated, bob's session lives"""
        self.aiw.unassign(self.alice_id)
        gateway = self.world.gateway
        gateway.wait_child("sso", gateway.kill_child("sso"))
        gateway.wait_healthy()
        self.expect_deactivated(self.cookie(self.alice))

    def kill_prov(self):
        """kill -9 of the prov process: bob works while it is dead, and it comes back"""
        gateway = self.world.gateway
        killed = gateway.kill_child("prov")
        for _ in range(50):
            self.expect_in(self.bob, BOB)
        self.expect_refused(self.cookie(self.alice))
        gateway.wait_child("prov", killed)
        gateway.wait_healthy()
        self.expect_deactivated(self.cookie(self.alice))

    def kill_all(self):
        """kill -9 of all, and restart: all of it still true"""
        self.world.gateway.kill_all()
        self.world.gateway.start()
        self.expect_deactivated(self.cookie(self.alice))
        self._reactivate(self.aiw)
        self.expect_in(self.bob, BOB)

    def no_token(self):
        """a caller without the token gets 401 as SCIM JSON"""
        for headers in ([], [("Authorization", "Bearer wrong")], [("Authorization", self.world.token)]):
            answer = rawhttp.fetch(self.world.prov_url + "/Users", headers=headers, tls=self.world.tls)
            check(answer.status == 401, f"answered with {answer.status}")
            check(answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], "not a SCIM error")
            check(answer.json()["status"] == "401", "status is not the string 401")
            check(answer.header("WWW-Authenticate"), "no WWW-Authenticate")

    def scim_paths_reach_the_app(self):
        """SCIM paths on the SSO face reach the app and nothing else"""
        headers = [("Authorization", f"Bearer {self.world.token}")]
        for path in ("/scim/v2/Users", "/scim/v2/ServiceProviderConfig", "//scim/v2/Users", "/scim%2Fv2/Users"):
            before = self.world.app.log.count
            answer = rawhttp.fetch(self.world.sso_url + path, headers=headers, tls=self.world.tls)
            check(answer.status == 404 and answer.json().get("from") == "lab app", f"{path}: {answer.body[:200]}")
            check(self.reached(before, path=path), f"{path} did not reach the app as it was sent")
        before = self.world.app.log.count
        origin = self.world.prov_url[:-len("/scim/v2")]
        answer = rawhttp.fetch(origin + "/api/me", headers=headers, tls=self.world.tls)
        check(answer.status == 404 and b"lab app" not in answer.body, "the PROV face serves pages of the app")
        check(not self.reached(before), "a request to the PROV face reached the app")

    STEPS = (sign_in, pages_are_identical, alice_is_observed, okta_links_her, deactivate_by_put, reactivate_by_put,
             deactivate_by_patch, reactivate_by_patch, kill_sso, kill_prov, kill_all, no_token,
             scim_paths_reach_the_app)

    def close(self):
        """Drop kept connections."""
        self.aiw.close()
        self.oin.close()

    def walk(self, say):
        """All steps in order; True when all went well. After a failed step the rest cannot be judged."""
        for number, step in enumerate(self.STEPS, 1):
            title = f"{number:2}/{len(self.STEPS)} {step.__doc__}"
            try:
                step(self)
            except Exception as error:  # pylint: disable=broad-except
                say(f"{title}: FAILED: {error or type(error).__name__}")
                self.close()
                return False
            say(f"{title}: ok")
        self.close()
        return True
