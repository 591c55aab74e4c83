#include "routes/reply.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/message.h"
#include "routes/scim/scim1.h"

#define DISCOVERY_BYTES_MAX (4u * 1024u * 1024u)
#define DOCUMENTATION_URL "https://datatracker.ietf.org/doc/html/rfc7644"

typedef void (*list_write_fn)(struct gw_buf *buf, const struct scim_schema_set *set, struct gw_str base_url);

/* RFC 7644 section 4: a filter on discovery is 403, other parameters are ignored (rule R101). */
static void answer_list(struct prov_request *r, list_write_fn write)
{
    if (r->query.filter.len > 0) {
        reply_error(r, GW_E_FORBIDDEN, "filter is not allowed on discovery endpoints");
        return;
    }
    GW_BUF_SCOPED(body, DISCOVERY_BYTES_MAX);
    write(&body, &r->app->schemas, r->base_url);
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
    answer_list(r, scim_schemas_write);
}

void discovery_on_type(struct prov_request *r)
{
    for (size_t i = 0; i < r->app->schemas.type_count; i++) {
        const struct scim_resource_type *type = &r->app->schemas.types[i];
        if (!gw_str_eq_nocase(type->name, r->id))
            continue;
        reply_json(r, 200, NULL, 0, scim_resource_type_json(r->arena, type, r->base_url));
        return;
    }
    reply_error(r, GW_E_NOT_FOUND, "there is no resource type of this name");
}

void discovery_on_schema(struct prov_request *r)
{
    const struct scim_schema *schema = scim_schema_find(&r->app->schemas, r->id);
    if (schema == NULL)
        reply_error(r, GW_E_NOT_FOUND, "there is no schema with this URN");
    else
        reply_json(r, 200, NULL, 0, scim_schema_json(r->arena, schema, r->base_url));
}
