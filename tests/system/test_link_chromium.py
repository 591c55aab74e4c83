"""A real browser (Chromium) through provgate at a service provider that is not ours (Apache, mod_auth_mellon)."""

import json
import unittest

from lab import chromium
from lab.story import CUT_S, REFUSED
from support import mellon
from support.case import WorldCase, is_long

ALICE, BOB = "alice@example.com", "bob@example.com"
LISTEN = """
window.ended = [];
window.events = new EventSource('/events?lines=100000');
events.onerror = () => ended.push(['events', events.readyState]);
window.socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws');
socket.onclose = () => ended.push(['socket', socket.readyState]);
window.seen = {};
events.onmessage = () => { seen.events = true; };
socket.onmessage = () => { seen.socket = true; };
"""
CUT_ALLOWED_S = CUT_S + 5  # the browser tells late on a busy machine; that it is told at all is what is asked


class Http1(mellon.BehindMellon, WorldCase):
    """HTTP/1.1 in plain text."""

    protocol = "http/1.1"
    @classmethod
    def setUpClass(cls):
        """The world, Apache, the browser."""
        if not is_long():
            raise unittest.SkipTest("a real browser: only with --long")
        if not chromium.path():
            raise AssertionError("install chromium")
        super().setUpClass()
        cls.service.configure(cls.world.sso_url, cls.world.idp.metadata(), cls.world.app.url)
        cls.service.start()
        cls.browser = chromium.Chromium()
        cls.addClassCleanup(cls.browser.stop)

    def setUp(self):
        """Okta is connected."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)

    def begin(self, page):
        """To the app, from there by mellon to the identity provider, where everybody is listed."""
        page.go(self.sso("/page.txt"))
        page.wait_for(f"document.querySelector({json.dumps(self.link(ALICE))})")

    @staticmethod
    def link(user):
        """What finds the user's line at the identity provider."""
        return f'a[href*="{user}"]'

    def sign_in(self, page, user):
        """As a person does; the form is posted by the page's own script."""
        self.begin(page)
        page.click(self.link(user))
        page.wait_for(f"location.href === {json.dumps(self.sso('/page.txt'))} && document.readyState === 'complete'")
        self.assert_in(page)

    def assert_in(self, page):
        """The page is there, by the protocol that was meant."""
        page.go(self.sso("/page.txt"))
        self.assertEqual((page.navigation("responseStatus"), page.text().strip()), (200, mellon.PAGE.strip()))
        self.assertEqual(page.navigation("nextHopProtocol"), self.protocol)

    def assert_refused(self, page):
        """The next navigation shows the refusal page, and nothing of it reached Apache."""
        before = len(self.service.requests())
        page.go(self.sso("/page.txt"))
        self.assertIn(page.navigation("responseStatus"), REFUSED)
        self.assertEqual(page.evaluate("document.contentType"), "text/html")
        self.assertNotIn(mellon.PAGE.strip(), page.text())
        self.assertTrue(page.text().strip(), "the refusal page is blank")
        self.assertEqual([line for line in self.service.requests()[before:] if "/page.txt" in line], [])

    def test_f1_f5_f12_a_person_at_a_browser_is_out_at_once_and_comes_back_only_by_a_new_sign_in(self):
        alice, bob = self.browser.page(), self.browser.page()
        self.sign_in(alice, ALICE)
        self.sign_in(bob, BOB)
        user = self.okta.assign(ALICE)
        for page in (alice, bob):
            page.evaluate(LISTEN)
            page.wait_for("seen.events && seen.socket")
        old = alice.cookies()[mellon.COOKIE]

        self.okta.unassign(user["id"])
        alice.wait_for("ended.some(e => e[0] === 'events') && ended.some(e => e[0] === 'socket')", CUT_ALLOWED_S)
        alice.wait_for("events.readyState === EventSource.CLOSED")  # it came again by itself and was refused
        self.assertEqual(bob.evaluate("ended.length"), 0, "bob's streams were cut")
        self.assert_refused(alice)
        self.assert_in(bob)

        again = self.browser.page()
        self.begin(again)
        before = len(self.service.requests())
        again.click(self.link(ALICE))
        again.wait_for(f"location.href === {json.dumps(self.sso(mellon.ACS))} && document.readyState === 'complete'")
        self.assertIn(again.navigation("responseStatus"), REFUSED)
        self.assertEqual([line for line in self.service.requests()[before:] if mellon.ACS in line], [])

        self.assertEqual(self.okta.assign(ALICE)["id"], user["id"])
        self.assert_refused(alice)
        new = self.browser.page()
        self.sign_in(new, ALICE)
        self.assertNotEqual(new.cookies()[mellon.COOKIE], old)
        new.set_cookie(self.sso("/"), mellon.COOKIE, old)
        self.assert_refused(new)

    def test_the_tile_at_the_provider_brings_back_the_very_browser_that_was_refused(self):
        page, bob = self.browser.page(), "robert@example.com"
        tile = f"{self.world.idp.url}?user={bob}&acs={self.sso(mellon.ACS)}&RelayState={self.sso('/page.txt')}"
        for number in range(2):
            user = self.okta.assign(bob)
            if number:
                self.assert_refused(page)
            else:
                self.begin(page)  # mellon hands out its constant before login
            page.go(tile)
            page.wait_for(f"location.href === {json.dumps(self.sso('/page.txt'))}")
            self.assert_in(page)
            self.okta.unassign(user["id"])
            self.assert_refused(page)


class Http2(Http1):
    """HTTP/2 over TLS."""

    tls = True
    protocol = "h2"
