"""Sessions and their cookies by the numbers of the security cases (F1 to F15), on the real binary.

F12 is in test_cut too, F14 in test_link_race, F16 in test_logout, the table's cap of F13 in tests/unit/store.
"""

import copy
import re
import ssl
from urllib.parse import urlencode

from lab import http2, rawhttp, websocket, wire
from lab.app import COOKIE
from lab.gateway import free_ports
from lab.story import CUT_S, HTML, REFUSED, Story
from support.answering import Answering
from support.case import WorldCase
from support.puppet import Puppet

FORM = ("Content-Type", "application/x-www-form-urlencoded")
NAME = COOKIE
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND")
PATHS = ("/", "/api/me", "//api/me", "/api//me", "/api/me/", "/./api/me", "/static/../api/me", "/api%2Fme",
         "/%61pi/me", "/api/me;x=1", "/api/me%00", "/API/ME", "/saml/../api/me", "/api/me?a=/saml/acs")
SPELLINGS = {  # V stands for the session
    "plain": f"{NAME}=V", "last": f"a=b; {NAME}=V", "semicolon behind": f"{NAME}=V;", "quoted": f'{NAME}="V"',
    "twice, other first": f"{NAME}=x; {NAME}=V", "twice, other last": f"{NAME}=V; {NAME}=x",
    "comma": f"a=1, {NAME}=V",
    "comma without blank": f"a=1,{NAME}=V", "blank before": f"  {NAME}=V", "blanks around =": f"{NAME} = V",
    "blank behind": f"{NAME}=V ", "upper case": f"{NAME.upper()}=V", "percent name": "lab%5Fsession=V",
    "percent value": f"{NAME}=%V", "in a quoted string": f'a="; {NAME}=V; b="',
    "after an open quote": f'a="x; {NAME}=V',
    "$Version": f"$Version=1; {NAME}=V; $Path=/", "no blank": f"a=b;{NAME}=V", "tab": f"a=b;\t{NAME}=V",
    "empty pairs": f";; ;{NAME}=V", "an = in front": f"=a; {NAME}=V", "nameless": f"{NAME}; {NAME}=V"}


def unbound_requests(world):
    """How many requests came with a session that nobody knows."""
    metrics = rawhttp.fetch(world.admin_url + "/metrics", headers=[("Authorization", f"Bearer {world.admin_token}")])
    found = re.findall(r"(?m)^provgate_sso_unbound_requests_total(?:\{.*\})? (\d+)$", metrics.body.decode())
    return sum(int(count) for count in found)


class Sessions(WorldCase):
    """alice and others at the lab's app."""

    timeout_s = 120

    def setUp(self):
        """Okta is connected."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def dead(self, user):
        """The session of a user who was deactivated."""
        value = self.story.cookie(self.world.sign_in(user))
        self.okta.unassign(self.okta.assign(user)["id"])
        return value

    def test_f1_two_browsers_are_out_at_once_and_others_stay(self):
        first, second, bob = [self.world.sign_in(f"{name}@example.com") for name in ("f1", "f1", "bob")]
        user, before = self.okta.assign("f1@example.com"), self.world.app.log.count
        self.okta.unassign(user["id"])
        for browser in (first, second):
            self.assertIn(browser.get(self.sso("/api/me")).status, REFUSED)
        self.assertEqual(self.world.app.log.since(before), [])
        self.story.expect_in(bob, "bob@example.com")

    def test_f2_no_spelling_of_the_cookie_lets_a_dead_session_in(self):
        value = self.dead("f2@example.com")
        coded = f"{ord(value[0]):02X}{value[1:]}"
        for name, line in SPELLINGS.items():
            with self.subTest(name):
                before = self.world.app.log.count
                line = re.sub(r"%?\bV\b", lambda found: "%" + coded if found[0] == "%V" else value, line)
                self.assertIn(value[1:], line)
                answer = rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", line)])
                self.assertIn(answer.status, (400, *REFUSED))
                self.assertEqual(self.world.app.log.since(before), [])

    def test_f2_two_lines_and_a_blank_before_the_colon_do_not_either(self):
        value, before = self.dead("f2b@example.com"), self.world.app.log.count
        for lines in ([f"{NAME}={value}", "a=b"], ["a=b", f"{NAME}={value}"], [f"{NAME}=x", f"{NAME}={value}"]):
            answer = rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", line) for line in lines])
            self.assertIn(answer.status, (400, *REFUSED))
        for head in (f"Cookie : {NAME}={value}", f"Cookie\t: {NAME}={value}", f"Cookie:\r\n {NAME}={value}",
                     f"cookie:{NAME}={value}", f"X: y\r\n Cookie: {NAME}={value}"):
            with rawhttp.Connection.to(self.world.sso_url) as connection:
                connection.send(f"GET /api/me HTTP/1.1\r\nHost: {self.host()}\r\n{head}\r\n\r\n".encode())
                self.assertIn(connection.read_head().status, (400, *REFUSED))
        self.assertEqual(self.world.app.log.since(before), [])

    def test_f3_no_path_and_no_method_lets_a_dead_session_in(self):
        value = self.dead("f3@example.com")
        for method in METHODS:
            for path in PATHS:
                with self.subTest(f"{method} {path}"):
                    before = self.world.app.log.count
                    answer = rawhttp.fetch(self.sso(path), method, [("Cookie", f"{NAME}={value}")],
                                           b"" if method in ("POST", "PUT") else None)
                    self.assertIn(answer.status, (400, *REFUSED))
                    self.assertEqual(self.world.app.log.since(before), [])

    def test_f4_an_inactive_user_is_refused_at_the_acs_and_gets_no_cookie(self):
        self.dead("f4@example.com")
        self.story.expect_sign_in_refused("f4@example.com")

    def test_f5_neither_reactivation_nor_a_new_user_of_that_name_revives_a_session(self):
        value = self.dead("f5@example.com")
        user = self.okta.assign("f5@example.com")
        self.story.expect_refused(value)
        second = self.story.cookie(self.world.sign_in("f5@example.com"))
        self.okta.expect("DELETE", f"/Users/{user['id']}", None, (204,))
        self.story.expect_refused(second)
        self.assertNotEqual(self.okta.assign("f5@example.com")["id"], user["id"])
        self.story.expect_refused(value)
        self.story.expect_refused(second)
        self.story.expect_in(self.world.sign_in("f5@example.com"), "f5@example.com")

    def test_f10_cookies_of_two_users_in_one_request_are_refused(self):
        one, two = [self.story.cookie(self.world.sign_in(f"f10{n}@example.com")) for n in "ab"]
        before = self.world.app.log.count
        for line in (f"{NAME}={one}; {NAME}={two}", f"{NAME}={two}; {NAME}={one}"):
            self.assertIn(rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", line)]).status, (400, *REFUSED))
        self.assertEqual(self.world.app.log.since(before), [])

    def test_f13_logout_at_the_app_leaves_no_way_back_for_a_deactivated_user(self):
        browser = self.world.sign_in("f13@example.com")
        value = self.story.cookie(browser)
        self.assertEqual(browser.get(self.sso("/logout")).status, 303)
        self.world.app.sessions.users[value] = "f13@example.com"  # an app that goes on taking it
        self.okta.unassign(self.okta.assign("f13@example.com")["id"])
        self.story.expect_refused(value)


class OtherWaysToTheAcs(WorldCase):
    """F7: forwarded only what was linked, whatever way it came."""

    tls = True

    def setUp(self):
        """A response, and a way to see what became of it."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)
        self.story = Story(self.world)
        self.addCleanup(self.story.close)

    def form(self, user):
        """The body."""
        return urlencode({"SAMLResponse": self.world.idp.response(user), "RelayState": "/"}).encode()

    def post(self, user, path="/saml/acs", method="POST", headers=(FORM,), body=None):
        """(status, session cookie, did the app see it?)"""
        before, browser = self.world.app.log.count, self.world.browser()
        answer = browser.request(method, self.sso(path), self.form(user) if body is None else body, headers)
        return answer.status, self.story.cookie(browser), bool(self.world.app.log.since(before))

    def assert_linked(self, user, session):
        """The session dies with its user."""
        self.okta.unassign(self.okta.assign(user)["id"])
        self.story.expect_refused(session)

    def test_f7_what_is_a_plain_form_is_linked(self):
        types = ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8",
                 "application/x-www-form-urlencoded;charset=utf-8", "Application/X-WWW-Form-Urlencoded")
        for number, content_type in enumerate(types):
            with self.subTest(content_type):
                user = f"f7{number}@example.com"
                status, session, _ = self.post(user, headers=[("Content-Type", content_type)])
                self.assertEqual(status, 303)
                self.assert_linked(user, session)

    def test_f7_a_form_in_chunks_and_a_form_over_http2_are_linked(self):
        body = self.form("f7c@example.com")
        chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (100, body[:100], len(body) - 100, body[100:])
        browser = self.world.browser()
        status, session, _ = self.post("", headers=[FORM, ("Transfer-Encoding", "chunked")], body=chunks)
        self.assertEqual(status, 303)
        self.assert_linked("f7c@example.com", session)
        # a context of its own: HTTP/2 is offered by it from then on
        tls = ssl.create_default_context(cafile=str(self.world.folder / "ca.pem"))
        with http2.Connection(self.world.sso_url, tls) as connection:
            answer = connection.fetch("POST", "/saml/acs", [(FORM[0].lower(), FORM[1])], self.form("f7h@example.com"))
            self.assertEqual(answer.status, 303)
            browser.keep(self.world.sso_url, answer.header("set-cookie"))
            self.assert_linked("f7h@example.com", self.story.cookie(browser))

    def test_f7_every_other_way_is_refused_and_unseen_by_the_app(self):
        multipart = (b"--x\r\nContent-Disposition: form-data; name=\"SAMLResponse\"\r\n\r\n"
                     + self.world.idp.response("f7@example.com").encode() + b"\r\n--x--\r\n")
        rows = {f"F7 path {path}": {"path": path} for path in (
            "//saml/acs", "/saml//acs", "/saml/./acs", "/x/../saml/acs", "/saml%2Facs", "/%73aml/acs", "/saml/acs;x=1",
            "/SAML/acs", "/saml/acs/", "/saml/%61cs", "/saml/acs.json", "/saml/acs%2Exml",
            "/index.php/saml/acs")}
        rows |= {f"F7 method {method}": {"method": method} for method in ("PUT", "PATCH", "DELETE", "LOCK")}
        rows |= {
            "F7 multipart": {"headers": [("Content-Type", "multipart/form-data; boundary=x")], "body": multipart},
            "F7 gzip": {"headers": [FORM, ("Content-Encoding", "gzip")]},
            "F7 deflate": {"headers": [FORM, ("Content-Encoding", "deflate")]},
            "F7 other type": {"headers": [("Content-Type", "text/plain")]}, "F7 no type": {"headers": []},
            "F7 two types": {"headers": [FORM, ("Content-Type", "text/plain")]},
            "F7 UTF-16": {"headers": [("Content-Type", FORM[1] + "; charset=utf-16")]},
            "F7 query": {"path": "/saml/acs?SAMLResponse=x"}}
        for name, row in rows.items():
            with self.subTest(name):
                status, session, reached = self.post("f7@example.com", **row)
                self.assertTrue(400 <= status < 500, status)
                self.assertEqual((session, reached), (None, False))


class WhatTheAppSets(WorldCase):
    """F8 and F11: an app that answers a sign-on as the test says."""

    @classmethod
    def upstream(cls):
        """The app."""
        cls.app = Answering()
        cls.addClassCleanup(cls.app.stop)
        return cls.app.url

    def setUp(self):
        """Okta is connected."""
        self.okta = self.world.okta()
        self.addCleanup(self.okta.close)

    def sign_on(self, user, lines, status=303, cookie=None):
        """A sign-on that the app answers so; the answer."""
        self.app.status, self.app.headers = status, [("Location", "/"), *(("Set-Cookie", line) for line in lines)]
        body = urlencode({"SAMLResponse": self.world.idp.response(user)}).encode()
        return rawhttp.fetch(self.sso("/saml/acs"), "POST", [FORM, *([("Cookie", cookie)] if cookie else [])], body)

    def status(self, *values):
        """What a request with these session cookies gets."""
        line = "; ".join(f"{NAME}={value}" for value in values)
        return rawhttp.fetch(self.sso("/"), headers=[("Cookie", line), *HTML]).status

    def test_f8_a_session_that_the_victim_brings_and_the_app_keeps_is_nobodys(self):
        self.sign_on("mallory@example.com", [f"{NAME}=fixed; Path=/"])
        self.assertEqual(self.status("fixed"), 200)
        self.sign_on("victim@example.com", [], cookie=f"{NAME}=fixed")
        self.assertIn(self.status("fixed"), REFUSED)
        self.sign_on("victim@example.com", [f"{NAME}=fresh; Path=/"], cookie=f"{NAME}=fixed")
        self.assertEqual(self.status("fresh"), 200)
        self.okta.unassign(self.okta.assign("mallory@example.com")["id"])
        self.assertEqual(self.status("fresh"), 200)

    def test_f8_a_value_that_was_another_persons_is_the_last_ones_alone(self):
        self.sign_on("f8a@example.com", [f"{NAME}=handed; Path=/"])
        self.sign_on("f8b@example.com", [f"{NAME}=handed; Path=/"], cookie=f"{NAME}=handed")
        self.okta.unassign(self.okta.assign("f8a@example.com")["id"])
        self.assertEqual(self.status("handed"), 200)
        self.okta.unassign(self.okta.assign("f8b@example.com")["id"])
        self.assertIn(self.status("handed"), REFUSED)

    def test_f9_a_cookie_that_a_sister_host_tossed_is_not_guessed_about(self):
        self.sign_on("f9@example.com", [f"{NAME}=own; Path=/"])
        self.sign_on("f9m@example.com", [f"{NAME}=tossed; Path=/"])
        dead = self.okta.assign("f9m@example.com")["id"]
        for row in (("own", "tossed"), ("tossed", "own"), ("own", "own", "tossed")):
            with self.subTest(row):
                self.assertIn(self.status(*row), (400, *REFUSED))
        self.okta.unassign(dead)
        for row in (("own", "tossed"), ("tossed", "own")):
            self.assertIn(self.status(*row), (400, *REFUSED))
        self.assertEqual(self.status("own"), 200)

    def test_f11_the_link_is_equal_to_what_the_browser_keeps(self):
        rows = {
            "F11 twice": (303, ["S=first; Path=/", "S=KEPT; Path=/"]), "F11 on 302": (302, ["S=KEPT; Path=/"]),
            "F11 on 200": (200, ["S=KEPT; Path=/; HttpOnly"]), "F11 on 403": (403, ["S=KEPT; Path=/"]),
            "F11 on 500": (500, ["S=KEPT; Path=/"]), "F11 no attributes": (303, ["S=KEPT"]),
            "F11 path of the ACS": (303, ["S=KEPT; Path=/saml"]),
            "F11 quoted": (303, ['S="KEPT"; Path=/']), "F11 domain": (303, ["S=KEPT; Domain=127.0.0.1; Path=/"]),
            "F11 all attributes": (303, ["S=KEPT; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=3600; Partitioned; "
                                         "Expires=Wed, 09 Jun 2100 10:18:14 GMT"]),
            "F11 odd attributes": (303, ["S=KEPT ;path=/ ;  SECURE;x;;="]), "F11 blanks": (303, [" S = KEPT ; Path=/"]),
            "F11 deleted and set": (303, ["S=; Max-Age=0; Path=/", "S=KEPT; Path=/"]),
            "F11 others beside": (303, ["csrf=1", "S=KEPT; Path=/", "SS=2"]),
            "F11 Max-Age over Expires": (303, ["S=KEPT; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"]),
            "F11 an odd Max-Age": (303, ["S=KEPT; Max-Age=x; Path=/"])}
        for number, (name, (status, lines)) in enumerate(rows.items()):
            with self.subTest(name):
                user, kept = f"f11{number}@example.com", f"kept{number}"
                lines = [line.replace("KEPT", kept).replace("S=", f"{NAME}=", 1).replace(" S =", f" {NAME} =")
                         if "S" in line[:2] and not line.startswith("SS") else line for line in lines]
                answer = self.sign_on(user, lines, status)
                self.assertEqual((answer.status, answer.all("Set-Cookie")), (status, [line.strip() for line in lines]))
                self.assertEqual(self.status(kept), 200)
                self.okta.unassign(self.okta.assign(user)["id"])
                before = len(self.app.cookies)
                self.assertIn(self.status(kept), REFUSED)
                self.assertEqual(self.app.cookies[before:], [])

    def test_f11_what_the_browser_does_not_keep_is_not_linked(self):
        for number, lines in enumerate((["S=V; Path=/", "S=gone; Max-Age=0; Path=/"], ["S=V; Max-Age=0; Path=/"],
                                        ["S=V; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"])):
            with self.subTest(lines):
                user, value = f"f11n{number}@example.com", f"not-kept{number}"
                self.sign_on(user, [line.replace("S=", f"{NAME}=", 1).replace("=V", "=" + value) for line in lines])
                before = unbound_requests(self.world)
                self.assertEqual(self.status(value), 200)
                self.assertEqual(unbound_requests(self.world), before + 1)


class LongPoll(WorldCase):
    """F12: a request that the app has not answered yet."""

    @classmethod
    def upstream(cls):
        """An app that waits until it is told."""
        cls.app = Puppet()
        cls.addClassCleanup(cls.app.stop)
        return cls.app.url

    def sign_on(self, user, value):
        """A session of the user."""
        body = urlencode({"SAMLResponse": self.world.idp.response(user)}).encode()
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("POST", "/saml/acs", [("Host", self.host()), FORM], body)
            end = self.app.next()
            end.read_head()
            end.reader.read_exact(len(body))
            end.send(f"HTTP/1.1 303 See Other\r\nLocation: /\r\nSet-Cookie: {NAME}={value}\r\nContent-Length: 0\r\n"
                     "Connection: close\r\n\r\n".encode())
            end.close()
            self.assertEqual(connection.read_head().status, 303)

    def test_f12_a_long_poll_is_cut_at_both_ends(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        self.sign_on("f12@example.com", "polling")
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("GET", "/poll", [("Host", self.host()), ("Cookie", f"{NAME}=polling")])
            end = self.app.next()
            end.read_head()
            okta.unassign(okta.assign("f12@example.com")["id"])
            with self.assertRaises((wire.Closed, ConnectionError)):
                end.reader.read_exact(1)
            end.close()
            try:
                self.assertIn(connection.read_head().status, REFUSED)
            except (wire.Closed, ConnectionError):
                pass  # ended without an answer


class TwoEntries(WorldCase):
    """Law 3: one app behind two entries of the configuration, of one folder."""

    @classmethod
    def configure(cls, values):
        """The second entry: another address, without a sign-on of its own."""
        port = free_ports(1)[0]
        cls.other_url = f"http://127.0.0.1:{port}"
        other = copy.deepcopy(values["apps"][0])
        del other["prov"]
        other["name"] = "wiki-intern"
        other["sso"].update(hosts=[f"127.0.0.1:{port}"], external_url=cls.other_url)
        other["sso"]["identity"][0]["saml"]["audience"] = cls.other_url
        values["apps"].append(other)
        values["sso"]["listen"].append({"address": f"127.0.0.1:{port}"})

    def fetch(self, value, **more):
        """The answer of the second entry, and whether the app saw the request."""
        before = self.world.app.log.count
        answer = rawhttp.fetch(self.other_url + "/api/me", headers=[("Cookie", f"{NAME}={value}"), *HTML], **more)
        return answer.status, bool(self.world.app.log.since(before))

    def test_a_session_of_the_one_entry_is_as_dead_at_the_other(self):
        okta = self.world.okta()
        self.addCleanup(okta.close)
        value = self.world.sign_in("alice@example.com").cookies(self.world.sso_url)[NAME]
        self.assertEqual(self.fetch(value), (200, True))
        self.assertEqual(unbound_requests(self.world), 0)
        stream = websocket.Client(self.other_url + "/ws", [("Cookie", f"{NAME}={value}")])
        self.addCleanup(stream.close)
        self.assertTrue(stream.open)
        okta.unassign(okta.assign("alice@example.com")["id"])
        self.assertEqual(self.fetch(value), (403, False))
        self.assertTrue(stream.closed_within(CUT_S))


class SessionsFromBefore(WorldCase):
    """F15: sessions that the app handed out before there was a provgate."""

    unbound, passes = "pass", True

    @classmethod
    def configure(cls, values):
        """What becomes of them."""
        values["apps"][0]["sso"]["unbound"] = cls.unbound

    def test_f15_they_pass_or_are_refused_as_configured(self):
        value, before = self.world.app.sessions.open("early@example.com"), self.world.app.log.count
        answer = rawhttp.fetch(self.sso("/api/me"), headers=[("Cookie", f"{NAME}={value}"), ("Accept", "text/json")])
        self.assertEqual(answer.status == 200, self.passes)
        self.assertEqual(bool(self.world.app.log.since(before)), self.passes)
        self.assertEqual(unbound_requests(self.world), 1)


class SessionsFromBeforeRefused(SessionsFromBefore):
    """The same with `unbound: refuse`."""

    unbound, passes = "refuse", False


class SessionsFromBeforeReauth(SessionsFromBefore):
    """The same with `unbound: reauth`."""

    unbound, passes = "reauth", False
