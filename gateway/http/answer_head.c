/* Answer heads (RFC 9112 section 4 and 6.3). */
#include "gateway/http/head.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; servers that leave out the blank behind the status are many and harmless. */
static enum gw_code read_status_line(struct gw_str text, struct http_answer *answer, bool *ret_is_10,
                                     struct gw_error *err)
{
    bool is_good = text.len >= 12 && gw_str_starts(text, GW_STR("HTTP/1.")) &&
                   (text.ptr[7] == '0' || text.ptr[7] == '1') && text.ptr[8] == ' ' && is_digit(text.ptr[9]) &&
                   is_digit(text.ptr[10]) && is_digit(text.ptr[11]) && (text.len == 12 || text.ptr[12] == ' ') &&
                   http_is_field_value(text);
    if (!is_good)
        return gw_fail(err, GW_E_UPSTREAM, "the status line is malformed");
    *ret_is_10 = text.ptr[7] == '0';
    answer->status = (text.ptr[9] - '0') * 100 + (text.ptr[10] - '0') * 10 + (text.ptr[11] - '0');
    answer->reason = gw_str_from_pos(text, 13);
    return answer->status >= 100 ? GW_OK : gw_fail(err, GW_E_UPSTREAM, "the status is below 100");
}

/* RFC 9112 section 6.3. */
static enum gw_code read_answer_body(const struct http_answer *answer, bool is_head_request, bool is_10,
                                     struct http_answer_facts *facts, struct gw_error *err)
{
    struct http_body_frame frame = {0};
    GW_TRY(http_body_frame_find(answer->fields, answer->field_count, /* is_request */ false, &frame, err));
    if (frame.coding != NULL && (is_10 || !gw_str_eq_nocase(frame.coding->value, GW_STR("chunked"))))
        return gw_fail(err, GW_E_UPSTREAM, "the answer's Transfer-Encoding is not chunked");
    facts->body_length = frame.length_bytes;
    if (is_head_request || answer->status < 200 || answer->status == 204 || answer->status == 304)
        facts->body_kind = HTTP_BODY_NONE;
    else if (frame.coding != NULL)
        facts->body_kind = HTTP_BODY_CHUNKED;
    else
        facts->body_kind = frame.length != NULL ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    return GW_OK;
}

static enum gw_code parse_answer(struct gw_str raw, struct gw_arena *arena, bool is_head_request,
                                 struct http_answer *answer, struct http_answer_facts *facts, struct gw_error *err)
{
    bool is_10 = false;
    struct gw_str rest = raw;
    struct gw_str text = gw_str_split(&rest, '\r');
    GW_TRY(read_status_line(text, answer, &is_10, err));
    GW_TRY(http_fields_parse(gw_str_from_pos(raw, text.len + 2), arena, &answer->fields, &answer->field_count, err));
    GW_TRY(read_answer_body(answer, is_head_request, is_10, facts, err));
    http_connection_options_read(answer->fields, answer->field_count, &facts->connection);
    if (facts->connection.count > HTTP_CONNECTION_OPTIONS_MAX)
        return gw_fail(err, GW_E_UPSTREAM, "too many options in Connection");
    facts->keeps_connection = !facts->connection.close && (!is_10 || facts->connection.keep_alive) &&
                              facts->body_kind != HTTP_BODY_UNTIL_CLOSE;
    return GW_OK;
}

enum gw_code http_answer_head_parse(struct gw_str head, struct gw_arena *arena, bool is_head_request,
                                    struct http_answer *ret_answer, struct http_answer_facts *ret_facts,
                                    struct gw_error *err)
{
    *ret_answer = (struct http_answer){0};
    *ret_facts = (struct http_answer_facts){.raw = gw_arena_copy(arena, head)};
    struct gw_error why = {0};
    if (parse_answer(ret_facts->raw, arena, is_head_request, ret_answer, ret_facts, &why) == GW_OK)
        return GW_OK;
    return gw_fail(err, GW_E_UPSTREAM, "%s", why.text);
}
