/* schema: extension schemas of SCIM that a configuration declares (RFC 7643 sections 2.2 and 3.3). Part of config.h's
 * snapshot: immutable; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Caps (law 10). */
#define CONFIG_SCHEMAS_MAX                                                                                             \
    7u /* routes/scim takes eight for a resource type, one of which is the enterprise extension */
#define CONFIG_ATTRIBUTES_MAX 200u
#define CONFIG_CANONICAL_MAX 200u

enum config_attribute_type {
    CONFIG_ATTRIBUTE_STRING,
    CONFIG_ATTRIBUTE_BOOLEAN,
    CONFIG_ATTRIBUTE_DECIMAL,
    CONFIG_ATTRIBUTE_INTEGER,
    CONFIG_ATTRIBUTE_DATETIME,
    CONFIG_ATTRIBUTE_BINARY,
    CONFIG_ATTRIBUTE_REFERENCE,
    CONFIG_ATTRIBUTE_COMPLEX
};
enum config_attribute_mutability { CONFIG_ATTRIBUTE_READ_WRITE, CONFIG_ATTRIBUTE_WRITE_ONLY };
enum config_attribute_returned {
    CONFIG_ATTRIBUTE_DEFAULT,
    CONFIG_ATTRIBUTE_ALWAYS,
    CONFIG_ATTRIBUTE_NEVER,
    CONFIG_ATTRIBUTE_REQUEST
};
enum config_attribute_uniqueness { CONFIG_ATTRIBUTE_NOT_UNIQUE };

struct config_attribute {
    const char *name;
    const char *description;
    enum config_attribute_type type;
    bool multi_valued;
    bool required;
    bool case_exact;
    enum config_attribute_mutability mutability;
    enum config_attribute_returned returned;
    enum config_attribute_uniqueness uniqueness;
    const char **canonical;
    size_t canonical_count;
    struct config_attribute *subs; /* of a complex one */
    size_t sub_count;
};

struct config_schema {
    const char *id; /* its URN */
    const char *name;
    const char *description;
    bool of_group; /* of groups, not of users */
    struct config_attribute *attributes;
    size_t attribute_count;
};
