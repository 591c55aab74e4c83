"""Request bodies: types, sizes, framing, trailers."""

from exchanges.row import HTTP1, OK, Row, sized

PART = b"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\xc3\xa9.bin\"\r\n\r\n\x00\x01\r\n--B--\r\n"

TYPES = {
    "form": ("application/x-www-form-urlencoded", b"a=b&c=%20+&d="),
    "json": ("application/json", b"{\"a\": \"\xc3\xab\"}"),
    "json with charset": ("application/json; charset=utf-8", b"[]"),
    "multipart": ("multipart/form-data; boundary=B", PART),
    "quoted boundary": ("multipart/mixed; boundary=\"a b\"", b"--a b--"),
    "xml": ("text/xml; charset=\"utf-8\"", b"<a/>"),
    "soap": ("application/soap+xml; action=\"http://x/y\"", b"<e/>"),
    "octets": ("application/octet-stream", bytes(range(256))),
    "no type": (None, b"data"), "looks like a request": ("text/plain", b"GET /x HTTP/1.1\r\nHost: y\r\n\r\n"),
    "looks like chunks": ("text/plain", b"5\r\nhello\r\n0\r\n\r\n"), "graphql": ("application/graphql", b"{ me }"),
    "protobuf": ("application/grpc-web+proto", b"\0\0\0\0\2\x08\1"), "blank": ("text/plain", b"\r\n\r\n"),
    "ndjson": ("application/x-ndjson", b"{}\n{}\n"), "patch": ("application/json-patch+json", b"[{}]"),
    "csp report": ("application/csp-report", b"{}"), "beacon": ("text/plain;charset=UTF-8", b"x")}

SIZES = (0, 1, 2, 1023, 4095, 4096, 4097, 16383, 16384, 16385, 32768, 65535, 65536, 65537, 131072, 1 << 20, 3000000)


def bytes_of(size):
    """So many bytes that repeat late."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def rows():
    """Bodies with a length and without."""
    for name, (kind, body) in TYPES.items():
        fields = (("Content-Type", kind),) if kind else ()
        yield Row(f"body {name}", "POST", "/form", fields, body=body)
        yield Row(f"body {name} in chunks", "PUT", "/form", fields,
                  chunks=(body[:1], body[1:]) if len(body) > 1 else (body,))
    for size in SIZES:
        yield Row(f"body of {size}", "POST", "/upload", body=bytes_of(size))
        yield Row(f"body of {size} in chunks", "POST", "/upload", chunks=(bytes_of(size),) if size else ())
    yield Row("body in a hundred chunks of one byte", "POST", "/upload", chunks=tuple(bytes([n]) for n in range(100)))
    yield Row("body packed", "POST", "/upload", (("Content-Encoding", "gzip"),), body=b"\x1f\x8b\x08\0not really")
    yield Row("body range", "PUT", "/upload", (("Content-Range", "bytes 0-2/9"), ("Digest", "sha-256=x")), body=b"abc")
    yield Row("request trailers", "POST", "/upload", (("Trailer", "X-Sum, X-Two"),), chunks=(b"abc",),
              trailers=(("X-Sum", "1"), ("X-Two", "")))
    yield Row("request trailers unannounced", "POST", "/upload", chunks=(b"abc",), trailers=(("x-sum", "a b"),))
    yield Row("request trailers without a body", "POST", "/upload", chunks=(), trailers=(("X-Sum", "0"),))
    yield Row("request trailers, some of them ours to say", "POST", "/upload", chunks=(b"abc",),
              trailers=(("X-Forwarded-For", "192.0.2.7"), ("X-Sum", "1"), ("Remote_User", "mallory")))
    yield Row("HTTP/1.0 style answer to a POST", "POST", "/old", body=b"x", answer=b"HTTP/1.0 200 OK\r\n\r\nall of it",
              protocols=HTTP1)
    for status in (200, 201, 204, 303, 400, 413, 500):
        head = b"HTTP/1.1 %d X\r\n" % status
        answer = head + b"\r\n" if status == 204 else sized(head + b"X-After: upload\r\n", b"done")
        yield Row(f"body of 100,000 answered {status}", "POST", "/upload", body=bytes_of(100000), answer=answer)
    yield Row("HEAD with a body", "HEAD", "/odd", body=b"x", answer=OK + b"Content-Length: 5\r\n\r\n")
