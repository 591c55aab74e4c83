/* What reader.h offers of groups. */
#include "store/codec.h"
#include "store/groups.h"
#include "store/members.h"
#include "store/positions.h"

#define SETS_PART 64u
#define MEMBERS_PART 512u

enum gw_code store_group_get(struct store_reader *reader, struct gw_arena *arena, uint32_t folder, uint64_t seq,
                             struct store_group *ret_group, struct gw_error *err)
{
    enum gw_code code = store_groups_load(store_reader_view(reader), arena, folder, seq, ret_group, err);
    return code == GW_E_NOT_FOUND ? gw_fail(err, code, "there is no such group") : code;
}

enum gw_code store_groups_find(struct store_reader *reader, uint32_t folder, enum store_index index,
                               struct gw_str value, uint64_t *ret_seqs, size_t max, size_t *ret_count,
                               struct gw_error *err)
{
    return store_groups_lookup(store_reader_view(reader), folder, index, value, ret_seqs, max, ret_count, err);
}

enum gw_code store_groups_page(struct store_reader *reader, uint32_t folder, uint64_t position, uint64_t count,
                               store_group_fn on_group, void *data, struct gw_error *err)
{
    struct store_view *view = store_reader_view(reader);
    uint64_t block = 0;
    uint64_t before = 0;
    enum gw_code code = store_positions_find(view, STORE_POSITIONS_OF_GROUPS(folder), position, &block, &before, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    return store_groups_walk(view, folder, block << STORE_BLOCK_BITS, before, count, on_group, data, err);
}

enum gw_code store_groups_scan(struct store_reader *reader, uint32_t folder, uint64_t from_seq, store_group_fn on_group,
                               void *data, struct gw_error *err)
{
    return store_groups_walk(store_reader_view(reader), folder, from_seq, 0, UINT64_MAX, on_group, data, err);
}

enum gw_code store_groups_count(struct store_reader *reader, uint32_t folder, uint64_t *ret_count, struct gw_error *err)
{
    return store_positions_total(store_reader_view(reader), STORE_POSITIONS_OF_GROUPS(folder), ret_count, err);
}

enum gw_code store_group_members(struct store_reader *reader, const struct store_group *group, uint64_t from_seq,
                                 uint64_t *ret_seqs, size_t max, size_t *ret_count, struct gw_error *err)
{
    return store_set_members(store_reader_view(reader), group->folder, group->set, from_seq, ret_seqs, max, ret_count,
                             err);
}

static enum gw_code visit_user(struct store_view *view, uint32_t folder, uint64_t seq, store_user_fn on_user,
                               void *data, bool *ret_go_on, struct gw_error *err)
{
    struct store_key key = store_user_key(folder, seq);
    struct gw_str emails[STORE_EMAILS_MAX];
    struct store_user user;
    struct gw_str value;
    enum gw_code code = store_get(view, STORE_TABLE_USERS, store_key_str(&key), &value, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && !store_user_decode(store_key_str(&key), value, emails, &user)))
        return store_fail_damaged(err, STORE_TABLE_MEMBERS, "a member is no user");
    if (code == GW_OK)
        *ret_go_on = on_user(&user, data);
    return code;
}

enum gw_code store_group_users(struct store_reader *reader, const struct store_group *group, uint64_t from_seq,
                               store_user_fn on_user, void *data, struct gw_error *err)
{
    struct store_view *view = store_reader_view(reader);
    uint64_t seqs[MEMBERS_PART];
    size_t count = MEMBERS_PART;
    uint64_t from = from_seq;
    bool go_on = true;
    while (go_on && count == MEMBERS_PART) {
        GW_TRY(store_set_members(view, group->folder, group->set, from, seqs, MEMBERS_PART, &count, err));
        for (size_t i = 0; go_on && i < count; i++)
            GW_TRY(visit_user(view, group->folder, seqs[i], on_user, data, &go_on, err));
        from = count > 0 ? seqs[count - 1] + 1 : 0;
    }
    return GW_OK;
}

enum gw_code store_group_has(struct store_reader *reader, const struct store_group *group, uint64_t user_seq,
                             bool *ret_has, struct gw_error *err)
{
    return store_set_has(store_reader_view(reader), group->folder, group->set, user_seq, ret_has, err);
}

enum gw_code store_group_size(struct store_reader *reader, const struct store_group *group, uint64_t *ret_count,
                              struct gw_error *err)
{
    struct store_set set;
    enum gw_code code = store_set_load(store_reader_view(reader), group->folder, group->set, &set, err);
    if (code == GW_E_NOT_FOUND)
        return store_fail_damaged(err, STORE_TABLE_SETS, "the set of a group is missing");
    if (code == GW_OK)
        *ret_count = set.count;
    return code;
}

static enum gw_code load_group_of(struct store_view *view, uint32_t folder, uint64_t number,
                                  struct store_group *ret_group, struct gw_error *err)
{
    struct store_set set;
    struct gw_str value;
    enum gw_code code = store_set_load(view, folder, number, &set, err);
    if (code == GW_OK && set.group == 0) {
        *ret_group = (struct store_group){.seq = 0};
        return GW_OK;
    }
    struct store_key key = store_user_key(folder, set.group);
    if (code == GW_OK)
        code = store_get(view, STORE_TABLE_GROUPS, store_key_str(&key), &value, err);
    if (code == GW_E_NOT_FOUND || (code == GW_OK && !store_group_decode(store_key_str(&key), value, ret_group)))
        return store_fail_damaged(err, STORE_TABLE_MEMBERSHIPS, "a membership is of no group");
    return code;
}

static enum gw_code visit_set(struct store_reader *reader, uint32_t folder, uint64_t number, store_group_fn on_group,
                              void *data, bool *ret_go_on, struct gw_error *err)
{
    bool is_known = false;
    struct store_recent_group *recent = store_reader_recent_group(reader, folder, number, &is_known);
    if (!is_known) {
        enum gw_code code = load_group_of(store_reader_view(reader), folder, number, &recent->group, err);
        if (code != GW_OK) {
            recent->snapshot = 0;
            return code;
        }
    }
    struct store_group group = recent->group;
    if (group.seq != 0)
        *ret_go_on = on_group(&group, data);
    return GW_OK;
}

enum gw_code store_user_groups(struct store_reader *reader, uint32_t folder, uint64_t user_seq, store_group_fn on_group,
                               void *data, struct gw_error *err)
{
    struct store_view *view = store_reader_view(reader);
    uint64_t sets[SETS_PART];
    size_t count = SETS_PART;
    uint64_t from = 0;
    bool go_on = true;
    while (go_on && count == SETS_PART) {
        GW_TRY(store_sets_of_user(view, folder, user_seq, from, sets, SETS_PART, &count, err));
        for (size_t i = 0; go_on && i < count; i++)
            GW_TRY(visit_set(reader, folder, sets[i], on_group, data, &go_on, err));
        from = count > 0 ? sets[count - 1] + 1 : 0;
    }
    return GW_OK;
}

enum gw_code store_sets_are_loose(struct store_reader *reader, bool *ret_loose, struct gw_error *err)
{
    uint64_t entries = 0;
    GW_TRY(store_table_entries(store_reader_view(reader), STORE_TABLE_LOOSE_SETS, &entries, err));
    *ret_loose = entries > 0;
    return GW_OK;
}
