/* schema_tables: the built-in schemas. Only schema.c needs them by name. Immutable; any thread. */
#pragma once

#include "routes/scim/schema.h"

extern const struct scim_attribute SCIM_COMMON_ATTRIBUTES[];
extern const size_t SCIM_COMMON_ATTRIBUTE_COUNT;

extern const struct scim_schema SCIM_SCHEMA_USER;
extern const struct scim_schema SCIM_SCHEMA_USER_WITH_ROLES; /* and entitlements */
extern const struct scim_schema SCIM_SCHEMA_ENTERPRISE;
extern const struct scim_schema SCIM_SCHEMA_GROUP;
extern const struct scim_schema SCIM_SCHEMA_ROLE;
extern const struct scim_schema SCIM_SCHEMA_ENTITLEMENT;
