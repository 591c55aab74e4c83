#include "store/join.h"

#include "store/blind.h"
#include "store/links.h"

enum gw_code store_join_resolve(struct store_view *view, const struct store_join *join, uint64_t *ret_seq,
                                struct gw_error *err)
{
    uint64_t seqs[2];
    size_t count = 0;
    *ret_seq = 0;
    GW_TRY(store_users_lookup(view, join->folder, join->match, join->value, seqs, 2, &count, err));
    /* Only an opaque name id is never given to another person; for all others the current holder decides
     * (semantics.md 4). */
    if (count == 0 && join->name_id_is_opaque && join->name_id.len > 0)
        GW_TRY(store_links_find(view, join->folder, join->issuer, join->name_id, seqs, 2, &count, err));
    if (count > 1)
        return gw_fail(err, GW_E_CONFLICT, "the sign-on names two users");
    *ret_seq = count == 1 ? seqs[0] : 0;
    if (count == 1)
        return GW_OK;
    /* a record that is gone must not let the person in as somebody unknown (semantics.md 4) */
    GW_TRY(store_blind_find(view, join->folder, join->match, join->value, ret_seq, err));
    if (*ret_seq == 0 && join->name_id_is_opaque && join->name_id.len > 0)
        GW_TRY(store_blind_find_subject(view, join->folder, join->issuer, join->name_id, ret_seq, err));
    if (*ret_seq != 0)
        return gw_fail(err, GW_E_FORBIDDEN, "the user was deleted, and nobody has provisioned the person again");
    return GW_OK;
}
