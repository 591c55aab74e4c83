/* schemas: from the extension schemas of a configuration to the tables that decide what is accepted, kept, filtered,
 * patched and advertised. Pure; any thread. */
#pragma once

#include "config/config.h"
#include "gateway/base/arena.h"
#include "routes/scim/schema.h"

/* The built-in schemas and what the face declares; `face` NULL: the built-in ones. The tables lie in the arena and
 * borrow the configuration's texts. */
void prov_schemas_init(struct gw_arena *arena, const struct config_prov_face *face, struct scim_schema_set *set);
