#include "gateway/http/relay.h"

static void add_line(struct gw_buf *out, struct gw_str name, struct gw_str value)
{
    char *to = gw_buf_reserve(out, name.len + value.len + 4);
    if (to == NULL)
        return;
    memcpy(to, name.ptr, name.len);
    to += name.len;
    *to++ = ':';
    *to++ = ' ';
    if (value.len > 0)
        memcpy(to, value.ptr, value.len);
    to += value.len;
    *to++ = '\r';
    *to = '\n';
    gw_buf_advance(out, name.len + value.len + 4);
}

static bool lies_in(struct gw_str part, struct gw_str whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

/* Only what the sender itself sent can be dropped at its own request, never what the face added. */
static bool is_nominated(const struct http_field *field, struct gw_str raw, const struct http_field *own, size_t count)
{
    return lies_in(field->name, raw) && lies_in(field->value, raw) && http_field_is_droppable(field->name) &&
           http_fields_have(own, count, GW_STR("connection"), field->name);
}

/* --- requests -------------------------------------------------------------------------------------------------- */

struct request_writer {
    const struct http_flow *flow;
    struct gw_buf *out;
    bool said_connection;
    bool said_frame;
};

static void add_connection(struct request_writer *writer, struct gw_str name)
{
    bool upgrade = writer->flow->exchange.request.is_upgrade;
    bool te = writer->flow->request_facts.te_trailers;
    if (writer->said_connection || (!upgrade && !te))
        return;
    writer->said_connection = true;
    add_line(writer->out, name, upgrade && te ? GW_STR("Upgrade, TE") : upgrade ? GW_STR("Upgrade") : GW_STR("TE"));
}

/* True when the field has been dealt with. */
static bool add_hop_field(struct request_writer *writer, const struct http_field *field)
{
    const struct http_request *request = &writer->flow->exchange.request;
    if (!http_field_is_hop(field->name))
        return false;
    if (gw_str_eq_nocase(field->name, GW_STR("connection"))) {
        add_connection(writer, field->name);
    } else if (gw_str_eq_nocase(field->name, GW_STR("transfer-encoding"))) {
        if (request->body_kind == HTTP_BODY_CHUNKED && !writer->said_frame)
            add_line(writer->out, field->name, GW_STR("chunked"));
        writer->said_frame = true;
    } else if (gw_str_eq_nocase(field->name, GW_STR("te"))) {
        if (writer->flow->request_facts.te_trailers)
            add_line(writer->out, field->name, GW_STR("trailers"));
    } else if (gw_str_eq_nocase(field->name, GW_STR("upgrade")) && request->is_upgrade) {
        add_line(writer->out, field->name, field->value);
    }
    return true;
}

static void add_request_field(struct request_writer *writer, const struct http_field *field)
{
    const struct http_flow *flow = writer->flow;
    const struct http_request *request = &flow->exchange.request;
    if (add_hop_field(writer, field))
        return;
    if (gw_str_eq_nocase(field->name, GW_STR("content-length"))) {
        if (request->body_kind != HTTP_BODY_LENGTH || writer->said_frame)
            return;
        writer->said_frame = true;
    }
    /* The client was told to continue by us: the upstream has nothing more to say to it. */
    if (flow->is_collected && gw_str_eq_nocase(field->name, GW_STR("expect")))
        return;
    if (flow->request_facts.connection.nominates &&
        is_nominated(field, flow->request_facts.raw, request->fields, request->field_count))
        return;
    add_line(writer->out, field->name, field->value);
}

void http_relay_request_head(const struct http_flow *flow, struct gw_buf *out)
{
    const struct http_request *request = &flow->exchange.request;
    struct request_writer writer = {.flow = flow, .out = out};
    gw_buf_add(out, request->method);
    gw_buf_add_byte(out, ' ');
    gw_buf_add(out, request->target);
    gw_buf_add_lit(out, " HTTP/1.1\r\n");
    for (size_t i = 0; i < flow->forward_field_count; i++)
        add_request_field(&writer, &flow->forward_fields[i]);
    add_connection(&writer, GW_STR("Connection")); /* HTTP/2 has none, and TE needs one (RFC 9110 section 10.1.4) */
    if (!writer.said_frame && request->body_kind == HTTP_BODY_CHUNKED) {
        gw_buf_add_lit(out, "Transfer-Encoding: chunked\r\n");
    } else if (!writer.said_frame && request->body_kind == HTTP_BODY_LENGTH) {
        gw_buf_add_lit(out, "Content-Length: ");
        gw_buf_add_u64(out, request->body_length);
        gw_buf_add_lit(out, "\r\n");
    }
    gw_buf_add_lit(out, "\r\n");
}

/* --- answers --------------------------------------------------------------------------------------------------- */

bool http_relay_answer_field_stays(const struct http_relay_answer *relay, const struct http_field *field)
{
    const struct http_flow *flow = relay->flow;
    if (gw_str_eq_nocase(field->name, GW_STR("content-length")))
        return relay->keeps_length;
    if (relay->is_tunnel)
        return !gw_str_eq_nocase(field->name, GW_STR("transfer-encoding"));
    if (http_field_is_hop(field->name)) /* RFC 9110 section 15.5.22: 426 says what to upgrade to */
        return relay->answer->status == 426 && gw_str_eq_nocase(field->name, GW_STR("upgrade"));
    return flow == NULL || !flow->answer_facts.connection.nominates ||
           !is_nominated(field, flow->answer_facts.raw, flow->answer_fields, flow->answer_field_count);
}

void http_relay_answer_head(const struct http_relay_answer *relay, struct gw_buf *out)
{
    const struct http_answer *answer = relay->answer;
    bool said_chunked = false;
    gw_buf_add_lit(out, "HTTP/1.1 ");
    gw_buf_add_u64(out, (uint64_t)answer->status);
    gw_buf_add_byte(out, ' ');
    gw_buf_add(out, answer->reason);
    gw_buf_add_lit(out, "\r\n");
    for (size_t i = 0; i < answer->field_count; i++) {
        const struct http_field *field = &answer->fields[i];
        if (http_relay_answer_field_stays(relay, field)) {
            add_line(out, field->name, field->value);
        } else if (relay->is_chunked && !said_chunked && gw_str_eq_nocase(field->name, GW_STR("transfer-encoding"))) {
            add_line(out, field->name, GW_STR("chunked"));
            said_chunked = true;
        }
    }
    if (relay->is_chunked && !said_chunked)
        gw_buf_add_lit(out, "Transfer-Encoding: chunked\r\n");
    if (relay->connection != NULL)
        add_line(out, GW_STR("Connection"), gw_str_from(relay->connection));
    gw_buf_add_lit(out, "\r\n");
}

/* --- chunks ---------------------------------------------------------------------------------------------------- */

void http_relay_chunk(struct gw_str data, struct gw_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char size[16];
    size_t at = sizeof size;
    for (size_t left = data.len; left > 0; left /= 16)
        size[--at] = digits[left % 16];
    if (data.len == 0) /* would be the last chunk */
        return;
    gw_buf_add(out, gw_str_n(size + at, sizeof size - at));
    gw_buf_add_lit(out, "\r\n");
    gw_buf_add(out, data);
    gw_buf_add_lit(out, "\r\n");
}

void http_relay_last_chunk(const struct http_field *trailers, size_t count, struct gw_buf *out)
{
    gw_buf_add_lit(out, "0\r\n");
    for (size_t i = 0; i < count; i++) {
        if (http_field_may_trail(trailers[i].name))
            add_line(out, trailers[i].name, trailers[i].value);
    }
    gw_buf_add_lit(out, "\r\n");
}
