/* page: what the lists of users and of groups do alike: a search is a list whose query stands in the body (RFC 7644
 * section 3.4.3), and a page leaves whole or not at all. The face's own loop only. */
#pragma once

#include "routes/request.h"

/* Reads the SearchRequest into r->query, then calls `answer`; or answers with the error. */
void page_search(struct prov_request *r, route_handler_fn answer);

/* 200 with a ListResponse of `count` resources (JSON text with commas between), or 400 tooMany with this text. */
void page_reply(struct prov_request *r, uint64_t total, size_t count, const struct gw_buf *resources,
                const char *too_large);
