"""The lab itself: its app, identity provider and Okta client are right before anything is judged with them."""

import hashlib
import json
import unittest

from lab import keys, rawhttp, saml, websocket
from lab.app import App
from lab.browser import Browser
from lab.idp import IdentityProvider
from lab.okta import Okta
from lab.webserver import WebServer


class LabWithoutProvgate(unittest.TestCase):
    """Identity provider and app, face to face."""

    @classmethod
    def setUpClass(cls):
        """Start both."""
        cls.pair = keys.make("test idp")
        cls.app = App(cls.pair.certificate_pem()).start()
        cls.idp = IdentityProvider(cls.pair, cls.app.url + "/saml/acs", cls.app.url).start()
        cls.app.configure(cls.app.url + "/saml/acs", cls.app.url, cls.idp.url)

    @classmethod
    def tearDownClass(cls):
        """Stop both."""
        cls.idp.stop()
        cls.app.stop()

    def post(self, **changes):
        """Post a forged response for alice; the status."""
        response = self.idp.response("alice@example.com", **changes)
        return Browser().post_form(self.app.acs, {"SAMLResponse": response}).status

    def test_sign_in_gives_a_page_with_the_name(self):
        browser = Browser()
        self.assertEqual(browser.get(self.app.url + "/").status, 302)
        answer = browser.sign_in(self.idp.url, "alice@example.com", "/api/me")
        self.assertEqual((answer.status, answer.header("Location")), (303, "/api/me"))
        self.assertEqual(browser.get(self.app.url + "/api/me").json()["user"], "alice@example.com")
        self.assertIn(b"alice@example.com", browser.get(self.app.url + "/").body)

    def test_each_login_has_a_new_session_and_logout_ends_it(self):
        browser = Browser()
        browser.sign_in(self.idp.url, "alice@example.com")
        first = dict(browser.cookies(self.app.url))
        browser.sign_in(self.idp.url, "alice@example.com")
        self.assertNotEqual(first, browser.cookies(self.app.url))
        browser.get(self.app.url + "/logout")
        self.assertEqual(browser.get(self.app.url + "/api/me").status, 401)

    def test_the_app_accepts_any_of_the_three_signings(self):
        for response, assertion in ((True, True), (True, False), (False, True)):
            with self.subTest(response=response, assertion=assertion):
                signing = saml.Signing(response=response, assertion=assertion)
                self.assertEqual(self.post(signing=signing), 303)

    def test_the_app_refuses_forged_responses(self):
        rows = {"unsigned": {"signing": saml.Signing(response=False, assertion=False)},
                "other key": {"pair": keys.make("someone else")}, "audience": {"audience": "https://other"},
                "expired": {"not_on_or_after_s": -120}, "early": {"not_before_s": 120}, "issuer": {"issuer": "x"},
                "recipient": {"recipient": "https://other/acs"}, "confirmation": {"confirmation_s": -120},
                "status": {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}}
        for name, changes in rows.items():
            with self.subTest(name):
                self.assertEqual(self.post(**changes), 403)

    def test_a_changed_name_breaks_the_signature(self):
        xml = saml.signed(self.idp.statement("alice@example.com"), self.pair)
        field = saml.encoded(xml.replace(b">alice@example.com</saml2:NameID>", b">bobby@example.com</saml2:NameID>"))
        self.assertEqual(Browser().post_form(self.app.acs, {"SAMLResponse": field}).status, 403)

    def test_pages_are_the_same_bytes_each_time(self):
        for path in ("/static/0", "/static/100", "/static/4k", "/static/1m", "/", "/scim/v2/Users", "/stream?lines=3"):
            with self.subTest(path):
                first, second = (rawhttp.fetch(self.app.url + path) for _ in range(2))
                self.assertEqual((first.raw_head, first.body), (second.raw_head, second.body))

    def test_scim_paths_are_answered_by_the_app(self):
        answer = rawhttp.fetch(self.app.url + "/scim/v2/Users")
        self.assertEqual((answer.status, answer.json()["from"]), (404, "lab app"))

    def test_upload_digests_both_framings(self):
        body = b"0123456789" * 1000
        host = ("Host", "app")
        with rawhttp.Connection.to(self.app.url) as connection:
            counted = connection.exchange("POST", "/upload", [host], body)
            connection.send_request("POST", "/upload", [host, ("Transfer-Encoding", "chunked")])
            connection.send(b"1388\r\n" + body[:5000] + b"\r\n1388\r\n" + body[5000:] + b"\r\n0\r\n\r\n")
            chunked = connection.read_body(connection.read_head())
        self.assertEqual(counted.json(), {"bytes": 10000, "sha256": hashlib.sha256(body).hexdigest()})
        self.assertEqual(counted.body, chunked.body)

    def test_streams_and_events_come_whole(self):
        self.assertEqual(rawhttp.fetch(self.app.url + "/stream?lines=2").body, b"line 0\nline 1\n")
        self.assertIn(b"data: event 1\n\n", rawhttp.fetch(self.app.url + "/events?lines=2").body)

    def test_websocket_echoes_and_ticks(self):
        with websocket.Client(self.app.url + "/ws") as client:
            client.send("hello")
            client.receive_echo("hello")
            client.send("x" * 70000)
            client.receive_echo("x" * 70000)
            self.assertTrue(client.receive().startswith("tick "))

    def test_the_log_shows_what_reached_the_app(self):
        before = self.app.log.count
        rawhttp.fetch(self.app.url + "/echo?x=1", headers=[("Cookie", "lab_session=abc")])
        entries = rawhttp.fetch(self.app.url + f"/lab/requests?since={before}").json()
        self.assertEqual([(e["method"], e["target"]) for e in entries], [("GET", "/echo?x=1")])
        self.assertEqual(len(entries[0]["cookie"]), 16)

    def test_echo_shows_the_head_as_sent(self):
        answer = rawhttp.fetch(self.app.url + "/echo", headers=[("X-One", "1"), ("x-one", "2")])
        self.assertEqual(answer.json()["headers"][1:], [["X-One", "1"], ["x-one", "2"]])


class OktaClient(unittest.TestCase):
    """The Okta client against a scripted server."""

    def setUp(self):
        """A server that answers from a list and keeps the heads it saw."""
        self.answers, self.heads = [], []
        self.server = WebServer(self.answer).start()
        self.okta = Okta(self.server.url + "/scim/v2", "secret")

    def tearDown(self):
        """Stop it."""
        self.okta.close()
        self.server.stop()

    def answer(self, exchange):
        """The next scripted answer."""
        exchange.request.body()
        self.heads.append(exchange.request.raw_head.decode())
        status, value, headers = self.answers.pop(0)
        exchange.reply(status, json.dumps(value), "application/scim+json", headers)

    def test_the_headers_are_those_of_okta_in_its_order(self):
        self.answers = [(201, {"id": "1"}, [])]
        self.okta.expect("POST", "/Users", {"a": 1}, (201,))
        names = [line.split(":")[0] for line in self.heads[0].split("\r\n")[1:-2]]
        self.assertEqual(names, ["Accept", "Accept-Charset", "User-Agent", "Authorization", "Content-Type",
                                 "Content-Length", "Host", "Connection", "Accept-Encoding"])

    def test_t11_a_429_is_repeated_after_its_time(self):
        self.answers = [(429, {}, [("Retry-After", "1")]), (200, {"totalResults": 0, "Resources": []}, [])]
        self.assertIsNone(self.okta.lookup("a+b@example.com"))
        self.assertEqual(self.heads[0], self.heads[1])
        self.assertIn('filter=userName%20eq%20%22a%2Bb%40example.com%22&startIndex=1&count=100', self.heads[0])

    def test_t10_import_asks_for_every_hundred(self):
        page = {"totalResults": 250, "Resources": [{}] * 100}
        self.answers = [(200, page, []), (200, page, []), (200, {"totalResults": 250, "Resources": [{}] * 50}, [])]
        self.assertEqual(len(self.okta.import_users()), 250)
        self.assertEqual([h.split(" ")[1].split("?")[1].split("&")[0] for h in self.heads],
                         ["startIndex=1", "startIndex=101", "startIndex=201"])
