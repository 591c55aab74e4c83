/* recent: the sessions and states that a reader got last. What was got in one snapshot is true as long as the next
 * snapshot has the same number: a page and its forty pictures then cost two searches, not eighty. Nothing is kept
 * longer than that, whoever commits in whatever process (semantics.md 2). Private to store/; the reader's thread. */
#pragma once

#include "gateway/base/result.h"
#include "store/record.h"

#define STORE_RECENT_ENTRIES 512u /* of each kind: 60 KiB of a reader */

struct store_recent_session {
    uint64_t snapshot; /* 0: nothing is here */
    struct store_session_digest digest;
    enum gw_code code; /* GW_OK, or GW_E_NOT_FOUND: that there is none is known too */
    struct store_session session;
};

struct store_recent_state {
    uint64_t snapshot;
    uint32_t folder;
    enum gw_code code;
    uint64_t seq;
    struct store_user_state state;
};

struct store_recent {
    struct store_recent_session sessions[STORE_RECENT_ENTRIES];
    struct store_recent_state states[STORE_RECENT_ENTRIES];
};

/* The place of a session or a state. Unless *ret_is_known it is to be filled in, and its snapshot last. */
struct store_recent_session *store_recent_session(struct store_recent *recent, uint64_t snapshot,
                                                  const struct store_session_digest *digest, bool *ret_is_known);
struct store_recent_state *store_recent_state(struct store_recent *recent, uint64_t snapshot, uint32_t folder,
                                              uint64_t seq, bool *ret_is_known);
