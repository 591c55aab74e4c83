/* saml_forge: makes identity providers and signed responses for tests, right ones and wrong ones. Header only: used by
 * the SAML unit tests. Everything lives in the caller's arena. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/buf.h"
#include "gateway/saml/saml.h"

#include <libxml/parser.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <xmlsec/xmlsec.h>

#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>

#define FORGE_ENTITY "http://www.okta.com/exk1"
#define FORGE_AUDIENCE "https://wiki.example.com"
#define FORGE_ACS "https://wiki.example.com/saml/acs"
#define FORGE_NOW_MS (INT64_C(1795000000000)) /* 2026-11-18T11:06:40Z */

struct forge_idp {
    EVP_PKEY *key;
    struct gw_str certificate_pem;
};

static inline struct forge_idp forge_idp_of(struct gw_arena *arena, EVP_PKEY *key)
{
    struct forge_idp idp = {.key = key};
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, idp.key);
    X509_sign(certificate, idp.key, EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    idp.certificate_pem = gw_arena_copy(arena, gw_str_n(text, (size_t)len));
    BIO_free(bio);
    X509_free(certificate);
    return idp;
}

static inline struct forge_idp forge_idp_new(struct gw_arena *arena, unsigned bits)
{
    return forge_idp_of(arena, EVP_RSA_gen(bits));
}

/* What a response says; forge_plain gives a right one in Okta's shape. */
struct forge {
    const EVP_PKEY *key;
    bool sign_response, sign_assertion;
    const char *declaration;
    const char *response_id, *assertion_id;
    const char *response_version, *assertion_version;
    const char *response_attributes; /* more attributes of Response */
    const char *response_issuer, *assertion_issuer;
    const char *destination; /* the attribute with its name, or "" */
    const char *status;      /* the Status element */
    const char *subject;     /* the content of Subject */
    const char *conditions;  /* the Conditions element */
    const char *authn;       /* the attributes of AuthnStatement */
    const char *attributes;  /* the AttributeStatement element or "" */
    const char *before_assertion, *after_assertion;
    const char *signature_method, *digest_method;
    const char *transforms;
    const char *reference_prefix; /* "#": the rest of URI is the ID */
};

#define FORGE_CONFIRMATION                                                                                             \
    "<saml2:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml2:SubjectConfirmationData "      \
    "NotOnOrAfter=\"2026-11-18T11:11:40.000Z\" Recipient=\"" FORGE_ACS "\"/></saml2:SubjectConfirmation>"
#define FORGE_NAME_ID(name)                                                                                            \
    "<saml2:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">" name "</saml2:NameID>"
#define FORGE_SUCCESS                                                                                                  \
    "<saml2p:Status><saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></saml2p:Status>"
#define FORGE_CONDITIONS                                                                                               \
    "<saml2:Conditions NotBefore=\"2026-11-18T11:01:40.000Z\" NotOnOrAfter=\"2026-11-18T11:11:40.000Z\">"              \
    "<saml2:AudienceRestriction><saml2:Audience>" FORGE_AUDIENCE "</saml2:Audience></saml2:AudienceRestriction>"       \
    "</saml2:Conditions>"
#define FORGE_TRANSFORMS                                                                                               \
    "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform "                \
    "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces "                                   \
    "xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs\"/></ds:Transform>"
#define FORGE_ATTRIBUTE(name, value)                                                                                   \
    "<saml2:Attribute Name=\"" name "\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\">"             \
    "<saml2:AttributeValue xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" "                                             \
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">" value                            \
    "</saml2:AttributeValue></saml2:Attribute>"

static inline struct forge forge_plain(const struct forge_idp *idp)
{
    return (struct forge){
        .key = idp->key,
        .sign_response = true,
        .sign_assertion = true,
        .declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        .response_id = "id1",
        .assertion_id = "id2",
        .response_version = "2.0",
        .assertion_version = "2.0",
        .response_attributes = "",
        .response_issuer = FORGE_ENTITY,
        .assertion_issuer = FORGE_ENTITY,
        .destination = "Destination=\"" FORGE_ACS "\"",
        .status = FORGE_SUCCESS,
        .subject = FORGE_NAME_ID("alice@example.com") FORGE_CONFIRMATION,
        .conditions = FORGE_CONDITIONS,
        .authn = "AuthnInstant=\"2026-11-18T11:06:30.000Z\" SessionIndex=\"id3\"",
        .attributes = "<saml2:AttributeStatement>" FORGE_ATTRIBUTE("firstName", "Alice")
            FORGE_ATTRIBUTE("email", "alice@example.com") "</saml2:AttributeStatement>",
        .before_assertion = "",
        .after_assertion = "",
        .signature_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        .digest_method = "http://www.w3.org/2001/04/xmlenc#sha256",
        .transforms = FORGE_TRANSFORMS,
        .reference_prefix = "#",
    };
}

static inline const char *forge_signature(struct gw_arena *arena, const struct forge *forge, const char *id)
{
    return gw_arena_printf(arena,
                           "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
                           "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
                           "<ds:SignatureMethod Algorithm=\"%s\"/><ds:Reference URI=\"%s%s\"><ds:Transforms>%s"
                           "</ds:Transforms><ds:DigestMethod Algorithm=\"%s\"/><ds:DigestValue></ds:DigestValue>"
                           "</ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>"
                           "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
                           "</ds:Signature>",
                           forge->signature_method, forge->reference_prefix, *forge->reference_prefix != '\0' ? id : "",
                           forge->transforms, forge->digest_method)
        .ptr;
}

static inline const char *forge_assertion(struct gw_arena *arena, const struct forge *forge)
{
    return gw_arena_printf(
               arena,
               "<saml2:Assertion ID=\"%s\" IssueInstant=\"2026-11-18T11:06:40.000Z\" Version=\"%s\" "
               "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">"
               "<saml2:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">%s</saml2:Issuer>%s"
               "<saml2:Subject>%s</saml2:Subject>%s<saml2:AuthnStatement %s><saml2:AuthnContext>"
               "<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
               "</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement>%s</saml2:Assertion>",
               forge->assertion_id, forge->assertion_version, forge->assertion_issuer,
               forge->sign_assertion ? forge_signature(arena, forge, forge->assertion_id) : "", forge->subject,
               forge->conditions, forge->authn, forge->attributes)
        .ptr;
}

static inline struct gw_str forge_unsigned(struct gw_arena *arena, const struct forge *forge)
{
    const char *issuer = gw_arena_printf(arena,
                                         "<saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" "
                                         "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">%s"
                                         "</saml2:Issuer>",
                                         forge->response_issuer)
                             .ptr;
    return gw_arena_printf(
        arena,
        "%s<saml2p:Response %s ID=\"%s\" IssueInstant=\"2026-11-18T11:06:40.000Z\" Version=\"%s\" %s "
        "xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" "
        "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">%s%s%s%s%s%s</saml2p:Response>",
        forge->declaration, forge->destination, forge->response_id, forge->response_version, forge->response_attributes,
        *forge->response_issuer != '\0' ? issuer : "",
        forge->sign_response ? forge_signature(arena, forge, forge->response_id) : "", forge->status,
        forge->before_assertion, forge_assertion(arena, forge), forge->after_assertion);
}

static inline xmlNode *forge_find(xmlNode *node, const char *name)
{
    for (; node != NULL; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
            return node;
    }
    return NULL;
}

static inline bool forge_sign_node(const struct forge *forge, xmlDoc *doc, xmlNode *owner)
{
    xmlNode *signature = owner != NULL ? forge_find(owner->children, "Signature") : NULL;
    if (signature == NULL)
        return false;
    xmlAttr *id = xmlHasProp(owner, (const xmlChar *)"ID");
    xmlAddID(NULL, doc, id->children->content, id);
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    EVP_PKEY *key = (EVP_PKEY *)(uintptr_t)forge->key;
    EVP_PKEY_up_ref(key);
    context->signKey = xmlSecKeyCreate();
    xmlSecKeySetValue(context->signKey, xmlSecOpenSSLEvpKeyAdopt(key));
    bool signed_well = xmlSecDSigCtxSign(context, signature) == 0;
    xmlSecDSigCtxDestroy(context);
    return signed_well;
}

/* The signed response; ptr NULL when the libraries would not sign that. */
static inline struct gw_str forge_make(struct gw_arena *arena, const struct forge *forge)
{
    struct gw_str text = forge_unsigned(arena, forge);
    xmlDoc *doc = xmlReadMemory(text.ptr, (int)text.len, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR);
    if (doc == NULL)
        return GW_STR_NONE;
    xmlNode *response = xmlDocGetRootElement(doc);
    bool signed_well = true;
    if (forge->sign_assertion)
        signed_well = forge_sign_node(forge, doc, forge_find(response->children, "Assertion"));
    if (forge->sign_response && signed_well)
        signed_well = forge_sign_node(forge, doc, response);
    xmlChar *bytes = NULL;
    int len = 0;
    if (signed_well)
        xmlDocDumpMemoryEnc(doc, &bytes, &len, "UTF-8");
    struct gw_str made = bytes != NULL ? gw_arena_copy(arena, gw_str_n((const char *)bytes, (size_t)len)) : GW_STR_NONE;
    xmlFree(bytes);
    xmlFreeDoc(doc);
    return made;
}

/* `text` with the first `from` replaced by `to`; ptr NULL when `from` is not in it, so that a test cannot mutate
 * nothing. */
static inline struct gw_str forge_replace(struct gw_arena *arena, struct gw_str text, struct gw_str from,
                                          struct gw_str to)
{
    const char *hit = text.ptr != NULL ? memmem(text.ptr, text.len, from.ptr, from.len) : NULL;
    if (hit == NULL)
        return GW_STR_NONE;
    size_t before = (size_t)(hit - text.ptr);
    return gw_arena_printf(arena, "%.*s%.*s%.*s", (int)before, text.ptr, GW_STR_ARG(to),
                           GW_STR_ARG(gw_str_from_pos(text, before + from.len)));
}

/* From the first `start` to the end of the first `end` behind it. */
static inline struct gw_str forge_cut(struct gw_str text, const char *start, const char *end)
{
    const char *from = memmem(text.ptr, text.len, start, strlen(start));
    if (from == NULL)
        return GW_STR_NONE;
    const char *to = memmem(from, text.len - (size_t)(from - text.ptr), end, strlen(end));
    return to != NULL ? gw_str_n(from, (size_t)(to - from) + strlen(end)) : GW_STR_NONE;
}
