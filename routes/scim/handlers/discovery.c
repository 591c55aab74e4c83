#include "routes/reply.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"

#define DISCOVERY_BYTES_MAX (4u * 1024u * 1024u)
#define DOCUMENTATION_URL "https://datatracker.ietf.org/doc/html/rfc7644"

typedef void (*list_write_fn)(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url);

/* SCIM 1.1 has users and groups only. */
static const struct scim_schema_set *shown_set(const struct prov_request *r)
{
    const struct scim_schema_set *all = &r->app->schemas;
    if (!r->is_scim1)
        return all;
    struct scim_schema_set *shown = gw_arena_alloc(r->arena, sizeof *shown);
    for (size_t i = 0; i < all->type_count; i++) {
        if (scim1_has_type(&all->types[i]))
            shown->types[shown->type_count++] = all->types[i];
    }
    return shown;
}

/* RFC 7644 section 4: a filter on discovery is 403, other parameters are ignored (rule R101). */
static void answer_list(struct prov_request *r, list_write_fn write)
{
    if (r->query.filter.len > 0) {
        reply_error(r, GW_E_FORBIDDEN, "filter is not allowed on discovery endpoints");
        return;
    }
    GW_BUF_SCOPED(body, DISCOVERY_BYTES_MAX);
    write(&body, shown_set(r), r->base_url);
    reply_text(r, 200, NULL, 0, gw_buf_str(&body));
}

static struct json_value *provider_json(struct prov_request *r)
{
    struct scim_provider_options options = {
        .base_url = r->base_url,
        .documentation_url = GW_STR(DOCUMENTATION_URL),
        .results_max = QUERY_COUNT_MAX,
        .etag = true,
        .bearer = true,
        .basic = true,
    };
    return scim_provider_json(r->arena, &options);
}

void discovery_on_provider(struct prov_request *r)
{
    if (r->query.filter.len > 0)
        reply_error(r, GW_E_FORBIDDEN, "filter is not allowed on discovery endpoints");
    else
        reply_json(r, 200, NULL, 0, provider_json(r));
}

void discovery_on_agent(struct prov_request *r)
{
    struct scim1_provider_options options = {GW_STR(DOCUMENTATION_URL), QUERY_COUNT_MAX};
    struct json_value *config = r->is_scim1 ? scim1_provider_json(r->arena, &options) : provider_json(r);
    if (!r->is_scim1)
        scim1_agent_extend(r->arena, config);
    reply_json(r, 200, NULL, 0, config);
}

void discovery_on_types(struct prov_request *r)
{
    answer_list(r, scim_resource_types_write);
}

void discovery_on_schemas(struct prov_request *r)
{
    answer_list(r, r->is_scim1 ? scim1_schemas_write : scim_schemas_write);
}

void discovery_on_type(struct prov_request *r)
{
    const struct scim_schema_set *set = shown_set(r);
    for (size_t i = 0; i < set->type_count; i++) {
        const struct scim_resource_type *type = &set->types[i];
        if (!gw_str_eq_nocase(type->name, r->id))
            continue;
        reply_json(r, 200, NULL, 0, scim_resource_type_json(r->arena, type, r->base_url));
        return;
    }
    reply_error(r, GW_E_NOT_FOUND, "there is no resource type of this name");
}

static struct json_value *schema_json(struct prov_request *r)
{
    const struct scim_resource_type *type = NULL;
    const struct scim_schema *schema =
        r->is_scim1 ? scim1_schema_find(&r->app->schemas, r->id, &type) : scim_schema_find(&r->app->schemas, r->id);
    if (schema == NULL)
        return NULL;
    return r->is_scim1 ? scim1_schema_json(r->arena, type, schema, r->base_url)
                       : scim_schema_json(r->arena, schema, r->base_url);
}

void discovery_on_schema(struct prov_request *r)
{
    const struct json_value *schema = schema_json(r);
    if (schema == NULL)
        reply_error(r, GW_E_NOT_FOUND, "there is no schema with this URN");
    else
        reply_json(r, 200, NULL, 0, schema);
}
