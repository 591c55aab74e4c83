"""What the browser sees through the gateway is what it would see without it (law 1): a first table of answers."""

import gzip
import hashlib

from lab import rawhttp, websocket
from lab.story import comparable
from support.case import WorldCase
from support.scripted import Scripted

OK = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"compressed page " * 100, mtime=0)


def sized(head, body):
    """An answer with its length."""
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


TABLE = {
    "plain": sized(OK, b"hello"),
    "empty": sized(OK, b""),
    "order-and-case": sized(OK + b"x-b: 1\r\nX-A: 2\r\nX-b: 3\r\nETAG: \"q\"\r\ncontent-type: text/x\r\n", b"a"),
    "set-cookie-three": sized(OK + b"Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nset-cookie: a=3; HttpOnly\r\n",
                              b"a"),
    "status-text": sized(b"HTTP/1.1 200 Everything Is Fine\r\n", b"a"),
    "no-status-text": sized(b"HTTP/1.1 200 \r\n", b"a"),
    "odd-status": sized(b"HTTP/1.1 299 Odd\r\n", b"a"),
    "teapot": sized(b"HTTP/1.1 418 I'm a teapot\r\n", b"short and stout"),
    "error-500": sized(b"HTTP/1.1 500 Oops\r\nX-Trace: abc\r\n", b"the app's own error page"),
    "error-502": sized(b"HTTP/1.1 502 Bad Gateway\r\n", b"the app's own 502"),
    "unauthorized": sized(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\", Digest a=b\r\n", b"no"),
    "redirect": sized(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example:99/a?b=c#d\r\n", b""),
    "relative-redirect": sized(b"HTTP/1.1 303 See Other\r\nLocation: ../x\r\n", b""),
    "no-content": b"HTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n",
    "not-modified": b"HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\n\r\n",
    "range": sized(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/100\r\n", b"01234"),
    "gzip": sized(OK + b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", PACKED),
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "chunked-404": b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    "chunked-trailers": OK + b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nab\r\n0\r\nX-T: end\r\n\r\n",
    "until-close": OK + b"Content-Type: text/plain\r\nConnection: close\r\n\r\nall until the end",
    "date-and-server": sized(OK + b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: app/1\r\nVia: 1.1 inner\r\n", b"a"),
    "security-fields": sized(OK + b"Strict-Transport-Security: max-age=1\r\n"
                             b"Content-Security-Policy: default-src 'self'\r\n"
                             b"X-Frame-Options: DENY\r\n", b"a"),
    "long-field": sized(OK + b"X-Long: " + b"v" * 8000 + b"\r\n", b"a"),
    "ninety-fields": sized(OK + b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(90)), b"a"),
    "utf-8-field": sized(OK + "X-Name: Zoë\r\n".encode(), b"a"),
    "empty-field": sized(OK + b"X-Empty:\r\nX-Blank: \r\n", b"a"),
    "binary": sized(OK, bytes(range(256)) * 300),
}


class AnswersPassUnchanged(WorldCase):
    """Each row fetched with and without the gateway."""

    scripted = None

    @classmethod
    def upstream(cls):
        """The table's server."""
        cls.scripted = Scripted(dict(TABLE))
        cls.addClassCleanup(cls.scripted.stop)
        return cls.scripted.url

    def compare(self, name, method="GET"):
        """With and without."""
        through = rawhttp.fetch(self.sso("/" + name), method)
        direct = rawhttp.fetch(f"{self.scripted.url}/{name}", method)
        self.assertEqual(comparable(through), comparable(direct))
        self.assertEqual(through.trailers, direct.trailers)

    def test_every_row_with_get(self):
        for name in TABLE:
            with self.subTest(name):
                self.compare(name)

    def test_every_row_with_head(self):
        for name in TABLE:
            with self.subTest(name):
                self.compare(name, "HEAD")

    def test_every_row_one_after_the_other_on_one_connection(self):
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            for name in TABLE:
                if name == "until-close":
                    continue
                with self.subTest(name):
                    answer = connection.exchange("GET", "/" + name, [("Host", self.host())])
                    direct = rawhttp.fetch(f"{self.scripted.url}/{name}")
                    self.assertEqual(comparable(answer), comparable(direct))

    def test_interim_answers_come_through(self):
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
        self.scripted.table["early-hints"] = early + sized(OK, b"a")
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("GET", "/early-hints", [("Host", self.host())])
            first = connection.read_head(interim=True)
            self.assertEqual((first.status, first.header("Link")), (103, "</a>; rel=preload"))
            self.assertEqual(connection.read_body(connection.read_head()).body, b"a")

    def test_request_fields_arrive_in_order_and_spelling(self):
        fields = [("x-b", "1"), ("X-A", "2"), ("X-b", "3"), ("Cookie", "a=b; c=\"d\"; e=%20"), ("X_Under", "u"),
                  ("X-HTTP-Method-Override", "PUT"), ("Accept-Encoding", "gzip, br"), ("Range", "bytes=0-4"),
                  ("If-None-Match", "\"v\""), ("Authorization", "Basic eDp5"), ("Origin", "null"), ("Referer", "x")]
        rawhttp.fetch(self.sso("/plain"), headers=fields)
        sent = {name for name, _ in fields}
        arrived = [pair for pair in self.scripted.requests[-1].fields if pair[0] in sent]
        self.assertEqual(arrived, fields)


class BodiesPassUnchanged(WorldCase):
    """Large bodies, both ways, both framings."""

    def test_downloads_of_every_size_are_the_same_bytes(self):
        for size in ("0", "1", "4095", "4k", "64k", "65537", "1m", "64m"):
            with self.subTest(size):
                digests = []
                for base in (self.world.sso_url, self.world.app.url):
                    digest = hashlib.sha256()
                    with rawhttp.Connection.to(base) as connection:
                        connection.send_request("GET", f"/static/{size}", [("Host", self.host())])
                        connection.read_body(connection.read_head(), on_data=digest.update)
                    digests.append(digest.hexdigest())
                self.assertEqual(*digests)

    def test_uploads_in_both_framings_arrive_whole(self):
        block = bytes(range(256)) * 256
        for blocks in (0, 1, 300):
            for chunked in (False, True):
                with self.subTest(blocks=blocks, chunked=chunked):
                    self.upload(block, blocks, chunked)

    def upload(self, block, blocks, chunked):
        """Send so many blocks; the app must have the same digest."""
        digest = hashlib.sha256(block * blocks).hexdigest()
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(block) * blocks))
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("POST", "/upload", [("Host", self.host()), framing])
            for _ in range(blocks):
                connection.send(f"{len(block):x}\r\n".encode() + block + b"\r\n" if chunked else block)
            if chunked:
                connection.send(b"0\r\n\r\n")
            answer = connection.read_body(connection.read_head())
        self.assertEqual(answer.json(), {"bytes": len(block) * blocks, "sha256": digest})

    def test_events_are_not_held_back(self):
        with rawhttp.Connection.to(self.world.sso_url) as connection:
            connection.send_request("GET", "/events?lines=100000", [("Host", self.host())])
            self.assertEqual(connection.read_head().status, 200)
            self.assertIn(b"event 0", connection.reader.read_until(b"data: event 2\n\n", 10000))

    def test_a_large_websocket_message_comes_back_whole(self):
        text = "x" * (4 << 20)
        with websocket.Client(self.sso("/ws")) as client:
            self.assertTrue(client.open)
            client.send(text)
            client.receive_echo(text)
