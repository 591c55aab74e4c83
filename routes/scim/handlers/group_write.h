/* group_write: how what a request wants of a group becomes changes of the store. What the body says of members is read
 * part by part (member_input.h); a large list is staged part by part and put in place at once (group_members.h); and a
 * wish that was worked out of a version that is gone by then is worked out again. So a handler is called several times,
 * and each time goes on from its group_write in r->state. The face's own loop only. */
#pragma once

#include "routes/pending.h"
#include "routes/scim/handlers/member_input.h"
#include "routes/scim/patch.h"

/* What a request wants, kept while it is being staged and when it is computed again. */
struct group_write {
    struct scim_group_draft draft;
    struct scim_member_change list; /* of a body: these are added */
    struct member_input input;
    bool is_read;     /* all of the body */
    bool has_members; /* they are to be exactly `wanted` */
    struct member_list wanted;
    struct member_stage stage;
    bool is_staging;       /* too much for one change */
    uint64_t base_version; /* `wanted` was made of this version; 0: of none */
    bool has_before;       /* the next two are set */
    struct member_list before;
    uint64_t before_version;
    bool is_submitted;       /* the change that ends it */
    struct scim_patch patch; /* of a PATCH; and the same, as far as it is about members */
    struct scim_member_changes changes;
};

/* ---- what the body says of members ---- */

/* What the request wants, in its arena. False: it is the first call of the handler, which reads the body. True: another
 * call; when the last change was refused as stale, what was staged is gone, or made of an older version: then all
 * begins again. */
bool group_write_resume(struct prov_request *r, struct group_write **ret_write);
/* Begins to read it, and makes `write` the request's. */
GW_MUST_CHECK enum gw_code group_write_read(struct prov_request *r, struct group_write *write,
                                            enum scim_reading reading, uint64_t group_seq,
                                            const struct scim_member_change *changes, size_t count,
                                            struct gw_error *err);
/* True: not all is read yet, and the handler is called again when it is. Few members are read at once. */
bool group_write_is_read_later(struct prov_request *r, struct group_write *write);

/* ---- the group ---- */

/* The group of the path. GW_E_NOT_FOUND; GW_E_PRECONDITION by If-Match (RFC 7644 section 3.14). */
GW_MUST_CHECK enum gw_code group_write_target(struct prov_request *r, struct store_group *ret_group,
                                              struct gw_error *err);
/* Of a change: a client that names a version means that one, also when another change is quicker. 0: any. */
uint64_t group_write_expected_version(const struct prov_request *r, const struct store_group *group);
/* Loads the members that are there, which may be many, in a turn of their own; then the handler is called again. */
GW_MUST_CHECK enum gw_code group_write_load_apart(struct prov_request *r, struct group_write *write,
                                                  const struct store_group *group, struct gw_error *err);

/* ---- the change ---- */

/* With names and named values of what it writes. `before` NULL: a new group. */
GW_MUST_CHECK enum gw_code group_write_change(struct prov_request *r, enum store_change_kind kind,
                                              const struct scim_group_draft *draft, unsigned fields, bool has_members,
                                              struct store_change **ret_change, struct gw_error *err);
void group_write_fill_values(const struct prov_request *r, struct store_change *change,
                             const struct store_group *before);
/* The change that ends the request. */
void group_write_submit(struct prov_request *r, struct group_write *write, struct store_change *change,
                        pending_fn on_done);

/* Writes `fields` and makes the members exactly write->wanted: as one change when that is small enough, in itself or as
 * a difference, else by staging, and then the handler is called again. */
GW_MUST_CHECK enum gw_code group_write_submit_wanted(struct prov_request *r, struct group_write *write,
                                                     const struct store_group *group, unsigned fields,
                                                     pending_fn on_done, struct gw_error *err);
/* Writes `fields` and does to the members what the body says. */
GW_MUST_CHECK enum gw_code group_write_submit_ops(struct prov_request *r, struct group_write *write,
                                                  const struct store_group *group, unsigned fields, pending_fn on_done,
                                                  struct gw_error *err);
