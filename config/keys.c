#include "config/keys.h"

static const struct config_field tls_pair_fields[] = {
    {"certificate", CONFIG_FILE, .offset = offsetof(struct config_tls_pair, certificate), .required = true},
    {"key", CONFIG_FILE, .offset = offsetof(struct config_tls_pair, key), .required = true},
};
static const struct config_mapping tls_pair_mapping = {"certificates", CONFIG_FIELDS(tls_pair_fields),
                                                       .size = sizeof(struct config_tls_pair)};

static const struct config_word client_certificate_words[] = {
    {"require", CONFIG_CLIENT_CERTIFICATES_REQUIRE}, {"optional", CONFIG_CLIENT_CERTIFICATES_OPTIONAL}, {NULL, 0}};

/* One pair or a list of them; afterwards both forms say the same. */
static enum gw_code finish_tls(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_tls *tls = target;
    const struct config_node *clients = config_node_get(node, "client_certificates");
    if (clients != NULL && tls->client_ca == NULL)
        return config_refuse(reader, clients, "needs client_ca, which says whose certificates are good");
    if (tls->pair_count > 0 && (tls->certificate != NULL || tls->key != NULL))
        return config_refuse(reader, node, "either certificate and key, or certificates");
    if (tls->pair_count == 0 && (tls->certificate == NULL || tls->key == NULL))
        return config_refuse(reader, node, "%s: missing", tls->certificate == NULL ? "certificate" : "key");
    if (tls->pair_count == 0) {
        tls->pairs = gw_arena_array(reader->arena, 1, sizeof *tls->pairs);
        tls->pairs[tls->pair_count++] = (struct config_tls_pair){tls->certificate, tls->key};
    }
    tls->certificate = tls->pairs[0].certificate;
    tls->key = tls->pairs[0].key;
    return GW_OK;
}

static const struct config_field tls_fields[] = {
    {"certificate", CONFIG_FILE, .offset = offsetof(struct config_tls, certificate)},
    {"key", CONFIG_FILE, .offset = offsetof(struct config_tls, key)},
    {"certificates", CONFIG_LIST, .offset = offsetof(struct config_tls, pairs),
     .count_offset = offsetof(struct config_tls, pair_count), .mapping = &tls_pair_mapping, .min = 1,
     .max = CONFIG_CERTIFICATES_MAX},
    {"client_ca", CONFIG_FILE, .offset = offsetof(struct config_tls, client_ca)},
    {"client_certificates", CONFIG_CHOICE, .offset = offsetof(struct config_tls, client_certificates),
     .words = client_certificate_words, .fallback = "require"},
};
static const struct config_mapping tls_mapping = {"tls", CONFIG_FIELDS(tls_fields), .finish = finish_tls};

static const struct config_field proxy_protocol_fields[] = {
    {"from", CONFIG_CIDR_LIST, .offset = offsetof(struct config_listener, proxy_from),
     .count_offset = offsetof(struct config_listener, proxy_from_count), .min = 1, .required = true,
     .why = "name the balancers that send the header"},
};
static const struct config_mapping proxy_protocol_mapping = {"proxy_protocol", CONFIG_FIELDS(proxy_protocol_fields)};

static const struct config_field listener_fields[] = {
    {"address", CONFIG_TEXT, .offset = offsetof(struct config_listener, address), .text = config_text_listen,
     .required = true},
    {"tls", CONFIG_MAPPING, .offset = offsetof(struct config_listener, tls), .mapping = &tls_mapping},
    {"allow_from", CONFIG_CIDR_LIST, .offset = offsetof(struct config_listener, allow_from),
     .count_offset = offsetof(struct config_listener, allow_from_count), .min = 1},
    {"proxy_protocol", CONFIG_MAPPING, .mapping = &proxy_protocol_mapping},
};
static const struct config_mapping listener_mapping = {"listen", CONFIG_FIELDS(listener_fields),
                                                       .size = sizeof(struct config_listener)};

/* The sections at the top have no struct of their own: their fields stand in struct config. */
static const struct config_field store_fields[] = {
    {"path", CONFIG_FILE, .offset = offsetof(struct config, store_path), .required = true},
    {"max_size", CONFIG_SIZE, .offset = offsetof(struct config, store_max_size), .fallback = "64GiB", .min = 1u << 20,
     .max = 64ull << 40},
    {"sessions_max", CONFIG_COUNT, .offset = offsetof(struct config, sessions_max), .fallback = "5000000", .min = 1000,
     .max = 1000000000},
};
static const struct config_mapping store_mapping = {"store", CONFIG_FIELDS(store_fields)};

static const struct config_word json_word[] = {{"json", 0}, {NULL, 0}};

static const struct config_field access_log_fields[] = {
    {"file", CONFIG_FILE, .offset = offsetof(struct config_access_log, file), .required = true},
    {"format", CONFIG_CHOICE, .offset = offsetof(struct config_access_log, format), .words = json_word,
     .fallback = "json"},
    {"users", CONFIG_SWITCH, .offset = offsetof(struct config_access_log, users), .fallback = "off"},
};
static const struct config_mapping access_log_mapping = {"access_log", CONFIG_FIELDS(access_log_fields)};

static enum gw_code read_access_log(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config *config = target;
    bool is_off = node != NULL && node->kind == CONFIG_NODE_TEXT && gw_str_eq(node->text, GW_STR("off"));
    if (node == NULL || is_off)
        return GW_OK;
    return config_mapping_read(reader, &access_log_mapping, node, &config->access_log);
}

static const struct config_word auto_word[] = {{"auto", 0}, {NULL, 0}};

static const struct config_field sso_fields[] = {
    {"listen", CONFIG_LIST, .offset = offsetof(struct config, sso_listeners),
     .count_offset = offsetof(struct config, sso_listener_count), .mapping = &listener_mapping, .min = 1,
     .max = CONFIG_LISTENERS_MAX, .required = true},
    {"workers", CONFIG_COUNT, .offset = offsetof(struct config, sso_workers), .fallback = "auto", .words = auto_word,
     .min = 1, .max = 256},
    {"access_log", CONFIG_CUSTOM, .read = read_access_log, .mapping = &access_log_mapping},
};
static const struct config_mapping sso_mapping = {"sso", CONFIG_FIELDS(sso_fields)};

static const struct config_field prov_fields[] = {
    {"listen", CONFIG_LIST, .offset = offsetof(struct config, prov_listeners),
     .count_offset = offsetof(struct config, prov_listener_count), .mapping = &listener_mapping, .min = 1,
     .max = CONFIG_LISTENERS_MAX, .required = true},
};
static const struct config_mapping prov_mapping = {"prov", CONFIG_FIELDS(prov_fields)};

static const struct config_field admin_fields[] = {
    {"listen", CONFIG_TEXT, .offset = offsetof(struct config, admin_listen), .text = config_text_listen,
     .required = true},
    {"tokens_file", CONFIG_FILE, .offset = offsetof(struct config, admin_tokens_file)},
};
static const struct config_mapping admin_mapping = {"admin", CONFIG_FIELDS(admin_fields)};

static enum gw_code finish_app(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_app *app = target;
    app->line = node->line;
    app->sso.is_present = config_node_get(node, "sso") != NULL;
    app->prov.is_present = config_node_get(node, "prov") != NULL;
    if (app->folder == NULL)
        app->folder = app->name;
    if (!app->sso.is_present && !app->prov.is_present)
        return config_refuse(reader, node, "the app has neither an sso nor a prov face");
    return GW_OK;
}

static const struct config_field app_fields[] = {
    {"name", CONFIG_TEXT, .offset = offsetof(struct config_app, name), .text = config_text_name, .required = true},
    {"folder", CONFIG_TEXT, .offset = offsetof(struct config_app, folder), .text = config_text_name},
    {"sso", CONFIG_MAPPING, .offset = offsetof(struct config_app, sso), .mapping = &config_sso_face_mapping},
    {"prov", CONFIG_MAPPING, .offset = offsetof(struct config_app, prov), .mapping = &config_prov_face_mapping},
};
static const struct config_mapping app_mapping = {"apps", CONFIG_FIELDS(app_fields), .size = sizeof(struct config_app),
                                                  .finish = finish_app};

static const struct config_field activity_fields[] = {
    {"retain", CONFIG_DURATION, .offset = offsetof(struct config, activity_retain_ms), .fallback = "400d",
     .min = CONFIG_DAY_MS, .max = 36500 * CONFIG_DAY_MS},
    {"max_entries", CONFIG_COUNT, .offset = offsetof(struct config, activity_entries_max), .fallback = "10000000",
     .min = 10000, .max = 4000000000},
    {"values", CONFIG_TEXT_LIST, .offset = offsetof(struct config, activity_values),
     .count_offset = offsetof(struct config, activity_value_count), .max = CONFIG_ACTIVITY_VALUES_MAX},
};
static const struct config_mapping activity_mapping = {"activity", CONFIG_FIELDS(activity_fields)};

static const struct config_field top_fields[] = {
    {"user", CONFIG_TEXT, .offset = offsetof(struct config, user), .text = config_text_name},
    {"drain_timeout", CONFIG_DURATION, .offset = offsetof(struct config, drain_timeout_ms), .fallback = "1h",
     .min = 1000, .max = 7 * 24 * 3600 * 1000LL},
    {"store", CONFIG_MAPPING, .mapping = &store_mapping, .required = true},
    {"activity", CONFIG_MAPPING, .mapping = &activity_mapping},
    {"sso", CONFIG_MAPPING, .mapping = &sso_mapping},
    {"prov", CONFIG_MAPPING, .mapping = &prov_mapping},
    {"admin", CONFIG_MAPPING, .mapping = &admin_mapping},
    {"apps", CONFIG_LIST, .offset = offsetof(struct config, apps), .count_offset = offsetof(struct config, app_count),
     .mapping = &app_mapping, .min = 1, .max = CONFIG_APPS_MAX, .required = true, .why = "name at least one app"},
};
const struct config_mapping config_top_mapping = {"top", CONFIG_FIELDS(top_fields)};
