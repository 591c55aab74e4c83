#include "gateway/saml/saml.h"

#include "gateway/saml/saml_read.h"
#include "gateway/saml/saml_scan.h"
#include "gateway/saml/saml_verify.h"

#include <libxml/parser.h>

enum gw_code saml_library_init(struct gw_error *err)
{
    return saml_verify_init(err);
}

static xmlDoc *parse(struct gw_str xml)
{
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (context == NULL)
        return NULL;
    /* Entities are neither replaced nor loaded, and errors neither mended nor printed. */
    xmlDoc *doc = xmlCtxtReadMemory(context, xml.ptr, (int)xml.len, NULL, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc != NULL && (context->wellFormed == 0 || context->nsWellFormed == 0)) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    xmlFreeParserCtxt(context);
    return doc;
}

static bool failed_on(struct saml_result *result, enum saml_condition condition)
{
    result->condition = condition;
    if (condition != SAML_CONDITION_NONE)
        result->verdict = SAML_CONDITION_FAILED;
    return condition != SAML_CONDITION_NONE;
}

/* Whichever of the two signatures is there must hold; at least one must be there. */
static enum saml_verdict check_signatures(const struct saml_settings *settings, xmlDoc *doc,
                                          const struct saml_tree *tree, struct gw_error *err)
{
    enum saml_verdict verdict = SAML_BAD_SIGNATURE;
    if (tree->response_signature == NULL && tree->assertion_signature == NULL)
        (void)gw_fail(err, GW_E_FORBIDDEN, "neither the Response nor the Assertion is signed");
    if (tree->response_signature != NULL) {
        verdict = saml_verify_signature(settings, doc, tree->response, tree->response_signature, err);
        if (verdict != SAML_VOUCHED)
            return verdict;
    }
    if (tree->assertion_signature != NULL)
        verdict = saml_verify_signature(settings, doc, tree->assertion, tree->assertion_signature, err);
    return verdict;
}

/* The verdict stays SAML_WRONG_SHAPE until the shape is known to be right. */
static void check_doc(const struct saml_settings *settings, struct gw_arena *arena, xmlDoc *doc, int64_t now_ms,
                      struct saml_result *result, struct gw_error *err)
{
    struct saml_tree tree;
    if (saml_shape_check(doc, &tree, err) != GW_OK || failed_on(result, saml_read_status(&tree, err)))
        return;
    if (tree.assertion == NULL) {
        (void)gw_fail(err, GW_E_FORBIDDEN, "the Response has no Assertion");
        return;
    }
    if (failed_on(result, saml_read_issuers(settings, &tree, err)))
        return;
    result->verdict = check_signatures(settings, doc, &tree, err);
    int64_t until_ms = 0;
    if (result->verdict != SAML_VOUCHED ||
        failed_on(result, saml_read_conditions(settings, &tree, now_ms, &until_ms, err)))
        return;
    saml_read_assertion(&tree, arena, &result->assertion);
    result->assertion.not_on_or_after_ms = until_ms;
}

enum gw_code saml_check(const struct saml_settings *settings, struct gw_arena *arena, struct gw_str xml, int64_t now_ms,
                        struct saml_result *ret_result, struct gw_error *err)
{
    *ret_result = (struct saml_result){.verdict = SAML_WRONG_SHAPE};
    if (saml_scan(xml, err) != GW_OK) {
        if (err != NULL)
            err->code = GW_E_FORBIDDEN;
        return GW_E_FORBIDDEN;
    }
    xmlDoc *doc = parse(xml);
    if (doc == NULL)
        return gw_fail(err, GW_E_FORBIDDEN, "the response is not well-formed XML");
    check_doc(settings, arena, doc, now_ms, ret_result, err);
    xmlFreeDoc(doc);
    return ret_result->verdict == SAML_VOUCHED ? GW_OK : GW_E_FORBIDDEN;
}

bool saml_attribute_get(const struct saml_assertion *assertion, struct gw_str name, struct gw_str *ret_value)
{
    size_t found = 0;
    for (size_t i = 0; i < assertion->attribute_count; i++) {
        const struct saml_attribute *attribute = &assertion->attributes[i];
        if (!gw_str_eq(attribute->name, name))
            continue;
        found += attribute->value_count;
        if (attribute->value_count > 0)
            *ret_value = attribute->values[0];
    }
    return found == 1;
}

bool saml_name_id_is_transient(const struct saml_assertion *assertion)
{
    return gw_str_eq(assertion->name_id_format, GW_STR("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"));
}

bool saml_name_id_is_persistent(const struct saml_assertion *assertion)
{
    return gw_str_eq(assertion->name_id_format, GW_STR("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"));
}

const char *saml_verdict_name(enum saml_verdict verdict)
{
    static const char *const names[] = {
        [SAML_VOUCHED] = "vouched",
        [SAML_WRONG_SHAPE] = "wrong_shape",
        [SAML_BAD_SIGNATURE] = "bad_signature",
        [SAML_UNKNOWN_KEY] = "unknown_key",
        [SAML_CONDITION_FAILED] = "condition_failed",
    };
    return names[verdict];
}

const char *saml_condition_name(enum saml_condition condition)
{
    static const char *const names[] = {
        [SAML_CONDITION_NONE] = "none",
        [SAML_CONDITION_STATUS] = "status",
        [SAML_CONDITION_VERSION] = "version",
        [SAML_CONDITION_RESPONSE_ISSUER] = "response_issuer",
        [SAML_CONDITION_ASSERTION_ISSUER] = "assertion_issuer",
        [SAML_CONDITION_DESTINATION] = "destination",
        [SAML_CONDITION_NO_CONFIRMATION] = "no_confirmation",
        [SAML_CONDITION_CONFIRMATION_METHOD] = "confirmation_method",
        [SAML_CONDITION_RECIPIENT] = "recipient",
        [SAML_CONDITION_CONFIRMATION_EXPIRED] = "confirmation_expired",
        [SAML_CONDITION_AUDIENCE] = "audience",
        [SAML_CONDITION_NOT_YET_VALID] = "not_yet_valid",
        [SAML_CONDITION_EXPIRED] = "expired",
        [SAML_CONDITION_SESSION_EXPIRED] = "session_expired",
    };
    return names[condition];
}
