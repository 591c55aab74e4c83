/* route: which app does a request belong to? By its authority alone, never by a forwarded header. Applies to the hosts
 * of SSO faces only: a name that is not ours, the hosts of PROV faces among them, finds nothing and is answered 421
 * (law 5). Immutable after it was made; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

#include <stdint.h>

/* An authority in its two parts (RFC 3986 section 3.2, without user information). `host` keeps the brackets of an IPv6
 * literal. False for everything that is not a plain host: empty, a dot at the end, a port that is none, bytes that no
 * host has. */
struct sso_authority {
    struct gw_str host;
    bool has_port;
    uint16_t port;
};
bool sso_authority_parse(struct gw_str text, struct sso_authority *ret_authority);

struct sso_route {
    struct sso_authority authority;
    uint16_t public_port; /* of external_url; 0: not said */
    size_t app;           /* index in the configuration */
};

struct sso_routes {
    struct sso_route *list;
    size_t count;
};

#define SSO_ROUTE_NONE SIZE_MAX

/* The app's index, or SSO_ROUTE_NONE. A configured host without a port matches the listener's own port, the port of the
 * public address, and none; one with a port matches that port only, and none where it is the scheme's default. */
size_t sso_route_find(const struct sso_routes *routes, struct gw_str authority, uint16_t local_port, bool tls);
