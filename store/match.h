/* match: whom the match rules of a POST name (semantics.md 4), and what policy says to it, in any transaction: the
 * writer decides by it, commands foresee by it. Private to store/. */
#pragma once

#include "store/change.h"
#include "store/table.h"

struct store_match_found {
    uint64_t seq;     /* 0: nobody */
    const char *rule; /* the first one that named the user */
};

/* GW_E_UNIQUENESS when the rules name two users. */
GW_MUST_CHECK enum gw_code store_match_find(struct store_view *view, uint32_t folder,
                                            const struct store_user_draft *draft, unsigned rules,
                                            struct store_match_found *ret_found, struct gw_error *err);

/* May the user that was found be taken over by the draft? */
GW_MUST_CHECK enum gw_code store_match_check(struct store_view *view, const struct store_match_found *found,
                                             const struct store_user *user, const struct store_user_draft *draft,
                                             bool adopt, bool revive, struct gw_error *err);

/* GW_E_UNIQUENESS naming who has the userName, unless it is `own_seq` or nobody. */
GW_MUST_CHECK enum gw_code store_match_check_name(struct store_view *view, uint32_t folder, struct gw_str user_name,
                                                  uint64_t own_seq, struct gw_error *err);
