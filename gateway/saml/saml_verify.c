#include "gateway/saml/saml_verify.h"

#include "gateway/saml/saml_shape.h"

#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <libxml/xmlerror.h>
#include <openssl/err.h>
#include <pthread.h>

#include <xmlsec/xmlsec.h> /* before all others of its kind */

#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

static xmlParserInputPtr refuse_external_entity(const char *url, const char *id, xmlParserCtxtPtr context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

/* Both libraries print an outsider's text to stderr if they are let. */
static void ignore_xml_error(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

static void ignore_xmlsec_error(const char *file, int line, const char *function, const char *object,
                                const char *subject, int reason, const char *message)
{
    (void)file;
    (void)line;
    (void)function;
    (void)object;
    (void)subject;
    (void)reason;
    (void)message;
}

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static bool init_done;

static void init_libraries(void)
{
    xmlInitParser();
    (void)xmlThrDefSetStructuredErrorFunc(NULL, ignore_xml_error); /* for threads that start later */
    xmlSetStructuredErrorFunc(NULL, ignore_xml_error);
    xmlSecErrorsSetCallback(ignore_xmlsec_error);
    if (xmlSecInit() < 0 || xmlSecCheckVersion() != 1 || xmlSecOpenSSLInit() < 0)
        return;
    xmlSecErrorsSetCallback(ignore_xmlsec_error); /* the OpenSSL part sets its own */
    xmlSecIOCleanupCallbacks();                   /* no URI of a signature opens anything */
    xmlSetExternalEntityLoader(refuse_external_entity);
    init_done = true;
}

enum gw_code saml_verify_init(struct gw_error *err)
{
    (void)pthread_once(&init_once, init_libraries);
    return init_done ? GW_OK : gw_fail(err, GW_E_INTERNAL, "the XML signature library could not be started");
}

/* The key says which signatures there can be, never the document. */
static bool enable_algorithms(xmlSecDSigCtx *context, bool is_ec)
{
    const xmlSecTransformId signature[] = {
        xmlSecTransformExclC14NId, is_ec ? xmlSecOpenSSLTransformEcdsaSha256Id : xmlSecOpenSSLTransformRsaSha256Id,
        is_ec ? xmlSecOpenSSLTransformEcdsaSha512Id : xmlSecOpenSSLTransformRsaSha512Id};
    const xmlSecTransformId reference[] = {xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId,
                                           xmlSecOpenSSLTransformSha256Id, xmlSecOpenSSLTransformSha512Id};
    for (size_t i = 0; i < sizeof signature / sizeof signature[0]; i++) {
        if (xmlSecDSigCtxEnableSignatureTransform(context, signature[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < sizeof reference / sizeof reference[0]; i++) {
        if (xmlSecDSigCtxEnableReferenceTransform(context, reference[i]) < 0)
            return false;
    }
    return true;
}

/* xmlsec takes the key data over and frees it with the key. */
static xmlSecKey *key_new(EVP_PKEY *pinned)
{
    GW_ASSERT(EVP_PKEY_up_ref(pinned) == 1);
    xmlSecKeyData *data = xmlSecOpenSSLEvpKeyAdopt(pinned);
    if (data == NULL) {
        EVP_PKEY_free(pinned);
        return NULL;
    }
    xmlSecKey *key = xmlSecKeyCreate();
    if (key != NULL && xmlSecKeySetValue(key, data) == 0)
        return key;
    xmlSecKeyDataDestroy(data);
    if (key != NULL)
        xmlSecKeyDestroy(key);
    return NULL;
}

/* The bytes that were digested must be the element: an empty or other canonical form has been passed off before. */
static bool reference_covers(xmlSecDSigCtx *context, struct gw_str id)
{
    if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 1 ||
        xmlSecPtrListGetSize(&context->manifestReferences) != 0)
        return false;
    xmlSecDSigReferenceCtx *reference = xmlSecPtrListGetItem(&context->signedInfoReferences, 0);
    if (reference == NULL || reference->status != xmlSecDSigStatusSucceeded || reference->uri == NULL ||
        reference->uri[0] != '#' || !gw_str_eq(gw_str_from((const char *)reference->uri + 1), id))
        return false;
    xmlSecBuffer *digested = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference);
    return digested != NULL && xmlSecBufferGetSize(digested) > id.len && xmlSecBufferGetData(digested)[0] == '<';
}

static enum saml_verdict verify_with(const struct saml_key *pinned, xmlNode *signature, struct gw_str id)
{
    enum saml_verdict verdict = SAML_BAD_SIGNATURE;
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    if (context == NULL)
        return verdict;
    context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
    context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    context->signKey = key_new(pinned->key);
    if (context->signKey != NULL && enable_algorithms(context, pinned->is_ec)) {
        int rc = xmlSecDSigCtxVerify(context, signature);
        bool covers = reference_covers(context, id);
        if (rc == 0 && covers && context->status == xmlSecDSigStatusSucceeded)
            verdict = SAML_VOUCHED;
        else if (covers)
            verdict = SAML_UNKNOWN_KEY;
    }
    xmlSecDSigCtxDestroy(context);
    return verdict;
}

enum saml_verdict saml_verify_signature(const struct saml_settings *settings, xmlDoc *doc, xmlNode *owner,
                                        xmlNode *signature, struct gw_error *err)
{
    enum saml_verdict verdict = SAML_BAD_SIGNATURE;
    struct gw_str id = saml_node_attribute(owner, "ID");
    xmlAttr *attribute = xmlHasNsProp(owner, (const xmlChar *)"ID", NULL);
    /* The only ID that the document has while this signature is looked at. */
    if (attribute != NULL && xmlAddID(NULL, doc, (const xmlChar *)id.ptr, attribute) != NULL) {
        verdict = SAML_UNKNOWN_KEY; /* when none is of the signature's kind */
        for (size_t i = 0; i < settings->key_count && verdict != SAML_VOUCHED; i++) {
            if (settings->keys[i].is_ec == saml_signature_is_ec(signature))
                verdict = verify_with(&settings->keys[i], signature, id);
        }
        (void)xmlRemoveID(doc, attribute);
    }
    ERR_clear_error(); /* TLS on this thread reads the same queue */
    if (verdict == SAML_BAD_SIGNATURE)
        (void)gw_fail(err, GW_E_FORBIDDEN, "the signature of the %s does not fit its content",
                      (const char *)owner->name);
    else if (verdict == SAML_UNKNOWN_KEY)
        (void)gw_fail(err, GW_E_FORBIDDEN,
                      "the signature of the %s is by none of the %zu configured keys: forged, or the identity provider "
                      "has a new certificate",
                      (const char *)owner->name, settings->key_count);
    return verdict;
}
