"""Raw requests for the HTTP/1 probes, by the case numbers of the security page (A1 to A9).

@HOST@ stands for the right host and @PATH@ for a path of the row's own.
"""

GOOD_HOST = b"Host: @HOST@\r\n"


def post(fields, body=b"hello"):
    """A POST with these framing fields."""
    return b"POST @PATH@ HTTP/1.1\r\n" + GOOD_HOST + fields + b"\r\n" + body


def get(fields=b"", host=GOOD_HOST):
    """A GET with these fields."""
    return b"GET @PATH@ HTTP/1.1\r\n" + host + fields + b"\r\n"


CL5 = b"Content-Length: 5\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

A1_ODD_LENGTHS = [b"+5", b"-5", b"0x5", b"5 5", b"5,", b"5, 5", b"5,6", b"5.0", b"1e1", b"5;", b'"5"', b"five", b"",
                  b"18446744073709551621", b"99999999999999999999999999", b"\xd9\xa5", b"5\x00", b"5_0"]

A2_CODINGS = [b"chunked, chunked", b"identity", b"gzip, chunked", b"chunked, identity", b"xchunked", b"chunkedx",
              b"\x0bchunked", b"chunked;q=1", b'"chunked"', b",chunked", b"chunked,", b"", b"chun ked", b"chunked\x00",
              b"gzip", b"chunked, gzip"]

A3_FIELDS = [b"Foo : x\r\n", b" Foo: x\r\n", b"\tFoo: x\r\n", b"Fo o: x\r\n", b": x\r\n", b"Foo\r\n", b"Foo\x00: x\r\n",
             b"F\x01oo: x\r\n", b"Foo(: x\r\n", b"Foo\t: x\r\n", b"F\xc3\xb6o: x\r\n", b"Foo@: x\r\n",
             b"A: b\r\n c\r\n",
             b"A: b\r\n\tc\r\n", b"A: b\x00c\r\n", b"A: b\rc\r\n", b"A: b\nB: c\r\n", b"A: b\x7fc\r\n",
             b"A: b\x01c\r\n",
             b"Content_Length: 5\r\n", b"Transfer_Encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n",
             b"Content-Length : 5\r\n"]

A4_CHUNKS = [b"0x5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
             b"-5\r\nhello\r\n0\r\n\r\n", b"5_\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
             b"FFFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n",
             b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
             b"5\x00\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nBad Trailer: x\r\n\r\n",
             b"5\r\nhello\r\n0\r\n: x\r\n\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n folded\r\n\r\n"]

A5_HOSTS = {"none": b"", "two": GOOD_HOST * 2, "two that differ": GOOD_HOST + b"Host: evil.example\r\n",
            "empty": b"Host: \r\n", "other": b"Host: evil.example\r\n", "userinfo": b"Host: user@@HOST@\r\n",
            "list": b"Host: @HOST@, evil.example\r\n", "path": b"Host: @HOST@/x\r\n", "blank": b"Host: @HOST@ x\r\n",
            "other port": b"Host: 127.0.0.1:1\r\n", "folded": b"Host:\r\n @HOST@\r\n"}

A5_FORMS = {"absolute, other host": b"GET http://evil.example@PATH@ HTTP/1.1\r\nHost: @HOST@\r\n\r\n",
            "absolute, other scheme": b"GET ftp://@HOST@@PATH@ HTTP/1.1\r\nHost: @HOST@\r\n\r\n",
            "authority": b"GET @HOST@ HTTP/1.1\r\nHost: @HOST@\r\n\r\n",
            "connect": b"CONNECT @HOST@ HTTP/1.1\r\nHost: @HOST@\r\n\r\n",
            "connect other": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"}

A6_PATHS = [b"/a/../b", b"/a/./b", b"//a", b"///a//b/", b"/%2e%2e/a", b"/a%2Fb", b"/a%00b", b"/a;x=1",
            b"/a;jsessionid=1?b",
            b"/a?b?c", b"/a#b", b"/a\\b", b"/\xc3\xa9", b"/%c3%a9", b"/%zz", b"/%", b"/a%0d%0aX:y", b"/?q=a+b%20c&d",
            b"/~user/'(x)*!", b"/a|b", b"/{x}", b'/"q"', b"/<x>", b"/" + b"x" * 15000, b"*"]

A7_PASS = [b"GET", b"POST", b"PROPFIND", b"get", b"M-SEARCH", b"X", b"DELETE", b"PATCH", b"OPTIONS"]
A7_METHODS = [b"G(T", b"", b"GE\tT", b"G\x00T", b"G:T", b"\xc3\xa9", b" GET", b"GET ", b"G@T"]
A7_VERSIONS = [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3", b"http/1.1", b"HTTP/1.1 x", b"HTTP/1.1.1", b"HTTP/11", b"HTTP/1",
               b"FTP/1.1", b"HTTP/ 1.1", b"HTTP/1.10", b"HTTP/-1.1", b""]

A8_NAMES = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Remote-User",
            "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Prefix", "X-Original-URL", "X-Rewrite-URL", "Proxy",
            "remote-user", "REMOTE_USER", "x_remote_user", "X.Remote.User", "x_forwarded_for", "X-Forwarded_Proto"]

A9_HEADS = {"1 MiB in one field": b"X: " + b"y" * (1 << 20) + b"\r\n",
            "1 MiB in many fields": b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(1000)),
            "10,000 small fields": b"".join(b"X-%d: y\r\n" % i for i in range(10000)),
            "20,000 cookie lines": b"Cookie: a=b\r\n" * 20000}
