/* The keys of an app's PROV face. */
#include "config/keys.h"

static enum gw_code finish_role(struct config_reader *reader, const struct config_node *node, void *target)
{
    (void)reader;
    (void)node;
    struct config_role *role = target;
    if (role->display == NULL)
        role->display = role->id;
    return GW_OK;
}

static const struct config_field role_fields[] = {
    {"id", CONFIG_TEXT, .offset = offsetof(struct config_role, id), .text = config_text_name, .required = true},
    {"display", CONFIG_TEXT, .offset = offsetof(struct config_role, display)},
    {"groups", CONFIG_TEXT_LIST, .offset = offsetof(struct config_role, groups),
     .count_offset = offsetof(struct config_role, group_count)},
};
static const struct config_mapping role_mapping = {"roles of the prov face", CONFIG_FIELDS(role_fields),
                                                   .size = sizeof(struct config_role), .finish = finish_role};

static const struct config_word match_words[] = {{"externalId", CONFIG_MATCH_EXTERNAL_ID},
                                                 {"userName", CONFIG_MATCH_USER_NAME},
                                                 {"email", CONFIG_MATCH_EMAIL},
                                                 {NULL, 0}};

static enum gw_code read_match(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_policy *policy = target;
    if (node == NULL) {
        policy->match[0] = CONFIG_MATCH_EXTERNAL_ID;
        policy->match[1] = CONFIG_MATCH_USER_NAME;
        policy->match_count = 2;
        return GW_OK;
    }
    void *unused = NULL;
    GW_TRY(config_list_alloc(reader, node, 1, sizeof policy->match / sizeof *policy->match, 1, &unused));
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        unsigned value = 0;
        GW_TRY(config_word_read(reader, child, match_words, &value));
        for (size_t i = 0; i < policy->match_count; i++) {
            if (policy->match[i] == (enum config_match)value)
                return config_refuse(reader, child, "\"%.*s\" stands in the list twice", GW_STR_ARG(child->text));
        }
        policy->match[policy->match_count++] = (enum config_match)value;
    }
    return GW_OK;
}

static const struct config_word action_words[] = {
    {"alert", CONFIG_BRAKE_ALERT}, {"hold", CONFIG_BRAKE_HOLD}, {NULL, 0}};

static const struct config_field brake_fields[] = {
    {"action", CONFIG_CHOICE, .offset = offsetof(struct config_brake, action), .fallback = "alert",
     .words = action_words},
    {"share", CONFIG_PERCENT, .offset = offsetof(struct config_brake, share_percent), .fallback = "20%"},
    {"within", CONFIG_DURATION, .offset = offsetof(struct config_brake, within_ms), .fallback = "1h",
     .min = CONFIG_MINUTE_MS, .max = 30 * CONFIG_DAY_MS},
    {"at_least", CONFIG_COUNT, .offset = offsetof(struct config_brake, at_least), .fallback = "25", .min = 1,
     .max = 1000000},
    {"max_hold", CONFIG_DURATION, .offset = offsetof(struct config_brake, max_hold_ms), .fallback = "30m",
     .min = CONFIG_MINUTE_MS, .max = CONFIG_DAY_MS},
};
static const struct config_mapping brake_mapping = {"brake", CONFIG_FIELDS(brake_fields)};

static const struct config_word retention_words[] = {{"keep", CONFIG_RETENTION_KEEP},
                                                     {"anonymise", CONFIG_RETENTION_ANONYMISE},
                                                     {"delete", CONFIG_RETENTION_DELETE},
                                                     {NULL, 0}};

static const struct config_field policy_fields[] = {
    {"match", CONFIG_CUSTOM, .read = read_match},
    {"adopt", CONFIG_SWITCH, .offset = offsetof(struct config_policy, adopt), .fallback = "on"},
    {"revive", CONFIG_SWITCH, .offset = offsetof(struct config_policy, revive), .fallback = "on"},
    {"retain", CONFIG_DURATION, .offset = offsetof(struct config_policy, retain_ms), .fallback = "90d",
     .min = CONFIG_MINUTE_MS, .max = 36500 * CONFIG_DAY_MS},
    {"after_retention", CONFIG_CHOICE, .offset = offsetof(struct config_policy, after_retention), .fallback = "keep",
     .words = retention_words},
    {"brake", CONFIG_MAPPING, .offset = offsetof(struct config_policy, brake), .mapping = &brake_mapping},
};
static const struct config_mapping policy_mapping = {"policy", CONFIG_FIELDS(policy_fields)};

static enum gw_code check_role_ids(struct config_reader *reader, const struct config_node *roles)
{
    for (const struct config_node *a = roles != NULL ? roles->first : NULL; a != NULL; a = a->next) {
        for (const struct config_node *b = a->next; b != NULL; b = b->next) {
            const struct config_node *id = config_node_get(b, "id");
            if (gw_str_eq_nocase(config_node_get(a, "id")->text, id->text))
                return config_refuse(reader, id, "the role %.*s is defined twice", GW_STR_ARG(id->text));
        }
    }
    return GW_OK;
}

static bool is_below(struct gw_str path, struct gw_str base)
{
    return gw_str_starts(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

static enum gw_code check_scim1(struct config_reader *reader, const struct config_node *node,
                                const struct config_prov_face *face)
{
    if (face->scim1_base_path == NULL)
        return GW_OK;
    struct gw_str base = gw_str_from(face->base_path);
    struct gw_str base1 = gw_str_from(face->scim1_base_path);
    if (is_below(base, base1) || is_below(base1, base))
        return config_refuse(reader, config_node_get(node, "scim1_base_path"),
                             "one of it and base_path stands below the other; each version has paths of its own");
    if (face->logout.is_present && is_below(gw_str_from(face->logout.path), base1))
        return config_refuse(reader, config_node_get(node, "logout"),
                             "its path stands below scim1_base_path; SCIM is there");
    return GW_OK;
}

static enum gw_code finish_prov_face(struct config_reader *reader, const struct config_node *node, void *target)
{
    const struct config_prov_face *face = target;
    if (face->enabled && face->tokens_file == NULL && !face->oauth.is_present)
        return config_refuse(reader, node, "has no tokens_file; Okta needs a credential, or write enabled: off");
    if (face->logout.is_present && is_below(gw_str_from(face->logout.path), gw_str_from(face->base_path)))
        return config_refuse(reader, config_node_get(node, "logout"), "its path stands below base_path; SCIM is there");
    GW_TRY(check_scim1(reader, node, face));
    GW_TRY(config_schemas_check(reader, config_node_get(node, "schemas")));
    return check_role_ids(reader, config_node_get(node, "roles"));
}

static const struct config_field face_fields[] = {
    {"hosts", CONFIG_TEXT_LIST, .offset = offsetof(struct config_prov_face, hosts),
     .count_offset = offsetof(struct config_prov_face, host_count), .text = config_text_host, .min = 1, .max = 64,
     .required = true},
    {"base_path", CONFIG_TEXT, .offset = offsetof(struct config_prov_face, base_path), .text = config_text_base_path,
     .fallback = "/scim/v2"},
    {"scim1_base_path", CONFIG_TEXT, .offset = offsetof(struct config_prov_face, scim1_base_path),
     .text = config_text_base_path},
    {"tokens_file", CONFIG_FILE, .offset = offsetof(struct config_prov_face, tokens_file)},
    {"enabled", CONFIG_SWITCH, .offset = offsetof(struct config_prov_face, enabled), .fallback = "on"},
    {"service_user", CONFIG_SWITCH, .offset = offsetof(struct config_prov_face, service_user), .fallback = "on"},
    {"roles", CONFIG_LIST, .offset = offsetof(struct config_prov_face, roles),
     .count_offset = offsetof(struct config_prov_face, role_count), .mapping = &role_mapping},
    {"schemas", CONFIG_LIST, .offset = offsetof(struct config_prov_face, schemas),
     .count_offset = offsetof(struct config_prov_face, schema_count), .mapping = &config_schema_mapping,
     .max = CONFIG_SCHEMAS_MAX},
    {"trace", CONFIG_SWITCH, .offset = offsetof(struct config_prov_face, trace), .fallback = "off"},
    {"policy", CONFIG_MAPPING, .offset = offsetof(struct config_prov_face, policy), .mapping = &policy_mapping},
    {"logout", CONFIG_MAPPING, .offset = offsetof(struct config_prov_face, logout), .mapping = &config_logout_mapping},
    {"oauth", CONFIG_MAPPING, .offset = offsetof(struct config_prov_face, oauth), .mapping = &config_oauth_mapping},
};
const struct config_mapping config_prov_face_mapping = {"apps: prov", CONFIG_FIELDS(face_fields),
                                                        .finish = finish_prov_face};
