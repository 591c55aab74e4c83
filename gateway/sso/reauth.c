#include "gateway/sso/reauth.h"

#include "gateway/base/log.h"
#include "gateway/cookie/cookie.h"
#include "gateway/sso/probe.h"

#include <string.h>

/* Has this browser been asked with this cookie? Remembers that it was now. */
static bool was_asked(struct sso_request *rq)
{
    struct sso_held *held = rq->face->shared->anonymous;
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    struct sso_held_session session;
    if (sso_held_get(held, &rq->guard.session, now_ms, &session))
        return true;
    session = (struct sso_held_session){.digest = rq->guard.session,
                                        .kind = SSO_HELD_ASKED,
                                        .app = rq->app->index,
                                        .expires_ms = now_ms + SSO_REAUTH_ONCE_MS};
    sso_held_put(held, &session);
    return false;
}

/* A name that a browser sent back is put into a header line only when it is a plain token. */
static bool is_plain_name(struct gw_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c) != NULL)
            return false;
    }
    return name.len > 0;
}

struct expiry {
    struct http_field fields[SSO_REAUTH_COOKIES_MAX + 2];
    struct gw_str names[SSO_REAUTH_COOKIES_MAX];
    size_t count;
};

static void expire(struct sso_request *rq, struct expiry *expiry, struct gw_str name)
{
    for (size_t i = 0; i < expiry->count; i++) {
        if (gw_str_eq(expiry->names[i], name))
            return;
    }
    if (!is_plain_name(name) || expiry->count == SSO_REAUTH_COOKIES_MAX)
        return;
    struct gw_str line =
        gw_arena_printf(&rq->x->arena, "%.*s=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT%s",
                        GW_STR_ARG(name), rq->x->request.tls ? "; Secure" : "");
    expiry->names[expiry->count] = name;
    expiry->fields[expiry->count++] = (struct http_field){GW_STR("Set-Cookie"), line};
}

static void expire_sent(struct sso_request *rq, struct expiry *expiry)
{
    const struct http_request *request = &rq->x->request;
    const struct config_sso_face *config = &rq->app->config->sso;
    struct gw_str lines[HTTP_FIELDS_MAX];
    size_t line_count = http_field_values(request->fields, request->field_count, GW_STR("Cookie"), lines);
    for (size_t i = 0; i < config->session_cookie_count; i++) {
        struct cookie_values values;
        if (cookie_find(lines, line_count, gw_str_from(config->session_cookies[i]), &rq->x->arena, &values) !=
            COOKIE_FOUND)
            continue;
        for (size_t k = 0; k < values.count; k++)
            expire(rq, expiry, values.list[k].name);
    }
}

void sso_reauth_ask(struct sso_request *rq)
{
    if (!sso_request_is_navigation(&rq->x->request)) {
        sso_request_refuse(rq, SSO_REFUSAL_SIGN_IN_AGAIN, NULL);
        return;
    }
    if (was_asked(rq)) {
        sso_request_refuse(rq, SSO_REFUSAL_UNBOUND, "the cookie came back");
        return;
    }
    struct expiry expiry = {.count = 0};
    expire_sent(rq, &expiry);
    /* Absolute: a target that begins with two slashes would lead elsewhere. */
    struct gw_str address =
        gw_arena_printf(&rq->x->arena, "%s%.*s", rq->app->config->sso.external_url, GW_STR_ARG(rq->x->request.target));
    size_t count = expiry.count;
    expiry.fields[count++] = (struct http_field){GW_STR("Location"), address};
    expiry.fields[count++] = (struct http_field){GW_STR("Cache-Control"), GW_STR("no-store")};
    rq->is_answered = true;
    rq->refused_why = sso_refusal_name(SSO_REFUSAL_SIGN_IN_AGAIN);
    sso_probe_leave(rq);
    http_exchange_answer(rq->x, 302, expiry.fields, count, GW_STR(""));
}
