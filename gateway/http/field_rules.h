/* field_rules: which header fields belong to one connection only, which names are traps, and what a list holds
 * (RFC 9110 sections 5.6, 6.5, 7.6.1). Pure; any thread. */
#pragma once

#include "gateway/http/message.h"

/* RFC 9110 section 5.6.2; false for an empty run. */
bool http_is_token(struct gw_str s);
bool http_is_token_byte(char c);
size_t http_token_run(struct gw_str s); /* how many bytes from the front may stand in a token */
/* RFC 9110 section 5.5: no control byte but tab. */
bool http_is_field_value(struct gw_str s);
size_t http_field_value_run(struct gw_str s); /* how many bytes from the front may stand in a value */

/* Is `token` an element of the comma-separated list `value` (ASCII case-insensitive, parameters not looked at)? */
bool http_list_has(struct gw_str value, struct gw_str token);
/* The same over all fields of that name. */
bool http_fields_have(const struct http_field *fields, size_t count, struct gw_str name, struct gw_str token);

/* Belongs to the connection it came on and never leaves as it came: Connection, Keep-Alive, Proxy-Connection, TE,
 * Transfer-Encoding, Upgrade, HTTP2-Settings. */
bool http_field_is_hop(struct gw_str name);

/* May a Connection field make a proxy drop this one? Not Host, the body's description, credentials, or what the gateway
 * adds itself: dropping those is only ever asked for to hurt. */
bool http_field_is_droppable(struct gw_str name);

/* Reads like Content-Length or Transfer-Encoding to a server that takes other punctuation for '-' ("Content_Length"),
 * without being one. */
bool http_field_mimics_framing(struct gw_str name);

/* May stand in a trailer section (RFC 9110 section 6.5.1): nothing that frames, routes, or authenticates. */
bool http_field_may_trail(struct gw_str name);

/* The Connection fields of a message, read once. */
struct http_connection_options {
    bool close;
    bool keep_alive;
    bool upgrade;
    bool te;
    bool nominates; /* names some other field */
    size_t count;
};
#define HTTP_CONNECTION_OPTIONS_MAX 32u /* each is compared with each field: a head with more is refused */
void http_connection_options_read(const struct http_field *fields, size_t count,
                                  struct http_connection_options *ret_options);
