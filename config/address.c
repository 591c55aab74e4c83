/* Addresses, ranges and URLs. Names are not resolved here. */
#include "config/value.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#define REASON(arena, ...) (gw_arena_printf((arena), __VA_ARGS__).ptr)

/* The sockaddr_un field, less the NUL. */
#define UNIX_PATH_BYTES_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static bool read_ip(struct gw_str text, uint8_t address[16], bool *ret_is_v6)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *ret_is_v6 = gw_str_find(text, ':') >= 0;
    if (*ret_is_v6)
        return inet_pton(AF_INET6, copy, address) == 1;
    memset(address, 0, 10);
    address[10] = address[11] = 0xff;
    return inet_pton(AF_INET, copy, address + 12) == 1;
}

/* Clears what stands behind the prefix; was it clear already? */
static bool clear_host_bits(uint8_t address[16], unsigned bits)
{
    bool was_clear = true;
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        unsigned mask = kept >= 8 ? 0xffu : 0xffu << (8 - kept) & 0xffu;
        was_clear = was_clear && (address[i] & ~mask) == 0;
        address[i] = (uint8_t)(address[i] & mask);
    }
    return was_clear;
}

const char *config_cidr_parse(struct gw_arena *arena, struct gw_str text, struct config_cidr *ret_cidr)
{
    struct gw_str rest = text;
    struct gw_str host = gw_str_split(&rest, '/');
    bool is_v6;
    uint64_t bits = 0;
    if (!read_ip(host, ret_cidr->address, &is_v6))
        return REASON(arena, "\"%.*s\" is not an address range such as 203.0.113.0/24", GW_STR_ARG(text));
    unsigned width = is_v6 ? 128 : 32;
    if (rest.ptr == NULL)
        bits = width;
    else if (!gw_str_to_u64(rest, width, &bits))
        return REASON(arena, "\"%.*s\": the prefix is a number from 0 to %u", GW_STR_ARG(text), width);
    ret_cidr->bits = (uint8_t)(bits + (is_v6 ? 0 : 96));
    if (clear_host_bits(ret_cidr->address, ret_cidr->bits))
        return NULL;
    char right[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(is_v6 ? AF_INET6 : AF_INET, ret_cidr->address + (is_v6 ? 0 : 12), right, sizeof right);
    return REASON(arena, "\"%.*s\" has bits behind its prefix; did you mean %s/%u?", GW_STR_ARG(text), right,
                  (unsigned)bits);
}

bool config_cidr_contains(const struct config_cidr *ranges, size_t count, const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        uint8_t masked[16];
        memcpy(masked, address, sizeof masked);
        (void)clear_host_bits(masked, ranges[i].bits);
        if (memcmp(masked, ranges[i].address, sizeof masked) == 0)
            return true;
    }
    return false;
}

static bool is_in(const struct config_cidr *ranges, size_t count, const struct sockaddr *peer)
{
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
    if (peer->sa_family == AF_INET)
        memcpy(address + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    else if (peer->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, sizeof address);
    else
        return true;
    return config_cidr_contains(ranges, count, address);
}

bool config_listener_allows(const struct sockaddr *peer, void *listener)
{
    const struct config_listener *config = listener;
    return config->allow_from_count == 0 || is_in(config->allow_from, config->allow_from_count, peer);
}

bool config_listener_trusts_header(const struct sockaddr *peer, void *listener)
{
    const struct config_listener *config = listener;
    return is_in(config->proxy_from, config->proxy_from_count, peer);
}

static const char *check_unix_path(struct gw_arena *arena, struct gw_str path)
{
    if (path.len < 2 || path.ptr[0] != '/')
        return REASON(arena, "\"unix:%.*s\": the path of a UNIX socket starts with '/'", GW_STR_ARG(path));
    if (path.len > UNIX_PATH_BYTES_MAX)
        return REASON(arena, "the path of a UNIX socket has at most %zu bytes", UNIX_PATH_BYTES_MAX);
    return NULL;
}

/* Cuts "host", "host:port" or "[v6]:port"; the brackets are dropped. False when the brackets are wrong. */
static bool cut_port(struct gw_str text, struct gw_str *ret_host, struct gw_str *ret_port)
{
    if (text.len > 0 && text.ptr[0] == '[') {
        ptrdiff_t end = gw_str_find(text, ']');
        if (end < 0)
            return false;
        *ret_host = gw_str_n(text.ptr + 1, (size_t)end - 1);
        struct gw_str rest = gw_str_from_pos(text, (size_t)end + 1);
        *ret_port = rest.len > 0 ? gw_str_from_pos(rest, 1) : GW_STR_NONE;
        return gw_str_find(*ret_host, ':') >= 0 && (rest.len == 0 || rest.ptr[0] == ':');
    }
    *ret_port = text;
    *ret_host = gw_str_split(ret_port, ':');
    return gw_str_find(*ret_port, ':') < 0;
}

static bool read_port(struct gw_str text, uint16_t *ret_port)
{
    uint64_t port;
    if (!gw_str_to_u64(text, 65535, &port) || port == 0 || text.len > 5)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

const char *config_address_parse(struct gw_arena *arena, struct gw_str text, struct config_address *ret_address)
{
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t any_v6[16];
    static const uint8_t loopback_v6[16] = {[15] = 1};
    *ret_address = (struct config_address){0};
    if (gw_str_starts(text, GW_STR("unix:"))) {
        ret_address->is_unix = ret_address->is_loopback = true;
        return check_unix_path(arena, gw_str_from_pos(text, 5));
    }
    struct gw_str host = GW_STR_NONE;
    struct gw_str port = GW_STR_NONE;
    if (!cut_port(text, &host, &port) || port.len == 0)
        return REASON(arena, "\"%.*s\" is not an address and a port such as 0.0.0.0:443, [::]:443 or unix:/path",
                      GW_STR_ARG(text));
    if (!read_ip(host, ret_address->address, &ret_address->is_v6))
        return REASON(arena, "\"%.*s\" is not an IP address; listeners take addresses, not names", GW_STR_ARG(host));
    if (ret_address->is_v6 != (text.ptr[0] == '['))
        return REASON(arena, "\"%.*s\" is not an address; IPv6 stands in brackets", GW_STR_ARG(text));
    if (!read_port(port, &ret_address->port))
        return REASON(arena, "\"%.*s\" is not a port from 1 to 65535", GW_STR_ARG(port));
    const uint8_t *address = ret_address->address;
    ret_address->is_any = memcmp(address, ret_address->is_v6 ? any_v6 : any_v4, 16) == 0;
    ret_address->is_loopback = ret_address->is_v6 ? memcmp(address, loopback_v6, 16) == 0 : address[12] == 127;
    return NULL;
}

const char *config_text_listen(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    struct config_address address;
    *ret_text = gw_arena_cstr(arena, text);
    return config_address_parse(arena, text, &address);
}

static bool is_host_name(struct gw_str name)
{
    if (name.len == 0 || name.len > 253 || name.ptr[0] == '.' || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = gw_lower(name.ptr[i]);
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  (c == '.' && name.ptr[i - 1] != '.');
        if (!ok)
            return false;
    }
    return name.ptr[name.len - 1] != '.';
}

/* "name", "name:port", "[v6]", "[v6]:port"; port 0 when there is none. */
static const char *read_host(struct gw_arena *arena, struct gw_str text, struct gw_str *ret_host, uint16_t *ret_port)
{
    struct gw_str port = GW_STR_NONE;
    *ret_port = 0;
    bool is_v6 = text.len > 0 && text.ptr[0] == '[';
    uint8_t address[16];
    bool ok =
        cut_port(text, ret_host, &port) && (is_v6 ? read_ip(*ret_host, address, &is_v6) : is_host_name(*ret_host));
    if (!ok)
        return REASON(arena, "\"%.*s\" is not a host name; write it without scheme and path", GW_STR_ARG(text));
    if (port.ptr != NULL && !read_port(port, ret_port))
        return REASON(arena, "\"%.*s\" is not a port from 1 to 65535", GW_STR_ARG(port));
    return NULL;
}

const char *config_text_host(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    struct gw_str host = GW_STR_NONE;
    uint16_t port = 0;
    *ret_text = gw_arena_lower(arena, text).ptr;
    if (gw_str_starts_nocase(text, GW_STR("http://")) || gw_str_starts_nocase(text, GW_STR("https://"))) {
        struct gw_str rest = gw_str_from_pos(text, (size_t)gw_str_find(text, '/') + 2);
        struct gw_str name = gw_str_split(&rest, '/');
        return REASON(arena, "\"%.*s\" is an address, not a host; did you mean %.*s?", GW_STR_ARG(text),
                      GW_STR_ARG(name));
    }
    return read_host(arena, text, &host, &port);
}

static const char *read_scheme(struct gw_arena *arena, struct gw_str text, struct config_url *url,
                               struct gw_str *ret_rest)
{
    url->is_https = gw_str_starts(text, GW_STR("https://"));
    if (!url->is_https && !gw_str_starts(text, GW_STR("http://")))
        return REASON(arena, "\"%.*s\" is not a URL; it starts with http:// or https://", GW_STR_ARG(text));
    *ret_rest = gw_str_from_pos(text, url->is_https ? 8 : 7);
    if (gw_str_find(*ret_rest, '@') >= 0)
        return REASON(arena, "a URL here carries no user name or password");
    if (gw_str_ends(*ret_rest, GW_STR("/")))
        ret_rest->len--;
    if (gw_str_find(*ret_rest, '/') >= 0 || gw_str_find(*ret_rest, '?') >= 0 || gw_str_find(*ret_rest, '#') >= 0)
        return REASON(arena, "\"%.*s\" has a path; only scheme, host and port are written here", GW_STR_ARG(text));
    return NULL;
}

const char *config_url_parse(struct gw_arena *arena, struct gw_str text, struct config_url *ret_url)
{
    *ret_url = (struct config_url){.text = gw_arena_cstr(arena, text)};
    if (gw_str_starts(text, GW_STR("unix:"))) {
        ret_url->unix_path = gw_arena_cstr(arena, gw_str_from_pos(text, 5));
        return check_unix_path(arena, gw_str_from_pos(text, 5));
    }
    struct gw_str rest = GW_STR_NONE;
    const char *reason = read_scheme(arena, text, ret_url, &rest);
    if (reason != NULL)
        return reason;
    struct gw_str host = GW_STR_NONE;
    reason = read_host(arena, rest, &host, &ret_url->port);
    if (reason != NULL)
        return reason;
    ret_url->host = gw_arena_lower(arena, host).ptr;
    if (ret_url->port == 0)
        ret_url->port = ret_url->is_https ? 443 : 80;
    return NULL;
}

const char *config_text_origin(struct gw_arena *arena, struct gw_str text, const char **ret_text)
{
    struct config_url url;
    *ret_text = "";
    if (gw_str_starts(text, GW_STR("unix:")))
        return "this is the public address; it starts with http:// or https://";
    const char *reason = config_url_parse(arena, text, &url);
    if (gw_str_ends(text, GW_STR("/")))
        text.len--;
    *ret_text = gw_arena_lower(arena, text).ptr;
    return reason;
}
