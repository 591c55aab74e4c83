"""Several servers behind one app: sessions stay where they were made, and nobody notices a server that goes."""

import os
import signal
import ssl
from pathlib import Path

from lab import keys, rawhttp
from lab.app import App
from lab.gateway import wait_until
from lab.idp import load_or_make
from support.case import WorldCase
from support.fleet import Named

USERS = 12
ASKED = 10


class TwoAppsWithSessionsInMemory(WorldCase):
    """Each knows only the sessions that it made itself."""

    second = None

    @classmethod
    def configure(cls, values):
        """The lab's app, and a second one."""
        sso = values["apps"][0]["sso"]
        cls.second = App(load_or_make(Path(values["store"]["path"]).parent).certificate_pem())
        cls.addClassCleanup(cls.second.stop)
        sso["upstream"] = {"servers": [{"url": sso["upstream"]["url"]}, {"url": cls.second.url}]}
        values["sso"]["workers"] = 2

    @classmethod
    def setUpClass(cls):
        """The second app knows the same identity provider."""
        super().setUpClass()
        cls.second.configure(cls.world.sso_url + "/saml/acs", cls.world.sso_url, cls.world.idp.url)
        cls.second.start()

    def test_everybody_stays_where_the_session_was_made(self):
        browsers = {f"user{i}@example.com": self.world.sign_in(f"user{i}@example.com") for i in range(USERS)}
        for _ in range(ASKED):
            self.assert_all_know(browsers)
        for app in (self.world.app, self.second):
            self.assertGreaterEqual(len(app.sessions.users), USERS // 3)

    def assert_all_know(self, browsers):
        """Each browser is known under its name."""
        for user, browser in browsers.items():
            answer = browser.get(self.sso("/api/me"))
            self.assertEqual((answer.status, answer.json()["user"]), (200, user))

    def test_everybody_stays_there_through_a_reload_and_a_crash(self):
        browsers = {f"other{i}@example.com": self.world.sign_in(f"other{i}@example.com") for i in range(USERS)}
        self.assert_all_know(browsers)
        log = self.world.gateway.log
        served = log.read_text().count("crew-serves")
        os.kill(self.world.gateway.pid, signal.SIGHUP)
        wait_until(lambda: log.read_text().count("crew-serves") > served, 30, "a reload")
        self.assert_all_know(browsers)
        self.world.gateway.wait_child("sso", self.world.gateway.kill_child("sso"))
        self.world.gateway.wait_healthy()
        self.assert_all_know(browsers)

    def test_law_1_no_cookie_is_added(self):
        browser = self.world.browser()
        answer = browser.sign_in(self.world.idp.url, "carol@example.com")
        self.assertEqual([value.partition("=")[0] for value in answer.all("Set-Cookie")], ["lab_session"])


class Fleet(WorldCase):
    """Three servers that say their names."""

    with_app = False
    servers = ()
    health = None

    @classmethod
    def configure(cls, values):
        """All three, and health checks where the class wants them."""
        cls.servers = [Named(name) for name in ("one", "two", "three")]
        for server in cls.servers:
            cls.addClassCleanup(server.stop)
        upstream = {"servers": [{"url": server.url} for server in cls.servers], "connect_timeout": "2s"}
        if cls.health:
            upstream["health"] = cls.health
        values["apps"][0]["sso"]["upstream"] = upstream
        values["sso"]["workers"] = 1

    def ask(self, path="/", method="GET", session=None, body=None):
        """Who answered."""
        fields = [("Cookie", f"lab_session={session}")] if session else []
        answer = rawhttp.fetch(self.sso(path), method, fields, body)
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def metrics(self):
        """Name to value."""
        fields = [("Authorization", f"Bearer {self.world.admin_token}")]
        text = rawhttp.fetch(self.world.admin_url + "/metrics", headers=fields).body.decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    def gauge(self, server):
        """Is it up, says the metric?"""
        return self.metrics()[f'provgate_upstream_server_up{{app="wiki",server="{server.url}"}}']


class ServersThatComeAndGo(Fleet):
    """Passive health alone."""

    def test_requests_go_round(self):
        self.assertEqual({self.ask() for _ in range(3)}, {"one", "two", "three"})

    def test_a_server_that_goes_away_is_not_noticed_also_by_a_post(self):
        gone = self.servers[1]
        gone.go_away()
        try:
            for number in range(60):
                self.assertNotEqual(self.ask(method="POST" if number % 2 else "GET", body=b"x"), gone.name)
            wait_until(lambda: self.gauge(gone) == "0", 30, "it is out")
            line = f"upstream-down app=wiki server={gone.url} why=connect-refused"
            wait_until(lambda: line in self.world.gateway.log.read_text(), 30, "a line of it")
        finally:
            gone.come_back()
        wait_until(lambda: self.ask() == gone.name, 30, "the server is asked again")
        wait_until(lambda: self.gauge(gone) == "1", 30, "the gauge")

    def test_a_session_waits_elsewhere_and_comes_home(self):
        home = self.ask("/set/sessionA1")
        server = next(one for one in self.servers if one.name == home)
        self.assertEqual({self.ask(session="sessionA1") for _ in range(9)}, {home})
        server.go_away()
        try:
            refuge = {self.ask(session="sessionA1") for _ in range(9)}
            self.assertEqual(len(refuge), 1)
            self.assertNotIn(home, refuge)
        finally:
            server.come_back()
        wait_until(lambda: self.ask(session="sessionA1") == home, 30, "the session comes home")

    def test_when_all_are_gone_it_is_502_and_the_first_that_is_back_answers(self):
        for server in self.servers:
            server.go_away()
        try:
            for _ in range(5):
                answer = rawhttp.fetch(self.sso("/"))
                self.assertEqual(answer.status, 502)
                for server in self.servers:
                    self.assertNotIn(str(server.port).encode(), answer.raw_head + answer.body)  # I6
        finally:
            self.servers[2].come_back()
            self.assertEqual(self.ask(), "three")
            for server in self.servers[:2]:
                server.come_back()
            wait_until(lambda: {self.ask() for _ in range(9)} == {"one", "two", "three"}, 30, "all are asked again")


class ServersWithHealthChecks(Fleet):
    """An answer that is not healthy takes a server out, though it answers."""

    health = {"path": "/health", "every": "200ms", "timeout": "200ms", "fall": 2, "rise": 2}

    def test_an_ill_server_gets_no_requests_until_it_is_well(self):
        ill = self.servers[0]
        wait_until(lambda: ill.checks > 1, 30, "checks")
        ill.is_well = False
        wait_until(lambda: self.gauge(ill) == "0", 30, "it is out")
        before = ill.requests
        for _ in range(30):
            self.assertNotEqual(self.ask(), ill.name)
        self.assertEqual(ill.requests, before)
        ill.is_well = True
        wait_until(lambda: self.gauge(ill) == "1", 30, "it is back")
        wait_until(lambda: self.ask() == ill.name, 30, "it is asked again")

    def test_each_server_is_checked_once_per_interval(self):
        before = [server.checks for server in self.servers]
        wait_until(lambda: self.servers[0].checks >= before[0] + 10, 30, "ten checks")
        for server, count in zip(self.servers, before):
            self.assertAlmostEqual(server.checks - count, 10, delta=2)


class ServersOverTls(WorldCase):
    """An address as the name, a CA of its own, and an app that wants to see a certificate of ours."""

    app_certificate = None

    @classmethod
    def configure(cls, values):
        """The lab's app moves behind TLS."""
        folder = Path(values["store"]["path"]).parent
        authority = keys.make("app CA", authority=True)
        ca_path, _ = authority.write(folder, "app-ca")
        app_paths = keys.make("app", ["127.0.0.1"], authority).write(folder, "app")
        own_paths = keys.make("provgate", ["provgate.test"], authority).write(folder, "own")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*app_paths)
        context.load_verify_locations(ca_path)
        context.verify_mode = ssl.CERT_REQUIRED
        cls.server = App(load_or_make(folder).certificate_pem(), tls=context)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        values["apps"][0]["sso"]["upstream"] = {"url": cls.server.url, "ca": str(ca_path),
                                                "certificate": str(own_paths[0]), "key": str(own_paths[1])}

    def test_requests_pass_both_ways(self):
        for size in ("100", "1m"):
            answer = rawhttp.fetch(self.sso("/static/" + size))
            self.assertEqual(answer.status, 200)
        body = b"x" * 300000
        answer = rawhttp.fetch(self.sso("/upload"), "PUT", body=body)
        self.assertEqual(answer.json()["bytes"], len(body))
