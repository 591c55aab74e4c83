#include "routes/body.h"

#include "gateway/json/parse.h"
#include "routes/reply.h"
#include "routes/scim/handlers/turn.h"
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"

/* What is parsed between two looks at the clock. */
#define BODY_PART_BYTES (32u * 1024u)

static struct json_value *read_scim1(struct prov_request *r, struct json_value *body)
{
    if (gw_str_eq(r->x->request.method, GW_STR("PATCH")))
        return scim1_patch_read(r->arena, &r->app->schemas, body);
    scim1_body_read(&r->app->schemas, body);
    return body;
}

static void take_body(struct prov_request *r, struct json_value *body)
{
    struct json_value *sent = NULL;
    if (r->is_scim1 && r->app->config->prov.trace)
        sent = json_copy(r->arena, body);
    r->sent = sent != NULL ? sent : body;
    r->body = r->is_scim1 ? read_scim1(r, body) : body;
    r->handler(r);
}

static void end_reading(void *state)
{
    json_reading_free(state);
}

static void go_on(struct prov_request *r)
{
    struct gw_error err = {0};
    struct json_value *body = NULL;
    struct turn turn;
    turn_begin(&turn);
    enum gw_code code = GW_OK;
    do {
        code = json_reading_go_on(r->state, BODY_PART_BYTES, &body, &err);
    } while (code == GW_OK && body == NULL && !turn_is_spent(&turn));
    if (code == GW_OK && body == NULL) {
        turn_later(r, go_on);
        return;
    }
    end_reading(r->state);
    r->state = NULL;
    r->on_over = NULL;
    if (code != GW_OK)
        reply_error_from(r, &err);
    else
        take_body(r, body);
}

static void on_body(struct http_exchange *x, enum gw_code code, void *data)
{
    struct prov_request *r = data;
    struct json_limits limits = JSON_LIMITS_BODY;
    if (code != GW_OK) {
        reply_error(r, code, NULL);
        return;
    }
    if (r->body_bytes_max < ROUTE_BODY_GROUPS_MAX)
        limits.values = ROUTE_BODY_VALUES_MAX;
    r->state = json_reading_new(r->arena, x->body, &limits);
    r->on_over = end_reading;
    go_on(r);
}

static bool is_json_type(struct gw_str value)
{
    struct gw_str type = gw_str_trim(gw_str_split(&value, ';'));
    return gw_str_eq_nocase(type, GW_STR(SCIM_MEDIA_TYPE)) || gw_str_eq_nocase(type, GW_STR("application/json"));
}

static const char *media_problem(const struct http_request *request)
{
    size_t types = http_field_count(request->fields, request->field_count, GW_STR("Content-Type"));
    if (types > 1 || (types == 1 && !is_json_type(http_request_field(request, GW_STR("Content-Type")))))
        return "Content-Type: application/scim+json or application/json is needed";
    struct gw_str encoding = http_request_field(request, GW_STR("Content-Encoding"));
    if (encoding.len > 0 && !gw_str_eq_nocase(encoding, GW_STR("identity")))
        return "Content-Encoding: a compressed body is not accepted";
    return NULL;
}

void body_read(struct prov_request *r, const struct route *route)
{
    const char *problem = media_problem(&r->x->request);
    r->body_bytes_max = route->body_bytes_max;
    if (problem != NULL)
        reply_error(r, GW_E_MEDIA_TYPE, problem);
    else
        http_exchange_collect(r->x, route->body_bytes_max, on_body, r);
}
