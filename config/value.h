/* value: what one text of the configuration (or of the command line) means. Each function returns NULL when the text is
 * right, and else the reason as a sentence for people, with a suggestion where there is one; reasons and results live
 * in the arena. Pure: any thread. */
#pragma once

#include "config/config.h"

/* "64GiB", "512MiB", "4096". */
const char *config_size_parse(struct gw_arena *arena, struct gw_str text, uint64_t *ret_bytes);
/* "90d", "12h", "30m", "2s", "250ms": always with a unit. */
const char *config_duration_parse(struct gw_arena *arena, struct gw_str text, int64_t *ret_ms);
struct gw_str config_duration_format(struct gw_arena *arena, int64_t ms); /* in the largest unit that is exact */
/* "20%" */
const char *config_percent_parse(struct gw_arena *arena, struct gw_str text, uint32_t *ret_percent);

/* "203.0.113.0/24", "2001:db8::/32", or one address. Bits behind the prefix must be zero. */
const char *config_cidr_parse(struct gw_arena *arena, struct gw_str text, struct config_cidr *ret_cidr);
/* "http://host:port", "https://host", "http://[::1]:8080", "unix:/path"; nothing behind the port but one '/'. */
const char *config_url_parse(struct gw_arena *arena, struct gw_str text, struct config_url *ret_url);

/* An address to listen on, in parts. */
struct config_address {
    bool is_unix;
    bool is_v6;
    bool is_any;         /* 0.0.0.0 or [::] */
    bool is_loopback;    /* also a UNIX socket */
    uint8_t address[16]; /* as in config_cidr */
    uint16_t port;
};
/* "0.0.0.0:443", "[::]:443", "unix:/path". */
const char *config_address_parse(struct gw_arena *arena, struct gw_str text, struct config_address *ret_address);

/* Texts with a shape; the result is what is stored (hosts in lower case). */
typedef const char *(*config_text_fn)(struct gw_arena *arena, struct gw_str text, const char **ret_text);
const char *config_text_any(struct gw_arena *arena, struct gw_str text, const char **ret_text);  /* not empty */
const char *config_text_name(struct gw_arena *arena, struct gw_str text, const char **ret_text); /* app, folder, role */
const char *config_text_host(struct gw_arena *arena, struct gw_str text,
                             const char **ret_text); /* with or without port */
const char *config_text_origin(struct gw_arena *arena, struct gw_str text, const char **ret_text); /* "https://host" */
const char *config_text_path(struct gw_arena *arena, struct gw_str text, const char **ret_text);   /* "/saml/acs" */
const char *config_text_base_path(struct gw_arena *arena, struct gw_str text, const char **ret_text); /* "/scim/v2" */
const char *config_text_listen(struct gw_arena *arena, struct gw_str text, const char **ret_text);
const char *config_text_header(struct gw_arena *arena, struct gw_str text, const char **ret_text);  /* may be touched */
const char *config_text_cookie(struct gw_arena *arena, struct gw_str text, const char **ret_text);  /* may end in '*' */
const char *config_text_pointer(struct gw_arena *arena, struct gw_str text, const char **ret_text); /* RFC 6901 */
const char *config_text_saml_user(struct gw_arena *arena, struct gw_str text, const char **ret_text);
