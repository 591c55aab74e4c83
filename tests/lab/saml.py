"""SAML responses in the shape that Okta sends, right or (for the tests) wrong in one chosen way.

Okta's shape: XML declaration, prefixes saml2p and saml2, Response and Assertion both signed with RSA-SHA256 over
exclusive canonicalisation with InclusiveNamespaces "xs", xs:string attributes, no InResponseTo for a tile sign-on.
"""

import base64
import datetime
import secrets
from dataclasses import dataclass, field
from html import escape

import xmlsec
from lxml import etree

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
NAMESPACES = {"p": PROTOCOL, "a": ASSERTION, "ds": "http://www.w3.org/2000/09/xmldsig#"}


def new_id():
    """An ID as Okta makes them: 'id' and digits."""
    return "id" + str(secrets.randbits(110))


def now():
    """The wall clock in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(moment):
    """xs:dateTime with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass
class Statement:
    """All that a response says; change a field to forge."""

    name_id: str
    acs: str
    audience: str
    issuer: str
    attributes: dict = field(default_factory=dict)
    name_id_format: str = UNSPECIFIED
    recipient: str = None
    in_response_to: str = None
    issued: datetime.datetime = field(default_factory=now)
    not_before_s: float = -300
    not_on_or_after_s: float = 300
    confirmation_s: float = None
    method: str = BEARER
    status: str = SUCCESS
    response_id: str = field(default_factory=new_id)
    assertion_id: str = field(default_factory=new_id)
    session_index: str = field(default_factory=new_id)

    def at(self, seconds):
        """A time relative to when the response was issued."""
        return stamp(self.issued + datetime.timedelta(seconds=seconds))


@dataclass
class Signing:
    """How a response is signed."""

    response: bool = True
    assertion: bool = True
    inclusive_namespaces: bool = True
    digest: str = xmlsec.constants.TransformSha256
    signature: str = xmlsec.constants.TransformRsaSha256


def _attribute(name, value):
    return (f'<saml2:Attribute Name="{escape(name)}" '
            f'NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"><saml2:AttributeValue '
            f'xmlns:xs="{XS}" xmlns:xsi="{XSI}" xsi:type="xs:string">{escape(value, False)}</saml2:AttributeValue>'
            f'</saml2:Attribute>')


def _issuer(says):
    return (f'<saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity" xmlns:saml2="{ASSERTION}">'
            f'{escape(says.issuer)}</saml2:Issuer>')


def assertion_text(says):
    """The Assertion element, not yet signed."""
    reply = f' InResponseTo="{escape(says.in_response_to)}"' if says.in_response_to else ""
    until = says.confirmation_s if says.confirmation_s is not None else says.not_on_or_after_s
    attributes = "".join(_attribute(name, value) for name, value in says.attributes.items())
    statement = f"<saml2:AttributeStatement>{attributes}</saml2:AttributeStatement>" if attributes else ""
    return (
        f'<saml2:Assertion ID="{says.assertion_id}" IssueInstant="{says.at(0)}" Version="2.0" '
        f'xmlns:saml2="{ASSERTION}" xmlns:xs="{XS}">{_issuer(says)}'
        f'<saml2:Subject><saml2:NameID Format="{says.name_id_format}">{escape(says.name_id)}</saml2:NameID>'
        f'<saml2:SubjectConfirmation Method="{says.method}"><saml2:SubjectConfirmationData{reply} '
        f'NotOnOrAfter="{says.at(until)}" Recipient="{escape(says.recipient or says.acs)}"/>'
        f'</saml2:SubjectConfirmation></saml2:Subject>'
        f'<saml2:Conditions NotBefore="{says.at(says.not_before_s)}" NotOnOrAfter="{says.at(says.not_on_or_after_s)}">'
        f'<saml2:AudienceRestriction><saml2:Audience>{escape(says.audience)}</saml2:Audience>'
        f'</saml2:AudienceRestriction></saml2:Conditions>'
        f'<saml2:AuthnStatement AuthnInstant="{says.at(0)}" SessionIndex="{says.session_index}"><saml2:AuthnContext>'
        f'<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport'
        f'</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement>{statement}</saml2:Assertion>')


def response_text(says):
    """The Response element, not yet signed."""
    reply = f' InResponseTo="{escape(says.in_response_to)}"' if says.in_response_to else ""
    return (f'<saml2p:Response Destination="{escape(says.acs)}" ID="{says.response_id}"{reply} '
            f'IssueInstant="{says.at(0)}" Version="2.0" xmlns:saml2p="{PROTOCOL}" xmlns:xs="{XS}">{_issuer(says)}'
            f'<saml2p:Status><saml2p:StatusCode Value="{says.status}"/></saml2p:Status>'
            f'{assertion_text(says)}</saml2p:Response>')


def _sign(node, pair, how):
    """Sign one element by its ID; the Signature goes right behind the Issuer, as the schema wants."""
    signature = xmlsec.template.create(node, xmlsec.constants.TransformExclC14N, how.signature, ns="ds")
    reference = xmlsec.template.add_reference(signature, how.digest, uri="#" + node.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    canonical = xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    if how.inclusive_namespaces:
        xmlsec.template.transform_add_c14n_inclusive_namespaces(canonical, ["xs"])
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    node.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.key_pem(), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(pair.certificate_pem(), xmlsec.constants.KeyDataFormatPem)
    context.register_id(node, "ID")
    context.sign(signature)


def signed(says, pair, how=None):
    """The signed Response as XML bytes."""
    return signed_text(response_text(says), pair, how)


def signed_text(text, pair, how=None):
    """The same for a Response that is written out already; comments and such stay as they are."""
    how = how or Signing()
    root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, strip_cdata=False))
    if how.assertion:
        _sign(root.find("a:Assertion", NAMESPACES), pair, how)
    if how.response:
        _sign(root, pair, how)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(root)


def encoded(xml):
    """What goes into the SAMLResponse field."""
    return base64.b64encode(xml).decode()
