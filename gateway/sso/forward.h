/* forward: the header fields under which a request goes to the app (semantics.md 8). Everything is passed as it came,
 * in order, case and repetition, but for two things: names of the strip list in every spelling (case, `_` and `.` for
 * `-`) are left out, and the forwarding headers are ours, once, at the end. A peer in `trusted_proxies` may bring its
 * own X-Forwarded-*; X-Forwarded-For then gets the peer appended. No decision is ever taken from one of them. Pure; the
 * rules are immutable; any thread. */
#pragma once

#include "config/config.h"
#include "gateway/http/message.h"

#include <sys/socket.h>

#define SSO_FORWARD_NAME_BYTES_MAX 128u /* a longer name is in no list */

/* Field names in every spelling. */
struct sso_forward_names {
    struct gw_str *list; /* lower case, `-` for `_` and `.` */
    size_t count;
    bool has_length[SSO_FORWARD_NAME_BYTES_MAX + 1]; /* most fields are in no list, and most of these by their length */
};

struct sso_forward_rules {
    struct sso_forward_names strip;
    struct sso_forward_names strip_answer; /* identity headers that the app sends for us alone */
    struct config_forwarded forwarded;
};

/* Allocates from `arena`, which must outlive the rules. */
void sso_forward_rules_init(struct sso_forward_rules *rules, struct gw_arena *arena,
                            const struct config_sso_face *face);

struct sso_forward_peer {
    struct gw_str address; /* as text; empty or "unix": not said to the app */
    bool is_trusted;
};

/* The fields in `arena`; *ret_count of them. */
struct http_field *sso_forward_fields(const struct sso_forward_rules *rules, const struct http_request *request,
                                      const struct sso_forward_peer *peer, struct gw_arena *arena, size_t *ret_count);

/* May the trailer field go to the app? Not one of the strip list, nor a forwarding header, in any spelling. */
bool sso_forward_trailer_passes(const struct http_field *field, const void *rules);
/* May it go to the client? Not what names the user to provgate alone. */
bool sso_forward_answer_trailer_passes(const struct http_field *field, const void *rules);

/* Takes the answer's identity headers out, in place. */
void sso_forward_answer(const struct sso_forward_rules *rules, struct http_answer *answer);

/* Is the peer in `trusted_proxies`? */
bool sso_forward_peer_is_trusted(const struct config_sso_face *face, const struct sockaddr *peer);
