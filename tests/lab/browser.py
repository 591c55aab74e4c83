"""As much of a browser as signing in takes: a cookie jar, one form, no scripts."""

from html.parser import HTMLParser
from urllib.parse import quote, urlencode, urlsplit

from lab import rawhttp, wire


class FormParser(HTMLParser):
    """The action and the named inputs of the first form."""

    def __init__(self):
        super().__init__()
        self.action = None
        self.fields = {}

    def handle_starttag(self, tag, attrs):
        """Collect form and input tags."""
        given = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = given.get("action")
        elif tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")


def parse_form(html):
    """(action, fields) of the first form of a page."""
    parser = FormParser()
    parser.feed(html)
    return parser.action, parser.fields


class Browser:
    """One person at one machine. Cookies are kept per host and port (all of the lab lives on one address)."""

    def __init__(self, tls=None):
        self.jar = {}
        self.tls = tls

    def cookies(self, url):
        """The cookies for an address, as name to value."""
        return self.jar.setdefault(urlsplit(url).netloc, {})

    def cookie_header(self, url):
        """The Cookie header as a list of zero or one fields."""
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies(url).items())
        return [("Cookie", pairs)] if pairs else []

    def request(self, method, url, body=None, headers=(), timeout=wire.PATIENCE_S):
        """One exchange, cookies kept, redirects not followed."""
        answer = rawhttp.fetch(url, method, [*headers, *self.cookie_header(url)], body, self.tls, timeout)
        for line in answer.all("Set-Cookie"):
            self.keep(url, line)
        return answer

    def keep(self, url, line):
        """Obey a Set-Cookie line."""
        pair, _, attributes = line.partition(";")
        name, _, value = pair.strip().partition("=")
        if "max-age=0" in attributes.lower():
            self.cookies(url).pop(name, None)
        else:
            self.cookies(url)[name] = value

    def get(self, url, headers=()):
        """GET."""
        return self.request("GET", url, headers=headers)

    def post_form(self, url, fields):
        """POST as a form."""
        return self.request("POST", url, urlencode(fields).encode(),
                            [("Content-Type", "application/x-www-form-urlencoded")])

    def fetch_response(self, idp_url, user, relay=None):
        """Ask the identity provider for a response; (ACS address, form fields) not yet posted."""
        url = f"{idp_url}?user={quote(user)}" + (f"&RelayState={quote(relay, safe='')}" if relay else "")
        return parse_form(self.get(url).body.decode())

    def sign_in(self, idp_url, user, relay=None):
        """Sign in as a user; the answer of the ACS."""
        action, fields = self.fetch_response(idp_url, user, relay)
        return self.post_form(action, fields)
