#include "routes/reply.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/base/text.h"
#include "gateway/json/write.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/handlers/turn.h"
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"
#include "routes/trace.h"

/* Written over between two looks at the clock. */
#define SCIM1_PART_BYTES (64u * 1024u)

#define REALM_BEARER "Bearer realm=\"provgate\""
#define REALM_TOKEN REALM_BEARER ", error=\"invalid_token\""
#define REALM_SCOPE REALM_BEARER ", error=\"insufficient_scope\""
#define REALM_BASIC "Basic realm=\"provgate\", charset=\"UTF-8\""

struct retry_row {
    enum gw_code code;
    unsigned seconds;
};

/* Integers only: Okta takes a date for "five minutes" (scim-clients.md, rule 26). */
static const struct retry_row retry_table[] = {
    {GW_E_BUSY, 2},      {GW_E_STALE, 1}, {GW_E_HELD, 60}, {GW_E_STORE_FULL, 60}, {GW_E_STORE_READ_ONLY, 60},
    {GW_E_STORE_IO, 10},
};

unsigned reply_retry_after(enum gw_code code)
{
    for (size_t i = 0; i < sizeof retry_table / sizeof retry_table[0]; i++) {
        if (retry_table[i].code == code)
            return retry_table[i].seconds;
    }
    return 0;
}

static void add_field(struct http_field *fields, size_t *count, const char *name, struct gw_str value)
{
    GW_ASSERT(*count < REPLY_FIELDS_MAX);
    fields[(*count)++] = (struct http_field){gw_str_from(name), value};
}

static void count_error(enum gw_code code)
{
    gw_metric_add(GW_METRIC_SCIM_ERRORS, 1);
    if (code == GW_E_UNAUTHORIZED)
        gw_metric_add(GW_METRIC_SCIM_UNAUTHORIZED, 1);
    if (gw_code_status(code) == 429)
        gw_metric_add(GW_METRIC_SCIM_BUSY, 1);
}

/* What is wrong inside is for the log, not for the other side. */
static bool is_internal(enum gw_code code)
{
    bool is_of_store = code == GW_E_STORE_FULL || code == GW_E_STORE_READ_ONLY || code == GW_E_STORE_IO;
    return is_of_store || (gw_code_status(code) >= 500 && code != GW_E_NOT_IMPLEMENTED);
}

static const char *outside_text(enum gw_code code, const char *text)
{
    if (text != NULL && is_internal(code)) {
        gw_log(GW_LOG_ERROR, "prov-failed", "code=%s %s", gw_code_name(code), text);
        return NULL;
    }
    /* a sentence that quotes the client may have been cut within a character */
    return text != NULL && gw_utf8_valid(gw_str_from(text)) ? text : NULL;
}

static struct gw_str media_type(const struct prov_request *r)
{
    return r->is_scim1 ? GW_STR(SCIM1_MEDIA_TYPE) : GW_STR(SCIM_MEDIA_TYPE);
}

static void answer_error(struct prov_request *r, enum gw_code code, const char *text, struct gw_str allow,
                         bool lacks_scope)
{
    if (code == GW_E_OVERLOADED) /* no 503 here: rule 0.26 of scim-clients.md */
        code = GW_E_BUSY;
    struct http_field fields[REPLY_FIELDS_MAX];
    size_t count = 0;
    count_error(code);
    add_field(fields, &count, "Content-Type", media_type(r));
    add_field(fields, &count, "Cache-Control", GW_STR("no-store"));
    if (code == GW_E_UNAUTHORIZED) { /* RFC 7644 section 2 */
        add_field(fields, &count, "WWW-Authenticate", r->is_by_token ? GW_STR(REALM_TOKEN) : GW_STR(REALM_BEARER));
        add_field(fields, &count, "WWW-Authenticate", GW_STR(REALM_BASIC));
    }
    if (code == GW_E_FORBIDDEN && lacks_scope)
        add_field(fields, &count, "WWW-Authenticate", GW_STR(REALM_SCOPE));
    if (allow.len > 0)
        add_field(fields, &count, "Allow", allow);
    unsigned seconds = reply_retry_after(code);
    if (seconds > 0)
        add_field(fields, &count, "Retry-After", gw_arena_printf(r->arena, "%u", seconds));
    GW_BUF_SCOPED(body, ROUTE_BODY_OTHER_MAX);
    if (r->is_scim1)
        scim1_error_write(&body, code, outside_text(code, text));
    else
        scim_error_write(&body, code, outside_text(code, text));
    trace_answer(r, gw_code_status(code), gw_code_scim_type(code));
    http_exchange_answer(r->x, gw_code_status(code), fields, count, gw_buf_str(&body));
}

void reply_error(struct prov_request *r, enum gw_code code, const char *text)
{
    answer_error(r, code, text, GW_STR_NONE, false);
}

void reply_scope_error(struct prov_request *r)
{
    answer_error(r, GW_E_FORBIDDEN, "the scope of the credential does not allow this", GW_STR_NONE, true);
}

void reply_error_from(struct prov_request *r, const struct gw_error *err)
{
    reply_error(r, err->code, err->text);
}

void reply_method_error(struct prov_request *r, struct gw_str allow)
{
    answer_error(r, GW_E_METHOD, NULL, allow, false);
}

void reply_options(struct prov_request *r, struct gw_str allow)
{
    struct http_field field = {GW_STR("Allow"), allow};
    trace_answer(r, 204, NULL);
    http_exchange_answer(r->x, 204, &field, 1, GW_STR_NONE);
}

/* ---- an answer to SCIM 1.1 on its way out, part by part ---- */

struct scim1_answer {
    int status;
    struct http_field fields[REPLY_FIELDS_MAX];
    size_t field_count;
    struct gw_buf text;
    struct scim1_writing writing;
    void *state; /* the handler's */
    void (*on_over)(void *state);
};

static void end_scim1(void *data)
{
    struct scim1_answer *answer = data;
    gw_buf_done(&answer->text);
    if (answer->on_over != NULL)
        answer->on_over(answer->state);
}

static void finish_scim1(struct prov_request *r, const struct scim1_answer *answer)
{
    if (answer->text.overflow) {
        reply_error(r, GW_E_TOO_MANY, "the answer is too large; ask for less");
        return;
    }
    trace_answer(r, answer->status, NULL);
    http_exchange_answer(r->x, answer->status, answer->fields, answer->field_count, gw_buf_str(&answer->text));
}

static void go_on_scim1(struct prov_request *r)
{
    struct scim1_answer *answer = r->state;
    bool is_done = false;
    struct turn turn;
    turn_begin(&turn);
    do {
        bool ok = scim1_writing_go_on(&answer->writing, &answer->text, SCIM1_PART_BYTES, &is_done);
        GW_ASSERT(ok); /* it is our own */
    } while (!is_done && !turn_is_spent(&turn));
    if (is_done)
        finish_scim1(r, answer);
    else
        turn_later(r, go_on_scim1);
}

static void answer_scim1(struct prov_request *r, int status, const struct http_field *fields, size_t count,
                         struct gw_str body)
{
    struct scim1_answer *answer = gw_arena_alloc(r->arena, sizeof *answer);
    *answer = (struct scim1_answer){.status = status,
                                    .field_count = count,
                                    .text = GW_BUF_INIT(REPLY_BYTES_MAX),
                                    .state = r->state,
                                    .on_over = r->on_over};
    memcpy(answer->fields, fields, count * sizeof *fields);
    struct gw_str text = body.len > SCIM1_PART_BYTES ? gw_arena_copy(r->arena, body) : body;
    scim1_writing_init(&answer->writing, text, r->handler == discovery_on_schemas);
    r->state = answer;
    r->on_over = end_scim1;
    go_on_scim1(r);
}

void reply_text(struct prov_request *r, int status, const struct http_field *fields, size_t field_count,
                struct gw_str body)
{
    struct http_field all[REPLY_FIELDS_MAX];
    size_t count = 0;
    if (body.len > 0)
        add_field(all, &count, "Content-Type", media_type(r));
    add_field(all, &count, "Cache-Control", GW_STR("no-store"));
    for (size_t i = 0; i < field_count; i++) {
        GW_ASSERT(count < REPLY_FIELDS_MAX);
        all[count++] = fields[i];
    }
    if (r->is_scim1 && body.len > 0) {
        answer_scim1(r, status, all, count, body);
        return;
    }
    trace_answer(r, status, NULL);
    http_exchange_answer(r->x, status, all, count, body);
}

void reply_json(struct prov_request *r, int status, const struct http_field *fields, size_t field_count,
                const struct json_value *value)
{
    GW_BUF_SCOPED(body, REPLY_BYTES_MAX);
    json_write(&body, value);
    if (body.overflow) {
        reply_error(r, GW_E_INTERNAL, "the answer is too large");
        return;
    }
    reply_text(r, status, fields, field_count, gw_buf_str(&body));
}
