#!/usr/bin/python3
"""A small identity provider: signs real SAML responses, asks for no password.

GET /sso?user=alice@example.com[&acs=URL][&RelayState=…][&audience=…]  the usual auto-posting form
GET /sso?SAMLRequest=…&RelayState=…[&user=…]                           the same, for an AuthnRequest (redirect binding)
GET /certificate, /metadata                                            what a service provider needs to know
Any other path with `user` works like /sso. Loopback only.
"""

import argparse
import base64
import signal
import sys
import zlib
from html import escape
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lxml import etree  # noqa: E402

from lab import keys, saml  # noqa: E402
from lab.webserver import WebServer  # noqa: E402

ENTITY = "http://www.okta.com/exklab0provgate"
REQUEST_BYTES_MAX = 64 * 1024
PEOPLE = ("alice", "bob", "olivia", "peter", "lena")

FORM = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Signing in</title></head>
<body onload="document.forms[0].submit()">
<form method="POST" action="{acs}">
<input type="hidden" name="SAMLResponse" value="{response}"/>
<input type="hidden" name="RelayState" value="{relay}"/>
<noscript><input type="submit" value="Continue"/></noscript>
</form></body></html>
"""

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor entityID="{entity}" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">
<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>
"""


def parse_request(text):
    """(ID, ACS URL or None, issuer) of an AuthnRequest sent by the redirect binding."""
    packed = base64.b64decode(text)
    inflater = zlib.decompressobj(-15)
    root = etree.fromstring(inflater.decompress(packed, REQUEST_BYTES_MAX), etree.XMLParser(resolve_entities=False))
    return (root.get("ID"), root.get("AssertionConsumerServiceURL"),
            root.findtext("a:Issuer", namespaces=saml.NAMESPACES))


class IdentityProvider:
    """Holds the signing key and says who is who."""

    def __init__(self, pair, acs, audience, port=0, signing=None):
        self.pair = pair
        self.acs = acs
        self.audience = audience
        self.signing = signing or saml.Signing()
        self.server = WebServer(self.handle, port)
        self.url = self.server.url + "/sso"

    def start(self):
        """Begin to answer; returns self."""
        self.server.start()
        return self

    def stop(self):
        """Stop answering."""
        self.server.stop()

    def statement(self, user, **changes):
        """What a good response says about a user; tests change fields to forge."""
        first = user.split("@")[0].capitalize()
        fields = {"name_id": user, "acs": self.acs, "audience": self.audience, "issuer": ENTITY,
                  "attributes": {"email": user, "firstName": first, "lastName": "Example"}}
        fields.update(changes)
        return saml.Statement(**fields)

    def response(self, user, pair=None, signing=None, **changes):
        """The SAMLResponse field for a user, forged as wished (other key, other times, other audience)."""
        says = self.statement(user, **changes)
        return saml.encoded(saml.signed(says, pair or self.pair, signing or self.signing))

    def metadata(self):
        """SAML metadata, for service providers that want it."""
        lines = self.pair.certificate_pem().decode().splitlines()
        return METADATA.format(entity=ENTITY, certificate="".join(lines[1:-1]), sso=escape(self.url))

    def handle(self, exchange):
        """Answer one request."""
        request = exchange.request
        if request.path == "/certificate":
            exchange.reply(200, self.pair.certificate_pem(), "application/x-pem-file")
        elif request.path == "/metadata":
            exchange.reply(200, self.metadata(), "application/samlmetadata+xml")
        elif request.parameter("user"):
            self._sign_in(exchange, request)
        else:
            exchange.reply(200, self._choose(request), "text/html; charset=utf-8")

    def _sign_in(self, exchange, request):
        changes = {}
        if request.parameter("acs"):
            changes["acs"] = request.parameter("acs")
        if request.parameter("audience"):
            changes["audience"] = request.parameter("audience")
        if request.parameter("SAMLRequest"):
            identifier, acs, issuer = parse_request(request.parameter("SAMLRequest"))
            changes.update(in_response_to=identifier, acs=acs or self.acs, audience=issuer)
        response = self.response(request.parameter("user"), **changes)
        exchange.reply(200, FORM.format(acs=escape(changes.get("acs", self.acs)), response=response,
                                        relay=escape(request.parameter("RelayState", ""))),
                       "text/html; charset=utf-8", [("Cache-Control", "no-store")])

    def _choose(self, request):
        query = request.target.partition("?")[2]
        links = "".join(f'<li><a href="/sso?user={quote(p)}@example.com{"&amp;" + escape(query) if query else ""}">'
                        f'{p}@example.com</a></li>\n' for p in PEOPLE)
        return ("<!DOCTYPE html>\n<html><head><title>Who are you?</title></head><body><ul>\n"
                f"{links}</ul></body></html>\n")


def load_or_make(folder):
    """The signing pair kept in a folder (idp.pem, idp.key), made on first use."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    if (Path(folder) / "idp.key").exists():
        return keys.Pair.read(folder, "idp")
    pair = keys.make("lab identity provider")
    pair.write(folder, "idp")
    return pair


def main():
    """Run alone until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", required=True, help="folder for idp.pem and idp.key")
    parser.add_argument("--acs", required=True, help="address that responses are posted to")
    parser.add_argument("--audience", required=True, help="entity id of the service provider")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--sign", choices=("both", "response", "assertion"), default="both")
    args = parser.parse_args()
    signing = saml.Signing(response=args.sign != "assertion", assertion=args.sign != "response")
    provider = IdentityProvider(load_or_make(args.keys), args.acs, args.audience, args.port, signing).start()
    print(provider.url, flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    provider.stop()


if __name__ == "__main__":
    main()
