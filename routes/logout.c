#include "routes/logout.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/json/parse.h"
#include "routes/credential.h"
#include "routes/pending.h"
#include "routes/reply.h"
#include "routes/router.h"

/* Who made the call, and who is meant. */
struct logout {
    struct jwt_token token;
    struct gw_sha256 mark;
};

static const struct config_logout *config_of(const struct prov_request *r)
{
    return &r->app->config->prov.logout;
}

/* ---- who is meant: RFC 9493 ---- */

static struct gw_str text_of(const struct json_value *subject, const char *name)
{
    const struct json_value *value = json_object_get(subject, gw_str_from(name));
    return json_is(value, JSON_STRING) ? value->text : GW_STR_NONE;
}

/* How sign-ons of an issuer name their users. */
struct naming {
    enum store_index match;
    bool by_attribute; /* what is matched is not the name id */
};

/* False: no face of the folder knows the issuer. */
static bool naming_of_issuer(const struct prov_request *r, struct gw_str issuer, struct naming *ret_naming)
{
    static const enum store_index matches[] = {[CONFIG_MATCH_USER_NAME] = STORE_INDEX_USER_NAME,
                                               [CONFIG_MATCH_EXTERNAL_ID] = STORE_INDEX_EXTERNAL_ID,
                                               [CONFIG_MATCH_EMAIL] = STORE_INDEX_EMAIL};
    const struct config *config = r->face->config;
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        if (strcmp(app->folder, r->app->config->folder) != 0)
            continue;
        for (size_t k = 0; k < app->sso.identity_count; k++) {
            const struct config_identity *identity = &app->sso.identities[k];
            bool is_it = (identity->kind == CONFIG_IDENTITY_SAML || identity->kind == CONFIG_IDENTITY_ID_TOKEN) &&
                         gw_str_eq(gw_str_from(identity->saml.idp_entity), issuer);
            if (!is_it)
                continue;
            *ret_naming = (struct naming){matches[identity->saml.match], identity->saml.user_attribute != NULL};
            return true;
        }
    }
    *ret_naming = (struct naming){STORE_INDEX_USER_NAME, false};
    return gw_str_eq(issuer, gw_str_from(config_of(r)->issuer));
}

static enum gw_code find_by(struct prov_request *r, struct store_join *join, uint64_t *ret_seq, struct gw_error *err)
{
    join->folder = r->app->folder;
    enum gw_code code = store_join_find(r->face->reader, join, ret_seq, err);
    if (code != GW_E_FORBIDDEN)
        return code;
    *ret_seq = 0; /* deleted: all sessions ended then */
    return GW_OK;
}

/* An address is first of all a userName; as an e-mail it counts where one record has it. */
static enum gw_code find_email(struct prov_request *r, struct gw_str email, uint64_t *ret_seq, struct gw_error *err)
{
    struct store_join join = {.match = STORE_INDEX_USER_NAME, .value = email};
    GW_TRY(find_by(r, &join, ret_seq, err));
    if (*ret_seq != 0)
        return GW_OK;
    join.match = STORE_INDEX_EMAIL;
    return find_by(r, &join, ret_seq, err);
}

/* As the sign-on would find it: the current holder of the name, or for an opaque name id its link. Where an attribute
 * names the user at the sign-on, the link says who came with that name id. */
static enum gw_code find_subject(struct prov_request *r, struct gw_str issuer, struct gw_str name, uint64_t *ret_seq,
                                 struct gw_error *err)
{
    struct naming naming;
    *ret_seq = 0;
    if (!naming_of_issuer(r, issuer, &naming))
        return GW_OK;
    struct store_join by_link = {.issuer = issuer, .name_id = name, .name_id_is_opaque = true};
    if (naming.by_attribute)
        GW_TRY(find_by(r, &by_link, ret_seq, err));
    struct store_join join = {.match = naming.match,
                              .value = name,
                              .issuer = issuer,
                              .name_id = name,
                              .name_id_is_opaque = gw_str_find(name, '@') < 0};
    if (*ret_seq == 0)
        GW_TRY(find_by(r, &join, ret_seq, err));
    join.match = STORE_INDEX_USER_NAME;
    return *ret_seq == 0 && naming.by_attribute ? find_by(r, &join, ret_seq, err) : GW_OK;
}

static enum gw_code find_user(struct prov_request *r, const struct json_value *subject, uint64_t *ret_seq,
                              struct gw_error *err)
{
    struct gw_str format = text_of(subject, "format");
    struct gw_str email = text_of(subject, "email");
    struct gw_str issuer = text_of(subject, "iss");
    struct gw_str name = text_of(subject, "sub");
    struct gw_str id = text_of(subject, "id");
    if (gw_str_eq(format, GW_STR("email")) && email.len > 0)
        return find_email(r, email, ret_seq, err);
    if (gw_str_eq(format, GW_STR("iss_sub")) && issuer.len > 0 && name.len > 0)
        return find_subject(r, issuer, name, ret_seq, err);
    struct store_join join = {.match = STORE_INDEX_EXTERNAL_ID, .value = id};
    if (gw_str_eq(format, GW_STR("opaque")) && id.len > 0)
        return find_by(r, &join, ret_seq, err);
    return gw_fail(err, GW_E_BAD_REQUEST,
                   "sub_id: {\"format\":\"email\",\"email\":...} or {\"format\":\"iss_sub\","
                   "\"iss\":...,\"sub\":...} is needed");
}

/* ---- the change ---- */

static void on_committed(struct prov_request *r, struct store_change *change)
{
    gw_metric_add(GW_METRIC_LOGOUTS, 1);
    gw_log(GW_LOG_INFO, "universal-logout", "app=%.*s user=%llu generation=%llu", GW_STR_ARG(r->app->name),
           (unsigned long long)change->user_seq, (unsigned long long)change->result.state.generation);
    reply_text(r, 204, NULL, 0, GW_STR_NONE);
}

static void end_sessions(struct prov_request *r, uint64_t user_seq)
{
    const struct logout *logout = r->state;
    struct store_change *change = pending_change_new(r, STORE_CHANGE_USER_END_SESSIONS);
    change->user_seq = user_seq;
    change->is_urgent = true;
    change->as.replay.assertion = logout->mark;
    change->as.replay.forget_after_ms = logout->token.expires_ms;
    pending_submit(r, change, on_committed);
}

static void on_body_read(struct prov_request *r)
{
    const struct logout *logout = r->state;
    const struct json_value *subject = json_object_get(r->body, GW_STR("sub_id"));
    if (subject == NULL) /* what the first drafts called it */
        subject = json_object_get(r->body, GW_STR("subject"));
    struct gw_error err = {.text = ""};
    uint64_t user_seq = 0;
    bool is_marked = false;
    enum gw_code code = store_reader_begin(r->face->reader, &err);
    if (code == GW_OK) {
        code = store_replay_is_marked(r->face->reader, &logout->mark, &is_marked);
        if (code == GW_OK)
            code = find_user(r, subject, &user_seq, &err);
        store_reader_end(r->face->reader);
    }
    if (code == GW_OK && is_marked) {
        gw_log(GW_LOG_WARN, "token-refused", "app=%.*s verdict=replayed", GW_STR_ARG(r->app->name));
        credential_deny(r, CREDENTIAL_REFUSED, NULL);
    } else if (code != GW_OK) {
        reply_error(r, code, err.text[0] != '\0' ? err.text : NULL);
    } else if (user_seq == 0) {
        reply_error(r, GW_E_NOT_FOUND, "sub_id names nobody here");
    } else {
        end_sessions(r, user_seq);
    }
}

static void on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    struct prov_request *r = data;
    struct json_limits limits = {.depth = 6, .values = 64, .members = 32, .string_bytes = 2048, .number_bytes = 32};
    struct gw_error err = {.text = ""};
    struct json_value *body = NULL;
    if (code == GW_OK && json_parse(r->arena, x->body, &limits, &body, &err) != GW_OK)
        code = GW_E_BAD_REQUEST;
    if (code != GW_OK) {
        reply_error(r, code, err.text[0] != '\0' ? err.text : NULL);
        return;
    }
    r->body = body;
    r->handler(r);
}

/* ---- the request ---- */

static void serve(struct prov_request *r)
{
    static const char *const types[] = {"global-token-revocation+jwt", NULL};
    const struct config_logout *config = config_of(r);
    struct jwt_rules rules = {.issuer = gw_str_from(config->issuer),
                              .audience = gw_str_from(config->audience),
                              .types = types,
                              .needs_id = true,
                              .skew_ms = config->skew_ms};
    struct logout *logout = gw_arena_alloc(r->arena, sizeof *logout);
    enum credential verdict = credential_token_check(r, r->app->logout_keys, &rules, &logout->token);
    if (verdict != CREDENTIAL_ACCEPTED) {
        credential_deny(r, verdict, serve);
        return;
    }
    const struct gw_str parts[] = {GW_STR("logout"), logout->token.issuer, logout->token.id};
    logout->mark = gw_hmac_parts(store_session_key(r->face->store), parts, 3);
    r->actor = gw_arena_printf(r->arena, "logout:%s", config->issuer);
    r->state = logout;
    r->handler = on_body_read;
    if (!r->app->config->prov.enabled)
        reply_error(r, GW_E_FORBIDDEN, "provisioning is switched off for this app (prov.enabled)");
    else
        http_exchange_collect(r->x, ROUTE_BODY_OTHER_MAX, on_body, r);
}

bool logout_take(struct prov_request *r)
{
    r->app = router_logout_find(r->face, &r->x->request);
    if (r->app == NULL)
        return false;
    if (!gw_str_eq(r->x->request.method, GW_STR("POST")))
        reply_method_error(r, GW_STR("POST"));
    else
        serve(r);
    return true;
}
