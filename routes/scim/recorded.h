/* recorded: which attributes' values go into the activity record beside their names, and what is written of them. An
 * operator names them; what is never returned cannot be named, so no secret gets there. Pure; any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

#define SCIM_RECORDED_MAX 16u
/* Of one value: of a string its own bytes, of anything else its JSON. A longer one becomes a string that ends in "...".
 */
#define SCIM_RECORDED_VALUE_BYTES_MAX 256u

struct scim_recorded_attribute {
    struct gw_str name; /* as the tables spell it: [URN ":"] name ["." sub] */
    struct scim_ref ref;
};

struct scim_recorded {
    struct scim_recorded_attribute list[SCIM_RECORDED_MAX];
    size_t count;
};

/* Adds an attribute of a resource type. GW_E_NOT_FOUND: there is none of that name. GW_E_INVALID_VALUE: its values are
 * never recorded, or it was added before. The name lives in the arena; the tables are borrowed. */
GW_MUST_CHECK enum gw_code scim_recorded_add(struct gw_arena *arena, const struct scim_resource_type *type,
                                             struct gw_str name, struct scim_recorded *recorded, struct gw_error *err);

/* {"title":["old","new"]} of those in which two resources differ; null is what was not there, and `before` NULL says
 * that nothing was. Empty when they differ in none. In the arena. */
struct gw_str scim_recorded_values(struct gw_arena *arena, const struct scim_recorded *recorded,
                                   const struct json_value *before, const struct json_value *after);
