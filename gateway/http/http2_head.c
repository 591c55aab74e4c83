#include "gateway/http/http2_head.h"

#include "gateway/http/framing.h"

#define LINE_OVERHEAD_BYTES 4u /* ": " and CRLF, so that a head has one size in both protocols */
#define REQUEST_LINE_OVERHEAD_BYTES 12u

struct http2_place {
    size_t at;
    size_t name_len;
    size_t value_len;
};

void http2_head_init(struct http2_head *head)
{
    *head = (struct http2_head){0};
    gw_buf_init(&head->bytes, HTTP_HEAD_BYTES_MAX);
    gw_buf_init(&head->places, (HTTP_FIELDS_MAX + HTTP2_CRUMBS_MAX + 8) * sizeof(struct http2_place));
}

void http2_head_done(struct http2_head *head)
{
    gw_buf_done(&head->bytes);
    gw_buf_done(&head->places);
}

void http2_head_clear(struct http2_head *head)
{
    struct gw_buf bytes = head->bytes, places = head->places;
    gw_buf_clear(&bytes);
    gw_buf_clear(&places);
    *head = (struct http2_head){.bytes = bytes, .places = places};
}

static bool is_pseudo(struct gw_str name)
{
    return name.len > 0 && name.ptr[0] == ':';
}

static bool is_cookie(struct gw_str name)
{
    return gw_str_eq(name, GW_STR("cookie"));
}

static void count_field(struct http2_head *head, struct gw_str name, struct gw_str value)
{
    if (is_cookie(name)) {
        head->crumb_count++;
        head->crumb_bytes += value.len + (head->crumb_count > 1 ? 2 : 0);
    } else if (!is_pseudo(name)) {
        head->regular_count++;
    }
    if (head->regular_count + (head->crumb_count > 0) > HTTP_FIELDS_MAX || head->crumb_count > HTTP2_CRUMBS_MAX ||
        head->block_bytes > HTTP_HEAD_BYTES_MAX)
        head->is_too_large = true;
}

bool http2_head_add(struct http2_head *head, struct gw_str name, struct gw_str value)
{
    head->block_bytes += name.len + value.len + LINE_OVERHEAD_BYTES;
    if (head->block_bytes > HTTP2_BLOCK_BYTES_MAX)
        return false;
    if (!head->is_too_large)
        count_field(head, name, value);
    if (head->is_too_large)
        return true;
    struct http2_place place = {.at = head->bytes.len, .name_len = name.len, .value_len = value.len};
    gw_buf_add(&head->bytes, name);
    gw_buf_add(&head->bytes, value);
    gw_buf_add(&head->places, gw_str_n((const char *)&place, sizeof place));
    head->field_count++;
    head->is_too_large = head->bytes.overflow || head->places.overflow;
    return true;
}

/* --- reading --------------------------------------------------------------------------------------------------- */

struct reader {
    const struct http2_head *head;
    struct gw_str raw; /* the arena's copy of the bytes */
    struct http_request *request;
    struct gw_str scheme, host, length, te;
    char *cookie; /* where the next crumb goes */
    bool has_cookie;
};

static enum gw_code bad(struct gw_error *err, const char *text)
{
    return gw_fail(err, GW_E_BAD_REQUEST, "%s", text);
}

static struct http_field field_at(const struct http2_head *head, struct gw_str raw, size_t index)
{
    struct http2_place place;
    memcpy(&place, head->places.data + index * sizeof place, sizeof place);
    return (struct http_field){gw_str_n(raw.ptr + place.at, place.name_len),
                               gw_str_n(raw.ptr + place.at + place.name_len, place.value_len)};
}

static enum gw_code set_once(struct gw_str *to, struct gw_str value, struct gw_error *err)
{
    if (to->ptr != NULL)
        return bad(err, "a field that routes or frames the request stands twice");
    *to = value;
    return GW_OK;
}

static enum gw_code read_pseudo(struct reader *reader, const struct http_field *field, struct gw_error *err)
{
    struct http_request *request = reader->request;
    if (gw_str_eq(field->name, GW_STR(":method")))
        return set_once(&request->method, field->value, err);
    if (gw_str_eq(field->name, GW_STR(":path")))
        return set_once(&request->target, field->value, err);
    if (gw_str_eq(field->name, GW_STR(":scheme")))
        return set_once(&reader->scheme, field->value, err);
    if (gw_str_eq(field->name, GW_STR(":authority")))
        return set_once(&request->authority, field->value, err);
    return bad(err, "a pseudo field that requests do not have");
}

static bool has_upper(struct gw_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static bool has_blank_ends(struct gw_str value)
{
    return gw_str_trim(value).len != value.len;
}

/* RFC 9113 sections 8.2.1 and 8.2.2. */
static enum gw_code check_field(const struct http_field *field, struct gw_error *err)
{
    static const struct gw_str refused[] = {GW_STR_INIT("connection"), GW_STR_INIT("keep-alive"),
                                            GW_STR_INIT("proxy-connection"), GW_STR_INIT("transfer-encoding"),
                                            GW_STR_INIT("upgrade")};
    if (!http_is_token(field->name) || has_upper(field->name))
        return bad(err, "a field name is not a lower-case token");
    if (!http_is_field_value(field->value) || has_blank_ends(field->value))
        return bad(err, "a field value holds a control byte or blanks at its ends");
    if (http_field_mimics_framing(field->name))
        return bad(err, "a field name reads like a framing field");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (gw_str_eq(field->name, refused[i]))
            return bad(err, "a field that belongs to a connection of HTTP/1.1");
    }
    if (gw_str_eq(field->name, GW_STR("te")) && !gw_str_eq_nocase(field->value, GW_STR("trailers")))
        return bad(err, "TE is not trailers");
    return GW_OK;
}

/* The first crumb makes the field, the others are added to it. */
static void take_crumb(struct reader *reader, const struct http_field *field)
{
    if (reader->has_cookie) {
        memcpy(reader->cookie, "; ", 2);
        reader->cookie += 2;
    } else {
        struct gw_str joined = gw_str_n(reader->cookie, reader->head->crumb_bytes);
        reader->request->fields[reader->request->field_count++] = (struct http_field){field->name, joined};
        reader->has_cookie = true;
    }
    if (field->value.len > 0)
        memcpy(reader->cookie, field->value.ptr, field->value.len);
    reader->cookie += field->value.len;
}

static enum gw_code read_regular(struct reader *reader, const struct http_field *field, struct gw_error *err)
{
    GW_TRY(check_field(field, err));
    if (is_cookie(field->name)) {
        take_crumb(reader, field);
        return GW_OK;
    }
    if (gw_str_eq(field->name, GW_STR("host"))) /* RFC 9113 section 8.3.1: the authority stands for it */
        return set_once(&reader->host, field->value, err);
    if (gw_str_eq(field->name, GW_STR("content-length")))
        GW_TRY(set_once(&reader->length, field->value, err));
    if (gw_str_eq(field->name, GW_STR("te")))
        reader->te = field->value;
    reader->request->fields[reader->request->field_count++] = *field;
    return GW_OK;
}

/* The first place among the fields stays free for the host. */
static enum gw_code read_fields(struct reader *reader, struct gw_error *err)
{
    bool had_regular = false;
    reader->request->field_count = 1;
    for (size_t i = 0; i < reader->head->field_count; i++) {
        struct http_field field = field_at(reader->head, reader->raw, i);
        if (!is_pseudo(field.name)) {
            had_regular = true;
            GW_TRY(read_regular(reader, &field, err));
        } else if (had_regular) {
            return bad(err, "a pseudo field behind a field");
        } else {
            GW_TRY(read_pseudo(reader, &field, err));
        }
    }
    return GW_OK;
}

static enum gw_code read_authority(struct reader *reader, struct gw_error *err)
{
    struct http_request *request = reader->request;
    if (request->authority.ptr == NULL)
        request->authority = reader->host;
    else if (reader->host.ptr != NULL &&
             !http_authority_eq(reader->host, request->authority, gw_str_eq_nocase(reader->scheme, GW_STR("https"))))
        return gw_fail(err, GW_E_MISDIRECTED, "the Host field names another host than the authority");
    if (request->authority.ptr == NULL || !http_is_authority(request->authority))
        return bad(err, "the authority is not a host");
    request->fields[0] = (struct http_field){GW_STR("host"), request->authority};
    return GW_OK;
}

static enum gw_code read_target(struct reader *reader, bool is_tls, struct gw_error *err)
{
    struct http_request *request = reader->request;
    if (!http_is_token(request->method) || request->target.len == 0)
        return bad(err, "there is no method or no path");
    if (request->method.len + request->target.len + REQUEST_LINE_OVERHEAD_BYTES > HTTP_LINE_BYTES_MAX)
        return gw_fail(err, GW_E_URI_TOO_LONG, "the path is longer than %u bytes", HTTP_LINE_BYTES_MAX);
    if (gw_str_eq(request->method, GW_STR("CONNECT")))
        return bad(err, "CONNECT is not for a server of this kind");
    if (!gw_str_eq_nocase(reader->scheme, is_tls ? GW_STR("https") : GW_STR("http")))
        return bad(err, "the scheme is not that of the connection");
    bool is_star = gw_str_eq(request->target, GW_STR("*")) && gw_str_eq(request->method, GW_STR("OPTIONS"));
    if (!is_star && request->target.ptr[0] != '/')
        return bad(err, "the path does not begin with a slash");
    if (!http_is_target(request->target))
        return bad(err, "the path holds a byte that no address has");
    struct gw_str rest = request->target;
    request->path = gw_str_split(&rest, '?');
    request->query = rest;
    request->is_head = gw_str_eq(request->method, GW_STR("HEAD"));
    return GW_OK;
}

/* RFC 9113 section 8.1.1. A body without a length goes upstream in chunks. */
static enum gw_code read_body(struct reader *reader, bool has_body, struct gw_error *err)
{
    struct http_request *request = reader->request;
    if (reader->length.ptr == NULL) {
        request->body_kind = has_body ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE;
        return GW_OK;
    }
    if (!http_length_parse(reader->length, &request->body_length) || (request->body_length > 0 && !has_body))
        return bad(err, "Content-Length is not the length of the body");
    request->body_kind = HTTP_BODY_LENGTH;
    return GW_OK;
}

enum gw_code http2_head_read(const struct http2_head *head, bool is_tls, bool has_body, struct gw_arena *arena,
                             struct http_request *ret_request, struct http_request_facts *ret_facts,
                             struct gw_error *err)
{
    struct http_request *request = ret_request;
    *request = (struct http_request){.version = 20, .tls = is_tls};
    *ret_facts = (struct http_request_facts){0};
    if (head->is_too_large)
        return gw_fail(err, GW_E_HEAD_TOO_LARGE, "the head is larger than %u fields or %u bytes", HTTP_FIELDS_MAX,
                       HTTP_HEAD_BYTES_MAX);
    struct reader reader = {.head = head, .raw = gw_arena_copy(arena, gw_buf_str(&head->bytes)), .request = request};
    reader.cookie = gw_arena_alloc(arena, head->crumb_bytes + 1);
    request->fields = gw_arena_array(arena, head->regular_count + 2, sizeof *request->fields);
    ret_facts->raw = reader.raw;
    GW_TRY(read_fields(&reader, err));
    GW_TRY(read_target(&reader, is_tls, err));
    GW_TRY(read_authority(&reader, err));
    GW_TRY(read_body(&reader, has_body, err));
    ret_facts->te_trailers = reader.te.ptr != NULL;
    request->expects_continue =
        has_body && http_fields_have(request->fields, request->field_count, GW_STR("expect"), GW_STR("100-continue"));
    return GW_OK;
}

enum gw_code http2_trailers_read(const struct http2_head *head, struct gw_arena *arena, struct http_field **ret_fields,
                                 size_t *ret_count, struct gw_error *err)
{
    *ret_count = 0;
    *ret_fields = gw_arena_array(arena, head->field_count + 1, sizeof **ret_fields);
    if (head->is_too_large || head->bytes.len > HTTP_TRAILER_BYTES_MAX)
        return gw_fail(err, GW_E_HEAD_TOO_LARGE, "the trailer section is too large");
    struct gw_str raw = gw_arena_copy(arena, gw_buf_str(&head->bytes));
    for (size_t i = 0; i < head->field_count; i++) {
        struct http_field field = field_at(head, raw, i);
        GW_TRY(check_field(&field, err)); /* a pseudo name is no token */
        if (!http_field_may_trail(field.name))
            return bad(err, "a field that may not stand in a trailer section");
        (*ret_fields)[(*ret_count)++] = field;
    }
    return GW_OK;
}
