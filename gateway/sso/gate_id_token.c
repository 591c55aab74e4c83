#include "gateway/base/digest.h"
#include "gateway/jwt/jwt.h"
#include "gateway/sso/form.h"
#include "gateway/sso/gate.h"

/* `sub` is never given to another person, whatever it looks like (OpenID Connect Core section 8). */
#define FORMAT_OPAQUE GW_STR("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
#define CLAIMS_TAKEN 5u

static bool is_false(const struct json_value *value)
{
    return (json_is(value, JSON_BOOL) && !value->boolean) ||
           (json_is(value, JSON_STRING) && gw_str_eq_nocase(value->text, GW_STR("false")));
}

/* Which claim is taken: the one that names the user, and what fills an observed record. An address that the provider
 * says it has not verified is nobody's. */
static const struct json_value *claim_of(const struct json_value *claims, const char *name)
{
    if (name == NULL)
        return NULL;
    const struct json_value *value = json_object_get(claims, gw_str_from(name));
    bool is_unverified = strcmp(name, "email") == 0 && is_false(json_object_get(claims, GW_STR("email_verified")));
    return json_is(value, JSON_STRING) && !is_unverified ? value : NULL;
}

static void add_claim(struct saml_attribute *list, size_t *count, const struct json_value *claims, const char *name)
{
    const struct json_value *value = claim_of(claims, name);
    for (size_t i = 0; value != NULL && i < *count; i++) {
        if (gw_str_eq(list[i].name, gw_str_from(name)))
            return;
    }
    if (value != NULL)
        list[(*count)++] = (struct saml_attribute){gw_str_from(name), &value->text, 1};
}

static void take_claims(const struct config_saml *config, struct gw_arena *arena, const struct json_value *claims,
                        struct saml_assertion *assertion)
{
    const char *const names[CLAIMS_TAKEN] = {config->user_attribute, config->attributes.given_name,
                                             config->attributes.family_name, config->attributes.display_name,
                                             config->attributes.email};
    struct saml_attribute *list = gw_arena_array(arena, CLAIMS_TAKEN, sizeof *list);
    for (size_t i = 0; i < CLAIMS_TAKEN; i++)
        add_claim(list, &assertion->attribute_count, claims, names[i]);
    assertion->attributes = list;
}

/* What is used once: the token's own id, or what was signed (the signature itself may have two forms). */
static struct gw_str id_of(struct gw_arena *arena, const struct jwt_token *token, struct gw_str text)
{
    if (token->id.ptr != NULL)
        return gw_arena_printf(arena, "jti:%.*s", GW_STR_ARG(token->id));
    while (text.len > 0 && text.ptr[text.len - 1] != '.')
        text.len--;
    struct gw_sha256 digest = gw_sha256(text);
    return gw_hex(arena, digest.bytes, sizeof digest.bytes);
}

/* OpenID Connect Core sections 3.2.2.9 and 3.3.2.11: what comes beside the token belongs to it, or the app would be
 * told of one person and act for another. The hash is that of RS256 and ES256. */
static bool is_of_token(struct gw_arena *arena, const struct json_value *claims, const char *name, struct gw_str value)
{
    if (value.len == 0)
        return true;
    const struct json_value *claim = json_object_get(claims, gw_str_from(name));
    struct gw_sha256 digest = gw_sha256(value);
    struct gw_str half = gw_base64url(arena, digest.bytes, sizeof digest.bytes / 2);
    return json_is(claim, JSON_STRING) && gw_str_eq(claim->text, half);
}

static enum sso_gate_verdict refuse(const struct sso_gate *gate, const struct jwt_result *result,
                                    struct sso_gate_result *ret_result)
{
    if (result->verdict == JWT_UNKNOWN_KEY && (key_source_is_asking(gate->keys) || key_source_want(gate->keys)))
        return SSO_GATE_WAITS;
    ret_result->refusal = result->verdict == JWT_UNKNOWN_KEY ? SSO_REFUSAL_UNKNOWN_KEY
                          : result->verdict == JWT_EXPIRED   ? SSO_REFUSAL_EXPIRED
                                                             : SSO_REFUSAL_ASSERTION;
    return SSO_GATE_REFUSED;
}

static enum sso_gate_verdict check(const struct sso_gate *gate, struct gw_arena *arena, struct gw_str body,
                                   int64_t now_ms, struct sso_gate_result *ret_result, struct gw_error *err)
{
    struct sso_token_form form;
    struct jwt_result result;
    struct jwt_rules rules = {.issuer = gate->issuer,
                              .audience = gw_str_from(gate->config->audience),
                              .is_for_one_party = true,
                              .skew_ms = gate->config->skew_ms};
    ret_result->refusal = SSO_REFUSAL_ACS_REQUEST;
    if (sso_form_parse_token(arena, body, &form, err) != GW_OK)
        return SSO_GATE_REFUSED;
    if (form.id_token.ptr == NULL)
        return SSO_GATE_ORDINARY;
    struct jwks *keys = key_source_get(gate->keys);
    enum gw_code code = jwt_verify(keys, &rules, arena, form.id_token, now_ms, &result, err);
    jwks_unref(keys);
    if (code != GW_OK)
        return refuse(gate, &result, ret_result);
    ret_result->refusal = SSO_REFUSAL_ASSERTION;
    if (result.token.subject.len == 0 || result.token.subject.len > SAML_NAME_ID_MAX) {
        (void)gw_fail(err, GW_E_UNAUTHORIZED, "sub is missing, or longer than %d bytes", SAML_NAME_ID_MAX);
        return SSO_GATE_REFUSED;
    }
    if (!is_of_token(arena, result.token.claims, "c_hash", form.code) ||
        !is_of_token(arena, result.token.claims, "at_hash", form.access_token)) {
        (void)gw_fail(err, GW_E_UNAUTHORIZED, "the code or the access_token is not of this id_token (c_hash, at_hash)");
        return SSO_GATE_REFUSED;
    }
    ret_result->assertion = (struct saml_assertion){.issuer = result.token.issuer,
                                                    .name_id = result.token.subject,
                                                    .name_id_format = FORMAT_OPAQUE,
                                                    .assertion_id = id_of(arena, &result.token, form.id_token),
                                                    .not_on_or_after_ms = result.token.expires_ms};
    take_claims(gate->config, arena, result.token.claims, &ret_result->assertion);
    return SSO_GATE_VOUCHED;
}

const struct sso_gate_kind sso_gate_id_token = {.name = "id_token",
                                                .invalid = GW_METRIC_ID_TOKEN_INVALID,
                                                .query_names = sso_form_query_names_token,
                                                .query_has_answer = sso_form_query_has_answer,
                                                .check = check};
