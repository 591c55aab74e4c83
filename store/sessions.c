#include "store/sessions.h"

#include "store/bytes.h"
#include "store/codec.h"
#include "store/env.h"
#include "store/session_sweep.h"

struct store_session_digest store_session_digest(const struct store *store, struct gw_str app,
                                                 struct gw_str cookie_name, struct gw_str cookie_value)
{
    struct gw_str parts[] = {app, cookie_name, cookie_value};
    struct gw_sha256 whole = gw_hmac_keyed(&store->session_hmac, parts, 3);
    struct store_session_digest digest;
    memcpy(digest.bytes, whole.bytes, sizeof digest.bytes);
    return digest;
}

static struct gw_str digest_str(const struct store_session_digest *digest)
{
    return gw_str_n((const char *)digest->bytes, sizeof digest->bytes);
}

struct store_key store_session_day_key(const struct store_session_digest *digest, const struct store_session *session)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, (uint64_t)(session->seen_ms / STORE_DAY_MS), 4);
    store_key_add(&key, digest_str(digest));
    return key;
}

enum gw_code store_sessions_load(struct store_view *view, const struct store_session_digest *digest,
                                 struct store_session *ret_session, struct gw_error *err)
{
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_SESSIONS, digest_str(digest), &value, err);
    if (code != GW_OK)
        return code;
    if (!store_session_decode(value, ret_session))
        return store_fail_damaged(err, STORE_TABLE_SESSIONS, "a record makes no sense");
    return GW_OK;
}

enum gw_code store_sessions_put(struct store_view *view, const struct store_session_digest *digest,
                                const struct store_session *session, struct gw_error *err)
{
    struct store_session before;
    struct store_key day = store_session_day_key(digest, session);
    enum gw_code code = store_sessions_load(view, digest, &before, err);
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    bool is_same_day = code == GW_OK && before.seen_ms / STORE_DAY_MS == session->seen_ms / STORE_DAY_MS;
    if (code == GW_OK && !is_same_day) {
        struct store_key old_day = store_session_day_key(digest, &before);
        GW_TRY(store_delete(view, STORE_TABLE_SESSION_EXPIRY, store_key_str(&old_day), err));
    }
    if (!is_same_day)
        GW_TRY(store_put_key(view, STORE_TABLE_SESSION_EXPIRY, store_key_str(&day), err));
    uint8_t record[STORE_SESSION_RECORD_BYTES];
    store_session_encode(session, record);
    return store_put(view, STORE_TABLE_SESSIONS, digest_str(digest), record, sizeof record, err);
}

enum gw_code store_sessions_remove(struct store_view *view, const struct store_session_digest *digest,
                                   const struct store_session *session, struct gw_error *err)
{
    struct store_key day = store_session_day_key(digest, session);
    GW_TRY(store_delete(view, STORE_TABLE_SESSION_EXPIRY, store_key_str(&day), err));
    return store_delete(view, STORE_TABLE_SESSIONS, digest_str(digest), err);
}

static enum gw_code load_known(struct store_apply *apply, const struct store_session_digest *digest,
                               struct store_session *ret_session, struct gw_error *err)
{
    enum gw_code code = store_sessions_load(&apply->view, digest, ret_session, err);
    if (code == GW_E_NOT_FOUND)
        return gw_fail(err, code, "the session is not bound");
    return code;
}

/* Rotation (semantics.md 3): the new cookie gets the old one's generation, so that it dies with it. */
enum gw_code store_apply_session_bind(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_session session;
    GW_TRY(load_known(apply, &change->as.bind.old_digest, &session, err));
    session.bound_ms = change->time_ms;
    session.seen_ms = change->time_ms;
    GW_TRY(store_sessions_make_room(apply, err));
    GW_TRY(store_sessions_put(&apply->view, &change->as.bind.new_digest, &session, err));
    apply->change->result.outcome = STORE_OUTCOME_UPDATED;
    apply->change->result.folder = session.folder;
    apply->change->result.user_seq = session.user_seq;
    return GW_OK;
}

enum gw_code store_apply_session_seen(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    struct store_session session;
    GW_TRY(load_known(apply, &change->as.seen.digest, &session, err));
    apply->change->result.outcome = STORE_OUTCOME_UNCHANGED;
    if (change->time_ms < session.seen_ms + STORE_DAY_MS)
        return GW_OK;
    session.seen_ms = change->time_ms;
    apply->change->result.outcome = STORE_OUTCOME_UPDATED;
    return store_sessions_put(&apply->view, &change->as.seen.digest, &session, err);
}

/* A cookie that an app deletes may come back: it stays bound, so that a deactivated user stays refused. */
enum gw_code store_apply_session_mark(struct store_apply *apply, struct gw_error *err)
{
    const struct store_change *change = apply->change;
    GW_ASSERT(change->as.mark.count <= STORE_SIGN_ON_SESSIONS_MAX);
    apply->change->result.outcome = STORE_OUTCOME_UNCHANGED;
    for (size_t i = 0; i < change->as.mark.count; i++) {
        struct store_session session;
        enum gw_code code = store_sessions_load(&apply->view, &change->as.mark.digests[i], &session, err);
        if (code == GW_E_NOT_FOUND || (code == GW_OK && session.is_signed_out))
            continue;
        if (code != GW_OK)
            return code;
        session.is_signed_out = true;
        GW_TRY(store_sessions_put(&apply->view, &change->as.mark.digests[i], &session, err));
        apply->change->result.outcome = STORE_OUTCOME_UPDATED;
    }
    return GW_OK;
}
