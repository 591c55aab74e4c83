#include "gateway/sso/route.h"

#define PORT_MAX 65535u
#define HOST_BYTES_MAX 255u /* RFC 1035 section 2.3.4 */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

static bool name_is_host(struct gw_str host)
{
    if (host.len == 0 || host.len > HOST_BYTES_MAX || host.ptr[host.len - 1] == '.')
        return false;
    for (size_t i = 0; i < host.len; i++) {
        if (!is_name_byte(host.ptr[i]))
            return false;
    }
    return true;
}

static bool literal_is_host(struct gw_str host)
{
    for (size_t i = 1; i + 1 < host.len; i++) {
        if (gw_hex_digit(host.ptr[i]) < 0 && host.ptr[i] != ':' && host.ptr[i] != '.')
            return false;
    }
    return host.len > 2;
}

/* Where the host ends: behind the bracket of a literal, else before the first colon. */
static bool host_end_find(struct gw_str text, size_t *ret_end)
{
    bool literal = text.len > 0 && text.ptr[0] == '[';
    ptrdiff_t at = gw_str_find(text, literal ? ']' : ':');
    if (literal && at < 0)
        return false;
    *ret_end = at < 0 ? text.len : (size_t)at + (literal ? 1 : 0);
    return true;
}

bool sso_authority_parse(struct gw_str text, struct sso_authority *ret_authority)
{
    size_t end;
    if (!host_end_find(text, &end))
        return false;
    *ret_authority = (struct sso_authority){.host = gw_str_n(text.ptr, end)};
    bool literal = end > 0 && text.ptr[0] == '[';
    if (literal ? !literal_is_host(ret_authority->host) : !name_is_host(ret_authority->host))
        return false;
    if (end == text.len)
        return true;
    uint64_t port;
    if (text.ptr[end] != ':' || !gw_str_to_u64(gw_str_from_pos(text, end + 1), PORT_MAX, &port) || port == 0)
        return false;
    ret_authority->has_port = true;
    ret_authority->port = (uint16_t)port;
    return true;
}

static bool port_matches(const struct sso_route *route, const struct sso_authority *asked, uint16_t local_port,
                         bool tls)
{
    if (!route->authority.has_port)
        return !asked->has_port || asked->port == local_port || asked->port == route->public_port;
    uint16_t port = asked->has_port ? asked->port : (tls ? 443 : 80);
    return port == route->authority.port;
}

size_t sso_route_find(const struct sso_routes *routes, struct gw_str authority, uint16_t local_port, bool tls)
{
    struct sso_authority asked;
    if (!sso_authority_parse(authority, &asked))
        return SSO_ROUTE_NONE;
    for (size_t i = 0; i < routes->count; i++) {
        const struct sso_route *route = &routes->list[i];
        if (gw_str_eq_nocase(route->authority.host, asked.host) && port_matches(route, &asked, local_port, tls))
            return route->app;
    }
    return SSO_ROUTE_NONE;
}
