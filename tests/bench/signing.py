"""Many signed SAML sign-ons beforehand, each to be used once.

The lab's shape and words (tests/lab/saml.py), signed here because xmlsec reads key and certificate anew each time."""
import base64
import hashlib
import multiprocessing
import os
import sys
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from peers import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests"))

from lab import idp, keys, saml  # noqa: E402

ENTITY = idp.ENTITY
VALID_S = 6 * 3600
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SIGNED_INFO = (
    '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>'
    '<ds:Reference URI="#%s"><ds:Transforms>'
    '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>'
    f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs">'
    "</ec:InclusiveNamespaces></ds:Transform></ds:Transforms>"
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
    "<ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">%s<ds:SignatureValue>%s</ds:SignatureValue>'
    "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
)


def user_name(number):
    """As bench_load_users makes it."""
    return f"user{number * 61803399 % 100000000:08d}@example.com"


def make_certificate(folder):
    """Makes the identity provider's key in the folder; the path of its certificate."""
    return str(keys.make("bench identity provider").write(folder, "idp")[0])


def _sign(node, key, certificate):
    content = etree.tostring(node, method="c14n", exclusive=True, inclusive_ns_prefixes=["xs"])
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    info = SIGNED_INFO % (node.get("ID"), digest)
    value = base64.b64encode(key.sign(info.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    node.insert(1, etree.fromstring(SIGNATURE % (info, value, certificate)))


def _form(work):
    """One body: what a browser posts."""
    number, pair_pem, acs, audience = work
    key, certificate = _key(pair_pem)
    user = user_name(number)
    attributes = {"email": user, "firstName": "Given", "lastName": "Family"}
    says = saml.Statement(user, acs, audience, ENTITY, attributes, not_on_or_after_s=VALID_S)
    root = etree.fromstring(saml.response_text(says))
    _sign(root.find("a:Assertion", saml.NAMESPACES), key, certificate)
    _sign(root, key, certificate)
    response = saml.encoded(b'<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(root))
    return "SAMLResponse=" + urllib.parse.quote(response, safe="") + "&RelayState=%2F\n"


_loaded = {}


def _key(pair_pem):
    if pair_pem not in _loaded:
        pair = keys.Pair.read(*pair_pem)
        lines = pair.certificate_pem().decode().splitlines()
        _loaded[pair_pem] = pair.key, "".join(lines[1:-1])
    return _loaded[pair_pem]


class SignOns:
    """A file of form bodies, one a line, that grows as more are needed; each line is given out once."""

    def __init__(self, folder, external_url, users):
        self.pair_pem, self.users = (folder, "idp"), users
        self.acs, self.audience = external_url + "/saml/acs", external_url
        self.path, self.made, self.used = os.path.join(folder, "sign-ons"), 0, 0

    def reserve(self, count):
        """Makes so many beyond those that were used."""
        more = self.used + count - self.made
        if more <= 0:
            return
        work = [(i % self.users, self.pair_pem, self.acs, self.audience) for i in range(self.made, self.made + more)]
        with multiprocessing.Pool(os.cpu_count()) as pool, open(self.path, "a", encoding="ascii") as f:
            for line in pool.imap_unordered(_form, work, 64):
                f.write(line)
        self.made += more

    def take(self, count):
        """Where the next `count` begin in the file."""
        first, self.used = self.used, self.used + count
        return first
