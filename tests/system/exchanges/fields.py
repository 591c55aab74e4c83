"""Request fields: names, values, order, repetition; and what provgate says that it takes out."""

from exchanges.row import HTTP1, Row

ONE = {
    "browser": (("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
                ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"), ("Accept-Encoding", "gzip, deflate, br, zstd"),
                ("DNT", "1"), ("Sec-GPC", "1"), ("Upgrade-Insecure-Requests", "1"), ("Sec-Fetch-Dest", "document"),
                ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-User", "?1"),
                ("Priority", "u=0, i")),
    "chromium": (("sec-ch-ua", "\"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\""), ("sec-ch-ua-mobile", "?0"),
                 ("sec-ch-ua-platform", "\"Linux\""), ("Cache-Control", "max-age=0")),
    "curl": (("User-Agent", "curl/7.88.1"), ("Accept", "*/*")),
    "cors preflight": (("Origin", "https://x.example"), ("Access-Control-Request-Method", "PUT"),
                       ("Access-Control-Request-Headers", "x-a,x-b")),
    "order": (("X-B", "1"), ("X-A", "2"), ("X-B", "3"), ("X-C", "4"), ("X-A", "5")),
    "case": (("x-lower", "a"), ("X-UPPER", "B"), ("X-mIxEd", "c"), ("ACCEPT", "*/*"), ("user-AGENT", "u")),
    "repeated": tuple(("X-R", str(n)) for n in range(30)), "accept twice": (("Accept", "a/b"), ("Accept", "c/d")),
    "eighty": tuple((f"X-{n}", str(n)) for n in range(80)),
    "no accept": (), "empty value": (("X-Empty", ""),), "empty user agent": (("User-Agent", ""),),
    "tab inside": (("X-Tab", "a\tb"),), "blanks inside": (("X-B", "a   b"),),
    "obs-text": (("X-Obs", "\x80\xff\xa0\xe9"),),
    "utf-8": (("X-Name", "Zo\xc3\xab"),), "every letter": (("X-V", "".join(map(chr, range(0x21, 0x7f)))),),
    "odd names": (("X!#$%&'*+-.^_`|~9", "v"), ("9", "n"), ("a", "b"), ("_", "u"), ("-", "m"), (".", "d")),
    "underscore": (("X_Custom", "1"), ("x_csrf_token", "2"), ("CONTENT_TYPE", "text/x"), ("HTTP_X", "1")),
    "dots": (("X.Dot", "1"), ("a.b.c", "2")), "long name": (("X-" + "n" * 500, "v"),),
    "long value": (("X-Long", "v" * 8000),), "24 KiB value": (("X-Long", "v" * 24000),),
    "method override": (("X-HTTP-Method-Override", "PUT"), ("X-Method-Override", "PATCH"), ("X-HTTP-Method", "MERGE")),
    "authorization basic": (("Authorization", "Basic dXNlcjpwYXNz"),),
    "authorization bearer": (("Authorization", "Bearer abc.def.ghi"),),
    "authorization negotiate": (("Authorization", "Negotiate YIIJvwYGKwYBBQUCoIIJszCC"),),
    "authorization digest": (("Authorization", "Digest username=\"a\", realm=\"r, s\", uri=\"/x?y=z\", qop=auth"),),
    "range": (("Range", "bytes=0-4"),), "range many": (("Range", "bytes=0-0,5-9, -500"), ("If-Range", "\"e\"")),
    "range odd": (("Range", "items=1-2"),), "if none match": (("If-None-Match", "W/\"a\", \"b\", *"),),
    "if match": (("If-Match", "\"x\""),), "if modified": (("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),),
    "if unmodified": (("If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"),),
    "webdav": (("Depth", "infinity"), ("Destination", "http://x.example/a%20b"), ("Overwrite", "F"),
               ("If", "(<urn:uuid:1> [\"e\"]) (Not <DAV:no-lock>)"), ("Lock-Token", "<urn:uuid:2>"),
               ("Timeout", "Infinite, Second-4100000000")),
    "referer": (("Referer", "https://x.example/a?b=c#d"),), "referer empty": (("Referer", ""),),
    "origin null": (("Origin", "null"),), "from": (("From", "a@b.example"),), "max-forwards": (("Max-Forwards", "10"),),
    "via": (("Via", "1.1 outer, 1.0 cache (x)"),), "cache": (("Cache-Control", "no-cache"), ("Pragma", "no-cache")),
    "accept encoding none": (("Accept-Encoding", "identity;q=1, *;q=0"),),
    "accept encoding empty": (("Accept-Encoding", ""),),
    "tracing": (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "a=b,c=d"),
                ("X-Request-ID", "client-7"), ("X-Amzn-Trace-Id", "Root=1-2-3")),
    "ajax": (("X-Requested-With", "XMLHttpRequest"), ("X-CSRF-Token", "a+b/c=="), ("X-CSRFToken", "x")),
    "soap": (("SOAPAction", "\"http://x/y\""), ("MIME-Version", "1.0")),
    "grpc-web": (("X-Grpc-Web", "1"), ("grpc-timeout", "1S")),
    "cdn": (("CF-Connecting-IP", "192.0.2.1"), ("X-Client-IP", "192.0.2.1"), ("True-Client-IP", "192.0.2.1")),
    "last event": (("Accept", "text/event-stream"), ("Last-Event-ID", "42")),
    "content type alone": (("Content-Type", "a/b"),),
    "date": (("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),), "trailer announced": (("Trailer", "X-T"),),
    "te trailers": (("TE", "trailers"),), "x-forwarded-server": (("X-Forwarded-Server", "outer"),),
    "ssl client": (("X-SSL-Client-Verify", "NONE"),), "quoted": (("X-Q", "\"a\\\"b\", 'c'"),),
    "json": (("X-J", "{\"a\": [1, 2]}"),)}

TAKEN_OUT = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded",
             "Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Prefix", "X-Original-URL",
             "X-Rewrite-URL", "Proxy", "remote-user", "REMOTE_USER", "x_remote_user", "X.Remote.User",
             "x_forwarded_for", "X-Forwarded_Proto"]

HOP = {
    "keep-alive": (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5, max=100")),
    "proxy-connection": (("Proxy-Connection", "keep-alive"),),
    "te": (("Connection", "TE"), ("TE", "trailers, deflate")),
    "te not named": (("TE", "trailers"),),
    "named": (("Connection", "X-Hop, keep-alive"), ("X-Hop", "1"), ("X-Stays", "2")),
    "named cookie stays": (("Connection", "Cookie, Authorization"), ("Cookie", "a=b"), ("Authorization", "Basic eA==")),
    "connection empty": (("Connection", ""),),
    "connection twice": (("Connection", "keep-alive"), ("Connection", "X-Y")),
    "upgrade ignored": (("Connection", "Upgrade"), ("Upgrade", "TLS/1.0")),
    "upgrade with a version": (("Connection", "upgrade"), ("Upgrade", "foo/2"))}


def rows():
    """Every set of fields once."""
    for name, fields in ONE.items():
        protocols = HTTP1 if name == "te trailers" else ("HTTP/1.1", "HTTP/2")
        yield Row(f"fields {name}", fields=fields, protocols=protocols)
    yield Row("fields te trailers in HTTP/2", fields=(("TE", "trailers"),), protocols=("HTTP/2",))
    for name in TAKEN_OUT:
        yield Row(f"A8 {name} is ours to say", fields=(("X-One", "1"), (name, "192.0.2.7"), ("X-Two", "2")))
    for name, fields in HOP.items():
        yield Row(f"hop by hop {name}", fields=fields, protocols=HTTP1)
