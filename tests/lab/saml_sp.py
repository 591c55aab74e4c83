"""The app's side of SAML: is this response good, and who signed in?

Written as a plain service provider would be, with python-xmlsec. It keeps no record of used assertions on purpose:
when a replay is refused in the lab, provgate did it.
"""

import base64
import datetime

import xmlsec
from lxml import etree

from lab.saml import BEARER, NAMESPACES, SUCCESS

SKEW_S = 60
RESPONSE_BYTES_MAX = 1 << 20


class Refused(Exception):
    """The response is not acceptable; the text says why."""


def _require(condition, why):
    if not condition:
        raise Refused(why)


def _moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _verify_signature(node, certificate_pem):
    """The Signature directly below node covers exactly node and was made with the known key."""
    signature = node.find("ds:Signature", NAMESPACES)
    if signature is None:
        return False
    references = signature.findall("ds:SignedInfo/ds:Reference", NAMESPACES)
    _require(len(references) == 1 and references[0].get("URI") == "#" + node.get("ID"), "signature of something else")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate_pem, xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(node, "ID")
    try:
        context.verify(signature)
    except xmlsec.Error as error:
        raise Refused("bad signature") from error
    return True


def _check_times(assertion, now):
    skew = datetime.timedelta(seconds=SKEW_S)
    conditions = assertion.find("a:Conditions", NAMESPACES)
    _require(conditions is not None, "no conditions")
    _require(_moment(conditions.get("NotBefore")) <= now + skew, "not yet valid")
    _require(now - skew < _moment(conditions.get("NotOnOrAfter")), "expired")


def _check_confirmation(assertion, acs, now):
    confirmation = assertion.find("a:Subject/a:SubjectConfirmation", NAMESPACES)
    _require(confirmation is not None and confirmation.get("Method") == BEARER, "no bearer confirmation")
    data = confirmation.find("a:SubjectConfirmationData", NAMESPACES)
    _require(data is not None and data.get("Recipient") == acs, "other recipient")
    _require(now - datetime.timedelta(seconds=SKEW_S) < _moment(data.get("NotOnOrAfter")), "confirmation expired")


def check(field, certificate_pem, acs, audience, issuer):
    """The name id of a base64 SAMLResponse field; Refused when anything is wrong."""
    _require(len(field) <= RESPONSE_BYTES_MAX, "too large")
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(base64.b64decode(field, validate=True), parser)
    except ValueError as error:
        raise Refused("not base64") from error
    except etree.XMLSyntaxError as error:
        raise Refused("not XML") from error
    _require(root.tag == f"{{{NAMESPACES['p']}}}Response", "not a Response")
    assertions = root.findall(".//a:Assertion", NAMESPACES)
    _require(len(assertions) == 1 and assertions[0].getparent() is root, "not exactly one assertion")
    assertion = assertions[0]
    good = [_verify_signature(root, certificate_pem), _verify_signature(assertion, certificate_pem)]
    _require(any(good), "not signed")
    now = datetime.datetime.now(datetime.timezone.utc)
    _require(root.find("p:Status/p:StatusCode", NAMESPACES).get("Value") == SUCCESS, "status")
    _require(root.get("Destination") == acs, "other destination")
    _require(assertion.findtext("a:Issuer", namespaces=NAMESPACES) == issuer, "other issuer")
    audiences = assertion.findall("a:Conditions/a:AudienceRestriction/a:Audience", NAMESPACES)
    _require([a.text for a in audiences] == [audience], "other audience")
    _check_times(assertion, now)
    _check_confirmation(assertion, acs, now)
    name_id = assertion.find("a:Subject/a:NameID", NAMESPACES)
    _require(name_id is not None and len(name_id) == 0 and name_id.text, "no name id")
    return name_id.text
