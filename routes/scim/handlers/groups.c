#include "routes/reply.h"
#include "routes/scim/filter.h"
#include "routes/scim/handlers/handlers.h"
#include "routes/scim/message.h"

/* Okta's save of a connector asks for /Groups and wants a proper empty list (scim-clients.md 1.4, T1). */
static void answer_list(struct prov_request *r)
{
    struct gw_error err = {0};
    const struct scim_resource_type *type = r->app->group_type;
    enum gw_code code =
        scim_projection_parse(r->arena, type, r->query.attributes, r->query.excluded_attributes, &r->projection, &err);
    const struct scim_filter *filter = NULL;
    if (code == GW_OK && r->query.filter.len > 0)
        code = scim_filter_parse(r->arena, type, r->query.filter, &filter, &err);
    if (code != GW_OK) {
        reply_error_from(r, &err);
        return;
    }
    GW_BUF_SCOPED(body, ROUTE_BODY_OTHER_MAX);
    scim_list_write(&body, 0, r->query.start_index, 0, GW_STR_NONE);
    reply_text(r, 200, NULL, 0, gw_buf_str(&body));
}

void groups_on_list(struct prov_request *r)
{
    answer_list(r);
}

void groups_on_search(struct prov_request *r)
{
    struct gw_error err = {0};
    if (route_query_read(r->arena, r->body, &r->query, &err) != GW_OK)
        reply_error_from(r, &err);
    else
        answer_list(r);
}

void groups_on_create(struct prov_request *r)
{
    reply_error(r, GW_E_NOT_IMPLEMENTED, "groups cannot be pushed to this version; switch group push off in the app");
}

void groups_on_item(struct prov_request *r)
{
    reply_error(r, GW_E_NOT_FOUND, "there is no group with this id");
}
