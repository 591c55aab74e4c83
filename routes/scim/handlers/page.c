#include "routes/scim/handlers/page.h"

#include "routes/reply.h"
#include "routes/scim/message.h"

void page_search(struct prov_request *r, route_handler_fn answer)
{
    struct gw_error err = {0};
    if (route_query_read(r->arena, r->body, &r->query, &err) != GW_OK)
        reply_error_from(r, &err);
    else
        answer(r);
}

void page_reply(struct prov_request *r, uint64_t total, size_t count, const struct gw_buf *resources,
                const char *too_large)
{
    GW_BUF_SCOPED(body, REPLY_BYTES_MAX);
    scim_list_write(&body, total, r->query.start_index, count, gw_buf_str(resources));
    if (body.overflow || resources->overflow)
        reply_error(r, GW_E_TOO_MANY, too_large);
    else
        reply_text(r, 200, NULL, 0, gw_buf_str(&body));
}
