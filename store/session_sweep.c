#include "store/session_sweep.h"

#include "store/bytes.h"
#include "store/sessions.h"

struct candidate {
    struct store_key key; /* in the table of days */
    struct store_session_digest digest;
};

struct sweep {
    struct store_apply *apply;
    const struct store_session_rule *rules; /* NULL: for room alone */
    size_t rule_count;
    uint64_t excess; /* so many of active users go, due or not */
    uint64_t taken;
};

static const struct store_session_rule *rule_of(const struct sweep *sweep, uint32_t folder)
{
    for (size_t i = 0; i < sweep->rule_count; i++) {
        if (sweep->rules[i].folder == folder)
            return &sweep->rules[i];
    }
    return NULL;
}

static bool is_unseen(const struct sweep *sweep, const struct store_session_rule *rule,
                      const struct store_session *session)
{
    return rule != NULL && session->seen_ms + rule->ttl_ms + STORE_DAY_MS <= sweep->apply->change->time_ms;
}

/* A lock has no retention: it stays until an operator lifts it. */
static bool is_kept_for_its_user(const struct sweep *sweep, const struct store_session_rule *rule,
                                 const struct store_user *user)
{
    bool is_out = (user->state.flags & (STORE_USER_ACTIVE | STORE_USER_DELETED)) != STORE_USER_ACTIVE;
    if ((user->state.flags & STORE_USER_LOCKED) != 0)
        return true;
    return is_out && (rule == NULL || user->deactivated_ms + rule->retain_ms > sweep->apply->change->time_ms);
}

static enum gw_code look_at(struct sweep *sweep, const struct candidate *candidate, struct gw_error *err)
{
    struct store_view *view = &sweep->apply->view;
    struct store_session session;
    struct store_user user = {.seq = 0};
    GW_ARENA_SCOPED(arena);
    enum gw_code code = store_sessions_load(view, &candidate->digest, &session, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND
                   ? store_fail_damaged(err, STORE_TABLE_SESSION_EXPIRY, "it names a session that is not there")
                   : code;
    code = store_users_load(view, &arena, session.folder, session.user_seq, &user, err);
    if (code != GW_OK && code != GW_E_NOT_FOUND)
        return code;
    const struct store_session_rule *rule = rule_of(sweep, session.folder);
    bool is_gone = code == GW_E_NOT_FOUND;
    bool is_due = is_unseen(sweep, rule, &session);
    if (!is_gone && is_kept_for_its_user(sweep, rule, &user))
        return GW_OK;
    bool is_active = !is_gone && (user.state.flags & (STORE_USER_ACTIVE | STORE_USER_DELETED)) == STORE_USER_ACTIVE;
    if (!is_due && !(is_active && sweep->excess > 0))
        return GW_OK;
    GW_TRY(store_sessions_remove(view, &candidate->digest, &session, err));
    sweep->excess -= sweep->excess > 0;
    sweep->taken++;
    return GW_OK;
}

/* Entries from `place` on, the oldest first, at most `max`; up to and with the day of `until_ms`. */
static enum gw_code collect(struct sweep *sweep, struct gw_str place, int64_t until_ms, struct candidate *ret_list,
                            size_t max, size_t *ret_count, struct gw_error *err)
{
    *ret_count = 0;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &sweep->apply->view, STORE_TABLE_SESSION_EXPIRY, err));
    enum gw_code code = store_walk_seek(&walk, place, err);
    while (code == GW_OK && *ret_count < max) {
        if (walk.key.len != STORE_SESSION_PLACE_BYTES)
            return store_fail_damaged(err, STORE_TABLE_SESSION_EXPIRY, "a key makes no sense");
        if ((int64_t)bytes_get_be(walk.key.ptr, 4) * STORE_DAY_MS > until_ms)
            return GW_OK;
        struct candidate *candidate = &ret_list[(*ret_count)++];
        store_key_init(&candidate->key);
        store_key_add(&candidate->key, walk.key);
        memcpy(candidate->digest.bytes, walk.key.ptr + 4, sizeof candidate->digest.bytes);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static uint64_t excess_of(uint64_t entries, uint64_t max)
{
    return max != 0 && entries > max ? entries - max : 0;
}

enum gw_code store_sessions_make_room(struct store_apply *apply, struct gw_error *err)
{
    uint64_t entries = 0;
    uint64_t max = apply->change->sessions_max;
    if (max == 0)
        return GW_OK;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_SESSIONS, &entries, err));
    if (entries < max)
        return GW_OK;
    struct candidate list[STORE_ROOM_LOOKED_MAX];
    struct sweep sweep = {.apply = apply, .excess = entries + 1 - max};
    size_t count = 0;
    if (sweep.excess > STORE_ROOM_TAKEN_MAX)
        sweep.excess = STORE_ROOM_TAKEN_MAX;
    GW_TRY(collect(&sweep, GW_STR_NONE, INT64_MAX, list, STORE_ROOM_LOOKED_MAX, &count, err));
    for (size_t i = 0; i < count && sweep.excess > 0; i++)
        GW_TRY(look_at(&sweep, &list[i], err));
    return GW_OK;
}

/* Nothing seen after that can be due. */
static int64_t latest_due(const struct store_change *change)
{
    int64_t latest_ms = 0;
    for (size_t i = 0; i < change->as.sweep.rule_count; i++) {
        int64_t due_ms = change->time_ms - change->as.sweep.rules[i].ttl_ms - STORE_DAY_MS;
        latest_ms = due_ms > latest_ms ? due_ms : latest_ms;
    }
    return latest_ms;
}

static struct gw_str place_of(const struct store_change *change)
{
    return gw_str_n((const char *)change->as.sweep.place, sizeof change->as.sweep.place);
}

enum gw_code store_apply_session_sweep(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    uint64_t entries = 0;
    size_t count = 0;
    GW_TRY(store_table_entries(&apply->view, STORE_TABLE_SESSIONS, &entries, err));
    struct sweep sweep = {.apply = apply,
                          .rules = change->as.sweep.rules,
                          .rule_count = change->as.sweep.rule_count,
                          .excess = excess_of(entries, change->sessions_max)};
    int64_t until_ms = sweep.excess > 0 ? INT64_MAX : latest_due(change);
    struct candidate *list = gw_arena_array(&apply->arena, STORE_SESSION_SWEEP_MAX, sizeof *list);
    GW_TRY(collect(&sweep, place_of(change), until_ms, list, STORE_SESSION_SWEEP_MAX, &count, err));
    for (size_t i = 0; i < count; i++)
        GW_TRY(look_at(&sweep, &list[i], err));
    change->result.outcome = sweep.taken > 0 ? STORE_OUTCOME_UPDATED : STORE_OUTCOME_UNCHANGED;
    change->result.forgotten = sweep.taken;
    change->result.has_more = count == STORE_SESSION_SWEEP_MAX;
    memset(change->as.sweep.place, 0, sizeof change->as.sweep.place);
    if (change->result.has_more)
        memcpy(change->as.sweep.place, list[count - 1].key.bytes, sizeof change->as.sweep.place);
    return GW_OK;
}
