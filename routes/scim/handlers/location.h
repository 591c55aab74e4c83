/* location: where a resource is, as the client reached us (RFC 7644 section 3.1: meta.location, $ref, Location). */
#pragma once

#include "routes/request.h"

struct gw_str resource_location(struct gw_arena *arena, const struct prov_request *r,
                                const struct scim_resource_type *type, struct gw_str id);
