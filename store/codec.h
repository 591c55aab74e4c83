/* codec: users, sessions and activity entries as stored bytes, and back. Private to store/. The first
 * STORE_SEAL_BYTES of every encoding are left for store_put. Decoding borrows: text points into the stored bytes, so
 * that a read is close to a copy. Stored bytes were verified by their seal; decoding still checks every length. */
#pragma once

#include "gateway/base/arena.h"
#include "store/record.h"
#include "store/table.h"

struct store_bytes {
    uint8_t *ptr;
    size_t len;
};

#define STORE_ACTIVITY_TEXT_BYTES_MAX 1024u    /* longer texts are cut */
#define STORE_ACTIVITY_VALUES_BYTES_MAX 65535u /* of JSON, which cannot be cut: longer ones are left out */

struct store_key store_user_key(uint32_t folder, uint64_t seq);

struct store_bytes store_user_encode(struct gw_arena *arena, const struct store_user *user);
/* `emails` holds STORE_EMAILS_MAX. */
GW_MUST_CHECK bool store_user_decode(struct gw_str key, struct gw_str value, struct gw_str *emails,
                                     struct store_user *ret_user);

#define STORE_STATE_RECORD_BYTES 24u
void store_state_encode(const struct store_user_state *state, uint8_t dst[STORE_STATE_RECORD_BYTES]);
GW_MUST_CHECK bool store_state_decode(struct gw_str value, struct store_user_state *ret_state);

#define STORE_SESSION_RECORD_BYTES 48u
void store_session_encode(const struct store_session *session, uint8_t dst[STORE_SESSION_RECORD_BYTES]);
GW_MUST_CHECK bool store_session_decode(struct gw_str value, struct store_session *ret_session);

struct store_bytes store_activity_encode(struct gw_arena *arena, const struct store_activity *entry);
GW_MUST_CHECK bool store_activity_decode(struct gw_str key, struct gw_str value, struct store_activity *ret_entry);
