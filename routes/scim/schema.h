/* schema: the resource model as data (RFC 7643). One table says what is accepted, stored, returned, compared and
 * advertised. A schema set is a value: each app has its own, because its configuration decides whether there are roles
 * and which extensions exist. Tables are immutable after they are made: any thread. */
#pragma once

#include "gateway/base/str.h"

#define SCIM_URN_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_URN_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_URN_ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define SCIM_URN_ROLE "urn:okta:scim:schemas:core:1.0:Role"
#define SCIM_URN_ENTITLEMENT "urn:okta:scim:schemas:core:1.0:Entitlement"
#define SCIM_URN_SCHEMA "urn:ietf:params:scim:schemas:core:2.0:Schema"
#define SCIM_URN_RESOURCE_TYPE "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
#define SCIM_URN_PROVIDER "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
#define SCIM_URN_LIST "urn:ietf:params:scim:api:messages:2.0:ListResponse"
#define SCIM_URN_ERROR "urn:ietf:params:scim:api:messages:2.0:Error"
#define SCIM_URN_PATCH "urn:ietf:params:scim:api:messages:2.0:PatchOp"
#define SCIM_URN_SEARCH "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

/* Caps on what a resource may hold (law 10). */
#define SCIM_NAME_BYTES_MAX 256 /* userName, group displayName */
#define SCIM_EXTERNAL_ID_BYTES_MAX 256
#define SCIM_EMAIL_BYTES_MAX 320
#define SCIM_STRING_BYTES_MAX (16 * 1024) /* any other string */
#define SCIM_BINARY_BYTES_MAX (64 * 1024) /* base64 text of one value */
#define SCIM_VALUES_MAX 1000              /* of one multi-valued attribute */
#define SCIM_MEMBERS_MAX 500000           /* of one group, in one request */
#define SCIM_EXTENSIONS_MAX 8             /* of one resource type */
#define SCIM_RESOURCE_TYPES_MAX 8

enum scim_type {
    SCIM_STRING,
    SCIM_BOOLEAN,
    SCIM_DECIMAL,
    SCIM_INTEGER,
    SCIM_DATETIME,
    SCIM_BINARY,
    SCIM_REFERENCE,
    SCIM_COMPLEX
};
enum scim_mutability { SCIM_READ_WRITE, SCIM_READ_ONLY, SCIM_IMMUTABLE, SCIM_WRITE_ONLY };
enum scim_returned { SCIM_RETURNED_DEFAULT, SCIM_RETURNED_ALWAYS, SCIM_RETURNED_NEVER, SCIM_RETURNED_REQUEST };
enum scim_uniqueness { SCIM_UNIQUE_NONE, SCIM_UNIQUE_SERVER, SCIM_UNIQUE_GLOBAL };

/* RFC 7643 section 2.2; what is zero is the default there. */
struct scim_attribute {
    struct gw_str name;
    enum scim_type type;
    bool multi_valued;
    bool required;
    bool case_exact;
    bool strict;    /* no conversion from another JSON type in POST and PUT (semantics.md 5) */
    bool printable; /* a name to sign in with: gw_name_printable */
    bool packed;    /* may come as the "value" of a JSON object's text in a PATCH (Entra ID, scim-clients.md 6.1) */
    bool discarded; /* accepted from clients, never kept, not advertised (password) */
    enum scim_mutability mutability;
    enum scim_returned returned;
    enum scim_uniqueness uniqueness;
    const char *const *canonical;  /* NULL or ended by NULL; advertised, not enforced */
    const char *const *references; /* the same */
    const struct scim_attribute *subs;
    size_t sub_count;
    size_t bytes_max;  /* of one string; 0: the cap of its type */
    size_t values_max; /* 0: SCIM_VALUES_MAX */
    const char *description;
};

struct scim_schema {
    struct gw_str urn;
    struct gw_str name;
    const char *description;
    const struct scim_attribute *attributes;
    size_t attribute_count;
    const char *const *aliases; /* other URNs that mean this schema; NULL or ended by NULL */
};

struct scim_resource_type {
    struct gw_str name;     /* "User": also its id and meta.resourceType */
    struct gw_str endpoint; /* "/Users" */
    const char *description;
    const struct scim_schema *core;
    const struct scim_schema *extensions[SCIM_EXTENSIONS_MAX];
    size_t extension_count;
};

struct scim_schema_set {
    struct scim_resource_type types[SCIM_RESOURCE_TYPES_MAX];
    size_t type_count;
};

struct scim_schema_options {
    bool roles; /* the app defines roles: User has roles and entitlements, and there are /Roles and /Entitlements */
};

/* User with the enterprise extension, and Group. */
void scim_schema_set_init(struct scim_schema_set *set, const struct scim_schema_options *options);

/* Adds an extension of a resource type. Borrows `schema`, which must outlive the set. False when the type is unknown,
 * the URN is taken, or there are SCIM_EXTENSIONS_MAX. */
bool scim_schema_set_extend(struct scim_schema_set *set, struct gw_str type_name, const struct scim_schema *schema);

/* By name ("User") or endpoint ("/Users"), ASCII case-insensitive; NULL when there is none. */
const struct scim_resource_type *scim_resource_type_find(const struct scim_schema_set *set, struct gw_str name);
/* Any schema of the set by URN or alias. */
const struct scim_schema *scim_schema_find(const struct scim_schema_set *set, struct gw_str urn);

bool scim_schema_has_urn(const struct scim_schema *schema, struct gw_str urn); /* its URN or an alias, any case */
const struct scim_attribute *scim_attribute_find(const struct scim_attribute *attributes, size_t count,
                                                 struct gw_str name);
const struct scim_attribute *scim_sub_find(const struct scim_attribute *attribute, struct gw_str name);

/* schemas, id, externalId and meta, which every resource has (RFC 7643 section 3.1). */
const struct scim_attribute *scim_common_attributes(size_t *ret_count);

/* What an attribute name means for a resource type. */
struct scim_ref {
    const struct scim_schema *extension;    /* NULL: core or common attribute */
    const struct scim_attribute *attribute; /* NULL: the whole extension object */
    const struct scim_attribute *sub;       /* NULL: the whole attribute */
};

/* [URN ":"] name ["." sub], any ASCII case, the longest known URN first (rule R49). The name of an extension's
 * attribute is also found without its URN when the core schema has none of that name (Entra's "manager"). False:
 * unknown. */
bool scim_ref_find(const struct scim_resource_type *type, struct gw_str text, struct scim_ref *ret_ref);

const char *scim_type_name(enum scim_type type); /* "string", "dateTime", ... as in /Schemas */
