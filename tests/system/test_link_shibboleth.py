"""A second service provider that is not ours behind the gateway: Apache with Shibboleth's module and daemon."""

import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from lab.browser import parse_form
from lab.story import HTML, REFUSED
from support import mellon, shibboleth
from support.case import WorldCase, is_long

ALICE, BOB = "alice@example.com", "bob@example.com"
HOPS_MAX = 5


class BehindTheGateway(WorldCase):
    """People sign in at Shibboleth through the gateway. Its cookie's name is made of digits: listed with a star."""

    service = None

    @classmethod
    def upstream(cls):
        """Apache and shibd, not yet started."""
        if not shibboleth.is_installed():
            raise AssertionError("install apache2 and libapache2-mod-shib")
        folder = Path(tempfile.mkdtemp(prefix="provgate-shibboleth-"))
        folder.chmod(0o711)
        cls.service = shibboleth.Shibboleth(folder)
        cls.addClassCleanup(cls.service.stop)
        return cls.service.url

    @staticmethod
    def configure(values):
        """Shibboleth's cookies and its ACS path."""
        face = values["apps"][0]["sso"]
        face["session_cookies"] = [shibboleth.COOKIES]
        face["identity"][0]["saml"]["acs"] = [shibboleth.ACS]

    @classmethod
    def setUpClass(cls):
        """The gateway, then the provider with the gateway's address."""
        if not is_long():
            raise unittest.SkipTest("Shibboleth: only with --long")
        super().setUpClass()
        cls.service.configure(cls.world.sso_url, cls.world.idp.metadata())
        cls.service.start()

    def setUp(self):
        """Okta is connected."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)

    def page(self, browser):
        """The protected page."""
        return browser.get(self.sso("/page.txt"), HTML)

    def begin(self, user, browser=None):
        """A browser that Shibboleth has sent to the identity provider; (browser, form action, fields)."""
        browser = browser or self.world.browser()
        answer = self.page(browser)
        for _ in range(HOPS_MAX):
            self.assertIn(answer.status, (302, 303), answer.body)
            location = answer.header("Location")
            if urlsplit(location).path == "/sso":
                return browser, *parse_form(browser.get(f"{location}&user={user}").body.decode())
            answer = browser.get(location, HTML)
        self.fail("Shibboleth does not redirect to the identity provider")

    def sign_in(self, user):
        """A browser that is in."""
        browser, action, fields = self.begin(user)
        self.assertEqual(action, self.sso(shibboleth.ACS))
        answer = browser.post_form(action, fields)
        self.assertEqual((answer.status, answer.header("Location")), (302, self.sso("/page.txt")), answer.body)
        self.assert_in(browser, user)
        return browser

    def assert_in(self, browser, user):
        """Shibboleth says who it is."""
        page = self.page(browser)
        self.assertEqual((page.status, page.body.decode(), page.header(shibboleth.USER_FIELD)),
                         (200, mellon.PAGE, user))

    def assert_refused(self, answer, before):
        """Refused by the gateway; Apache saw nothing."""
        self.assertIn(answer.status, REFUSED)
        self.assertEqual(self.service.requests()[before:], [])

    def session(self, browser):
        """(name, value) of the session cookie."""
        return next(pair for pair in browser.cookies(self.world.sso_url).items() if pair[0].startswith("_shibsession_"))

    def test_f1_f4_f5_sign_in_deactivate_refused_reactivate(self):
        alice, bob = self.sign_in(ALICE), self.sign_in(BOB)
        user = self.okta.assign(ALICE)
        self.assert_in(alice, ALICE)

        self.okta.unassign(user["id"])
        before = len(self.service.requests())
        self.assert_refused(self.page(alice), before)
        self.assert_in(bob, BOB)

        again, action, fields = self.begin(ALICE)
        before = len(self.service.requests())
        refused = again.post_form(action, fields)
        self.assert_refused(refused, before)
        self.assertEqual([line for line in refused.all("Set-Cookie") if line.startswith("_shibsession_")], [])

        self.assertEqual(self.okta.assign(ALICE)["id"], user["id"])
        before = len(self.service.requests())
        self.assert_refused(self.page(alice), before)
        self.sign_in(ALICE)
        before = len(self.service.requests())
        self.assert_refused(self.page(alice), before)

    def test_f2_no_spelling_of_the_cookie_lets_a_dead_session_in(self):
        name, value = self.session(self.sign_in("carol@example.com"))
        self.okta.unassign(self.okta.assign("carol@example.com")["id"])
        for line in (f"{name}={value}", f'{name}="{value}"', f"a=b, {name}={value}", f"a=b;{name}={value}",
                     f'x="; {name}={value}', f"{name}={value}; {name}=x", f"{name}=x; {name}={value}",
                     f"{name.replace('_', '%5F')}={value}", f" {name} = {value}", f"$Version=1; {name}={value}"):
            with self.subTest(line.replace(value, "VALUE")):
                answer = self.world.browser().get(self.sso("/page.txt"), [("Cookie", line), *HTML])
                self.assertNotEqual(answer.status, 200)
                self.assertNotIn(mellon.PAGE.encode(), answer.body)

    def test_f6_a_response_is_taken_once(self):
        browser, action, fields = self.begin("dave@example.com")
        self.assertEqual(browser.post_form(action, fields).status, 302)
        before = len(self.service.requests())
        self.assert_refused(self.world.browser().post_form(action, fields), before)
