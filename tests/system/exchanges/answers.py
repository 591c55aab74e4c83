"""Answers: status, framing, fields, codings, interim answers, trailers."""

import gzip
import zlib

from exchanges.row import OK, Row, chunked, sized

STATUSES = [200, 201, 202, 203, 206, 207, 208, 226, 299, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404,
            405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 420, 421, 422, 423, 424, 425, 426,
            428, 429, 431, 440, 444, 451, 460, 494, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520,
            530, 599, 600, 700, 999]

REASONS = {"none": b"", "words": b"Everything Is Fine", "utf-8": "Größe".encode(), "latin-1": b"caf\xe9",
           "marks": b"I'm a \"teapot\"; (really) = yes: 100%", "tab": b"a\tb", "long": b"r" * 500, "digits": b"200 200"}

FIELDS = {
    "order and case": b"x-b: 1\r\nX-A: 2\r\nX-b: 3\r\nETAG: \"q\"\r\ncontent-type: text/x\r\n",
    "date and server": b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: app/1 (x)\r\nX-Powered-By: PHP/5.3\r\n",
    "no date": b"X-A: 1\r\n", "odd date": b"Date: yesterday\r\n", "via": b"Via: 1.1 inner\r\n", "age": b"Age: 17\r\n",
    "links": b"Link: </a.css>; rel=preload; as=style, </b>; rel=\"next\"\r\nLink: </c>; rel=x\r\n",
    "content fields": b"Content-Location: /x\r\nContent-Language: de, en\r\nContent-Disposition: attachment; "
                      b"filename=\"a\\\"b\"; filename*=UTF-8''%e2%82%ac\r\nContent-MD5: abc==\r\n",
    "etag weak": b"ETag: W/\"a\"\r\n", "etag bare": b"ETag: abc\r\n", "etag empty": b"ETag: \"\"\r\n",
    "cache": b"Cache-Control: private, max-age=0\r\nExpires: 0\r\nPragma: no-cache\r\n"
             b"Vary: Cookie, Accept-Encoding\r\n",
    "vary star": b"Vary: *\r\n", "location absolute": b"Location: http://elsewhere.example:99/a?b=c#d\r\n",
    "location relative": b"Location: ../x\r\n", "location odd": b"Location: //x y/\xc3\xa9\r\n",
    "refresh": b"Refresh: 0; url=/x\r\n", "allow": b"Allow: GET, HEAD\r\nAllow:\r\n", "p3p": b"P3P: CP=\"x\"\r\n",
    "authenticate": b"WWW-Authenticate: Basic realm=\"x\", Digest a=b\r\nWWW-Authenticate: Negotiate\r\n",
    "security": b"Strict-Transport-Security: max-age=1\r\nContent-Security-Policy: default-src 'self'\r\n"
                b"X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n",
    "cors": b"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: X-A, X-B\r\n",
    "retry": b"Retry-After: 120\r\n", "timing": b"Server-Timing: db;dur=53, app;dur=47.2\r\n",
    "alt-svc": b"Alt-Svc: clear\r\n",
    "dav": b"DAV: 1, 2, <http://x/y>\r\nMS-Author-Via: DAV\r\n", "empty value": b"X-Empty:\r\nX-Blank: \r\n",
    "blanks around": b"X-A:   a b   \r\nX-B:\tc\t\r\n", "obs-text": b"X-O: \x80\xff\xe9\r\n",
    "utf-8": "X-Z: Zoë\r\n".encode(),
    "tab inside": b"X-T: a\tb\r\n", "odd names": b"X!#$%&'*+-.^_`|~9: v\r\n_x: 1\r\n9: 2\r\n",
    "underscore": b"X_U: 1\r\n",
    "long": b"X-Long: " + b"v" * 8000 + b"\r\n", "30 KiB": b"X-Long: " + b"v" * 30000 + b"\r\n",
    "ninety": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(90)), "repeated": b"X-R: 1\r\n" * 20,
    "keep-alive": b"Connection: keep-alive\r\nKeep-Alive: timeout=5, max=100\r\n", "close": b"Connection: close\r\n",
    "named": b"Connection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 2\r\n",
    "upgrade offered": b"Upgrade: h2,h2c\r\nConnection: Upgrade\r\n",
    "identity-like": b"X-Forwarded-For: 1\r\nRemote-User: bob\r\nX-Real-IP: 2\r\n", "nel": b"NEL: {\"a\":1}\r\n",
    "clear site data": b"Clear-Site-Data: \"cookies\", \"*\"\r\n",
    "accel": b"X-Accel-Redirect: /x\r\nX-Sendfile: /y\r\n",
    "accept-ranges": b"Accept-Ranges: bytes\r\n", "trailer": b"Trailer: X-None\r\n",
    "digest": b"Digest: sha-256=a/b+c=\r\n",
    "status field": b"Status: 404 Not Found\r\n", "warning": b"Warning: 110 - \"Response is stale\"\r\n"}

PACKED = gzip.compress(b"compressed page " * 100, mtime=0)
CODINGS = {"gzip": PACKED, "deflate": zlib.compress(b"page" * 100), "br": b"\x0b\x02\x80abcd\x03",
           "zstd": b"(\xb5/\xfd\x04\0x",
           "gzip, br": PACKED, "identity": b"plain", "unknown": b"x"}

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-H: \xe9\r\n\r\n"


def framings():
    """A body said in every way."""
    yield "length", sized(OK, b"hello")
    yield "length 0", sized(OK, b"")
    yield "chunks", chunked(OK, b"hello", b" ", b"world")
    yield "no chunks", chunked(OK)
    yield "chunks with extensions", chunked(OK, b"abc", extension=b";a=b;c=\"d\"")
    yield "chunks in capitals", OK + b"transfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n000\r\n\r\n"
    yield "chunk of 100,000", chunked(OK, b"x" * 100000)
    yield "a thousand chunks", chunked(OK, *(b"%d" % n for n in range(1000)))
    yield "until the end", OK + b"Connection: close\r\n\r\nall until the end"
    yield "until the end, empty", OK + b"Connection: close\r\n\r\n"
    yield "until the end, unannounced", OK + b"X-A: 1\r\n\r\nall until the end"
    yield "HTTP/1.0 until the end", b"HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\nold"
    yield "HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold"
    yield "HTTP/1.0 kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold"
    yield "length with blanks", OK + b"Content-Length:   5  \r\n\r\nhello"
    yield "length in the middle", OK + b"X-A: 1\r\ncontent-length: 1\r\nX-B: 2\r\n\r\na"
    yield "binary", sized(OK, bytes(range(256)) * 300)
    yield "a megabyte", sized(OK, b"0123456789abcdef" * 65536)


def rows():
    """Each to GET, those about framing to HEAD as well."""
    for status in STATUSES:
        head = b"HTTP/1.1 %d Text %d\r\nX-Status: 1\r\n" % (status, status)
        yield Row(f"status {status}", answer=sized(head, b"body of %d" % status))
        if status % 3 == 0:
            yield Row(f"status {status} in chunks", answer=chunked(head, b"body"))
            yield Row(f"status {status} empty", "POST", body=b"x", answer=sized(head, b""))
    for status, text in ((204, b"No Content"), (304, b"Not Modified"), (204, b""), (304, b"")):
        head = b"HTTP/1.1 %d %s\r\nETag: \"v\"\r\n" % (status, text)
        yield Row(f"bodiless {status} {text!r}", answer=head + b"\r\n")
    yield Row("204 with a length of 0", answer=b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
    yield Row("304 with a length", answer=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n")
    yield Row("205", answer=sized(b"HTTP/1.1 205 Reset Content\r\n", b""))
    for name, reason in REASONS.items():
        yield Row(f"reason {name}", answer=sized(b"HTTP/1.1 200 " + reason + b"\r\n"))
    yield Row("reason without its blank", answer=sized(b"HTTP/1.1 200\r\n"))
    for name, raw in framings():
        yield Row(f"framing {name}", answer=raw)
        yield Row(f"framing {name} after POST", "POST", body=b"x", answer=raw)
        yield Row(f"framing {name} of HEAD", "HEAD", answer=raw[:raw.index(b"\r\n\r\n") + 4])
    for name, lines in FIELDS.items():
        yield Row(f"answer {name}", answer=sized(OK + lines))
    for name, lines in list(FIELDS.items())[::3]:
        yield Row(f"answer {name} in chunks", answer=chunked(OK + lines, b"x"))
        yield Row(f"answer {name} of 304", answer=b"HTTP/1.1 304 Not Modified\r\n" + lines + b"\r\n")
    for coding, body in CODINGS.items():
        head = OK + b"Content-Encoding: " + coding.encode() + b"\r\nVary: Accept-Encoding\r\n"
        yield Row(f"coding {coding}", fields=(("Accept-Encoding", "gzip"),), answer=sized(head, body))
        yield Row(f"coding {coding} in chunks", answer=chunked(head, body[:5], body[5:] or b"x"))
    partial = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/100\r\n"
    yield Row("range answered", fields=(("Range", "bytes=0-4"),), answer=sized(partial, b"01234"))
    several = b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=X\r\n"
    yield Row("ranges answered", answer=sized(several, b"--X\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--X--\r\n"))
    unsatisfied = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */100\r\n"
    yield Row("range not satisfiable", answer=sized(unsatisfied, b""))
    yield from interim_rows()
    yield from trailer_rows()


def interim_rows():
    """1xx before the answer (RFC 9110 section 15.2)."""
    last = sized(OK + b"X-Last: 1\r\n", b"hello")
    yield Row("interim 103", answer=HINT + last)
    yield Row("interim 103 twice", answer=HINT + HINT.replace(b"a.css", b"b.js") + last)
    yield Row("interim 102", answer=b"HTTP/1.1 102 Processing\r\n\r\n" + last)
    yield Row("interim 100 unasked", "POST", body=b"x", answer=b"HTTP/1.1 100 Continue\r\n\r\n" + last)
    yield Row("interim 199", answer=b"HTTP/1.1 199 Odd\r\nX: y\r\n\r\n" + last)
    yield Row("interim 104 of an upload", "POST", body=b"x",
              answer=b"HTTP/1.1 104 Upload Resumption Supported\r\nLocation: /u/1\r\n\r\n" + last)
    yield Row("interim before 204", answer=HINT + b"HTTP/1.1 204 No Content\r\n\r\n")
    yield Row("interim of HEAD", "HEAD", answer=HINT + OK + b"Content-Length: 9\r\n\r\n")


def trailer_rows():
    """Trailers (RFC 9110 section 6.5)."""
    wants = (("TE", "trailers"),)
    yield Row("trailers", answer=chunked(OK + b"Trailer: X-T\r\n", b"ab", trailers=b"X-T: end\r\n"))
    yield Row("trailers asked for", fields=wants, answer=chunked(OK, b"ab", trailers=b"X-T: a\r\nX-U: b\r\nX-T: c\r\n"),
              protocols=("HTTP/2",))
    yield Row("trailers without a body", answer=chunked(OK, trailers=b"grpc-status: 0\r\ngrpc-message: \r\n"))
    yield Row("trailers odd but legal", answer=chunked(OK, b"a", trailers=b"x_y: \xe9\r\nServer-Timing: a;dur=1\r\n"))
    yield Row("trailers of an error", answer=chunked(b"HTTP/1.1 500 No\r\n", b"a", trailers=b"X-Why: b\r\n"))
