#include "routes/scim/handlers/location.h"

/* Lists write a thousand of them: without printf. */
struct gw_str resource_location(struct gw_arena *arena, const struct prov_request *r,
                                const struct scim_resource_type *type, struct gw_str id)
{
    const struct gw_str parts[] = {r->base_url, type->endpoint, GW_STR("/"), id};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        len += parts[i].len;
    char *text = gw_arena_alloc(arena, len);
    size_t at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return gw_str_n(text, len);
}
