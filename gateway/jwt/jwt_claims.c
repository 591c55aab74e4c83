#include "gateway/jwt/jwt_private.h"

#define SECONDS_MAX 253402300799.0 /* the year 9999 */

static enum gw_code refuse(struct jwt_result *result, enum jwt_verdict verdict, struct gw_error *err, const char *text)
{
    result->verdict = verdict;
    return gw_fail(err, GW_E_UNAUTHORIZED, "%s", text);
}

/* RFC 7519 section 2, NumericDate: seconds, with or without a fraction. Absent leaves *ret_ms alone. */
static bool time_of(const struct json_value *claims, const char *name, bool *ret_has, int64_t *ret_ms)
{
    const struct json_value *value = json_object_get(claims, gw_str_from(name));
    *ret_has = value != NULL;
    if (value == NULL)
        return true;
    if (!json_is(value, JSON_NUMBER))
        return false;
    double seconds = json_number_to_double(value);
    if (!(seconds >= 0 && seconds <= SECONDS_MAX))
        return false;
    *ret_ms = (int64_t)(seconds * 1000);
    return true;
}

static enum gw_code check_times(const struct json_value *claims, int64_t skew_ms, int64_t now_ms,
                                struct jwt_result *result, struct gw_error *err)
{
    bool has_expiry = false, has_begin = false, has_issued = false;
    int64_t expires_ms = 0, begin_ms = 0, issued_ms = now_ms;
    if (!time_of(claims, "exp", &has_expiry, &expires_ms) || !time_of(claims, "nbf", &has_begin, &begin_ms) ||
        !time_of(claims, "iat", &has_issued, &issued_ms))
        return refuse(result, JWT_WRONG_CLAIM, err, "exp, nbf or iat is no time");
    if (!has_expiry)
        return refuse(result, JWT_WRONG_CLAIM, err, "exp is missing");
    if (expires_ms + skew_ms <= now_ms)
        return refuse(result, JWT_EXPIRED, err, "the token has expired");
    if (has_begin && begin_ms - skew_ms > now_ms)
        return refuse(result, JWT_EXPIRED, err, "the token is not valid yet");
    if (has_issued && issued_ms - skew_ms > now_ms)
        return refuse(result, JWT_EXPIRED, err, "the token was issued in the future");
    if (expires_ms - issued_ms > JWT_LIFETIME_MAX_MS)
        return refuse(result, JWT_WRONG_CLAIM, err, "the token lives longer than a day");
    result->token.expires_ms = expires_ms + skew_ms;
    return GW_OK;
}

static bool audience_holds(const struct json_value *audience, struct gw_str expected)
{
    if (json_is(audience, JSON_STRING))
        return gw_str_eq(audience->text, expected);
    if (!json_is(audience, JSON_ARRAY) || json_count(audience) > JWT_AUDIENCES_MAX)
        return false;
    bool holds = false;
    for (size_t i = 0; i < json_count(audience); i++) {
        const struct json_value *item = audience->array.items[i];
        if (!json_is(item, JSON_STRING))
            return false;
        holds = holds || gw_str_eq(item->text, expected);
    }
    return holds;
}

static bool party_is(const struct json_value *claims, struct gw_str audience)
{
    const struct json_value *party = json_object_get(claims, GW_STR("azp"));
    return party == NULL || (json_is(party, JSON_STRING) && gw_str_eq(party->text, audience));
}

/* A text of at most `max` bytes, or absent. */
static bool text_of(const struct json_value *claims, const char *name, size_t max, struct gw_str *ret_text)
{
    const struct json_value *value = json_object_get(claims, gw_str_from(name));
    *ret_text = GW_STR_NONE;
    if (value == NULL)
        return true;
    if (!json_is(value, JSON_STRING) || value->text.len == 0 || value->text.len > max)
        return false;
    *ret_text = value->text;
    return true;
}

enum gw_code jwt_claims_check(const struct jwt_rules *rules, const struct json_value *claims, int64_t now_ms,
                              struct jwt_result *ret_result, struct gw_error *err)
{
    struct jwt_token *token = &ret_result->token;
    const struct json_value *issuer = json_object_get(claims, GW_STR("iss"));
    if (!json_is(issuer, JSON_STRING) || !gw_str_eq(issuer->text, rules->issuer))
        return refuse(ret_result, JWT_WRONG_CLAIM, err, "iss is not the configured issuer");
    if (!audience_holds(json_object_get(claims, GW_STR("aud")), rules->audience))
        return refuse(ret_result, JWT_WRONG_CLAIM, err, "aud does not hold the configured audience");
    if (rules->is_for_one_party && !party_is(claims, rules->audience))
        return refuse(ret_result, JWT_WRONG_CLAIM, err, "azp names another party");
    if (!text_of(claims, "jti", JWT_ID_BYTES_MAX, &token->id) || (rules->needs_id && token->id.len == 0))
        return refuse(ret_result, JWT_WRONG_CLAIM, err, "jti is missing, too long, or no text");
    if (!text_of(claims, "sub", JWT_BYTES_MAX, &token->subject))
        return refuse(ret_result, JWT_WRONG_CLAIM, err, "sub is no text");
    int64_t skew_ms = rules->skew_ms > 0 ? rules->skew_ms : JWT_SKEW_MS;
    GW_TRY(check_times(claims, skew_ms, now_ms, ret_result, err));
    token->issuer = issuer->text;
    token->claims = claims;
    ret_result->verdict = JWT_VALID;
    return GW_OK;
}
