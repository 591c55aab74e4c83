/* saml_rules: the tables of saml_shape.c and of nothing else: which elements, attributes and namespaces a response may
 * have, after saml-schema-protocol-2.0 and saml-schema-assertion-2.0, without their extension points. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum space { NONE, SAML, SAMLP, DS, EC, XS, XSI, X500, CLAIMS, SPACE_COUNT };

static const char *const spaces[SPACE_COUNT] = {
    [SAML] = "urn:oasis:names:tc:SAML:2.0:assertion",
    [SAMLP] = "urn:oasis:names:tc:SAML:2.0:protocol",
    [DS] = "http://www.w3.org/2000/09/xmldsig#",
    [EC] = "http://www.w3.org/2001/10/xml-exc-c14n#",
    [XS] = "http://www.w3.org/2001/XMLSchema",
    [XSI] = "http://www.w3.org/2001/XMLSchema-instance",
    [X500] = "urn:oasis:names:tc:SAML:2.0:profiles:attribute:X500",
    [CLAIMS] = "http://schemas.xmlsoap.org/ws/2009/09/identity/claims",
};

enum content { NODES, TEXT, EMPTY };

/* element, namespace, local name, content */
#define ELEMENT_MAP(XX)                                                                                                \
    XX(RESPONSE, SAMLP, "Response", NODES)                                                                             \
    XX(STATUS, SAMLP, "Status", NODES)                                                                                 \
    XX(STATUS_CODE, SAMLP, "StatusCode", NODES)                                                                        \
    XX(STATUS_MESSAGE, SAMLP, "StatusMessage", TEXT)                                                                   \
    XX(ISSUER, SAML, "Issuer", TEXT)                                                                                   \
    XX(ASSERTION, SAML, "Assertion", NODES)                                                                            \
    XX(SUBJECT, SAML, "Subject", NODES)                                                                                \
    XX(NAME_ID, SAML, "NameID", TEXT)                                                                                  \
    XX(CONFIRMATION, SAML, "SubjectConfirmation", NODES)                                                               \
    XX(CONFIRMATION_DATA, SAML, "SubjectConfirmationData", EMPTY)                                                      \
    XX(CONDITIONS, SAML, "Conditions", NODES)                                                                          \
    XX(AUDIENCE_RESTRICTION, SAML, "AudienceRestriction", NODES)                                                       \
    XX(AUDIENCE, SAML, "Audience", TEXT)                                                                               \
    XX(ONE_TIME_USE, SAML, "OneTimeUse", EMPTY)                                                                        \
    XX(AUTHN_STATEMENT, SAML, "AuthnStatement", NODES)                                                                 \
    XX(LOCALITY, SAML, "SubjectLocality", EMPTY)                                                                       \
    XX(AUTHN_CONTEXT, SAML, "AuthnContext", NODES)                                                                     \
    XX(CLASS_REF, SAML, "AuthnContextClassRef", TEXT)                                                                  \
    XX(DECL_REF, SAML, "AuthnContextDeclRef", TEXT)                                                                    \
    XX(AUTHORITY, SAML, "AuthenticatingAuthority", TEXT)                                                               \
    XX(ATTRIBUTE_STATEMENT, SAML, "AttributeStatement", NODES)                                                         \
    XX(ATTRIBUTE, SAML, "Attribute", NODES)                                                                            \
    XX(ATTRIBUTE_VALUE, SAML, "AttributeValue", TEXT)                                                                  \
    XX(SIGNATURE, DS, "Signature", NODES)                                                                              \
    XX(SIGNED_INFO, DS, "SignedInfo", NODES)                                                                           \
    XX(C14N_METHOD, DS, "CanonicalizationMethod", NODES)                                                               \
    XX(SIGNATURE_METHOD, DS, "SignatureMethod", EMPTY)                                                                 \
    XX(REFERENCE, DS, "Reference", NODES)                                                                              \
    XX(TRANSFORMS, DS, "Transforms", NODES)                                                                            \
    XX(TRANSFORM, DS, "Transform", NODES)                                                                              \
    XX(INCLUSIVE, EC, "InclusiveNamespaces", EMPTY)                                                                    \
    XX(DIGEST_METHOD, DS, "DigestMethod", EMPTY)                                                                       \
    XX(DIGEST_VALUE, DS, "DigestValue", TEXT)                                                                          \
    XX(SIGNATURE_VALUE, DS, "SignatureValue", TEXT)                                                                    \
    XX(KEY_INFO, DS, "KeyInfo", NODES)                                                                                 \
    XX(KEY_NAME, DS, "KeyName", TEXT)                                                                                  \
    XX(KEY_VALUE, DS, "KeyValue", NODES)                                                                               \
    XX(RSA_KEY_VALUE, DS, "RSAKeyValue", NODES)                                                                        \
    XX(MODULUS, DS, "Modulus", TEXT)                                                                                   \
    XX(EXPONENT, DS, "Exponent", TEXT)                                                                                 \
    XX(X509_DATA, DS, "X509Data", NODES)                                                                               \
    XX(X509_CERTIFICATE, DS, "X509Certificate", TEXT)                                                                  \
    XX(X509_SUBJECT, DS, "X509SubjectName", TEXT)                                                                      \
    XX(X509_ISSUER_SERIAL, DS, "X509IssuerSerial", NODES)                                                              \
    XX(X509_ISSUER, DS, "X509IssuerName", TEXT)                                                                        \
    XX(X509_SERIAL, DS, "X509SerialNumber", TEXT)

enum element {
#define XX(element, space, name, content) element,
    ELEMENT_MAP(XX)
#undef XX
        ELEMENT_COUNT
};

static const struct element_rule {
    enum space space;
    const char *name;
    enum content content;
} elements[] = {
#define XX(element, space, name, content) {space, name, content},
    ELEMENT_MAP(XX)
#undef XX
};

#define MANY 400

/* Which children, in which order (those of one rank in any), how many. */
static const struct child_rule {
    enum element parent;
    enum element child;
    int rank;
    int min;
    int max;
} children[] = {
    {RESPONSE, ISSUER, 1, 0, 1},
    {RESPONSE, SIGNATURE, 2, 0, 1},
    {RESPONSE, STATUS, 3, 1, 1},
    {RESPONSE, ASSERTION, 4, 0, 1},
    {STATUS, STATUS_CODE, 1, 1, 1},
    {STATUS, STATUS_MESSAGE, 2, 0, 1},
    {STATUS_CODE, STATUS_CODE, 1, 0, 1},
    {ASSERTION, ISSUER, 1, 1, 1},
    {ASSERTION, SIGNATURE, 2, 0, 1},
    {ASSERTION, SUBJECT, 3, 1, 1},
    {ASSERTION, CONDITIONS, 4, 0, 1},
    {ASSERTION, AUTHN_STATEMENT, 5, 1, 1},
    {ASSERTION, ATTRIBUTE_STATEMENT, 5, 0, 4},
    {SUBJECT, NAME_ID, 1, 1, 1},
    {SUBJECT, CONFIRMATION, 2, 0, 1},
    {CONFIRMATION, CONFIRMATION_DATA, 1, 0, 1},
    {CONDITIONS, AUDIENCE_RESTRICTION, 1, 0, MANY},
    {CONDITIONS, ONE_TIME_USE, 1, 0, 1},
    {AUDIENCE_RESTRICTION, AUDIENCE, 1, 1, MANY},
    {AUTHN_STATEMENT, LOCALITY, 1, 0, 1},
    {AUTHN_STATEMENT, AUTHN_CONTEXT, 2, 1, 1},
    {AUTHN_CONTEXT, CLASS_REF, 1, 0, 1},
    {AUTHN_CONTEXT, DECL_REF, 2, 0, 1},
    {AUTHN_CONTEXT, AUTHORITY, 3, 0, MANY},
    {ATTRIBUTE_STATEMENT, ATTRIBUTE, 1, 0, MANY},
    {ATTRIBUTE, ATTRIBUTE_VALUE, 1, 0, MANY},
    {SIGNATURE, SIGNED_INFO, 1, 1, 1},
    {SIGNATURE, SIGNATURE_VALUE, 2, 1, 1},
    {SIGNATURE, KEY_INFO, 3, 0, 1},
    {SIGNED_INFO, C14N_METHOD, 1, 1, 1},
    {SIGNED_INFO, SIGNATURE_METHOD, 2, 1, 1},
    {SIGNED_INFO, REFERENCE, 3, 1, 1},
    {C14N_METHOD, INCLUSIVE, 1, 0, 1},
    {REFERENCE, TRANSFORMS, 1, 1, 1},
    {REFERENCE, DIGEST_METHOD, 2, 1, 1},
    {REFERENCE, DIGEST_VALUE, 3, 1, 1},
    {TRANSFORMS, TRANSFORM, 1, 2, 2},
    {TRANSFORM, INCLUSIVE, 1, 0, 1},
    {KEY_INFO, KEY_NAME, 1, 0, 1},
    {KEY_INFO, KEY_VALUE, 1, 0, 1},
    {KEY_INFO, X509_DATA, 1, 0, 1},
    {KEY_VALUE, RSA_KEY_VALUE, 1, 1, 1},
    {RSA_KEY_VALUE, MODULUS, 1, 1, 1},
    {RSA_KEY_VALUE, EXPONENT, 2, 1, 1},
    {X509_DATA, X509_CERTIFICATE, 1, 0, 8},
    {X509_DATA, X509_SUBJECT, 1, 0, 1},
    {X509_DATA, X509_ISSUER_SERIAL, 1, 0, 1},
    {X509_ISSUER_SERIAL, X509_ISSUER, 1, 1, 1},
    {X509_ISSUER_SERIAL, X509_SERIAL, 2, 1, 1},
};

#define CHILD_RULES (sizeof children / sizeof children[0])

static const struct attribute_rule {
    enum element element;
    enum space space;
    const char *name;
    bool required;
} attributes[] = {
    {RESPONSE, NONE, "ID", true},
    {RESPONSE, NONE, "Version", true},
    {RESPONSE, NONE, "IssueInstant", true},
    {RESPONSE, NONE, "Destination", false},
    {RESPONSE, NONE, "InResponseTo", false},
    {RESPONSE, NONE, "Consent", false},
    {STATUS_CODE, NONE, "Value", true},
    {ISSUER, NONE, "Format", false},
    {ISSUER, NONE, "NameQualifier", false},
    {ISSUER, NONE, "SPNameQualifier", false},
    {ASSERTION, NONE, "ID", true},
    {ASSERTION, NONE, "Version", true},
    {ASSERTION, NONE, "IssueInstant", true},
    {NAME_ID, NONE, "Format", false},
    {NAME_ID, NONE, "NameQualifier", false},
    {NAME_ID, NONE, "SPNameQualifier", false},
    {NAME_ID, NONE, "SPProvidedID", false},
    {CONFIRMATION, NONE, "Method", true},
    {CONFIRMATION_DATA, NONE, "NotBefore", false},
    {CONFIRMATION_DATA, NONE, "NotOnOrAfter", false},
    {CONFIRMATION_DATA, NONE, "Recipient", false},
    {CONFIRMATION_DATA, NONE, "InResponseTo", false},
    {CONFIRMATION_DATA, NONE, "Address", false},
    {CONDITIONS, NONE, "NotBefore", false},
    {CONDITIONS, NONE, "NotOnOrAfter", false},
    {AUTHN_STATEMENT, NONE, "AuthnInstant", true},
    {AUTHN_STATEMENT, NONE, "SessionIndex", false},
    {AUTHN_STATEMENT, NONE, "SessionNotOnOrAfter", false},
    {LOCALITY, NONE, "Address", false},
    {LOCALITY, NONE, "DNSName", false},
    {ATTRIBUTE, NONE, "Name", true},
    {ATTRIBUTE, NONE, "NameFormat", false},
    {ATTRIBUTE, NONE, "FriendlyName", false},
    {ATTRIBUTE, X500, "Encoding", false},
    {ATTRIBUTE, CLAIMS, "OriginalIssuer", false},
    {ATTRIBUTE_VALUE, XSI, "type", false},
    {ATTRIBUTE_VALUE, XSI, "nil", false},
    {C14N_METHOD, NONE, "Algorithm", true},
    {SIGNATURE_METHOD, NONE, "Algorithm", true},
    {REFERENCE, NONE, "URI", true},
    {TRANSFORM, NONE, "Algorithm", true},
    {INCLUSIVE, NONE, "PrefixList", true},
    {DIGEST_METHOD, NONE, "Algorithm", true},
};

#define ATTRIBUTE_RULES (sizeof attributes / sizeof attributes[0])
