#include "gateway/sso/access.h"

#include "gateway/base/clock.h"
#include "gateway/base/line_file.h"
#include "gateway/base/metrics.h"
#include "gateway/json/write.h"

#include <inttypes.h>

/* Of one value, as it is written. Method and path can be long: no request hides by making its line too long for the
 * file (GW_LINE_FILE_LINE_BYTES_MAX). */
#define TEXT_BYTES_MAX (20u * 1024u)

/* A name from outside goes into a line and a page only when it cannot be anything but a name. */
static bool is_request_id(struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (c == '\0' || strchr("-_.~+/=:@", c) == NULL))
            return false;
    }
    return text.len > 0 && text.len <= SSO_REQUEST_ID_BYTES_MAX;
}

/* What a trusted proxy calls the request; ptr NULL: nobody does. */
static struct gw_str brought_id(const struct sso_request *rq)
{
    const struct config_sso_face *config = rq->app != NULL ? &rq->app->config->sso : NULL;
    if (config == NULL || config->request_id_header == NULL || config->trusted_proxy_count == 0)
        return GW_STR_NONE;
    const struct http_request *request = &rq->x->request;
    struct gw_str name = gw_str_from(config->request_id_header);
    if (http_field_count(request->fields, request->field_count, name) != 1 ||
        !sso_forward_peer_is_trusted(config, http_exchange_peer_address(rq->x)))
        return GW_STR_NONE;
    struct gw_str value = http_request_field(request, name);
    return is_request_id(value) ? value : GW_STR_NONE;
}

static struct gw_str id_of(const struct sso_request *rq, uint64_t exchange_id)
{
    return gw_arena_printf(&rq->x->arena, "%08x-%" PRIx64, rq->face->shared->reference_prefix, exchange_id);
}

struct gw_str sso_request_reference(struct sso_request *rq)
{
    if (rq->id.ptr == NULL)
        rq->id = brought_id(rq);
    if (rq->id.ptr == NULL)
        rq->id = id_of(rq, rq->x->id);
    return rq->id;
}

struct gw_str sso_request_shown_reference(struct sso_request *rq)
{
    return rq->first_refusal_id != 0 ? id_of(rq, rq->first_refusal_id) : sso_request_reference(rq);
}

bool sso_request_own_reference(struct sso_request *rq)
{
    return gw_str_eq(sso_request_reference(rq), id_of(rq, rq->x->id));
}

struct http_field *sso_request_id_fields(struct sso_request *rq, struct http_field *fields, size_t *count)
{
    const char *name = rq->app->config->sso.request_id_header;
    if (name == NULL)
        return fields;
    struct http_field *all = gw_arena_array(&rq->x->arena, *count + 1, sizeof *all);
    if (*count > 0)
        memcpy(all, fields, *count * sizeof *all);
    all[(*count)++] = (struct http_field){gw_str_from(name), sso_request_reference(rq)};
    return all;
}

static void add_text(struct gw_buf *line, const char *name, struct gw_str text)
{
    gw_buf_printf(line, ",\"%s\":\"", name);
    json_write_bytes(line, text, TEXT_BYTES_MAX);
    gw_buf_add_byte(line, '"');
}

static const char *end_name(enum http_exchange_end end)
{
    static const char *const names[] = {[HTTP_END_COMPLETE] = "complete",
                                        [HTTP_END_CLIENT_LEFT] = "client-left",
                                        [HTTP_END_UPSTREAM_LOST] = "upstream-lost",
                                        [HTTP_END_CUT] = "cut",
                                        [HTTP_END_SLOW] = "slow"};
    return (size_t)end < sizeof names / sizeof *names ? names[end] : "other";
}

static const char *result_name(const struct sso_request *rq)
{
    if (rq->refused_why != NULL)
        return rq->x->end == HTTP_END_CUT ? "cut" : "refused";
    if (rq->failed_why != NULL && rq->x->end != HTTP_END_UPSTREAM_LOST)
        return "failed";
    if (rq->is_answered)
        return "answered";
    return rq->was_forwarded ? "passed" : "ended";
}

static void add_user(struct gw_buf *line, const struct sso_request *rq)
{
    struct store_reader *reader = rq->face->reader;
    struct gw_error err;
    if (rq->guard.user_seq == 0 || store_reader_is_reading(reader) || store_reader_begin(reader, &err) != GW_OK)
        return;
    GW_ARENA_SCOPED(arena);
    struct store_user user;
    enum gw_code code = store_user_get(reader, &arena, rq->guard.folder, rq->guard.user_seq, &user, &err);
    store_reader_end(reader);
    if (code == GW_OK)
        add_text(line, "user", user.user_name);
}

/* Of what was refused: not a name, and enough for `provgate why`. */
static void add_user_id(struct gw_buf *line, const struct sso_request *rq)
{
    char id[GW_IDENT_TEXT + 1];
    if (rq->refused_why == NULL || rq->guard.user_seq == 0)
        return;
    gw_ident_format(store_ident_key(rq->face->shared->store), GW_IDENT_USER, rq->guard.folder, rq->guard.user_seq, id);
    add_text(line, "user_id", gw_str_from(id));
}

static void add_times(struct gw_buf *line, const struct sso_request *rq)
{
    int64_t now_ms = net_loop_now_ms(rq->face->loop);
    gw_buf_printf(line, ",\"ms\":%" PRId64, now_ms - rq->x->begun_ms);
    if (rq->forwarded_ms != 0 && rq->answer_ms != 0)
        gw_buf_printf(line, ",\"upstream_ms\":%" PRId64, rq->answer_ms - rq->forwarded_ms);
}

static void line_write(struct gw_buf *line, struct sso_request *rq, bool with_user)
{
    const struct http_request *request = &rq->x->request;
    char when[GW_TIME_TEXT_MAX];
    size_t len = gw_time_format(gw_clock_wall_ms(), when);
    gw_buf_printf(line, "{\"time\":\"%.*s\"", (int)len, when);
    add_text(line, "id", sso_request_reference(rq));
    add_text(line, "peer", http_exchange_peer(rq->x));
    if (rq->app != NULL)
        add_text(line, "app", rq->app->name);
    add_text(line, "host", request->authority);
    add_text(line, "method", request->method);
    add_text(line, "path", request->path);
    gw_buf_printf(line, ",\"http\":\"%d.%d\"", request->version / 10, request->version % 10);
    bool has_status = http_exchange_answer_has_begun(rq->x);
    gw_buf_printf(line, ",\"status\":%d", has_status ? rq->x->answer.status : 0);
    gw_buf_printf(line, ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64, rq->x->request_bytes, rq->x->answer_bytes);
    add_times(line, rq);
    gw_buf_printf(line, ",\"result\":\"%s\"", result_name(rq));
    if (rq->refused_why != NULL)
        gw_buf_printf(line, ",\"why\":\"%s\"", rq->refused_why);
    else if (rq->failed_why != NULL)
        gw_buf_printf(line, ",\"why\":\"%s\"", rq->failed_why);
    if (rq->first_refusal_id != 0)
        add_text(line, "reference", sso_request_shown_reference(rq));
    gw_buf_printf(line, ",\"end\":\"%s\"", end_name(rq->x->end));
    add_user_id(line, rq);
    if (with_user)
        add_user(line, rq);
    gw_buf_add_lit(line, "}\n");
}

void sso_access_log(struct sso_request *rq)
{
    struct sso_shared *shared = rq->face->shared;
    if (shared->access == NULL)
        return;
    GW_BUF_SCOPED(line, GW_LINE_FILE_LINE_BYTES_MAX);
    line_write(&line, rq, shared->config->access_log.users);
    if (line.overflow || !gw_line_file_add(shared->access, gw_buf_str(&line)))
        gw_metric_add(GW_METRIC_ACCESS_LOG_DROPPED, 1);
}
