/* values: from activity.values of the configuration to the attributes of an app's resources. Names are looked up in the
 * schemas of every app with a prov face, its own extensions among them; one that an app does not have is recorded of
 * the others. Pure; any thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/arena.h"
#include "routes/scim/recorded.h"

struct prov_values {
    struct scim_recorded users;
    struct scim_recorded groups; /* displayName, if it is named */
};

/* Of names that prov_values_check accepts. Names lie in the arena, the tables of `set` are borrowed. */
void prov_values_fill(struct gw_arena *arena, const struct config *config, const struct scim_schema_set *set,
                      struct prov_values *ret_values);

/* GW_E_CONFIG with "FILE:LINE:COLUMN: KEY: reason": no app has such an attribute, or its values are never recorded. */
GW_MUST_CHECK enum gw_code prov_values_check(const struct config *config, struct gw_error *err);
