#include "routes/scim/handlers/condition.h"

struct gw_str condition_tag(struct gw_arena *arena, uint64_t version)
{
    return gw_arena_printf(arena, "W/\"%llu\"", (unsigned long long)version);
}

uint64_t condition_version(struct gw_str tag)
{
    uint64_t version = 0;
    tag = gw_str_trim(tag);
    if (gw_str_starts_nocase(tag, GW_STR("W/")))
        tag = gw_str_from_pos(tag, 2);
    if (tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"')
        tag = gw_str_n(tag.ptr + 1, tag.len - 2);
    return gw_str_to_u64(tag, UINT64_MAX, &version) ? version : 0;
}

static bool names_version(struct gw_str list, uint64_t version)
{
    while (list.ptr != NULL) {
        struct gw_str tag = gw_str_trim(gw_str_split(&list, ','));
        if (gw_str_eq(tag, GW_STR("*")) || (tag.len > 0 && condition_version(tag) == version))
            return true;
    }
    return false;
}

/* Over all fields of the name. False in *ret_given when there is none. */
static bool any_names_version(const struct http_request *request, struct gw_str name, uint64_t version, bool *ret_given)
{
    bool found = false;
    *ret_given = false;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!gw_str_eq_nocase(request->fields[i].name, name))
            continue;
        *ret_given = true;
        found = found || names_version(request->fields[i].value, version);
    }
    return found;
}

bool condition_is_fresh(const struct http_request *request, uint64_t version)
{
    bool is_given;
    return any_names_version(request, GW_STR("If-None-Match"), version, &is_given);
}

bool condition_fails(const struct http_request *request, uint64_t version)
{
    bool is_given;
    if (any_names_version(request, GW_STR("If-None-Match"), version, &is_given))
        return true;
    bool found = any_names_version(request, GW_STR("If-Match"), version, &is_given);
    return is_given && !found;
}
