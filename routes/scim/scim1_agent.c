/* scim1_agent: what Okta's on-premises provisioning agent is told of this server (scim-clients.md 3.2). */
#include "routes/scim/scim1.h"

/* Passwords are not delivered, so PUSH_PASSWORD_UPDATES is not there. */
static const char *const CAPABILITIES[] = {
    "GROUP_PUSH",       "IMPORT_NEW_USERS",   "IMPORT_PROFILE_UPDATES", "OPP_SCIM_INCREMENTAL_IMPORTS",
    "PUSH_NEW_USERS",   "PUSH_PENDING_USERS", "PUSH_PROFILE_UPDATES",   "PUSH_USER_DEACTIVATION",
    "REACTIVATE_USERS",
};

static const struct scim_attribute AGENT_GROUP_ATTRIBUTES[] = {
    {.name = GW_STR_INIT("description"), .description = "What the group is for."},
};
const struct scim_schema SCIM1_SCHEMA_AGENT_GROUP = {
    .urn = GW_STR_INIT(SCIM1_URN_AGENT_GROUP),
    .name = GW_STR_INIT("OktaGroup"),
    .description = "Group of Okta's on-premises agent",
    .attributes = AGENT_GROUP_ATTRIBUTES,
    .attribute_count = sizeof AGENT_GROUP_ATTRIBUTES / sizeof AGENT_GROUP_ATTRIBUTES[0],
};

static void set_text(struct gw_arena *arena, struct json_value *object, struct gw_str name, const char *text)
{
    json_object_append(arena, object, name, json_string_new(arena, gw_str_from(text)));
}

static struct json_value *set_feature(struct gw_arena *arena, struct json_value *config, struct gw_str name,
                                      bool supported)
{
    struct json_value *feature = json_object_new(arena);
    json_object_append(arena, feature, GW_STR("supported"), json_bool_new(arena, supported));
    json_object_append(arena, config, name, feature);
    return feature;
}

static void add_scheme(struct gw_arena *arena, struct json_value *schemes, const char *type, const char *name,
                       const char *description)
{
    struct json_value *scheme = json_object_new(arena);
    set_text(arena, scheme, GW_STR("type"), type);
    set_text(arena, scheme, GW_STR("name"), name);
    set_text(arena, scheme, GW_STR("description"), description);
    json_object_append(arena, scheme, GW_STR("primary"), json_bool_new(arena, json_count(schemes) == 0));
    json_array_append(arena, schemes, scheme);
}

void scim1_agent_extend(struct gw_arena *arena, struct json_value *config)
{
    struct json_value *extension = json_object_new(arena);
    struct json_value *list = json_array_new(arena);
    for (size_t i = 0; i < sizeof CAPABILITIES / sizeof CAPABILITIES[0]; i++)
        json_array_append(arena, list, json_string_new(arena, gw_str_from(CAPABILITIES[i])));
    json_object_append(arena, extension, GW_STR("userManagementCapabilities"), list);
    json_array_append(arena, json_object_get(config, GW_STR("schemas")),
                      json_string_new(arena, GW_STR(SCIM1_URN_AGENT)));
    json_object_append(arena, config, GW_STR(SCIM1_URN_AGENT), extension);
}

struct json_value *scim1_provider_json(struct gw_arena *arena, const struct scim1_provider_options *options)
{
    struct json_value *config = json_object_new(arena);
    struct json_value *schemas = json_array_new(arena);
    struct json_value *schemes = json_array_new(arena);
    json_array_append(arena, schemas, json_string_new(arena, GW_STR(SCIM1_URN_CORE)));
    json_object_append(arena, config, GW_STR("schemas"), schemas);
    json_object_append(arena, config, GW_STR("documentationUrl"), json_string_new(arena, options->documentation_url));
    (void)set_feature(arena, config, GW_STR("patch"), true);
    struct json_value *bulk = set_feature(arena, config, GW_STR("bulk"), false);
    json_object_append(arena, bulk, GW_STR("maxOperations"), json_integer_new(arena, 0));
    json_object_append(arena, bulk, GW_STR("maxPayloadSize"), json_integer_new(arena, 0));
    struct json_value *filter = set_feature(arena, config, GW_STR("filter"), true);
    json_object_append(arena, filter, GW_STR("maxResults"), json_integer_new(arena, (int64_t)options->results_max));
    (void)set_feature(arena, config, GW_STR("changePassword"), false);
    (void)set_feature(arena, config, GW_STR("sort"), false);
    (void)set_feature(arena, config, GW_STR("etag"), true);
    (void)set_feature(arena, config, GW_STR("xmlDataFormat"), false);
    add_scheme(arena, schemes, "oauthbearertoken", "Bearer token", "A token in the Authorization header");
    add_scheme(arena, schemes, "httpbasic", "HTTP Basic", "A name and a secret in the Authorization header");
    json_object_append(arena, config, GW_STR("authenticationSchemes"), schemes);
    scim1_agent_extend(arena, config);
    return config;
}
