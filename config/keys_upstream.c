/* The keys of where an app is: one server or several. */
#include "config/keys.h"

static const struct config_field server_fields[] = {
    {"url", CONFIG_URL, .offset = offsetof(struct config_server, url), .required = true},
    {"weight", CONFIG_COUNT, .offset = offsetof(struct config_server, weight), .fallback = "1", .min = 1, .max = 1000},
};
static const struct config_mapping server_mapping = {"servers", CONFIG_FIELDS(server_fields),
                                                     .size = sizeof(struct config_server)};

static const struct config_field affinity_fields[] = {
    {"cookie", CONFIG_TEXT, .offset = offsetof(struct config_upstream, affinity_cookie), .text = config_text_cookie,
     .required = true, .why = "the cookie of the app that says whose session it is"},
};
static const struct config_mapping affinity_mapping = {"affinity", CONFIG_FIELDS(affinity_fields)};

static enum gw_code read_affinity(struct config_reader *reader, const struct config_node *node, void *target)
{
    return node != NULL ? config_mapping_read(reader, &affinity_mapping, node, target) : GW_OK;
}

#define STATUS_MIN 200u
#define STATUS_MAX 599u

static bool status_parse(struct gw_str text, uint32_t *ret_min, uint32_t *ret_max)
{
    struct gw_str rest = text;
    struct gw_str first = gw_str_split(&rest, '-');
    uint64_t min = 0, max = 0;
    if (!gw_str_to_u64(first, STATUS_MAX, &min) || (rest.ptr != NULL && !gw_str_to_u64(rest, STATUS_MAX, &max)))
        return false;
    if (rest.ptr == NULL)
        max = min;
    *ret_min = (uint32_t)min;
    *ret_max = (uint32_t)max;
    return min >= STATUS_MIN && min <= max;
}

static enum gw_code read_status(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_health *health = target;
    const char *text = "200-399";
    if (node != NULL)
        GW_TRY(config_text_read(reader, node, NULL, &text));
    if (!status_parse(gw_str_from(text), &health->status_min, &health->status_max))
        return config_refuse(reader, node, "\"%s\" is not a status from %u to %u, or a range such as 200-399", text,
                             STATUS_MIN, STATUS_MAX);
    return GW_OK;
}

static enum gw_code finish_health(struct config_reader *reader, const struct config_node *node, void *target)
{
    const struct config_health *health = target;
    if (health->timeout_ms > health->every_ms)
        return config_refuse(reader, node, "timeout must not be longer than every");
    return GW_OK;
}

static const struct config_field health_fields[] = {
    {"path", CONFIG_TEXT, .offset = offsetof(struct config_health, path), .text = config_text_path, .required = true,
     .why = "what is asked for, such as /health"},
    {"every", CONFIG_DURATION, .offset = offsetof(struct config_health, every_ms), .fallback = "5s", .min = 100,
     .max = CONFIG_HOUR_MS},
    {"timeout", CONFIG_DURATION, .offset = offsetof(struct config_health, timeout_ms), .fallback = "2s", .min = 10,
     .max = CONFIG_HOUR_MS},
    {"fall", CONFIG_COUNT, .offset = offsetof(struct config_health, fall), .fallback = "3", .min = 1, .max = 100},
    {"rise", CONFIG_COUNT, .offset = offsetof(struct config_health, rise), .fallback = "2", .min = 1, .max = 100},
    {"status", CONFIG_CUSTOM, .fallback = "200-399", .read = read_status},
};
static const struct config_mapping health_mapping = {"health", CONFIG_FIELDS(health_fields), .finish = finish_health};

static enum gw_code read_health(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_upstream *upstream = target;
    return node != NULL ? config_mapping_read(reader, &health_mapping, node, &upstream->health) : GW_OK;
}

/* One place, under one name, in the list: whoever uses an upstream looks at `servers` alone. */
static enum gw_code place_url(struct config_reader *reader, struct config_upstream *upstream)
{
    upstream->servers = gw_arena_array(reader->arena, 1, sizeof *upstream->servers);
    upstream->servers[0] = (struct config_server){.url = upstream->url, .weight = 1};
    upstream->server_count = 1;
    return GW_OK;
}

static enum gw_code check_servers(struct config_reader *reader, const struct config_node *node,
                                  struct config_upstream *upstream)
{
    const struct config_node *list = config_node_get(node, "servers");
    for (const struct config_node *item = list->first; item != NULL; item = item->next) {
        for (size_t i = 0; i < item->index; i++) {
            if (strcmp(upstream->servers[i].url.text, upstream->servers[item->index].url.text) == 0)
                return config_refuse(reader, item, "\"%s\" stands in the list already", upstream->servers[i].url.text);
        }
    }
    upstream->url = upstream->servers[0].url;
    return GW_OK;
}

static enum gw_code finish_upstream(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_upstream *upstream = target;
    bool has_url = upstream->url.text != NULL;
    if (has_url == (upstream->server_count > 0))
        return config_refuse(reader, node,
                             has_url ? "has url and servers; it is one of them"
                                     : "needs url, or servers: [{url: http://...}, ...]");
    if ((upstream->certificate != NULL) != (upstream->key != NULL))
        return config_refuse(reader, node, "certificate and key go together");
    return has_url ? place_url(reader, upstream) : check_servers(reader, node, upstream);
}

static const struct config_field upstream_fields[] = {
    {"url", CONFIG_URL, .offset = offsetof(struct config_upstream, url)},
    {"servers", CONFIG_LIST, .offset = offsetof(struct config_upstream, servers),
     .count_offset = offsetof(struct config_upstream, server_count), .mapping = &server_mapping, .min = 1,
     .max = CONFIG_SERVERS_MAX},
    {"affinity", CONFIG_CUSTOM, .read = read_affinity, .mapping = &affinity_mapping},
    {"health", CONFIG_CUSTOM, .read = read_health, .mapping = &health_mapping},
    {"ca", CONFIG_FILE, .offset = offsetof(struct config_upstream, ca)},
    {"certificate", CONFIG_FILE, .offset = offsetof(struct config_upstream, certificate)},
    {"key", CONFIG_FILE, .offset = offsetof(struct config_upstream, key)},
    {"server_name", CONFIG_TEXT, .offset = offsetof(struct config_upstream, server_name), .text = config_text_host},
    {"connect_timeout", CONFIG_DURATION, .offset = offsetof(struct config_upstream, connect_timeout_ms),
     .fallback = "5s", .min = 10, .max = 10 * CONFIG_MINUTE_MS},
    {"answer_timeout", CONFIG_DURATION, .offset = offsetof(struct config_upstream, answer_timeout_ms),
     .fallback = "60s", .min = 10, .max = CONFIG_DAY_MS},
    {"idle_timeout", CONFIG_DURATION, .offset = offsetof(struct config_upstream, idle_timeout_ms), .fallback = "60s",
     .min = 10, .max = CONFIG_DAY_MS},
    {"connections_max", CONFIG_COUNT, .offset = offsetof(struct config_upstream, connections_max), .fallback = "1024",
     .min = 1, .max = 65535},
};
const struct config_mapping config_upstream_mapping = {"upstream", CONFIG_FIELDS(upstream_fields),
                                                       .finish = finish_upstream};

enum gw_code config_upstream_read(struct config_reader *reader, const struct config_node *node, void *target)
{
    struct config_upstream *upstream = target;
    if (node == NULL || node->kind != CONFIG_NODE_TEXT)
        return config_mapping_read(reader, &config_upstream_mapping, node, upstream);
    GW_TRY(config_mapping_read(reader, &config_upstream_mapping, NULL, upstream));
    const char *text = NULL;
    GW_TRY(config_text_read(reader, node, NULL, &text));
    const char *reason = config_url_parse(reader->arena, node->text, &upstream->url);
    return reason != NULL ? config_refuse(reader, node, "%s", reason) : place_url(reader, upstream);
}
