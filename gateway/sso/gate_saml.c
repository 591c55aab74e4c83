#include "gateway/saml/saml_scan.h"
#include "gateway/sso/form.h"
#include "gateway/sso/gate.h"

static enum sso_refusal refusal_of(const struct saml_result *result)
{
    if (result->verdict == SAML_UNKNOWN_KEY)
        return SSO_REFUSAL_UNKNOWN_KEY;
    switch ((int)result->condition) {
    case SAML_CONDITION_CONFIRMATION_EXPIRED:
    case SAML_CONDITION_NOT_YET_VALID:
    case SAML_CONDITION_EXPIRED:
    case SAML_CONDITION_SESSION_EXPIRED:
        return SSO_REFUSAL_EXPIRED;
    default:
        return SSO_REFUSAL_ASSERTION;
    }
}

static enum sso_gate_verdict check(const struct sso_gate *gate, struct gw_arena *arena, struct gw_str body,
                                   int64_t now_ms, struct sso_gate_result *ret_result, struct gw_error *err)
{
    struct sso_form form;
    struct gw_str xml;
    ret_result->refusal = SSO_REFUSAL_ACS_REQUEST;
    if (sso_form_parse(arena, body, &form, err) != GW_OK ||
        saml_base64_decode(arena, form.saml_response, &xml, err) != GW_OK)
        return SSO_GATE_REFUSED;
    struct saml_result result;
    if (saml_check(gate->saml, arena, xml, now_ms, &result, err) != GW_OK) {
        if (result.verdict == SAML_UNKNOWN_KEY)
            gw_metric_add(GW_METRIC_SAML_UNKNOWN_KEY, 1);
        ret_result->refusal = refusal_of(&result);
        return SSO_GATE_REFUSED;
    }
    ret_result->assertion = result.assertion;
    return SSO_GATE_VOUCHED;
}

const struct sso_gate_kind sso_gate_saml = {
    .name = "saml", .invalid = GW_METRIC_SAML_INVALID, .query_names = sso_form_query_names_saml, .check = check};
