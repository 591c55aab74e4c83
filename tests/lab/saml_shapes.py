#!/usr/bin/python3
"""Good responses in the shapes that identity providers send: what a gate must let through, however strict it is.

Written after what the providers document and send; each is a Response not yet signed and the way in which it is signed.

saml_shapes.py FOLDER    writes them signed, good until the end of the century, with a key that is thrown away
"""

import datetime
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import xmlsec  # noqa: E402

from lab import keys, saml  # noqa: E402

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

ENTRA = """<samlp:Response ID="{rid}" Version="2.0" IssueInstant="{now}" Destination="{acs}" InResponseTo="id2d5e"
 xmlns:samlp="{samlp}"><Issuer xmlns="{saml}">{issuer}</Issuer><samlp:Status><samlp:StatusCode Value="{success}"/>
</samlp:Status><Assertion ID="{aid}" IssueInstant="{now}" Version="2.0" xmlns="{saml}"><Issuer>{issuer}</Issuer>
<Subject><NameID Format="{email}">{user}</NameID><SubjectConfirmation Method="{bearer}"><SubjectConfirmationData
 InResponseTo="id2d5e" NotOnOrAfter="{until}" Recipient="{acs}"/></SubjectConfirmation></Subject><Conditions
 NotBefore="{since}" NotOnOrAfter="{until}"><AudienceRestriction><Audience>{audience}</Audience></AudienceRestriction>
</Conditions><AttributeStatement><Attribute Name="http://schemas.microsoft.com/identity/claims/tenantid">
<AttributeValue>4a2f</AttributeValue></Attribute><Attribute Name="{claims}emailaddress"><AttributeValue>{user}
</AttributeValue></Attribute></AttributeStatement><AuthnStatement AuthnInstant="{now}" SessionIndex="{aid}">
<AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef>
</AuthnContext></AuthnStatement></Assertion></samlp:Response>"""

ADFS = """<samlp:Response ID="{rid}" Version="2.0" IssueInstant="{now}" Destination="{acs}"
 Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" InResponseTo="_5a1" xmlns:samlp="{samlp}"><Issuer
 xmlns="{saml}">{issuer}</Issuer><samlp:Status><samlp:StatusCode Value="{success}"/></samlp:Status><Assertion
 ID="{aid}" IssueInstant="{now}" Version="2.0" xmlns="{saml}"><Issuer>{issuer}</Issuer><Subject><NameID>{user}</NameID>
<SubjectConfirmation Method="{bearer}"><SubjectConfirmationData InResponseTo="_5a1" NotOnOrAfter="{until}"
 Recipient="{acs}"/></SubjectConfirmation></Subject><Conditions NotBefore="{since}" NotOnOrAfter="{until}">
<AudienceRestriction><Audience>{audience}</Audience></AudienceRestriction></Conditions><AttributeStatement>
<Attribute Name="{claims}upn"><AttributeValue>{user}</AttributeValue></Attribute></AttributeStatement><AuthnStatement
 AuthnInstant="{now}" SessionIndex="{aid}"><AuthnContext><AuthnContextClassRef>{password}</AuthnContextClassRef>
</AuthnContext></AuthnStatement></Assertion></samlp:Response>"""

KEYCLOAK = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" Destination="{acs}" ID="{rid}"
 InResponseTo="ONELOGIN_1" IssueInstant="{now}" Version="2.0"><saml:Issuer>{issuer}</saml:Issuer><samlp:Status>
<samlp:StatusCode Value="{success}"/></samlp:Status><saml:Assertion xmlns="{saml}" ID="{aid}" IssueInstant="{now}"
 Version="2.0"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{email}">{user}</saml:NameID>
<saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData InResponseTo="ONELOGIN_1"
 NotOnOrAfter="{until}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions
 NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>
</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="s::1"
 SessionNotOnOrAfter="{until}"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute FriendlyName="role" Name="Role"
 NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue xmlns:xs="{xs}"
 xmlns:xsi="{xsi}" xsi:type="xs:string">user</saml:AttributeValue><saml:AttributeValue xmlns:xs="{xs}"
 xmlns:xsi="{xsi}" xsi:type="xs:string">editor</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""

GOOGLE = """<saml2p:Response xmlns:saml2p="{samlp}" Destination="{acs}" ID="{rid}" IssueInstant="{now}" Version="2.0">
<saml2:Issuer xmlns:saml2="{saml}">{issuer}</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="{success}"/>
</saml2p:Status><saml2:Assertion xmlns:saml2="{saml}" ID="{aid}" IssueInstant="{now}" Version="2.0"><saml2:Issuer>
{issuer}</saml2:Issuer><saml2:Subject><saml2:NameID>{user}</saml2:NameID><saml2:SubjectConfirmation Method="{bearer}">
<saml2:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject>
<saml2:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml2:AudienceRestriction><saml2:Audience>{audience}
</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AttributeStatement><saml2:Attribute
 Name="department"><saml2:AttributeValue xmlns:xs="{xs}" xmlns:xsi="{xsi}" xsi:type="xs:anyType">
R&amp;D</saml2:AttributeValue>
</saml2:Attribute></saml2:AttributeStatement><saml2:AuthnStatement AuthnInstant="{now}" SessionIndex="{aid}">
<saml2:AuthnContext><saml2:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml2:AuthnContextClassRef>
</saml2:AuthnContext></saml2:AuthnStatement></saml2:Assertion></saml2p:Response>"""

SIMPLESAML = """<samlp:Response xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="{rid}" Version="2.0" IssueInstant="{now}"
 Destination="{acs}"><saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{success}"/>
</samlp:Status><saml:Assertion xmlns:xsi="{xsi}" xmlns:xs="{xs}" ID="{aid}" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID SPNameQualifier="{audience}" Format="{persistent}">
{user}</saml:NameID>
<saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs}"/>
</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}">
<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionNotOnOrAfter="{until}" SessionIndex="_9"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
<saml:AuthenticatingAuthority>https://up.example</saml:AuthenticatingAuthority></saml:AuthnContext>
</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail"
 NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue xsi:type="xs:string">
{user}</saml:AttributeValue>
</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""


@dataclass
class Shape:
    """One provider's way: its text with the fields filled in, and how it is signed."""

    text: str
    signing: saml.Signing


def _plain(template):
    """Line breaks in the templates are for the reader; some providers send none."""
    return template.replace("\n ", " ").replace("\n", "")


def _filled(template, says):
    return _plain(template).format(
        rid=says.response_id, aid=says.assertion_id, now=says.at(0), since=says.at(says.not_before_s),
        until=says.at(says.not_on_or_after_s), acs=says.acs, audience=says.audience, issuer=says.issuer,
        user=says.name_id, samlp=saml.PROTOCOL, saml=saml.ASSERTION, xs=saml.XS, xsi=saml.XSI, success=saml.SUCCESS,
        bearer=saml.BEARER, email=EMAIL, persistent=PERSISTENT, claims=CLAIMS, password=PASSWORD)


def shapes(says):
    """Every shape, by name, saying what `says` says."""
    assertion, response = saml.Signing(response=False), saml.Signing(assertion=False)
    plain = replace(assertion, inclusive_namespaces=False)
    sha512 = saml.Signing(digest=xmlsec.constants.TransformSha512, signature=xmlsec.constants.TransformRsaSha512)
    okta = saml.response_text(says)
    many = {f"attribute{number}": f"{number} \u00e9\u20ac <&> " + "x" * 400 for number in range(30)}
    return {
        "okta": Shape(okta, saml.Signing()), "okta-response": Shape(okta, response),
        "okta-assertion": Shape(okta, assertion), "okta-sha512": Shape(okta, sha512),
        "okta-thirty-attributes": Shape(saml.response_text(replace(says, attributes=many)), saml.Signing()),
        "okta-no-attributes": Shape(saml.response_text(replace(says, attributes={})), saml.Signing()),
        "entra": Shape(_filled(ENTRA, says), plain), "adfs": Shape(_filled(ADFS, says), plain),
        "keycloak": Shape(_filled(KEYCLOAK, says), replace(plain, response=True, assertion=False)),
        "google": Shape(_filled(GOOGLE, says), plain),
        "simplesaml": Shape(_filled(SIMPLESAML, says), replace(plain, response=True)),
    }


def write_corpus(folder):
    """NAME.xml for each shape and idp.pem, the certificate of the key that signed them."""
    pair = keys.make("kept responses", days=36500)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "idp.pem").write_bytes(pair.certificate_pem())
    issued = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
    for number, name in enumerate(shapes(_kept(issued))):
        says = replace(_kept(issued), response_id=f"kept-response-{number}", assertion_id=f"kept-assertion-{number}")
        shape = shapes(says)[name]
        (folder / f"{name}.xml").write_bytes(saml.signed_text(shape.text, pair, shape.signing))


def _kept(issued):
    return saml.Statement(
        name_id="alice@example.com", acs="https://wiki.example.com/saml/acs", audience="https://wiki.example.com",
        issuer="http://www.okta.com/exk1", attributes={"email": "alice@example.com", "firstName": "Alice"},
        issued=issued, not_on_or_after_s=73 * 365 * 86400)


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]))
