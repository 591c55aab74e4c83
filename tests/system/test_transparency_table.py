"""Several hundred legitimate exchanges, with provgate and without, over HTTP/1.1 and HTTP/2 (law 1, A11, A6, A8).

Each row goes to the app directly and through provgate. App and client must see the same bytes both times, but for the
alterations that docs/sso.md prints (support/alterations.py). A refusal is as much a failure as a changed byte.
"""

from exchanges import TABLE, answers, bodies, cookies, fields, targets
from lab import http2, rawhttp
from support import alterations
from support.case import WorldCase
from support.player import Player

ROWS = list(TABLE.values())


class Seen:
    """What the two ends of one exchange saw."""

    def __init__(self, request, interim, head, body, trailers):
        self.request, self.interim, self.head, self.body, self.trailers = request, interim, head, body, trailers
        self.connection = ""


def lines_of(raw):
    """A head's lines."""
    return raw.removesuffix(b"\r\n\r\n").split(b"\r\n")


class TableCase(WorldCase):
    """What both protocols share."""

    with_app = False
    timeout_s = 240
    player = None

    @staticmethod
    def configure(values):
        """The names that frameworks give their sessions."""
        values["apps"][0]["sso"]["session_cookies"] = cookies.SESSION_COOKIES

    @classmethod
    def upstream(cls):
        """The app that plays rows."""
        cls.player = Player(ROWS)
        cls.addClassCleanup(cls.player.stop)
        return cls.player.url

    def fields_of(self, row, number):
        """The fields that a client of HTTP/1.1 sends for a row."""
        return [("Host", self.host()), ("X-Row", str(number)), *row.fields, *row.framing_field()]

    def request_of(self, row, number):
        """A row as bytes of HTTP/1.1."""
        absolute = row.absolute + self.host() if row.absolute else ""
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.fields_of(row, number))
        out = f"{row.method} {absolute}{row.target} HTTP/1.1\r\n{fields}\r\n".encode("latin-1") + (row.body or b"")
        if row.chunks is not None:
            trailers = "".join(f"{name}: {value}\r\n" for name, value in row.trailers).encode()
            out += b"".join(b"%x\r\n%s\r\n" % (len(piece),
                                               piece) for piece in row.chunks) + b"0\r\n" + trailers + b"\r\n"
        return out

    def over_http1(self, connection, number):
        """One row on a connection of HTTP/1.1."""
        row, interim = ROWS[number], []
        connection.send(self.request_of(row, number))
        answer = connection.read_head(interim=True)
        while answer.status < 200:
            interim.append(lines_of(answer.raw_head))
            answer = connection.read_head(interim=True)
        connection.read_body(answer, row.method)
        request = self.player.take(number)
        self.assertEqual(len(request), 1, f"requests at the app; the answer is {answer.status} {answer.body[:200]}")
        seen = Seen(request[0], interim, lines_of(answer.raw_head), answer.body, answer.trailers)
        seen.connection = (answer.header("Connection") or "").lower()
        return seen

    def direct(self, number):
        """Without provgate."""
        with rawhttp.Connection.to(self.player.url) as connection:
            seen = self.over_http1(connection, number)
        if ROWS[number].absolute:  # the form for proxies; a server gets the path alone (RFC 9112 section 3.2.2)
            seen.request.head = seen.request.head.replace((ROWS[number].absolute + self.host()).encode(), b"", 1)
        return seen

    def assert_request(self, direct, through, is_http2=False):
        """What the app saw."""
        scheme = self.world.sso_url.partition(":")[0]
        expected = alterations.request_lines(lines_of(direct.request.head), scheme, self.host(), is_http2)
        self.assertEqual(lines_of(through.request.head), expected)
        self.assertEqual(through.request.body, direct.request.body)
        trailers = [(name.lower() if is_http2 else name, value) for name, value in direct.request.trailers
                    if not alterations.is_stripped(f"{name}:".encode())]
        self.assertEqual(through.request.trailers, trailers)

    def assert_answer(self, direct, through):
        """What the client saw over HTTP/1.1."""
        self.assertEqual(alterations.answer_lines(through.head), alterations.answer_lines(direct.head))
        self.assertEqual([alterations.answer_lines(head) for head in through.interim],
                         [alterations.answer_lines(head) for head in direct.interim])
        self.assertEqual(through.body, direct.body)
        self.assertEqual(through.trailers, direct.trailers)

    def each(self, family, protocol):
        """Numbers of a family's rows that a protocol can say; none may be missing from the table."""
        names = {row.name for row in family.rows()}
        numbers = [n for n, row in enumerate(ROWS) if row.name in names and protocol in row.protocols]
        self.assertGreater(len(numbers), 20)
        return numbers


class Http1Table(TableCase):
    """Over HTTP/1.1: one connection for as long as both sides keep it, so that what a row leaves hits the next."""

    def walk(self, family):
        """Row after row."""
        connection = None
        for number in self.each(family, "HTTP/1.1"):
            with self.subTest(ROWS[number].name):
                direct = self.direct(number)
                connection = connection or rawhttp.Connection.to(self.world.sso_url, self.world.tls)
                kept, connection = connection, None
                through = self.over_http1(kept, number)
                self.assert_request(direct, through)
                self.assert_answer(direct, through)
                if "close" in through.connection:
                    kept.close()
                else:
                    connection = kept
        if connection:
            connection.close()

    def test_methods_and_addresses(self):
        self.walk(targets)

    def test_cookies(self):
        self.walk(cookies)

    def test_request_fields(self):
        self.walk(fields)

    def test_request_bodies(self):
        self.walk(bodies)

    def test_answers(self):
        self.walk(answers)


class Http1TlsTable(Http1Table):
    """The same over TLS."""

    tls = True


class Http2Table(TableCase):
    """Over HTTP/2: one connection for all."""

    tls = True

    def over_http2(self, connection, number):
        """One row as a stream."""
        row = ROWS[number]
        fields = [(name.lower(), value.strip()) for name, value in self.fields_of(row, number)
                  if name.lower() not in ("host", "transfer-encoding")]
        has_body = bool(row.content) or bool(row.trailers)
        ends = not has_body and row.chunks is None
        stream = connection.request(row.method, row.target.encode("latin-1"), fields, ends)
        if not ends:
            trailers = [(name.lower(), value) for name, value in row.trailers]
            connection.send_body(stream, row.content, trailers=trailers)
        answer = connection.answer(stream)
        request = self.player.take(number)
        self.assertEqual(len(request), 1,
                         f"requests at the app; the answer is {answer.status} {bytes(answer.body[:200])}"
                                          f" reset {answer.reset} goaway {connection.goaway}")
        self.assertIsNone(answer.reset)
        return Seen(request[0], answer.interim, answer.fields, bytes(answer.body), answer.trailers)

    def compare(self, connection, number):
        """One row with and without."""
        direct, through = self.direct(number), self.over_http2(connection, number)
        self.assert_request(direct, through, is_http2=True)
        self.assertEqual(through.head, alterations.answer_fields(direct.head))
        self.assertEqual(through.interim, [alterations.answer_fields(head) for head in direct.interim])
        self.assertEqual(through.body, direct.body)
        trailers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in direct.trailers]
        self.assertEqual(through.trailers, trailers)

    def walk(self, family):
        """Row after row, all on one connection."""
        with http2.Connection(self.world.sso_url, self.world.tls) as connection:
            for number in self.each(family, "HTTP/2"):
                with self.subTest(ROWS[number].name):
                    self.compare(connection, number)
            self.assertIsNone(connection.goaway)

    test_methods_and_addresses = Http1Table.test_methods_and_addresses
    test_cookies = Http1Table.test_cookies
    test_request_fields = Http1Table.test_request_fields
    test_request_bodies = Http1Table.test_request_bodies
    test_answers = Http1Table.test_answers
