#include "routes/credential.h"

#include "config/token_use.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/text.h"
#include "gateway/jwt/key_source.h"
#include "routes/reply.h"

#define ACTOR_BYTES_MAX 128u

/* ---- refusing ---- */

static void on_delay_over(void *data)
{
    struct prov_request *r = data;
    r->delay = NULL;
    r->face->throttle.delayed--;
    reply_error(r, GW_E_UNAUTHORIZED, NULL);
}

/* One answer for existing and unknown ids and paths, for every kind of wrong credential (security.md D1). */
static void refuse(struct prov_request *r)
{
    struct auth_throttle *throttle = &r->face->throttle;
    const struct sockaddr *peer = http_exchange_peer_address(r->x);
    uint32_t failures = auth_throttle_fail(throttle, peer, net_loop_now_ms(r->face->loop));
    if (failures == AUTH_FAILURES_MAX + 1)
        gw_log(GW_LOG_WARN, "credentials-failing", "app=%.*s peer=%.*s refusals of this source are held back",
               GW_STR_ARG(r->app->name), GW_STR_ARG(http_exchange_peer(r->x)));
    if (failures <= AUTH_FAILURES_MAX) {
        reply_error(r, GW_E_UNAUTHORIZED, NULL);
    } else if (throttle->delayed >= AUTH_DELAYED_MAX) {
        gw_metric_add(GW_METRIC_SCIM_UNAUTHORIZED, 1);
        reply_error(r, GW_E_BUSY, "too many failing credentials");
    } else {
        throttle->delayed++;
        r->delay = net_timer_start(r->face->loop, AUTH_DELAY_MS, on_delay_over, r);
    }
}

static void on_turn(void *data)
{
    struct prov_request *r = data;
    r->keys_timer = NULL;
    r->face->awaiting_keys--;
    r->keys_again(r);
}

void credential_deny(struct prov_request *r, enum credential verdict, route_handler_fn again)
{
    GW_ASSERT(verdict != CREDENTIAL_ACCEPTED);
    if (verdict == CREDENTIAL_NO_KEYS) {
        reply_error(r, GW_E_BUSY, "the issuer's keys could not be read yet");
        return;
    }
    bool may_wait = r->keys_turns < CREDENTIAL_TURNS_MAX && r->face->awaiting_keys < CREDENTIAL_WAITING_MAX;
    if (verdict == CREDENTIAL_REFUSED || !may_wait) {
        refuse(r);
        return;
    }
    r->keys_turns++;
    r->keys_again = again;
    r->face->awaiting_keys++;
    r->keys_timer = net_timer_start(r->face->loop, CREDENTIAL_TURN_MS, on_turn, r);
}

void credential_forget(struct prov_request *r)
{
    if (r->delay != NULL) {
        net_timer_cancel(r->delay);
        r->face->throttle.delayed--;
        r->delay = NULL;
    }
    if (r->keys_timer != NULL) {
        net_timer_cancel(r->keys_timer);
        r->face->awaiting_keys--;
        r->keys_timer = NULL;
    }
}

/* ---- tokens of an issuer ---- */

/* The one value of Authorization; ptr NULL when there is none, or more than one. */
static struct gw_str authorization_of(const struct prov_request *r)
{
    const struct http_request *request = &r->x->request;
    if (http_field_count(request->fields, request->field_count, GW_STR("Authorization")) != 1)
        return GW_STR_NONE;
    return http_request_field(request, GW_STR("Authorization"));
}

/* RFC 6750 section 2.1; ptr NULL when it is not a bearer. */
static struct gw_str bearer_of(const struct prov_request *r)
{
    struct gw_str value = authorization_of(r);
    struct gw_str scheme = GW_STR("Bearer ");
    if (!gw_str_starts_nocase(value, scheme))
        return GW_STR_NONE;
    return gw_str_trim(gw_str_from_pos(value, scheme.len));
}

enum credential credential_token_check(struct prov_request *r, struct key_source *source, const struct jwt_rules *rules,
                                       struct jwt_token *ret_token)
{
    struct jwt_result result;
    struct gw_error err = {.text = ""};
    r->is_by_token = true;
    struct jwks *keys = key_source_get(source);
    enum gw_code code = jwt_verify(keys, rules, r->arena, bearer_of(r), gw_clock_wall_ms(), &result, &err);
    bool has_keys = keys != NULL;
    jwks_unref(keys);
    *ret_token = result.token;
    if (code == GW_OK)
        return CREDENTIAL_ACCEPTED;
    if (result.verdict == JWT_UNKNOWN_KEY && (key_source_is_asking(source) || key_source_want(source)))
        return CREDENTIAL_WAITS;
    gw_log(GW_LOG_WARN, "token-refused", "app=%.*s peer=%.*s verdict=%s reason=\"%s\"", GW_STR_ARG(r->app->name),
           GW_STR_ARG(http_exchange_peer(r->x)), jwt_verdict_name(result.verdict), err.text);
    return result.verdict == JWT_UNKNOWN_KEY && !has_keys ? CREDENTIAL_NO_KEYS : CREDENTIAL_REFUSED;
}

/* A list of texts, or one text with blanks between (RFC 8693 section 4.2). */
static bool scopes_hold(const struct json_value *scopes, const char *wanted)
{
    struct gw_str scope = gw_str_from(wanted);
    if (wanted == NULL)
        return false;
    for (size_t i = 0; json_is(scopes, JSON_ARRAY) && i < json_count(scopes); i++) {
        const struct json_value *item = scopes->array.items[i];
        if (json_is(item, JSON_STRING) && gw_str_eq(item->text, scope))
            return true;
    }
    struct gw_str rest = json_is(scopes, JSON_STRING) ? scopes->text : GW_STR_NONE;
    while (rest.ptr != NULL) {
        if (gw_str_eq(gw_str_split(&rest, ' '), scope))
            return true;
    }
    return false;
}

static void take_scopes(struct prov_request *r, const struct jwt_token *token)
{
    const struct config_oauth *oauth = &r->app->config->prov.oauth;
    const struct json_value *scopes = json_object_get(token->claims, gw_str_from(oauth->scope_claim));
    r->may_write = scopes_hold(scopes, oauth->scope_provision);
    r->may_read = r->may_write || scopes_hold(scopes, oauth->scope_read);
}

static enum credential check_oauth(struct prov_request *r)
{
    static const char *const types[] = {"at+jwt", NULL}; /* RFC 9068 section 2.1 */
    const struct config_oauth *oauth = &r->app->config->prov.oauth;
    struct jwt_rules rules = {.issuer = gw_str_from(oauth->issuer),
                              .audience = gw_str_from(oauth->audience),
                              .types = types,
                              .skew_ms = oauth->skew_ms};
    struct jwt_token token;
    enum credential verdict = credential_token_check(r, r->app->oauth_keys, &rules, &token);
    if (verdict != CREDENTIAL_ACCEPTED)
        return verdict;
    take_scopes(r, &token);
    bool has_name = gw_name_printable(token.subject, ACTOR_BYTES_MAX);
    r->actor = gw_arena_printf(r->arena, "oauth:%.*s", GW_STR_ARG(has_name ? token.subject : GW_STR_NONE));
    return CREDENTIAL_ACCEPTED;
}

/* ---- credentials of the app ---- */

/* A certificate speaks only where nothing else does. */
static const struct token *find_static(struct prov_request *r)
{
    const struct http_request *request = &r->x->request;
    struct gw_str value = authorization_of(r);
    if (value.ptr != NULL)
        return auth_file_find(&r->app->credentials, value);
    if (http_field_count(request->fields, request->field_count, GW_STR("Authorization")) > 0)
        return NULL;
    return auth_file_find_certificate(&r->app->credentials, http_exchange_peer_certificate(r->x));
}

enum credential credential_check(struct prov_request *r)
{
    auth_file_refresh(&r->app->credentials, net_loop_now_ms(r->face->loop));
    if (r->app->oauth_keys != NULL && jwt_has_form(bearer_of(r)))
        return check_oauth(r);
    const struct token *token = find_static(r);
    if (token == NULL)
        return CREDENTIAL_REFUSED;
    token_use_note(r->face->use, r->app->name, token->name, gw_clock_wall_ms());
    r->may_read = true;
    r->may_push = token->scope == TOKEN_SCOPE_PUSH;
    r->may_write = token->scope == TOKEN_SCOPE_PROVISION;
    r->actor = gw_arena_printf(r->arena, "token:%.*s", GW_STR_ARG(token->name));
    return CREDENTIAL_ACCEPTED;
}
