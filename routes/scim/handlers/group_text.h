/* group_text: a stored group as JSON text. Members are written straight from the store, never as a tree: a group of
 * 100,000 costs its text (about 170 bytes a member) and nothing beside. They are written in parts, each as long as one
 * turn of the loop may be (turn.h). A group that changes between two parts is begun again, so that its text is always
 * one version; after GROUP_TEXT_AGAIN_MAX times it is written at one go. The face's own loop only. */
#pragma once

#include "gateway/base/buf.h"
#include "routes/request.h"
#include "routes/scim/handlers/turn.h"

#define GROUP_TEXT_AGAIN_MAX 3u

struct group_text {
    uint64_t seq;
    uint64_t version;
    size_t begun_at;    /* in the buffer */
    uint64_t next_user; /* where the members go on */
    size_t count;       /* of members that are written */
    unsigned again;
    bool is_open; /* there are members to come */
    bool is_gone; /* the group was deleted meanwhile: nothing of it is in the buffer */
    bool value;   /* what the projection shows of a member */
    bool ref;
    bool type;
    bool display;
};

/* In a snapshot: appends the projected group; with `members`, and when the projection wants them, up to where they
 * begin, and it is open. GW_E_TOO_MANY: the buffer is full. */
GW_MUST_CHECK enum gw_code group_text_begin(struct group_text *part, struct gw_buf *text, struct gw_arena *scratch,
                                            const struct prov_request *r, const struct store_group *group, bool members,
                                            struct gw_error *err);

/* In a snapshot, while it is open: members until the turn is spent, and the end. `group` as it stands in this snapshot;
 * NULL: it is looked up. */
GW_MUST_CHECK enum gw_code group_text_go_on(struct group_text *part, struct gw_buf *text, const struct prov_request *r,
                                            const struct store_group *group, struct turn *turn, struct gw_error *err);
