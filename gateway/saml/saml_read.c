#include "gateway/saml/saml_read.h"

#include "gateway/base/clock.h"

/* Far beyond any certificate, and far from overflow. */
#define TIME_MS_MAX (INT64_C(253402300800000))

/* A failed condition and the sentence for it. */
#define FAILED(condition, ...) ((void)gw_fail(err, GW_E_FORBIDDEN, __VA_ARGS__), (condition))

enum saml_condition saml_read_status(const struct saml_tree *tree, struct gw_error *err)
{
    struct gw_str value = saml_node_attribute(tree->status_code, "Value");
    if (!gw_str_eq(value, GW_STR("urn:oasis:names:tc:SAML:2.0:status:Success")))
        return FAILED(SAML_CONDITION_STATUS, "the identity provider's status is %s", saml_shown(value).text);
    return SAML_CONDITION_NONE;
}

static bool is_entity_format(const xmlNode *issuer)
{
    struct gw_str format = saml_node_attribute(issuer, "Format");
    return format.ptr == NULL || gw_str_eq(format, GW_STR("urn:oasis:names:tc:SAML:2.0:nameid-format:entity")) ||
           gw_str_eq(format, GW_STR("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"));
}

static bool is_our_issuer(const struct saml_settings *settings, const xmlNode *issuer)
{
    return is_entity_format(issuer) && gw_str_eq(saml_node_text(issuer), settings->idp_entity);
}

enum saml_condition saml_read_issuers(const struct saml_settings *settings, const struct saml_tree *tree,
                                      struct gw_error *err)
{
    if (!gw_str_eq(saml_node_attribute(tree->response, "Version"), GW_STR("2.0")) ||
        !gw_str_eq(saml_node_attribute(tree->assertion, "Version"), GW_STR("2.0")))
        return FAILED(SAML_CONDITION_VERSION, "Response and Assertion must be of version 2.0");
    /* SAML profiles section 4.1.4.2: a signed Response must name its issuer. */
    if (tree->response_issuer == NULL && tree->response_signature != NULL)
        return FAILED(SAML_CONDITION_RESPONSE_ISSUER, "the Response names no issuer");
    if (tree->response_issuer != NULL && !is_our_issuer(settings, tree->response_issuer))
        return FAILED(SAML_CONDITION_RESPONSE_ISSUER, "the issuer of the Response is %s",
                      saml_shown(saml_node_text(tree->response_issuer)).text);
    if (!is_our_issuer(settings, tree->assertion_issuer))
        return FAILED(SAML_CONDITION_ASSERTION_ISSUER, "the issuer of the Assertion is %s",
                      saml_shown(saml_node_text(tree->assertion_issuer)).text);
    return SAML_CONDITION_NONE;
}

static bool is_acs_url(const struct saml_settings *settings, struct gw_str url)
{
    for (size_t i = 0; i < settings->acs_url_count; i++) {
        if (gw_str_eq(settings->acs_urls[i], url))
            return true;
    }
    return false;
}

static enum saml_condition check_destination(const struct saml_settings *settings, const struct saml_tree *tree,
                                             struct gw_error *err)
{
    struct gw_str destination = saml_node_attribute(tree->response, "Destination");
    /* SAML bindings section 3.5.5.2: only a signed message must have one. */
    if (destination.ptr == NULL && tree->response_signature == NULL)
        return SAML_CONDITION_NONE;
    if (!is_acs_url(settings, destination))
        return FAILED(SAML_CONDITION_DESTINATION, "the Destination is %s, which is no address of this app",
                      saml_shown(destination).text);
    return SAML_CONDITION_NONE;
}

/* SAML core section 1.3.3: UTC with a "Z". An attribute that is not there leaves `*ret_ms` as it is. */
static bool read_time(const xmlNode *node, const char *name, int64_t *ret_ms)
{
    struct gw_str text = saml_node_attribute(node, name);
    if (text.ptr == NULL)
        return true;
    int64_t ms;
    if (text.len > 40 || !gw_str_ends(text, GW_STR("Z")) || !gw_time_parse(text, &ms) || ms < 0 || ms > TIME_MS_MAX)
        return false;
    *ret_ms = ms;
    return true;
}

/* The window of an element; an absent end is the end of time. Skew works for the peer on both ends. */
struct window {
    int64_t from_ms;
    int64_t until_ms;
    bool readable;
};

static struct window read_window(const struct saml_settings *settings, const xmlNode *node, const char *until)
{
    struct window window = {.from_ms = 0, .until_ms = TIME_MS_MAX};
    window.readable = read_time(node, "NotBefore", &window.from_ms) && read_time(node, until, &window.until_ms);
    window.from_ms -= settings->skew_ms;
    window.until_ms += settings->skew_ms;
    return window;
}

static enum saml_condition check_confirmation(const struct saml_settings *settings, const struct saml_tree *tree,
                                              int64_t now_ms, int64_t *ret_until_ms, struct gw_error *err)
{
    if (tree->confirmation == NULL)
        return FAILED(SAML_CONDITION_NO_CONFIRMATION, "the Subject has no SubjectConfirmation");
    struct gw_str method = saml_node_attribute(tree->confirmation, "Method");
    if (!gw_str_eq(method, GW_STR("urn:oasis:names:tc:SAML:2.0:cm:bearer")))
        return FAILED(SAML_CONDITION_CONFIRMATION_METHOD, "the confirmation method is %s", saml_shown(method).text);
    const xmlNode *data = tree->confirmation_data;
    if (data == NULL)
        return FAILED(SAML_CONDITION_NO_CONFIRMATION, "the SubjectConfirmation has no data");
    struct gw_str recipient = saml_node_attribute(data, "Recipient");
    if (!is_acs_url(settings, recipient))
        return FAILED(SAML_CONDITION_RECIPIENT, "the Recipient is %s, which is no address of this app",
                      saml_shown(recipient).text);
    struct window window = read_window(settings, data, "NotOnOrAfter");
    if (!window.readable || saml_node_attribute(data, "NotOnOrAfter").ptr == NULL || now_ms >= window.until_ms)
        return FAILED(SAML_CONDITION_CONFIRMATION_EXPIRED, "the SubjectConfirmation has expired");
    if (now_ms < window.from_ms)
        return FAILED(SAML_CONDITION_NOT_YET_VALID, "the SubjectConfirmation is not valid yet");
    *ret_until_ms = window.until_ms;
    return SAML_CONDITION_NONE;
}

static bool restriction_names_us(const struct saml_settings *settings, const xmlNode *restriction)
{
    const xmlNode *audience = saml_node_child(restriction, "Audience");
    while (audience != NULL && !gw_str_eq(saml_node_text(audience), settings->audience))
        audience = saml_node_next(audience, "Audience");
    return audience != NULL;
}

/* SAML core section 2.5.1.4: each restriction must hold; one audience of it is enough. */
static bool audience_is_us(const struct saml_settings *settings, const xmlNode *conditions)
{
    const xmlNode *restriction = saml_node_child(conditions, "AudienceRestriction");
    if (restriction == NULL)
        return false;
    for (; restriction != NULL; restriction = saml_node_next(restriction, "AudienceRestriction")) {
        if (!restriction_names_us(settings, restriction))
            return false;
    }
    return true;
}

static enum saml_condition check_conditions(const struct saml_settings *settings, const struct saml_tree *tree,
                                            int64_t now_ms, int64_t *until_ms, struct gw_error *err)
{
    if (!audience_is_us(settings, tree->conditions))
        return FAILED(SAML_CONDITION_AUDIENCE, "the audience is not %s", saml_shown(settings->audience).text);
    struct window window = read_window(settings, tree->conditions, "NotOnOrAfter");
    if (!window.readable || now_ms >= window.until_ms)
        return FAILED(SAML_CONDITION_EXPIRED, "the Assertion has expired");
    if (now_ms < window.from_ms)
        return FAILED(SAML_CONDITION_NOT_YET_VALID, "the Assertion is not valid yet: compare the clocks");
    if (window.until_ms > *until_ms && saml_node_attribute(tree->conditions, "NotOnOrAfter").ptr != NULL)
        *until_ms = window.until_ms;
    struct window session = read_window(settings, tree->authn_statement, "SessionNotOnOrAfter");
    if (!session.readable || now_ms >= session.until_ms)
        return FAILED(SAML_CONDITION_SESSION_EXPIRED, "the identity provider's session has expired");
    return SAML_CONDITION_NONE;
}

enum saml_condition saml_read_conditions(const struct saml_settings *settings, const struct saml_tree *tree,
                                         int64_t now_ms, int64_t *ret_until_ms, struct gw_error *err)
{
    enum saml_condition failed = check_destination(settings, tree, err);
    if (failed == SAML_CONDITION_NONE)
        failed = check_confirmation(settings, tree, now_ms, ret_until_ms, err);
    if (failed == SAML_CONDITION_NONE)
        failed = check_conditions(settings, tree, now_ms, ret_until_ms, err);
    return failed;
}

static struct gw_str copy_optional(struct gw_arena *arena, struct gw_str text)
{
    return text.ptr != NULL ? gw_arena_copy(arena, text) : GW_STR_NONE;
}

static size_t count_named(const xmlNode *parent, const char *name)
{
    size_t count = 0;
    for (const xmlNode *node = saml_node_child(parent, name); node != NULL; node = saml_node_next(node, name))
        count++;
    return count;
}

static struct saml_attribute read_attribute(const xmlNode *node, struct gw_arena *arena)
{
    struct saml_attribute attribute = {.name = gw_arena_copy(arena, saml_node_attribute(node, "Name"))};
    struct gw_str *values = gw_arena_array(arena, count_named(node, "AttributeValue"), sizeof *values);
    const xmlNode *value = saml_node_child(node, "AttributeValue");
    for (; value != NULL; value = saml_node_next(value, "AttributeValue"))
        values[attribute.value_count++] = gw_arena_copy(arena, saml_node_text(value));
    attribute.values = values;
    return attribute;
}

static void read_attributes(const struct saml_tree *tree, struct gw_arena *arena, struct saml_assertion *assertion)
{
    const char *statement_name = "AttributeStatement";
    const xmlNode *first = saml_node_child(tree->assertion, statement_name);
    size_t count = 0;
    for (const xmlNode *statement = first; statement != NULL; statement = saml_node_next(statement, statement_name))
        count += count_named(statement, "Attribute");
    struct saml_attribute *list = gw_arena_array(arena, count, sizeof *list);
    for (const xmlNode *statement = first; statement != NULL; statement = saml_node_next(statement, statement_name)) {
        const xmlNode *node = saml_node_child(statement, "Attribute");
        for (; node != NULL; node = saml_node_next(node, "Attribute"))
            list[assertion->attribute_count++] = read_attribute(node, arena);
    }
    assertion->attributes = list;
}

void saml_read_assertion(const struct saml_tree *tree, struct gw_arena *arena, struct saml_assertion *ret_assertion)
{
    *ret_assertion = (struct saml_assertion){
        .issuer = gw_arena_copy(arena, saml_node_text(tree->assertion_issuer)),
        .name_id = gw_arena_copy(arena, saml_node_text(tree->name_id)),
        .name_id_format = copy_optional(arena, saml_node_attribute(tree->name_id, "Format")),
        .session_index = copy_optional(arena, saml_node_attribute(tree->authn_statement, "SessionIndex")),
        .assertion_id = gw_arena_copy(arena, saml_node_attribute(tree->assertion, "ID")),
    };
    read_attributes(tree, arena, ret_assertion);
}
