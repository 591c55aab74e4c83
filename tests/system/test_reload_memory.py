"""What a process knows only in memory, and its successor must know too: cookies that an app hands out before a login,
sessions whose cookie changes all the time, and which server a session lives on. Where it did not, `unbound: refuse`
would refuse people, and apps would forget them."""

import itertools
import os
import re
import signal

from lab import rawhttp
from lab.gateway import wait_until
from lab.webserver import WebServer
from support.case import WorldCase

COOKIE = "lab_session"
RELOADS = 12
SWITCH_S = 60


class RotatingApp:
    """An app that gives a new session cookie with each answer, and takes each once."""

    def __init__(self):
        self.numbers, self.live = itertools.count(), set()
        self.server = WebServer(self.handle).start()

    def value(self):
        """A new session cookie."""
        value = f"session-{next(self.numbers)}-{os.urandom(8).hex()}"
        self.live.add(value)
        return value

    def handle(self, exchange):
        """Answer one request."""
        carried = exchange.request.cookie(COOKIE)
        self.live.discard(carried)
        fields = [("Set-Cookie", f"{COOKIE}={self.value()}; Path=/")]
        if exchange.request.path == "/login":
            fields.append(("X-Remote-User", exchange.request.parameter("user")))
        exchange.reply(200, "in", headers=fields)


class Memory(WorldCase):
    """One app and `unbound: refuse`."""

    @classmethod
    def upstream(cls):
        cls.app = RotatingApp()
        cls.addClassCleanup(cls.app.server.stop)
        return cls.app.server.url

    @classmethod
    def configure(cls, values):
        """The app says who it is; who is unknown is refused."""
        values["apps"][0]["sso"].update({"identity": [{"header": {"name": "X-Remote-User"}}], "unbound": "refuse"})

    def reload(self):
        """A new crew serves."""
        log = self.world.gateway.log
        before = len(re.findall("crew-serves", log.read_text()))
        os.kill(self.world.gateway.pid, signal.SIGHUP)
        wait_until(lambda: len(re.findall("crew-serves", log.read_text())) > before, SWITCH_S, "a new crew")

    def get(self, path, cookie=None, connection=None):
        """One request, and the cookie to use next."""
        fields = [("Cookie", f"{COOKIE}={cookie}")] if cookie else []
        if connection:
            answer = connection.exchange("GET", path, [("Host", self.host()), *fields])
        else:
            answer = rawhttp.fetch(self.sso(path), headers=fields)
        self.assertEqual(answer.status, 200, answer.body[:200])
        return re.match(rf"{COOKIE}=([^;]+)", answer.header("Set-Cookie")).group(1)

    def test_a_login_that_is_under_way_goes_on(self):
        cookie = self.get("/")
        for _ in range(3):
            self.reload()
            cookie = self.get("/", cookie)

    def test_a_session_whose_cookie_changes_with_each_answer_is_known_on_old_and_new_connections(self):
        cookie = self.get("/login?user=alice@example.com")
        for _ in range(RELOADS):
            with rawhttp.Connection.to(self.sso("")) as kept:
                cookie = self.get("/", cookie, kept)
                self.reload()
                cookie = self.get("/", cookie)        # at the new process
                cookie = self.get("/", cookie, kept)  # at the old one, for the last time
                cookie = self.get("/", cookie)


class Homes(WorldCase):
    """One app on several servers, each of which knows only the sessions it made."""

    SERVERS = 3

    @classmethod
    def configure(cls, values):
        """All servers behind one app."""
        cls.servers = [cls.home(number) for number in range(cls.SERVERS)]
        values["apps"][0]["sso"]["upstream"] = {"servers": [{"url": server.url} for server in cls.servers]}

    @classmethod
    def home(cls, number):
        """A server whose sessions bear its number."""
        def handle(exchange):
            carried = exchange.request.cookie(COOKIE)
            if carried:
                exchange.reply(200 if carried.startswith(f"home-{number}-") else 410, "who?")
            else:
                exchange.reply(200, "new", headers=[("Set-Cookie", f"{COOKIE}=home-{number}-{os.urandom(8).hex()}")])
        server = WebServer(handle).start()
        cls.addClassCleanup(server.stop)
        return server

    reload = Memory.reload

    def test_sessions_stay_on_their_servers_over_reloads(self):
        url, cookies = self.sso("/"), []
        for _ in range(24):
            cookies.append(rawhttp.fetch(url).header("Set-Cookie"))
        self.assertEqual(len({cookie.split("-")[1] for cookie in cookies}), self.SERVERS)
        for _ in range(3):
            self.reload()
            for cookie in cookies:
                self.assertEqual(rawhttp.fetch(url, headers=[("Cookie", cookie)]).status, 200)
