"""Cookies as frameworks send and set them. The gateway is told that most of these names carry sessions."""

from exchanges.row import OK, Row, sized

SESSION_COOKIES = ["lab_session", "connect.sid", ".AspNetCore.Cookies*", "_app_session", "sessionid", "PHPSESSID",
                   "JSESSIONID", "laravel_session", "grafana_session", "wordpress_logged_in_*"]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

SENT = {
    "express": "connect.sid=s%3AX7nq2f.4bZ%2FQm0%2Bk9c; theme=dark",
    "express undecoded": "connect.sid=s:X7nq2f.4bZ/Qm0+k9c",
    "asp.net chunks": ".AspNetCore.Cookies=chunks-2; .AspNetCore.CookiesC1=CfDJ8Abc_-; .AspNetCore.CookiesC2=def",
    "asp.net one": ".AspNetCore.Cookies=CfDJ8Abc_-x; .AspNetCore.Antiforgery.w5W7x28NAIs=CfDJ8",
    "rails": "_app_session=QzA0dz09LS1mcA%3D%3D--9a8b7c; locale=en",
    "rails undecoded": "_app_session=QzA0dz09LS1mcA==--9a8b7c",
    "django": "csrftoken=abcDEF123; sessionid=0a1b2c3d4e5f6g7h8i9j; messages=\"W1tcIl9fanNvbl9tZXNzYWdl\"",
    "django quoted json": "messages=\"[[\\\"__json_message\\\"\\0540\\05425\\054\\\"hi\\\"]]\"",
    "php": "PHPSESSID=el4ukv0kqbvoirg7nkp4dncpk3; lang=de",
    "java": "JSESSIONID=0123456789ABCDEF0123456789ABCDEF.node1",
    "java cluster": "JSESSIONID=0000A1B2:-1; JSESSIONIDVERSION=2f3a:0",
    "laravel": "XSRF-TOKEN=eyJpdiI6IkE9PSJ9; laravel_session=eyJpdiI6IkFiQz09IiwidmFsdWUiOiJ4eSJ9",
    "spring": "SESSION=MDEyMzQ1NjctODlhYi1jZGVmLTAxMjMtNDU2Nzg5YWJjZGVm",
    "grafana": "grafana_session=6e7a2f; grafana_session_expiry=1732237000",
    "wordpress": "wordpress_logged_in_0a1b=admin%7C1732237000%7Cabc%7Cdef; wp-settings-1=a%3Db%26c%3Dd",
    "jwt": f"lab_session={JWT}",
    "flask": "session=.eJwNyTEKgDAMAMC_ZO.Z0dPYg.5_bQ-x; lab_session=1",
    "equals in value": "lab_session=a=b==; x=y=z", "equals at end": "lab_session=QUJD==",
    "empty value": "a=; b=1; lab_session=", "empty name": "=value; a=b", "no equals": "flag; a=b",
    "only a word": "consent", "empty": "", "blank": " ", "semicolon at end": "a=b;", "semicolons": "a=b;; ;c=d",
    "no blank": "a=b;c=d;e=f", "two blanks": "a=b;  c=d", "tab": "a=b;\tc=d", "quoted": "a=\"b c\"; d=\"e\"",
    "comma in value": "a=1,2,3; b=x,y", "quote inside": "a=b\"c; d=e", "backslash": "a=b\\c",
    "brackets": "a[b]=c; d={e}",
    "json": "prefs={\"a\":1,\"b\":[2]}; x=1", "spaces in value": "name=John Doe; x=1", "utf-8": "n=Zo\xc3\xab; x=1",
    "latin-1": "n=Zo\xeb", "colon": "a=b:c:d", "at": "mail=a@b.example", "slash": "path=/a/b/c", "plus": "a=b+c",
    "percent": "a=100%; b=%zz; c=%", "percent name": "a%20b=c", "pipe": "a=b|c", "the same twice": "a=1; a=2; a=1",
    "case of name": "Theme=1; theme=2; THEME=3", "host prefix": "__Host-id=abc; __Secure-x=1",
    "like a session": "xlab_session=1; lab_sessionx=2; lab-session=3",
    "analytics": "_ga=GA1.2.1.1; _gid=GA1.2.2.2; _gat=1",
    "long": "a=" + "v" * 4093, "8 KiB": "big=" + "Zm9v" * 2046, "16 KiB": "big=" + "x" * 16380,
    "300 cookies": "; ".join(f"c{n}={n}" for n in range(300)),
    "dollar": "$Version=1; a=b; $Path=/", "date": "last=Sun, 22 Nov 2026 01:00:00 GMT; a=b"}

SET = {
    "express": "connect.sid=s%3AX.4bZ%2F; Path=/; Expires=Sun, 22 Nov 2026 01:00:00 GMT; HttpOnly; SameSite=Lax",
    "asp.net": ".AspNetCore.CookiesC1=CfDJ8; path=/; secure; samesite=lax; httponly",
    "rails": "_app_session=QzA0dz09--9a8b; path=/; HttpOnly; SameSite=Lax",
    "php": "PHPSESSID=el4ukv0k; path=/", "java": "JSESSIONID=0123; Path=/app; HttpOnly", "deleted": "a=; Max-Age=0",
    "deleted by date": "a=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT", "domain": "a=b; Domain=.example.com",
    "partitioned": "__Host-a=b; Secure; Path=/; SameSite=None; Partitioned", "priority": "a=b; Priority=High",
    "no value": "a=", "no name": "=b", "bare word": "abc", "empty": "", "equals": "a=b=c==; Path=/",
    "quoted": "a=\"b; Path=/x\"; Path=/", "comma": "a=b,c; Path=/", "utf-8": "a=Zo\xc3\xab", "spaces": "a=b c ; Path=/",
    "no blanks": "a=b;Path=/;HttpOnly", "unknown attribute": "a=b; Frob=nicate; X", "long": "a=" + "v" * 8000}


def rows():
    """Cookies that are sent, cookies that are set."""
    for name, value in SENT.items():
        yield Row(f"cookie {name}", fields=(("Cookie", value),))
    yield Row("cookies in two fields", fields=(("Cookie", "a=1"), ("Accept", "*/*"), ("Cookie", "b=2")),
              protocols=("HTTP/1.1",))
    for name, value in SET.items():
        line = f"Set-Cookie: {value}\r\n".encode("latin-1")
        yield Row(f"Set-Cookie {name}", answer=sized(OK + line))
    many = b"".join(b"Set-Cookie: c%d=%d; Path=/\r\n" % (n % 7, n) for n in range(40))
    yield Row("Set-Cookie forty times in order", answer=sized(OK + many))
    mixed = b"Set-Cookie: a=1\r\nX-One: 1\r\nset-cookie: b=2\r\nX-Two: 2\r\nSET-COOKIE: a=3\r\n"
    yield Row("Set-Cookie between others", answer=sized(OK + mixed))
    yield Row("Set-Cookie of a redirect",
              answer=sized(b"HTTP/1.1 302 Found\r\nLocation: /\r\nSet-Cookie: a=1\r\n", b""))
    yield Row("Set-Cookie of an error", answer=sized(b"HTTP/1.1 500 No\r\nSet-Cookie: a=1\r\n"))
    yield Row("Set-Cookie of 304", answer=b"HTTP/1.1 304 Not Modified\r\nSet-Cookie: a=1\r\n\r\n")
