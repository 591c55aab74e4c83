/* group: between the canonical group and what the store keeps. displayName, externalId and members are kept apart;
 * other attributes (extensions) are one JSON object text. Pure; any thread. */
#pragma once

#include "routes/scim/patch.h"
#include "routes/scim/resource.h"

struct scim_group_draft {
    struct gw_str display_name;
    struct gw_str external_id;     /* ptr NULL: none */
    bool has_members;              /* members: null or an array was there; a PUT without it keeps the members */
    const struct json_value *list; /* of a body: its members as they came, to be read by scim_members_read; or NULL */
    const struct json_value *attributes; /* the rest */
};

/* Everything but the members, of which there may be very many. */
GW_MUST_CHECK enum gw_code scim_group_read(struct gw_arena *arena, const struct scim_resource_type *type,
                                           const struct json_value *body, struct scim_group_draft *ret_draft,
                                           struct scim_ignored *ignored, struct gw_error *err);
/* The ids of list[from] and the `count` behind, each once, as the client wrote them: strictly in a body, else as in the
 * value of a PATCH. GW_E_INVALID_VALUE. The ids live as long as `list` and `arena`. */
struct scim_member_ids {
    const struct gw_str *ids;
    size_t count;
};
GW_MUST_CHECK enum gw_code scim_members_read(const struct scim_reader *reader, const struct scim_resource_type *type,
                                             const struct json_value *list, size_t from, size_t count,
                                             struct scim_member_ids *ret_ids, struct gw_error *err);
/* Without the members. */
void scim_group_draft_fill(struct gw_arena *arena, const struct json_value *resource,
                           struct scim_group_draft *ret_draft);
struct gw_str scim_group_store_text(struct gw_arena *arena, const struct scim_group_draft *draft);

struct scim_group_columns {
    struct scim_meta meta;
    struct gw_str display_name;
    struct gw_str external_id;        /* empty: none */
    struct gw_str attributes;         /* text of scim_group_store_text; empty counts as {} */
    const struct json_value *members; /* array of {value, display, ...}, or NULL: left out */
};

GW_MUST_CHECK enum gw_code scim_group_load(struct gw_arena *arena, const struct scim_resource_type *type,
                                           const struct scim_group_columns *columns, struct json_value **ret_resource,
                                           struct gw_error *err);

/* A PATCH of a group, seen as changes of its membership, so that a big group need not be loaded. */
enum scim_member_change_kind { SCIM_MEMBER_ADD, SCIM_MEMBER_REMOVE, SCIM_MEMBER_CLEAR, SCIM_MEMBER_STEP };

struct scim_member_change {
    enum scim_member_change_kind kind;
    struct gw_str member;               /* id; empty for CLEAR, STEP and for a list */
    const struct json_value *list;      /* of ADD and REMOVE: these, by scim_members_read; NULL: `member` */
    const struct scim_patch_step *step; /* of STEP: what cannot be said without a look at the members, see below */
};

struct scim_member_changes {
    const struct scim_member_change *changes; /* in order */
    size_t count;
    struct scim_patch rest; /* the steps that touch other attributes; apply them to the group without members */
};

/* Understood without the group: add, replace and remove of `members`, with a list or without, and remove of
 * members[value eq "..."] or an `or` of such. All else is a STEP. GW_E_INVALID_VALUE when a value is no list; what is
 * in a list is read later. */
GW_MUST_CHECK enum gw_code scim_group_patch_split(struct gw_arena *arena, const struct scim_patch *patch,
                                                  struct scim_member_changes *ret_changes, struct gw_error *err);

/* A STEP, member by member: is this one of those that it is about? */
bool scim_member_matches(const struct scim_patch_step *step, const struct json_value *member, struct gw_arena *scratch);
/* *ret_members: what the step leaves of `members`, an array of some that it is about, in their order; or, when it is
 * about none and `members` is empty, what it makes. NULL: none. */
GW_MUST_CHECK enum gw_code scim_members_patch(struct gw_arena *arena, const struct scim_resource_type *type,
                                              const struct scim_patch_step *step, const struct json_value *members,
                                              const struct json_value **ret_members, struct gw_error *err);
