#include "store/recent.h"

#include <string.h>

/* A digest is an HMAC: any of its bits are as good as a hash. */
struct store_recent_session *store_recent_session(struct store_recent *recent, uint64_t snapshot,
                                                  const struct store_session_digest *digest, bool *ret_is_known)
{
    unsigned hash = (unsigned)digest->bytes[0] << 8 | digest->bytes[1];
    struct store_recent_session *place = &recent->sessions[hash % STORE_RECENT_ENTRIES];
    *ret_is_known = place->snapshot == snapshot && memcmp(&place->digest, digest, sizeof *digest) == 0;
    if (!*ret_is_known)
        *place = (struct store_recent_session){.digest = *digest};
    return place;
}

struct store_recent_state *store_recent_state(struct store_recent *recent, uint64_t snapshot, uint32_t folder,
                                              uint64_t seq, bool *ret_is_known)
{
    struct store_recent_state *place = &recent->states[(seq ^ folder) % STORE_RECENT_ENTRIES];
    *ret_is_known = place->snapshot == snapshot && place->folder == folder && place->seq == seq;
    if (!*ret_is_known)
        *place = (struct store_recent_state){.folder = folder, .seq = seq};
    return place;
}
