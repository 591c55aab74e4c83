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

/* --- what apps write that a gateway has to mend ---------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What frames the message is not mended: it is what smuggling is made of, and no honest app writes it so. */
static size_t mendable_name_len(struct gw_str line)
{
    struct gw_str name = gw_str_n(line.ptr, http_token_run(line));
    bool frames =
        gw_str_eq_nocase(name, GW_STR("content-length")) || gw_str_eq_nocase(name, GW_STR("transfer-encoding"));
    return frames ? 0 : name.len;
}

/* RFC 9112 section 5.1: a blank before the colon is removed. It goes behind it, where it means nothing. */
static bool mend_colon(char *name_end, const char *end)
{
    char *colon = name_end;
    while (colon < end && is_blank(*colon))
        colon++;
    if (colon == name_end || colon == end || *colon != ':')
        return false;
    *colon = ' ';
    *name_end = ':';
    return true;
}

/* RFC 9112 section 5.2: a line that goes on below becomes one line, by blanks. Returns where the next field begins. */
static char *mend_folds(char *line, char *end, bool may_mend, bool *is_mended)
{
    for (;;) {
        char *lf = memchr(line, '\n', (size_t)(end - line));
        if (lf == NULL)
            return end;
        if (!may_mend || lf + 1 == end || !is_blank(lf[1]) || lf == line || lf[-1] != '\r')
            return lf + 1;
        lf[-1] = lf[0] = ' ';
        *is_mended = true;
        line = lf + 1;
    }
}

/* True when there was something to mend; whether it is a head now is the parser's business. */
static bool mend(char *fields, size_t len)
{
    bool is_mended = false;
    char *end = fields + len;
    for (char *line = fields; line < end;) {
        size_t name_len = mendable_name_len(gw_str_n(line, (size_t)(end - line)));
        if (name_len > 0 && mend_colon(line + name_len, end))
            is_mended = true;
        line = mend_folds(line, end, name_len > 0, &is_mended);
    }
    return is_mended;
}

static enum gw_code read_fields(size_t line_bytes, struct gw_arena *arena, struct http_answer *answer,
                                struct http_answer_facts *facts, struct gw_error *err)
{
    enum gw_code code =
        http_fields_parse(gw_str_from_pos(facts->raw, line_bytes), arena, &answer->fields, &answer->field_count, err);
    if (code == GW_OK)
        return GW_OK;
    char *own = gw_arena_alloc(arena, facts->raw.len + 1);
    memcpy(own, facts->raw.ptr, facts->raw.len);
    if (line_bytes > facts->raw.len || !mend(own + line_bytes, facts->raw.len - line_bytes))
        return code;
    facts->raw = gw_str_n(own, facts->raw.len);
    return http_fields_parse(gw_str_from_pos(facts->raw, line_bytes), arena, &answer->fields, &answer->field_count,
                             err);
}

static enum gw_code parse_answer(struct gw_str raw, struct gw_arena *arena, bool is_head_request,
                                 struct http_answer *answer, struct http_answer_facts *facts, struct gw_error *err)
{
    bool is_10 = false;
    struct gw_str rest = raw;
    struct gw_str text = gw_str_split(&rest, '\r');
    GW_TRY(read_status_line(text, answer, &is_10, err));
    GW_TRY(read_fields(text.len + 2, arena, answer, facts, err));
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
