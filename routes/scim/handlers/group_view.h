/* group_view: a stored group as a SCIM client sees it, as a tree; and the answer with one (its text: group_text.h). The
 * face's own loop only. */
#pragma once

#include "gateway/json/value.h"
#include "routes/request.h"

/* The answer to POST and PUT shows members up to this many; RFC 7644 section 3.5.1 and Okta do without. */
#define GROUP_ECHO_MAX 1000u

struct gw_str group_id_format(struct gw_arena *arena, const struct prov_request *r, uint64_t seq);
bool group_id_parse(const struct prov_request *r, struct gw_str id, uint64_t *ret_seq);

/* The whole resource without or, with `members` (an array or NULL), with members, before projection. */
GW_MUST_CHECK enum gw_code group_resource(struct gw_arena *arena, const struct prov_request *r,
                                          const struct store_group *group, const struct json_value *members,
                                          struct json_value **ret_resource, struct gw_error *err);

/* One member as it is shown. */
struct json_value *group_member_json(struct gw_arena *arena, const struct prov_request *r,
                                     const struct store_user *user);

/* Opens a snapshot, copies the group, closes it. */
GW_MUST_CHECK enum gw_code group_fetch(struct prov_request *r, uint64_t seq, struct store_group *ret_group,
                                       struct gw_error *err);

/* Reads attributes and excludedAttributes of the query into r->projection; before anything is changed. */
GW_MUST_CHECK enum gw_code group_projection_read(struct prov_request *r, struct gw_error *err);

/* Answers with the group as it is now: ETag, and Location with 201; 304 to a GET whose copy is fresh. Many members take
 * several turns of the loop; r->state is the answer's own from here on. */
enum group_members_shown { GROUP_MEMBERS_ALL, GROUP_MEMBERS_FEW, GROUP_MEMBERS_ASKED };
void group_reply(struct prov_request *r, int status, uint64_t seq, enum group_members_shown shown);
