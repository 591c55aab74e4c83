/* head: the strict rules for request heads and answer heads, and for trailer sections (RFC 9112 sections 2 to 6).
 *
 * Fields are split by picohttpparser; what is believed of them is decided here. What two servers could read in two ways
 * is refused: both or two framings, odd lengths and codings, bare LF or CR, folded lines, blanks before a colon, names
 * that mimic framing fields, no or two or odd Hosts. Odd paths are left exactly as they are. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/http/field_rules.h"
#include "gateway/http/message.h"

/* Finds the end of a head in growing input. Zeroed at first. */
struct http_head_scan {
    size_t scanned;    /* bytes that were looked at */
    size_t line_begin; /* of the line that is not complete yet */
    size_t lines;
    size_t blank; /* bytes of an empty line in front (RFC 9112 section 2.2 asks servers to skip one) */
};

/* *ret_head_bytes stays 0 while the head is not complete. A head ends with an empty line; each line ends in CRLF. Fails
 * with GW_E_BAD_REQUEST, GW_E_URI_TOO_LONG or GW_E_HEAD_TOO_LARGE as soon as that is known. */
GW_MUST_CHECK enum gw_code http_head_scan(struct http_head_scan *scan, struct gw_str input, size_t *ret_head_bytes,
                                          struct gw_error *err);

/* Checks the request line alone, so that a client of another protocol is not left waiting for an answer. */
GW_MUST_CHECK enum gw_code http_request_line_check(struct gw_str head, struct gw_error *err);

struct http_request_facts {
    struct http_connection_options connection;
    bool te_trailers;  /* the client reads trailers (RFC 9110 section 10.1.4) */
    struct gw_str raw; /* the arena's copy of the head: what lies in it is the client's own */
};

/* `head` is complete, from the request line to the empty line; it is copied into `arena`, where all of `ret_request`
 * points. Fills all but tls and local_port. */
GW_MUST_CHECK enum gw_code http_request_head_parse(struct gw_str head, struct gw_arena *arena,
                                                   struct http_request *ret_request,
                                                   struct http_request_facts *ret_facts, struct gw_error *err);

struct http_answer_facts {
    enum http_body_kind body_kind; /* of the message body that follows, the request's method considered */
    uint64_t body_length;
    bool keeps_connection;
    struct http_connection_options connection;
    struct gw_str raw; /* the arena's copy of the head */
};

/* The same for an answer. GW_E_UPSTREAM when it cannot be believed. A blank before a colon and folded lines are mended
 * (RFC 9112 section 5.1 and 5.2) but for the fields that frame the body. */
GW_MUST_CHECK enum gw_code http_answer_head_parse(struct gw_str head, struct gw_arena *arena, bool is_head_request,
                                                  struct http_answer *ret_answer, struct http_answer_facts *ret_facts,
                                                  struct gw_error *err);

/* What frames a body (RFC 9112 section 6.3): at most one of the two fields, at most once. In a request the values must
 * be without a blank too many. For the parsers of heads. */
struct http_body_frame {
    const struct http_field *length;
    const struct http_field *coding;
    uint64_t length_bytes;
};
GW_MUST_CHECK enum gw_code http_body_frame_find(const struct http_field *fields, size_t count, bool is_request,
                                                struct http_body_frame *ret_frame, struct gw_error *err);

/* Field lines and their empty line, which stay where they are and must outlive the fields. Used for trailers, where
 * `lines` may be empty as well. */
GW_MUST_CHECK enum gw_code http_fields_parse(struct gw_str lines, struct gw_arena *arena,
                                             struct http_field **ret_fields, size_t *ret_count, struct gw_error *err);

/* What both protocols hold against a request's parts. A length: plain digits, no leading zero. An authority: uri-host
 * [ ":" port ] (RFC 9110 section 7.2), without userinfo and percent codes. A target: no blank, control byte or '#'. */
bool http_length_parse(struct gw_str value, uint64_t *ret_length);
bool http_is_authority(struct gw_str s);
bool http_is_target(struct gw_str target);
/* Do two authorities name the same? The default port of the scheme may be said or not (RFC 3986 section 6.2.3). */
bool http_authority_eq(struct gw_str a, struct gw_str b, bool is_https);
