"""A service provider that is not ours behind the gateway: Apache with mod_auth_mellon."""

from urllib.parse import urlsplit

from lab.browser import parse_form
from lab.okta import profile
from lab.story import HTML, REFUSED
from support import mellon
from support.case import WorldCase

USER = "alice@example.com"


class BehindTheGateway(mellon.BehindMellon, WorldCase):
    """alice signs in at mellon through the gateway."""

    @classmethod
    def setUpClass(cls):
        """The gateway, then Apache with the gateway's address."""
        super().setUpClass()
        cls.service.configure(cls.world.sso_url, cls.world.idp.metadata())
        cls.service.start()

    def begin(self):
        """A browser that mellon has sent to the identity provider; (browser, form action, fields)."""
        browser = self.world.browser()
        answer = browser.get(self.sso("/page.txt"), HTML)
        for _ in range(3):
            self.assertIn(answer.status, (302, 303))
            location = answer.header("Location")
            if urlsplit(location).path == "/sso":
                action, fields = parse_form(browser.get(f"{location}&user={USER}").body.decode())
                return browser, action, fields
            answer = browser.get(location, HTML)
        self.fail("mellon does not redirect to the identity provider")

    def sign_in(self):
        """A browser that is in."""
        browser, action, fields = self.begin()
        self.assertEqual(action, self.sso(mellon.ACS))
        answer = browser.post_form(action, fields)
        self.assertEqual(answer.status, 303, answer.body)
        self.assertEqual(answer.header("Location"), self.sso("/page.txt"))
        return browser

    def reached(self, before):
        """What reached Apache since."""
        return self.service.requests()[before:]

    def test_sign_in_page_deactivate_refused_reactivate(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        browser = self.sign_in()
        page = browser.get(self.sso("/page.txt"))
        self.assertEqual((page.status, page.body.decode(), page.header("X-Mellon-User")), (200, mellon.PAGE, USER))
        user_id = okta.lookup(USER)["id"]
        self.assertEqual(okta.assign(USER)["id"], user_id)

        okta.unassign(user_id)
        before = len(self.service.requests())
        self.assertIn(browser.get(self.sso("/page.txt"), HTML).status, REFUSED)
        self.assertEqual(self.reached(before), [])

        again, action, fields = self.begin()
        before = len(self.service.requests())
        self.assertIn(again.post_form(action, fields).status, REFUSED)
        self.assertEqual(self.reached(before), [])

        self.assertEqual(okta.assign(USER)["id"], user_id)
        self.assertIn(browser.get(self.sso("/page.txt"), HTML).status, REFUSED)
        self.assertEqual(self.sign_in().get(self.sso("/page.txt")).status, 200)

    def test_mellons_constant_cookie_before_login_is_bound_to_nobody(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        self.sign_in()
        visitor, _, _ = self.begin()
        okta.assign(USER)
        okta.unassign(okta.lookup(USER)["id"])
        answer = visitor.get(self.sso("/page.txt"), HTML)
        self.assertIn(answer.status, (302, 303), "a visitor who never signed in is refused")
        okta.assign(USER)

    def test_a_spelling_that_mellon_reads_does_not_let_a_dead_session_in(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        okta.expect("PUT", f"/Users/{okta.assign(USER)['id']}", profile(USER))
        value = self.sign_in().cookies(self.world.sso_url)[mellon.COOKIE]
        okta.unassign(okta.lookup(USER)["id"])
        for line in (f'{mellon.COOKIE}="{value}"', f"a=b, {mellon.COOKIE}={value}", f"a=b;{mellon.COOKIE}={value}",
                     f'x="; {mellon.COOKIE}={value}', f"{mellon.COOKIE}={value}; {mellon.COOKIE}=x"):
            with self.subTest(line.replace(value, "VALUE")):
                answer = self.world.browser().get(self.sso("/page.txt"), [("Cookie", line)])
                self.assertNotEqual(answer.status, 200)
                self.assertNotIn(mellon.PAGE.encode(), answer.body)
        okta.assign(USER)
