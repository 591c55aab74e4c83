/* The brake's other side: what an operator does with those whom it holds, the end of max_hold, and a look at them. */
#include "store/brake.h"
#include "store/brake_record.h"
#include "store/codec.h"
#include "store/journal.h"

#define PART_MAX 64u /* users of one change: each may leave groups */

struct part {
    struct store_held helds[PART_MAX];
    size_t count;
    bool has_more;
};

/* The next ones that wait, or with those that an operator rejected; texts in the arena. */
static enum gw_code read_part(struct store_apply *apply, uint32_t folder, bool with_rejected, struct part *part,
                              struct gw_error *err)
{
    struct store_key prefix;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    part->count = 0;
    part->has_more = false;
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, &apply->view, STORE_TABLE_HELD, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && gw_str_starts(walk.key, store_key_str(&prefix))) {
        struct store_held held;
        if (!store_held_decode(walk.key, gw_arena_copy(&apply->arena, walk.value), &held))
            return store_fail_damaged(err, STORE_TABLE_HELD, "a record makes no sense");
        bool is_wanted = with_rejected || !held.is_rejected;
        if (is_wanted && part->count == PART_MAX) {
            part->has_more = true;
            return GW_OK;
        }
        if (is_wanted)
            part->helds[part->count++] = held;
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static enum gw_code take_out(struct store_apply *apply, const struct store_held *held, struct gw_error *err)
{
    struct store_user before;
    enum gw_code code = store_users_load(&apply->view, &apply->arena, held->folder, held->user_seq, &before, err);
    bool is_gone = code == GW_E_NOT_FOUND || (code == GW_OK && (before.state.flags & STORE_USER_DELETED) != 0);
    if (is_gone)
        return GW_OK;
    if (code != GW_OK)
        return code;
    if (held->kind == STORE_HELD_DELETE)
        return store_apply_tombstone(apply, &before, err);
    struct store_user user = before;
    if ((before.state.flags & STORE_USER_ACTIVE) == 0)
        return GW_OK;
    store_user_touch(&user, apply->change->time_ms);
    GW_TRY(store_apply_set_active(apply, &user, false, err));
    return store_users_save(&apply->view, &apply->arena, &before, &user, err);
}

enum gw_code store_apply_brake_release(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    struct store_brake_state state;
    GW_TRY(store_brake_state_get(&apply->view, change->folder, &state, err));
    bool by_operator = !change->as.release.only_when_over;
    bool is_due = by_operator || store_brake_is_over(&state, change->time_ms);
    change->result.outcome = STORE_OUTCOME_UNCHANGED;
    if (!is_due)
        return GW_OK;
    struct part *part = gw_arena_alloc(&apply->arena, sizeof *part);
    GW_TRY(read_part(apply, change->folder, by_operator, part, err));
    size_t done = 0;
    for (size_t i = 0; i < part->count; i++) {
        /* who was rejected before passes now, when the client comes again */
        if (!part->helds[i].is_rejected) {
            done++;
            GW_TRY(take_out(apply, &part->helds[i], err));
        }
        GW_TRY(store_held_drop(apply, &part->helds[i], err));
    }
    GW_TRY(store_brake_state_get(&apply->view, change->folder, &state, err));
    state.held = part->has_more ? state.held : 0;
    /* whoever comes with the rest of the same run passes */
    int64_t window_ms = change->brake.within_ms > 0 ? change->brake.within_ms : STORE_BRAKE_RELEASED_MS;
    state.released_until_ms = change->time_ms + window_ms;
    GW_TRY(store_brake_state_put(apply, change->folder, &state, err));
    change->result.outcome = STORE_OUTCOME_UPDATED;
    change->result.has_more = part->has_more;
    change->result.count = done;
    struct gw_str text = gw_arena_printf(&apply->arena, "%zu users", done);
    return store_journal_add(apply, STORE_ACTIVITY_BRAKE_RELEASE, NULL, text, err);
}

enum gw_code store_apply_brake_reject(struct store_apply *apply, struct gw_error *err)
{
    struct store_change *change = apply->change;
    struct store_brake_state state;
    struct part *part = gw_arena_alloc(&apply->arena, sizeof *part);
    GW_TRY(read_part(apply, change->folder, false, part, err));
    change->result.outcome = STORE_OUTCOME_UNCHANGED;
    if (part->count == 0)
        return GW_OK;
    for (size_t i = 0; i < part->count; i++) {
        struct store_held held = part->helds[i];
        held.is_rejected = true;
        held.time_ms = change->time_ms;
        held.reason = change->as.reject.reason;
        GW_TRY(store_held_put(apply, &held, err));
    }
    GW_TRY(store_brake_state_get(&apply->view, change->folder, &state, err));
    state.held = part->has_more && state.held > part->count ? state.held - part->count : 0;
    GW_TRY(store_brake_state_put(apply, change->folder, &state, err));
    change->result.outcome = STORE_OUTCOME_UPDATED;
    change->result.has_more = part->has_more;
    change->result.count = part->count;
    struct gw_str text =
        gw_arena_printf(&apply->arena, "%zu users: %.*s", part->count, GW_STR_ARG(change->as.reject.reason));
    return store_journal_add(apply, STORE_ACTIVITY_BRAKE_REJECT, NULL, text, err);
}

enum gw_code store_held_walk(struct store_reader *reader, uint32_t folder, store_held_fn on_held, void *data,
                             struct gw_error *err)
{
    struct store_key prefix;
    bool goes_on = true;
    store_key_init(&prefix);
    store_key_add_be(&prefix, folder, 4);
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_HELD, err));
    enum gw_code code = store_walk_seek(&walk, store_key_str(&prefix), err);
    while (code == GW_OK && goes_on && gw_str_starts(walk.key, store_key_str(&prefix))) {
        struct store_held held;
        if (!store_held_decode(walk.key, walk.value, &held))
            return store_fail_damaged(err, STORE_TABLE_HELD, "a record makes no sense");
        goes_on = on_held(&held, data);
        code = store_walk_next(&walk, err);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

enum gw_code store_brake_read(struct store_reader *reader, uint32_t folder, struct store_brake_state *ret_state,
                              struct gw_error *err)
{
    return store_brake_state_get(store_reader_view(reader), folder, ret_state, err);
}
