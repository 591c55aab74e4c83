"""Methods and addresses."""

from exchanges.row import HTTP1, Row

METHODS = ("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH "
           "MERGE CHECKOUT QUERY M-SEARCH PURGE BREW get Post X !#$%&'*+-.^_`|~09").split()
WITH_BODY = ("POST PUT PATCH DELETE GET OPTIONS PROPFIND PROPPATCH LOCK REPORT SEARCH QUERY MKCOL").split()

TARGETS = [
    "/", "//", "///", "/a/", "/a//b", "//a", "//host.example/x", "/./a", "/a/.", "/a/./b", "/../a", "/a/..", "/a/../b",
    "/a/b/../../c", "/.", "/..", "/...", "/.hidden", "/a..b", "/%2e%2e/a", "/%2E/a", "/a%2Fb", "/a%2fb%2fc", "/a%5cb",
    "/a%252Fb", "/a%20b", "/a+b", "/%00", "/a%0d%0ab", "/%7Euser", "/~user", "/a;x=1", "/a;x=1/b;y=2",
    "/a;jsessionid=0123456789ABCDEF", "/a;jsessionid=1?b=c", "/;", "/a,b", "/a:b", "/a@b", "/a=b", "/a&b", "/a!$'()*",
    "/caf%C3%A9", "/%E6%97%A5%E6%9C%AC", "/%F0%9F%98%80", "/%ff", "/%zz", "/100%", "/a%", "/a%2", "/a|b", "/{id}",
    "/[x]", "/a\\b", "/\"q\"", "/<x>", "/a^b", "/a`b", "/caf\xc3\xa9", "/\xe9", "/?", "/??", "/?a?b", "/?a=b&a=c&a=",
    "/?=", "/?&&", "/?a=%26", "/?q=a+b%20c", "/?url=https://x.example/y?z#", "/?a[b][]=1", "/?x={\"a\":1}", "/?a|b",
    "/?%", "/?caf\xc3\xa9", "/?a;b;c", "/?SAMLRequest=fZJ%2BbuI%3D&RelayState=%2Fx", "/index.php/a/b?c",
    "/cgi-bin/x.cgi?keyword", "/scim/v2/Users?filter=userName%20eq%20%22a%22", "/.well-known/openid-configuration",
    "/socket.io/?EIO=4&transport=polling&t=abc", "/" + "x" * 255, "/" + "x/" * 2000, "/" + "x" * 16000,
    "/?" + "q=1&" * 4000, "/" + "%41" * 5000]


def rows():
    """Every method, every address; addresses that a strict reading calls odd as well."""
    for method in METHODS:
        yield Row(f"method {method}", method, "/page")
    for method in WITH_BODY:
        yield Row(f"method {method} with a body", method, "/page", body=b"<x/>")
        yield Row(f"method {method} with chunks", method, "/page", chunks=(b"<x", b"/>"))
        yield Row(f"method {method} with an empty body", method, "/page", body=b"")
    for target in TARGETS:
        if "#" in target:
            target = target.replace("#", "%23")
        yield Row(f"target {target[:60]} {len(target)}", "GET", target)
    for target in TARGETS[::7]:
        yield Row(f"POST to {target[:60]} {len(target)}", "POST", target, body=b"a=b")
    yield Row("OPTIONS of all", "OPTIONS", "*")
    for scheme in ("http://", "HTTP://"):
        yield Row(f"absolute form {scheme}", "GET", "/a?b", absolute=scheme, protocols=HTTP1)
