#include "gateway/sso/forward.h"

#include <netinet/in.h>

#define OWN_FIELDS 4u

static char name_byte(char c)
{
    return c == '_' || c == '.' ? '-' : gw_lower(c);
}

/* The spelling-free form of a field name; false when its length says that it is not in the list. */
static bool name_normalise(const struct sso_forward_names *names, struct gw_str name,
                           char dst[SSO_FORWARD_NAME_BYTES_MAX], struct gw_str *ret_name)
{
    if (name.len > SSO_FORWARD_NAME_BYTES_MAX || !names->has_length[name.len])
        return false;
    for (size_t i = 0; i < name.len; i++)
        dst[i] = name_byte(name.ptr[i]);
    *ret_name = gw_str_n(dst, name.len);
    return true;
}

static void names_init(struct sso_forward_names *names, struct gw_arena *arena, size_t most)
{
    names->list = gw_arena_array(arena, most + 1, sizeof *names->list);
}

static void names_add(struct sso_forward_names *names, struct gw_arena *arena, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;
    if (len == 0 || len > SSO_FORWARD_NAME_BYTES_MAX)
        return;
    char *bytes = gw_arena_alloc(arena, len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = name_byte(name[i]);
    names->list[names->count++] = gw_str_n(bytes, len);
    names->has_length[len] = true;
}

static bool names_have(const struct sso_forward_names *names, struct gw_str normalised)
{
    for (size_t i = 0; i < names->count; i++) {
        if (gw_str_eq(names->list[i], normalised))
            return true;
    }
    return false;
}

/* The four headers that say what stood before provgate. */
enum own_field { OWN_FOR, OWN_PROTO, OWN_HOST, OWN_PORT, OWN_NONE };

static const struct gw_str own_names[OWN_FIELDS] = {GW_STR_INIT("X-Forwarded-For"), GW_STR_INIT("X-Forwarded-Proto"),
                                                    GW_STR_INIT("X-Forwarded-Host"), GW_STR_INIT("X-Forwarded-Port")};

void sso_forward_rules_init(struct sso_forward_rules *rules, struct gw_arena *arena, const struct config_sso_face *face)
{
    *rules = (struct sso_forward_rules){.forwarded = face->forwarded};
    names_init(&rules->strip, arena, face->strip_request_header_count + face->identity_count + face->inject_count);
    names_init(&rules->strip_answer, arena, face->identity_count);
    for (size_t i = 0; i < face->strip_request_header_count; i++)
        names_add(&rules->strip, arena, face->strip_request_headers[i]);
    for (size_t i = 0; i < face->identity_count; i++) {
        if (face->identities[i].kind != CONFIG_IDENTITY_HEADER)
            continue;
        names_add(&rules->strip, arena, face->identities[i].header_name);
        names_add(&rules->strip_answer, arena, face->identities[i].header_name);
    }
    for (size_t i = 0; i < face->inject_count; i++)
        names_add(&rules->strip, arena, face->inject[i].name);
    for (size_t i = 0; i < OWN_FIELDS; i++)
        rules->strip.has_length[own_names[i].len] = true;
}

static enum own_field own_field_of(struct gw_str normalised)
{
    if (!gw_str_starts(normalised, GW_STR("x-forwarded-")))
        return OWN_NONE;
    for (unsigned i = 0; i < OWN_FIELDS; i++) {
        if (gw_str_eq_nocase(normalised, own_names[i]))
            return (enum own_field)i;
    }
    return OWN_NONE;
}

struct forwarding {
    const struct sso_forward_rules *rules;
    const struct http_request *request;
    const struct sso_forward_peer *peer;
    struct gw_arena *arena;
    struct http_field *fields;
    size_t count;
    struct gw_str brought[OWN_FIELDS]; /* by a trusted peer */
};

/* Several lines of one name are one list (RFC 9110 section 5.3). */
static void brought_add(struct forwarding *f, enum own_field own, struct gw_str value)
{
    struct gw_str *brought = &f->brought[own];
    if (brought->len == 0)
        *brought = value;
    else if (own == OWN_FOR)
        *brought = gw_arena_printf(f->arena, "%.*s, %.*s", GW_STR_ARG(*brought), GW_STR_ARG(value));
}

static void field_pass(struct forwarding *f, const struct http_field *field)
{
    char bytes[SSO_FORWARD_NAME_BYTES_MAX];
    struct gw_str name;
    if (name_normalise(&f->rules->strip, field->name, bytes, &name)) {
        enum own_field own = own_field_of(name);
        /* Another spelling is nobody's forwarding header but a CGI app's (CVE-2025-64484). */
        if (own != OWN_NONE) {
            if (f->peer->is_trusted && gw_str_eq_nocase(field->name, own_names[own]))
                brought_add(f, own, field->value);
            return;
        }
        if (names_have(&f->rules->strip, name))
            return;
    }
    f->fields[f->count++] = *field;
}

bool sso_forward_trailer_passes(const struct http_field *field, const void *data)
{
    const struct sso_forward_rules *rules = data;
    char bytes[SSO_FORWARD_NAME_BYTES_MAX];
    struct gw_str name;
    return !name_normalise(&rules->strip, field->name, bytes, &name) ||
           (own_field_of(name) == OWN_NONE && !names_have(&rules->strip, name));
}

/* A dual-stack listener names an IPv4 peer as ::ffff:192.0.2.7; apps know it without. */
static struct gw_str plain_address(struct gw_str address)
{
    bool is_mapped = gw_str_starts_nocase(address, GW_STR("::ffff:")) && gw_str_find(address, '.') > 0;
    return is_mapped ? gw_str_from_pos(address, sizeof "::ffff:" - 1) : address;
}

static struct gw_str own_value(const struct forwarding *f, enum own_field own)
{
    const struct gw_str address = plain_address(f->peer->address);
    bool said = address.len > 0 && !gw_str_eq(address, GW_STR("unix"));
    switch (own) {
    case OWN_FOR:
        if (f->brought[OWN_FOR].len > 0 && said)
            return gw_arena_printf(f->arena, "%.*s, %.*s", GW_STR_ARG(f->brought[OWN_FOR]), GW_STR_ARG(address));
        return said ? address : f->brought[OWN_FOR];
    case OWN_PROTO:
        return f->request->tls ? GW_STR("https") : GW_STR("http");
    case OWN_HOST:
        return f->request->authority;
    case OWN_PORT:
        return gw_arena_u64(f->arena, f->request->local_port);
    case OWN_NONE:
        break;
    }
    return GW_STR_NONE;
}

static void own_field_add(struct forwarding *f, enum own_field own, bool is_on)
{
    struct gw_str value = f->brought[own];
    if (is_on && (own == OWN_FOR || value.len == 0))
        value = own_value(f, own);
    if (value.len > 0)
        f->fields[f->count++] = (struct http_field){.name = own_names[own], .value = value};
}

struct http_field *sso_forward_fields(const struct sso_forward_rules *rules, const struct http_request *request,
                                      const struct sso_forward_peer *peer, struct gw_arena *arena, size_t *ret_count)
{
    struct forwarding f = {.rules = rules, .request = request, .peer = peer, .arena = arena};
    f.fields = gw_arena_array(arena, request->field_count + OWN_FIELDS, sizeof *f.fields);
    for (size_t i = 0; i < request->field_count; i++)
        field_pass(&f, &request->fields[i]);
    own_field_add(&f, OWN_FOR, rules->forwarded.for_on);
    own_field_add(&f, OWN_PROTO, rules->forwarded.proto_on);
    own_field_add(&f, OWN_HOST, rules->forwarded.host_on);
    own_field_add(&f, OWN_PORT, rules->forwarded.port_on);
    *ret_count = f.count;
    return f.fields;
}

bool sso_forward_answer_trailer_passes(const struct http_field *field, const void *data)
{
    const struct sso_forward_rules *rules = data;
    char bytes[SSO_FORWARD_NAME_BYTES_MAX];
    struct gw_str name;
    return !name_normalise(&rules->strip_answer, field->name, bytes, &name) || !names_have(&rules->strip_answer, name);
}

void sso_forward_answer(const struct sso_forward_rules *rules, struct http_answer *answer)
{
    if (rules->strip_answer.count == 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < answer->field_count; i++) {
        if (sso_forward_answer_trailer_passes(&answer->fields[i], rules))
            answer->fields[kept++] = answer->fields[i];
    }
    answer->field_count = kept;
}

static bool address_bytes(const struct sockaddr *peer, uint8_t dst[16])
{
    if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, peer, sizeof v6);
        memcpy(dst, &v6.sin6_addr, 16);
        return true;
    }
    if (peer->sa_family != AF_INET)
        return false;
    struct sockaddr_in v4;
    memcpy(&v4, peer, sizeof v4);
    memset(dst, 0, 10);
    dst[10] = dst[11] = 0xff;
    memcpy(dst + 12, &v4.sin_addr, 4);
    return true;
}

bool sso_forward_peer_is_trusted(const struct config_sso_face *face, const struct sockaddr *peer)
{
    uint8_t address[16];
    return face->trusted_proxy_count > 0 && peer != NULL && address_bytes(peer, address) &&
           config_cidr_contains(face->trusted_proxies, face->trusted_proxy_count, address);
}
