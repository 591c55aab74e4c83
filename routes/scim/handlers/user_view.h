/* user_view: a stored user as a SCIM client sees it, and the service user that stands first in every list (semantics.md
 * 4: Okta's test wants at least one complete user; this one is read-only and never matched to a person). The face's own
 * loop only. */
#pragma once

#include "gateway/json/value.h"
#include "routes/request.h"

#define SERVICE_USER_SEQ 0u    /* no stored user has it */
#define USER_GROUPS_MAX 10000u /* of one user's groups are shown */

struct gw_str user_id_format(struct gw_arena *arena, const struct prov_request *r, uint64_t seq);

/* False when the text is no id of this folder's users: 404. The service user's when it is switched on. */
bool user_id_parse(const struct prov_request *r, struct gw_str id, uint64_t *ret_seq);

bool service_user_is_on(const struct prov_request *r);

/* Opens a snapshot, copies the user, closes it. GW_E_NOT_FOUND for tombstones too. Not for the service user. */
GW_MUST_CHECK enum gw_code user_fetch(struct prov_request *r, uint64_t seq, struct store_user *ret_user,
                                      struct gw_error *err);

/* The whole resource, before projection; may borrow from `user`. */
GW_MUST_CHECK enum gw_code user_resource(struct gw_arena *arena, const struct prov_request *r,
                                         const struct store_user *user, struct json_value **ret_resource,
                                         struct gw_error *err);
/* Appends the resource as the client asked for it (r->projection), as text. */
GW_MUST_CHECK enum gw_code user_write(struct gw_buf *buf, struct gw_arena *arena, const struct prov_request *r,
                                      const struct store_user *user, struct gw_error *err);
/* The service user as if it were stored. */
struct store_user service_user(const struct prov_request *r);

/* Reads attributes and excludedAttributes of the query into r->projection; before anything is changed. */
GW_MUST_CHECK enum gw_code user_projection_read(struct prov_request *r, struct gw_error *err);

/* Answers with the user: ETag, and Location with 201; 304 to a GET whose copy is fresh. */
void user_reply(struct prov_request *r, int status, const struct store_user *user);
