/* message: the values that a request head and an answer head are made of. Borrowed runs of bytes; any thread. */
#pragma once

#include "gateway/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* As it arrived: order, case and repetition are kept (law 1). HTTP/2 names are lower case. */
struct http_field {
    struct gw_str name;
    struct gw_str value; /* without blanks at its ends */
};

#define HTTP_FIELDS_MAX 100u /* RFC 9110 section 5.4 leaves the cap to us; 431 beyond */
#define HTTP_HEAD_BYTES_MAX (64u * 1024u)
#define HTTP_LINE_BYTES_MAX (32u * 1024u) /* request line; 414 beyond */

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

struct http_request {
    struct gw_str method;    /* a token, case kept */
    struct gw_str target;    /* raw, as it goes upstream; absolute form of our own authority is reduced to path?query */
    struct gw_str path;      /* the part of target before '?' */
    struct gw_str query;     /* behind '?'; ptr NULL without one */
    struct gw_str authority; /* Host or :authority as it arrived; empty when an HTTP/1.0 request has none */
    struct http_field *fields;
    size_t field_count;
    enum http_body_kind body_kind;
    uint64_t body_length; /* with HTTP_BODY_LENGTH */
    int version;          /* 10, 11, 20 */
    bool tls;
    bool is_upgrade; /* asks for another protocol (RFC 9110 section 7.8) with "Upgrade" in Connection */
    bool expects_continue;
    bool is_head;        /* HEAD: the answer has no body */
    uint16_t local_port; /* of the listener */
};

struct http_answer {
    int status;
    struct gw_str reason;
    struct http_field *fields; /* the face may replace array and count in on_answer_head; memory from x->arena */
    size_t field_count;
};

/* The value of the first field of that name (ASCII case-insensitive), or ptr NULL. */
struct gw_str http_field_find(const struct http_field *fields, size_t count, struct gw_str name);
size_t http_field_count(const struct http_field *fields, size_t count, struct gw_str name);
/* The values of all fields of that name, in order, into `ret_values` (room for HTTP_FIELDS_MAX); how many. */
size_t http_field_values(const struct http_field *fields, size_t count, struct gw_str name, struct gw_str *ret_values);
static inline struct gw_str http_request_field(const struct http_request *request, struct gw_str name)
{
    return http_field_find(request->fields, request->field_count, name);
}

/* The standard reason phrase (RFC 9110 section 15), "" for a status without one. */
const char *http_status_reason(int status);
