#include "routes/trace.h"

#include "gateway/base/buf.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "routes/router.h"
#include "routes/trace_text.h"

#define LINE_BYTES_MAX 4096u

/* Only what the route table knows; anything else in a path may be a value. */
static void write_path(struct gw_buf *buf, struct prov_request *r)
{
    struct gw_str id = GW_STR_NONE;
    const struct route *route = r->rest.ptr != NULL ? router_find(r->arena, r->rest, &id) : NULL;
    if (route == NULL) {
        gw_buf_add_lit(buf, "?");
        return;
    }
    gw_buf_add_byte(buf, '/');
    gw_buf_add(buf, route->endpoint);
    if (route->shape == ROUTE_ITEM)
        gw_buf_add_lit(buf, "/ID");
    else if (route->shape == ROUTE_SEARCH)
        gw_buf_add_lit(buf, "/.search");
}

static void write_headers(struct gw_buf *buf, const struct http_request *request)
{
    for (size_t i = 0; i < request->field_count && buf->len < TRACE_PART_BYTES_MAX; i++) {
        struct gw_str name = request->fields[i].name;
        if (i > 0)
            gw_buf_add_byte(buf, ',');
        gw_buf_add(buf, gw_str_n(name.ptr, name.len < TRACE_NAME_BYTES_MAX ? name.len : TRACE_NAME_BYTES_MAX));
    }
}

static struct gw_str method_of(const struct http_request *request)
{
    static const struct gw_str known[] = {GW_STR_INIT("GET"),    GW_STR_INIT("POST"),   GW_STR_INIT("PUT"),
                                          GW_STR_INIT("PATCH"),  GW_STR_INIT("DELETE"), GW_STR_INIT("HEAD"),
                                          GW_STR_INIT("OPTIONS")};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (gw_str_eq(known[i], request->method))
            return known[i];
    }
    return GW_STR("?");
}

/* False: this second has had its lines. */
static bool may_write(struct prov_app *app)
{
    int64_t second = gw_clock_mono_ms() / 1000;
    if (app->trace_second != second) {
        if (app->trace_lines > TRACE_LINES_PER_SECOND)
            gw_log(GW_LOG_INFO, "scim-trace", "app=%.*s left_out=%u", GW_STR_ARG(app->name),
                   app->trace_lines - TRACE_LINES_PER_SECOND);
        app->trace_second = second;
        app->trace_lines = 0;
    }
    return ++app->trace_lines <= TRACE_LINES_PER_SECOND;
}

void trace_answer(struct prov_request *r, int status, const char *scim_type)
{
    if (r->app == NULL || !r->app->config->prov.trace || !may_write(r->app))
        return;
    const struct http_request *request = &r->x->request;
    GW_BUF_SCOPED(path, LINE_BYTES_MAX);
    GW_BUF_SCOPED(query, LINE_BYTES_MAX);
    GW_BUF_SCOPED(headers, LINE_BYTES_MAX);
    GW_BUF_SCOPED(body, LINE_BYTES_MAX);
    write_path(&path, r);
    trace_query_write(&query, r->arena, &r->app->schemas, request->query);
    write_headers(&headers, request);
    if (r->sent != NULL)
        trace_json_write(&body, &r->app->schemas, r->sent);
    gw_log(GW_LOG_INFO, "scim-trace",
           "app=%.*s ref=%016llx method=%.*s path=%.*s query=\"%.*s\" status=%d type=%s body=\"%.*s\" headers=%.*s",
           GW_STR_ARG(r->app->name), (unsigned long long)r->x->id, GW_STR_ARG(method_of(request)),
           GW_STR_ARG(gw_buf_str(&path)), GW_STR_ARG(gw_buf_str(&query)), status, scim_type != NULL ? scim_type : "-",
           GW_STR_ARG(gw_buf_str(&body)), GW_STR_ARG(gw_buf_str(&headers)));
}
