#include "gateway/http/head.h"

#define LENGTH_DIGITS_MAX 18u

static enum gw_code bad(struct gw_error *err, const char *text)
{
    return gw_fail(err, GW_E_BAD_REQUEST, "%s", text);
}

static enum gw_code too_large(const struct http_head_scan *scan, struct gw_error *err)
{
    if (scan->lines == 0)
        return gw_fail(err, GW_E_URI_TOO_LONG, "the first line is longer than %u bytes", HTTP_LINE_BYTES_MAX);
    return gw_fail(err, GW_E_HEAD_TOO_LARGE, "the head is larger than %u fields or %u bytes", HTTP_FIELDS_MAX,
                   HTTP_HEAD_BYTES_MAX);
}

/* One complete line that ends at `end` (the LF). *ret_is_last: the empty line. */
static enum gw_code scan_line(struct http_head_scan *scan, struct gw_str input, size_t end, bool *ret_is_last,
                              struct gw_error *err)
{
    size_t size = end + 1 - scan->line_begin;
    if (size < 2 || input.ptr[end - 1] != '\r')
        return bad(err, "a line of the head does not end in CRLF");
    scan->scanned = scan->line_begin = end + 1;
    *ret_is_last = size == 2 && scan->lines > 0;
    if (size == 2 && scan->lines == 0) {
        if (scan->blank > 0)
            return bad(err, "empty lines before the head");
        scan->blank = size;
        return GW_OK;
    }
    if ((scan->lines == 0 && size > HTTP_LINE_BYTES_MAX) || scan->lines > HTTP_FIELDS_MAX + (*ret_is_last ? 1u : 0u))
        return too_large(scan, err);
    scan->lines++;
    return GW_OK;
}

enum gw_code http_head_scan(struct http_head_scan *scan, struct gw_str input, size_t *ret_head_bytes,
                            struct gw_error *err)
{
    *ret_head_bytes = 0;
    for (;;) {
        const char *from = input.ptr + scan->scanned;
        const char *lf = scan->scanned < input.len ? memchr(from, '\n', input.len - scan->scanned) : NULL;
        size_t end = lf != NULL ? (size_t)(lf - input.ptr) : input.len;
        if (end >= HTTP_HEAD_BYTES_MAX || (scan->lines == 0 && end - scan->line_begin >= HTTP_LINE_BYTES_MAX))
            return too_large(scan, err);
        if (lf == NULL) {
            scan->scanned = input.len;
            return GW_OK;
        }
        bool is_last = false;
        GW_TRY(scan_line(scan, input, end, &is_last, err));
        if (is_last) {
            *ret_head_bytes = end + 1;
            return GW_OK;
        }
    }
}

/* --- fields ---------------------------------------------------------------------------------------------------- */

/* Takes one line, "name: value" CRLF, from the front. A line that begins with a blank, the folded one, has no name. */
static enum gw_code take_field(struct gw_str *rest, struct http_field *ret_field, struct gw_error *err)
{
    const char *name = rest->ptr;
    size_t name_len = http_token_run(*rest);
    if (name_len == 0 || name_len == rest->len || name[name_len] != ':')
        return bad(err, name_len == 0 ? "a field line has no name" : "a field name is not a token");
    struct gw_str value = gw_str_from_pos(*rest, name_len + 1);
    size_t value_len = http_field_value_run(value);
    if (value.len - value_len < 2 || value.ptr[value_len] != '\r' || value.ptr[value_len + 1] != '\n')
        return bad(err, "a field value holds a control byte");
    ret_field->name = gw_str_n(name, name_len);
    ret_field->value = gw_str_trim(gw_str_n(value.ptr, value_len));
    if (http_field_mimics_framing(ret_field->name))
        return bad(err, "a field name reads like a framing field");
    *rest = gw_str_from_pos(value, value_len + 2);
    return GW_OK;
}

enum gw_code http_fields_parse(struct gw_str lines, struct gw_arena *arena, struct http_field **ret_fields,
                               size_t *ret_count, struct gw_error *err)
{
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t count = 0;
    *ret_fields = NULL;
    *ret_count = 0;
    if (lines.len == 0)
        return GW_OK;
    while (lines.len > 0 && lines.ptr[0] != '\r') {
        if (count == HTTP_FIELDS_MAX)
            return gw_fail(err, GW_E_HEAD_TOO_LARGE, "more than %u fields", HTTP_FIELDS_MAX);
        GW_TRY(take_field(&lines, &fields[count], err));
        count++;
    }
    if (!gw_str_eq(lines, GW_STR("\r\n")))
        return bad(err, "the field lines do not end in an empty line");
    *ret_fields = gw_arena_array(arena, count, sizeof fields[0]);
    memcpy(*ret_fields, fields, count * sizeof fields[0]);
    *ret_count = count;
    return GW_OK;
}

/* What stands around a framing value: nothing or one space before, nothing after. Other blanks are legal and never
 * sent; they are what smuggling is made of. */
static bool is_bare(const struct http_field *field)
{
    const char *colon = field->name.ptr + field->name.len;
    const char *end = field->value.ptr + field->value.len;
    ptrdiff_t before = field->value.ptr - colon - 1;
    return (before == 0 || (before == 1 && colon[1] == ' ')) && *end == '\r';
}

bool http_length_parse(struct gw_str value, uint64_t *ret_length)
{
    if (value.len == 0 || value.len > LENGTH_DIGITS_MAX || (value.len > 1 && value.ptr[0] == '0'))
        return false;
    return gw_str_to_u64(value, UINT64_MAX / 2, ret_length);
}

/* The one field of that name: GW_OK with *ret_field NULL when there is none. */
static enum gw_code find_only(const struct http_field *fields, size_t count, struct gw_str name,
                              const struct http_field **ret_field, struct gw_error *err)
{
    *ret_field = NULL;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.len != name.len || !gw_str_eq_nocase(fields[i].name, name))
            continue;
        if (*ret_field != NULL)
            return bad(err, "a field that frames or routes the message stands twice");
        *ret_field = &fields[i];
    }
    return GW_OK;
}

enum gw_code http_body_frame_find(const struct http_field *fields, size_t count, bool is_request,
                                  struct http_body_frame *ret_frame, struct gw_error *err)
{
    GW_TRY(find_only(fields, count, GW_STR("content-length"), &ret_frame->length, err));
    GW_TRY(find_only(fields, count, GW_STR("transfer-encoding"), &ret_frame->coding, err));
    if (ret_frame->length != NULL && ret_frame->coding != NULL)
        return bad(err, "both Content-Length and Transfer-Encoding"); /* RFC 9112 section 6.3 */
    if (ret_frame->length == NULL)
        return GW_OK;
    if ((is_request && !is_bare(ret_frame->length)) ||
        !http_length_parse(ret_frame->length->value, &ret_frame->length_bytes))
        return bad(err, "Content-Length is not a plain number");
    return GW_OK;
}

/* --- requests -------------------------------------------------------------------------------------------------- */

struct request_line {
    struct gw_str method, target, version;
};

static bool is_target_byte(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte > 0x20 && byte != 0x7f && byte != '#'; /* a fragment is never sent (RFC 9112 section 3.2) */
}

bool http_is_target(struct gw_str target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (!is_target_byte(target.ptr[i]))
            return false;
    }
    return true;
}

static enum gw_code read_version(struct gw_str version, struct gw_error *err)
{
    if (gw_str_eq(version, GW_STR("HTTP/1.1")) || gw_str_eq(version, GW_STR("HTTP/1.0")))
        return GW_OK;
    bool is_http = version.len == 8 && gw_str_starts(version, GW_STR("HTTP/")) && version.ptr[6] == '.';
    if (is_http && version.ptr[5] >= '0' && version.ptr[5] <= '9' && version.ptr[7] >= '0' && version.ptr[7] <= '9')
        return gw_fail(err, GW_E_HTTP_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return bad(err, "the request line does not end in an HTTP version");
}

static enum gw_code read_request_line(struct gw_str head, struct request_line *line, struct gw_error *err)
{
    struct gw_str rest = head;
    struct gw_str text = gw_str_split(&rest, '\r');
    line->method = gw_str_split(&text, ' ');
    if (!http_is_token(line->method))
        return bad(err, "the method is not a token");
    if (text.ptr == NULL)
        return bad(err, "the request line has no target");
    line->target = gw_str_split(&text, ' ');
    if (text.ptr == NULL || line->target.len == 0)
        return bad(err, "the request line has no target or no version");
    line->version = text;
    GW_TRY(read_version(line->version, err));
    return http_is_target(line->target) ? GW_OK : bad(err, "the target holds a byte that no address has");
}

enum gw_code http_request_line_check(struct gw_str head, struct gw_error *err)
{
    struct request_line line;
    return read_request_line(head, &line, err);
}

static bool is_port(struct gw_str port)
{
    uint64_t value = 0;
    return port.len > 0 && port.len <= 5 && gw_str_to_u64(port, 65535, &value);
}

bool http_is_authority(struct gw_str s)
{
    size_t at = 0;
    if (s.len > 0 && s.ptr[0] == '[') {
        for (at = 1; at < s.len && (gw_hex_digit(s.ptr[at]) >= 0 || s.ptr[at] == ':' || s.ptr[at] == '.');)
            at++;
        if (at < 3 || at == s.len || s.ptr[at++] != ']')
            return false;
    } else {
        while (at < s.len && (http_is_token_byte(s.ptr[at]) && strchr("!#$%&'*+^`|", s.ptr[at]) == NULL))
            at++;
    }
    if (at == 0 || at > 255)
        return false;
    return at == s.len || (s.ptr[at] == ':' && is_port(gw_str_from_pos(s, at + 1)));
}

static struct gw_str without_port(struct gw_str authority, struct gw_str port)
{
    if (authority.len <= port.len || !gw_str_eq(gw_str_from_pos(authority, authority.len - port.len), port))
        return authority;
    return gw_str_n(authority.ptr, authority.len - port.len);
}

bool http_authority_eq(struct gw_str a, struct gw_str b, bool is_https)
{
    struct gw_str port = is_https ? GW_STR(":443") : GW_STR(":80");
    return gw_str_eq_nocase(without_port(a, port), without_port(b, port));
}

static enum gw_code read_host(struct http_request *request, struct gw_error *err)
{
    const struct http_field *host = NULL;
    GW_TRY(find_only(request->fields, request->field_count, GW_STR("host"), &host, err));
    if (host == NULL) /* RFC 9112 section 3.2; HTTP/1.0 knew no Host: the face decides */
        return request->version == 10 ? GW_OK : bad(err, "there is no Host field");
    if (!http_is_authority(host->value))
        return bad(err, "the Host field is not a host");
    request->authority = host->value;
    return GW_OK;
}

/* "http://host/x" becomes "/x" when it names what Host names (RFC 9112 section 3.2.2). */
static enum gw_code reduce_absolute(struct http_request *request, struct gw_error *err)
{
    struct gw_str target = request->target;
    size_t scheme = gw_str_starts_nocase(target, GW_STR("http://"))    ? 7
                    : gw_str_starts_nocase(target, GW_STR("https://")) ? 8
                                                                       : 0;
    if (scheme == 0)
        return bad(err, "the target is neither a path nor an address of HTTP");
    size_t at = scheme;
    while (at < target.len && target.ptr[at] != '/' && target.ptr[at] != '?')
        at++;
    struct gw_str authority = gw_str_n(target.ptr + scheme, at - scheme);
    if (!http_is_authority(authority))
        return bad(err, "the target's authority is not a host");
    if (request->authority.ptr != NULL && !http_authority_eq(authority, request->authority, scheme == 8))
        return gw_fail(err, GW_E_MISDIRECTED, "the target names another host than the Host field");
    if (request->authority.ptr == NULL)
        request->authority = authority;
    request->target = gw_str_from_pos(target, at);
    if (request->target.len == 0)
        request->target = GW_STR("/");
    return request->target.ptr[0] == '/' ? GW_OK : bad(err, "the target has no path");
}

static enum gw_code read_target(struct http_request *request, struct gw_error *err)
{
    if (gw_str_eq(request->method, GW_STR("CONNECT")))
        return bad(err, "CONNECT is not for a server of this kind");
    bool is_star = gw_str_eq(request->target, GW_STR("*"));
    if (is_star && !gw_str_eq(request->method, GW_STR("OPTIONS")))
        return bad(err, "the target * is for OPTIONS alone");
    if (!is_star && request->target.ptr[0] != '/')
        GW_TRY(reduce_absolute(request, err));
    struct gw_str rest = request->target;
    request->path = gw_str_split(&rest, '?');
    request->query = rest;
    return GW_OK;
}

static enum gw_code read_request_body(struct http_request *request, struct gw_error *err)
{
    struct http_body_frame frame = {0};
    GW_TRY(http_body_frame_find(request->fields, request->field_count, /* is_request */ true, &frame, err));
    if (frame.coding != NULL) {
        if (request->version == 10)
            return bad(err, "Transfer-Encoding in HTTP/1.0");
        if (!is_bare(frame.coding) || !gw_str_eq(frame.coding->value, GW_STR("chunked")))
            return bad(err, "Transfer-Encoding is not chunked alone");
        request->body_kind = HTTP_BODY_CHUNKED;
    } else if (frame.length != NULL) {
        request->body_kind = HTTP_BODY_LENGTH;
        request->body_length = frame.length_bytes;
    }
    return GW_OK;
}

/* Upgrade to HTTP/2 in clear is not offered, so it is not passed on either (RFC 9113 section 3.1 dropped it); and
 * nothing is upgraded while a body stands between. A server may always ignore an Upgrade. */
static void read_upgrade(struct http_request *request, const struct http_request_facts *facts)
{
    bool has_body =
        request->body_kind == HTTP_BODY_CHUNKED || (request->body_kind == HTTP_BODY_LENGTH && request->body_length > 0);
    request->is_upgrade = request->version == 11 && facts->connection.upgrade && !has_body &&
                          http_request_field(request, GW_STR("upgrade")).len > 0 &&
                          !http_fields_have(request->fields, request->field_count, GW_STR("upgrade"), GW_STR("h2c"));
}

enum gw_code http_request_head_parse(struct gw_str head, struct gw_arena *arena, struct http_request *ret_request,
                                     struct http_request_facts *ret_facts, struct gw_error *err)
{
    struct http_request *request = ret_request;
    *request = (struct http_request){0};
    *ret_facts = (struct http_request_facts){.raw = gw_arena_copy(arena, head)};
    struct request_line line;
    GW_TRY(read_request_line(ret_facts->raw, &line, err));
    request->method = line.method;
    request->target = line.target;
    request->version = line.version.ptr[7] == '0' ? 10 : 11;
    request->is_head = gw_str_eq(line.method, GW_STR("HEAD"));

    size_t line_bytes = (size_t)(line.version.ptr + line.version.len - ret_facts->raw.ptr) + 2;
    struct gw_str lines = gw_str_from_pos(ret_facts->raw, line_bytes);
    GW_TRY(http_fields_parse(lines, arena, &request->fields, &request->field_count, err));
    GW_TRY(read_host(request, err));
    GW_TRY(read_target(request, err));
    GW_TRY(read_request_body(request, err));

    http_connection_options_read(request->fields, request->field_count, &ret_facts->connection);
    if (ret_facts->connection.count > HTTP_CONNECTION_OPTIONS_MAX)
        return bad(err, "too many options in Connection");
    ret_facts->te_trailers = ret_facts->connection.te &&
                             http_fields_have(request->fields, request->field_count, GW_STR("te"), GW_STR("trailers"));
    request->expects_continue =
        request->version == 11 && request->body_kind != HTTP_BODY_NONE &&
        http_fields_have(request->fields, request->field_count, GW_STR("expect"), GW_STR("100-continue"));
    read_upgrade(request, ret_facts);
    return GW_OK;
}
