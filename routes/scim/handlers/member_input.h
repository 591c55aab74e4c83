/* member_input: what a body says about members, being turned into operations of the store: part by part, since there
 * may be very many (turn.h), and without the group where that is possible. The face's own loop only. */
#pragma once

#include "routes/scim/group.h"
#include "routes/scim/handlers/group_members.h"
#include "routes/scim/handlers/turn.h"

/* A step that looks into the members, on its way along those that are there when it is its turn. */
struct member_walk {
    bool is_begun;
    struct member_list members;
    size_t at;
    bool has_found; /* any that the step is about */
};

struct member_input {
    enum scim_reading reading;
    uint64_t group_seq;
    const struct scim_member_change *changes;
    size_t count;
    size_t change_at;
    size_t item_at; /* in the list of that change */
    struct member_walk walk;
    struct store_member_op *ops; /* so far */
    size_t op_count;
    size_t op_max;
    size_t work;               /* of all walks, of SCIM_PATCH_WORK_MAX */
    uint64_t version;          /* of the group that the operations are for; 0: of any */
    struct member_list before; /* its members; when there is a version */
};

/* `group_seq` is needed when one of the changes is a SCIM_MEMBER_STEP. */
void member_input_begin(struct prov_request *r, struct member_input *input, enum scim_reading reading,
                        uint64_t group_seq, const struct scim_member_change *changes, size_t count);

/* Until the turn is spent; *ret_done: all is read. Adding what is no id of a user is GW_E_INVALID_VALUE that names it
 * (rule 0.23); removing it changes nothing (rule 0.21). */
GW_MUST_CHECK enum gw_code member_input_go_on(struct prov_request *r, struct member_input *input, struct turn *turn,
                                              bool *ret_done, struct gw_error *err);
