#!/usr/bin/python3
"""A small SSO app that knows nothing of provgate: a SAML service provider with a session cookie of its own.

/            who you are (302 to the identity provider when nobody)      /api/me     the same as JSON (401 when nobody)
/saml/acs    takes the SAML response, sets lab_session, 303              /logout     forgets the session
/static/N    N fixed bytes (0, 100, 4k, 1m, 16m …)                       /upload     length and digest of the body
/stream      a line each 100 ms, ?lines=N (chunked)                      /events     the same as server-sent events
/ws          WebSocket: echo, and a tick each 200 ms                     /echo       the request head it received
/lab/requests?since=N   the requests seen (for tests; not logged itself)
Anything else, /scim/v2 included, is a 404 of this app. No page holds a clock, a counter or the caller's address, and no
Date field is sent, so that two fetches can be compared byte for byte; a Date that a client sees was added on the way.
"""

import argparse
import hashlib
import secrets
import signal
import sys
import threading
import time
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import saml_sp, websocket, wire  # noqa: E402
from lab.idp import ENTITY  # noqa: E402
from lab.request_log import RequestLog  # noqa: E402
from lab.webserver import WebServer  # noqa: E402

COOKIE = "lab_session"
STATIC_BYTES_MAX = 1 << 30
STREAM_LINES_MAX = 100000
TICK_S = 0.2
WEBSOCKET_S_MAX = 600
SUFFIXES = {"k": 1 << 10, "m": 1 << 20}

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Wiki</title></head>
<body><h1>Wiki</h1><p>You are <b id="user">{user}</b>.</p>
<p><a href="/api/me">me</a> <a href="/static/4k">file</a> <a href="/logout">sign out</a></p></body></html>
"""

BLOCK = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(2048))


class Sessions:
    """Session ids and who they belong to, in memory."""

    def __init__(self):
        self.lock = threading.Lock()
        self.users = {}

    def open(self, user):
        """A new session of a user; returns its id."""
        value = secrets.token_urlsafe(24)
        with self.lock:
            self.users[value] = user
        return value

    def user(self, value):
        """Whose session this is, or None."""
        with self.lock:
            return self.users.get(value)

    def close(self, value):
        """Forget a session."""
        with self.lock:
            self.users.pop(value, None)


class App:
    """The app: its pages by path."""

    def __init__(self, idp_certificate_pem, port=0, tls=None):
        self.certificate = idp_certificate_pem
        self.acs = self.audience = self.idp_url = None
        self.sessions = Sessions()
        self.log = RequestLog()
        self.pages = {"/": self.home, "/api/me": self.me, "/saml/acs": self.consume, "/logout": self.logout,
                      "/stream": self.stream, "/events": self.events, "/ws": self.websocket, "/upload": self.upload,
                      "/echo": self.echo, "/lab/requests": self.requests}
        self.server = WebServer(self.handle, port, tls=tls)
        self.url = self.server.url

    def configure(self, acs, audience, idp_url):
        """Its public address and its identity provider, as an administrator of the app would set them."""
        self.acs, self.audience, self.idp_url = acs, audience, idp_url

    def start(self):
        """Begin to answer; returns self."""
        self.server.start()
        return self

    def stop(self):
        """Stop answering."""
        self.server.stop()

    def handle(self, exchange):
        """Route one request."""
        request = exchange.request
        if not request.path.startswith("/lab/"):
            self.log.add(request.method, request.target, request.cookie(COOKIE))
        if request.path.startswith("/static/"):
            self.static(exchange)
        else:
            self.pages.get(request.path, self.unknown)(exchange)

    def user(self, exchange):
        """Who is signed in on this request."""
        return self.sessions.user(exchange.request.cookie(COOKIE))

    def home(self, exchange):
        """The page."""
        user = self.user(exchange)
        if user:
            exchange.reply(200, PAGE.format(user=escape(user)), "text/html; charset=utf-8")
        else:
            exchange.redirect(302, f"{self.idp_url}?acs={quote(self.acs, safe='')}&RelayState=%2F")

    def me(self, exchange):
        """Who is signed in, as JSON."""
        user = self.user(exchange)
        exchange.reply_json(200 if user else 401, {"user": user, "email": user})

    def consume(self, exchange):
        """The assertion consumer service."""
        if exchange.request.method != "POST":
            exchange.reply(405, "POST only\n", headers=[("Allow", "POST")])
            return
        form = parse_qs(exchange.request.body().decode("latin-1"), keep_blank_values=True)
        try:
            user = saml_sp.check(form.get("SAMLResponse", [""])[0], self.certificate, self.acs, self.audience, ENTITY)
        except saml_sp.Refused as error:
            exchange.reply(403, f"the app refuses this sign-in: {error}\n")
            return
        relay = form.get("RelayState", [""])[0]
        where = relay if relay.startswith("/") and not relay.startswith("//") else "/"
        cookie = f"{COOKIE}={self.sessions.open(user)}; Path=/; HttpOnly; SameSite=Lax"
        exchange.redirect(303, where, [("Set-Cookie", cookie)])

    def logout(self, exchange):
        """Forget the session and expire the cookie."""
        self.sessions.close(exchange.request.cookie(COOKIE))
        exchange.redirect(303, "/", [("Set-Cookie", f"{COOKIE}=; Path=/; Max-Age=0")])

    def static(self, exchange):
        """So many fixed bytes."""
        name = exchange.request.path[len("/static/"):]
        digits, factor = (name[:-1], SUFFIXES[name[-1]]) if name[-1:] in SUFFIXES else (name, 1)
        if not digits.isdigit() or int(digits) * factor > STATIC_BYTES_MAX:
            self.unknown(exchange)
            return
        left = int(digits) * factor
        exchange.head(200, [("Content-Type", "application/octet-stream"), ("Content-Length", str(left)),
                            ("ETag", f'"{name}"'), ("Cache-Control", "max-age=60")])
        while left > 0 and exchange.request.method != "HEAD":
            piece = BLOCK[:left]
            exchange.sock.sendall(piece)
            left -= len(piece)

    def _lines(self, exchange, content_type, form):
        lines = min(int(exchange.request.parameter("lines", "50")), STREAM_LINES_MAX)
        exchange.begin_chunked(200, content_type, [("Cache-Control", "no-cache")])
        for number in range(lines):
            exchange.chunk(form.format(number).encode())
            if exchange.server.stopping.wait(0.1):
                return
        exchange.end_chunked()

    def stream(self, exchange):
        """Slow text."""
        self._lines(exchange, "text/plain; charset=utf-8", "line {}\n")

    def events(self, exchange):
        """Server-sent events."""
        self._lines(exchange, "text/event-stream", "id: {0}\ndata: event {0}\n\n")

    def upload(self, exchange):
        """Length and digest of the body."""
        digest = hashlib.sha256()
        count = exchange.request.read_body(digest.update)
        exchange.reply_json(200, {"bytes": count, "sha256": digest.hexdigest()})

    def echo(self, exchange):
        """The request head as it came."""
        request = exchange.request
        exchange.reply_json(200, {"method": request.method, "target": request.target, "version": request.version,
                                  "headers": request.headers, "head": request.raw_head.decode("latin-1")})

    def requests(self, exchange):
        """The requests seen."""
        exchange.reply_json(200, self.log.since(int(exchange.request.parameter("since", "0"))))

    def unknown(self, exchange):
        """No such page; the body says that it was the app who said so."""
        exchange.reply_json(404, {"from": "lab app", "error": "no such page", "path": exchange.request.path})

    def websocket(self, exchange):
        """Echo each text message, tick in between, until either side leaves."""
        request = exchange.request
        key = request.header("Sec-WebSocket-Key")
        if (request.header("Upgrade") or "").lower() != "websocket" or not key:
            exchange.reply(426, "this is a WebSocket\n", headers=[("Upgrade", "websocket")])
            return
        exchange.keep = False
        exchange.head(101, [("Upgrade", "websocket"), ("Connection", "Upgrade"),
                            ("Sec-WebSocket-Accept", websocket.accept_key(key))], "Switching Protocols")
        done = threading.Event()
        lock = threading.Lock()
        threading.Thread(target=self._tick, args=(exchange, lock, done), daemon=True).start()
        try:
            self._answer_frames(exchange, lock)
        finally:
            done.set()

    @staticmethod
    def _tick(exchange, lock, done):
        end = time.monotonic() + WEBSOCKET_S_MAX
        number = 0
        try:
            while time.monotonic() < end and not done.wait(TICK_S) and not exchange.server.stopping.is_set():
                with lock:
                    exchange.sock.sendall(websocket.encode(websocket.TEXT, f"tick {number}".encode(), False))
                number += 1
        except OSError:
            pass

    @staticmethod
    def _answer_frames(exchange, lock):
        while True:
            try:
                opcode, payload = websocket.read_frame(exchange.request.reader)
            except (OSError, wire.Closed):
                return
            if opcode == websocket.CLOSE:
                with lock:
                    exchange.sock.sendall(websocket.encode(websocket.CLOSE, payload, False))
                return
            if opcode in (websocket.TEXT, websocket.BINARY, websocket.PING):
                answer = websocket.PONG if opcode == websocket.PING else opcode
                text = payload if opcode == websocket.PING else b"echo " + payload
                with lock:
                    exchange.sock.sendall(websocket.encode(answer, text, False))


def main():
    """Run alone until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idp-certificate", required=True)
    parser.add_argument("--idp-url", required=True)
    parser.add_argument("--external-url", required=True, help="the address under which browsers reach the app")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    app = App(Path(args.idp_certificate).read_bytes(), args.port)
    app.configure(args.external_url + "/saml/acs", args.external_url, args.idp_url)
    app.start()
    print(app.url, flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    app.stop()


if __name__ == "__main__":
    main()
