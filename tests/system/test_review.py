"""What a review found: sessions that the app renewed must outlive the gateway's own end (law 3)."""

from lab.gateway import wait_until
from support.case import WorldCase
from support.scripted import Scripted

ROTATIONS = 4
WRITTEN_S = 60


def answer(cookie=None):
    """An app's answer, with a session cookie or without."""
    line = f"Set-Cookie: lab_session={cookie}; Path=/\r\n" if cookie else ""
    return f"HTTP/1.1 200 OK\r\n{line}Content-Length: 2\r\n\r\nok".encode()


TABLE = {"saml/acs": answer("s0"), "page": answer(), **{f"renew/{n}": answer(f"s{n}") for n in range(1, 9)}}


class RotatedSessions(WorldCase):
    """An app that renews its cookie; the gateway ends; the user is deactivated."""

    with_app = False
    timeout_s = 120

    @classmethod
    def upstream(cls):
        """A table of answers."""
        cls.app = Scripted(TABLE)
        cls.addClassCleanup(cls.app.stop)
        return cls.app.url

    def renewed(self, user):
        """A browser whose cookie was renewed some times."""
        browser = self.world.browser()
        self.assertEqual(browser.sign_in(self.world.idp.url, user).status, 200)
        for number in range(1, ROTATIONS + 1):
            self.assertEqual(browser.get(self.sso(f"/renew/{number}")).status, 200)
        return browser

    def statuses(self, browser):
        """What /page answers to each cookie that the browser ever had."""
        found = {}
        for number in range(ROTATIONS + 1):
            browser.cookies(self.world.sso_url)["lab_session"] = f"s{number}"
            found[f"s{number}"] = browser.get(self.sso("/page")).status
        return found

    def deactivate(self, user, external_id):
        """Through Okta."""
        okta = self.world.okta()
        self.addCleanup(okta.close)
        okta.unassign(okta.assign(user, external_id)["id"])

    def test_law_3_a_renewed_session_is_known_after_a_graceful_restart(self):
        browser = self.renewed("eve@example.com")
        self.assertEqual(self.world.gateway.stop(), 0)
        self.world.gateway.start()
        self.assertEqual(set(self.statuses(browser).values()), {200})
        self.deactivate("eve@example.com", "00ueve")
        self.assertEqual(set(self.statuses(browser).values()), {403})

    def test_law_3_a_renewed_session_is_known_after_a_kill(self):
        browser = self.renewed("mallory@example.com")
        wait_until(self.are_written, WRITTEN_S, "the sessions are written")
        killed = self.world.gateway.kill_child("sso")
        self.world.gateway.wait_child("sso", killed)
        self.world.gateway.wait_healthy()
        self.deactivate("mallory@example.com", "00umallory")
        self.assertEqual(set(self.statuses(browser).values()), {403})

    def are_written(self):
        """Does the store have all that the browser ever had?"""
        said = self.world.gateway.command("policy", "test", "--app", "wiki", "--user", "mallory@example.com",
                                          "--event", "deactivate")
        return f"{ROTATIONS + 1} sessions end" in said
