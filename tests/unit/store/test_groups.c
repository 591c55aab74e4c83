/* Groups and their members: semantics.md 4 and 5; scim-clients.md, rules 0.18 to 0.23. */
#include "tests/unit/store/fixture.h"

#include "gateway/base/digest.h"
#include "store/env.h"
#include "store/sentinel.h"

#include <pthread.h>

#define MANY 5000 /* more than one change may name */

static struct store_member_op add(uint64_t user)
{
    return (struct store_member_op){STORE_MEMBER_ADD, user};
}

static struct store_member_op take(uint64_t user)
{
    return (struct store_member_op){STORE_MEMBER_REMOVE, user};
}

static const struct store_member_op clear = {STORE_MEMBER_CLEAR, 0};

struct group_outcome {
    enum gw_code code;
    enum store_outcome outcome;
    uint64_t seq;
    uint64_t version;
};

static struct group_outcome apply_group(struct fixture *f, struct store_change *change)
{
    enum gw_code code = store_writer_apply(f->writer, change, &f->err);
    struct group_outcome outcome = {code, change->result.outcome, change->result.group_seq, change->result.version};
    store_change_free(change);
    return outcome;
}

static struct store_change *create_change(struct fixture *f, const char *name)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_CREATE, 0);
    change->as.group.display_name = gw_str_from(name);
    change->as.group.attributes = GW_STR("{}");
    return change;
}

static uint64_t create(struct fixture *f, const char *name)
{
    struct group_outcome outcome = apply_group(f, create_change(f, name));
    assert_ok(outcome.code, &f->err);
    assert_int_equal(outcome.version, 1);
    return outcome.seq;
}

static struct group_outcome update(struct fixture *f, uint64_t group, const struct store_member_op *ops, size_t count)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_UPDATE, 0);
    change->group_seq = group;
    change->as.group.ops = ops;
    change->as.group.op_count = count;
    return apply_group(f, change);
}
#define update_ops(f, group, ...)                                                                                      \
    update((f), (group), (struct store_member_op[]){__VA_ARGS__},                                                      \
           sizeof((struct store_member_op[]){__VA_ARGS__}) / sizeof(struct store_member_op))

static struct group_outcome rename_group(struct fixture *f, uint64_t group, const char *name)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_UPDATE, 0);
    change->group_seq = group;
    change->as.group.fields = STORE_GROUP_DISPLAY_NAME;
    change->as.group.display_name = gw_str_from(name);
    return apply_group(f, change);
}

static struct group_outcome delete_group(struct fixture *f, uint64_t group)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_DELETE, 0);
    change->group_seq = group;
    return apply_group(f, change);
}

static struct store_group read_group(struct fixture *f, uint64_t seq)
{
    struct store_group group;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_group_get(f->reader, &f->arena, f->folder, seq, &group, &f->err), &f->err);
    store_reader_end(f->reader);
    return group;
}

/* "1 3 5": the members in order; the count that the store keeps agrees. */
static const char *members(struct fixture *f, uint64_t seq)
{
    struct store_group group = read_group(f, seq);
    uint64_t users[64];
    size_t count = 0;
    uint64_t size = 0;
    GW_BUF_SCOPED(text, 1024);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_group_members(f->reader, &group, 0, users, 64, &count, &f->err), &f->err);
    assert_ok(store_group_size(f->reader, &group, &size, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_true(size == count || count == 64);
    for (size_t i = 0; i < count; i++)
        gw_buf_printf(&text, i > 0 ? " %llu" : "%llu", (unsigned long long)users[i]);
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

static uint64_t size_of(struct fixture *f, uint64_t seq)
{
    struct store_group group = read_group(f, seq);
    uint64_t size = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_group_size(f->reader, &group, &size, &f->err), &f->err);
    store_reader_end(f->reader);
    return size;
}

static bool on_group(const struct store_group *group, void *data)
{
    struct gw_buf *text = data;
    gw_buf_printf(text, text->len > 0 ? " %llu" : "%llu", (unsigned long long)group->seq);
    return true;
}

static const char *groups_of(struct fixture *f, uint64_t user)
{
    GW_BUF_SCOPED(text, 4096);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_user_groups(f->reader, f->folder, user, on_group, &text, &f->err), &f->err);
    store_reader_end(f->reader);
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

static uint64_t find_group(struct fixture *f, enum store_index index, const char *value)
{
    uint64_t seqs[2];
    size_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_groups_find(f->reader, f->folder, index, gw_str_from(value), seqs, 2, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_true(count <= 1);
    return count == 1 ? seqs[0] : 0;
}

static bool any_loose(struct fixture *f)
{
    bool loose = false;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_sets_are_loose(f->reader, &loose, &f->err), &f->err);
    store_reader_end(f->reader);
    return loose;
}

/* Sweeps to the end; how many changes it took. */
static int sweep(struct fixture *f)
{
    bool more = true;
    int rounds = 0;
    while (more) {
        struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_SWEEP, 0);
        assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
        more = change->result.has_more;
        rounds++;
        store_change_free(change);
    }
    return rounds;
}

static uint64_t stage_part(struct fixture *f, uint64_t set, uint64_t first, uint64_t last)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_STAGE, 0);
    uint64_t *users = gw_arena_array(&change->arena, last - first + 1, sizeof *users);
    for (uint64_t user = first; user <= last; user++)
        users[user - first] = user;
    change->as.stage.set = set;
    change->as.stage.users = users;
    change->as.stage.user_count = last - first + 1;
    assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
    set = change->result.set;
    store_change_free(change);
    return set;
}

/* Stages users first..last; returns the set. */
static uint64_t stage(struct fixture *f, uint64_t set, uint64_t first, uint64_t last)
{
    for (; first + STORE_MEMBER_PART <= last; first += STORE_MEMBER_PART)
        set = stage_part(f, set, first, first + STORE_MEMBER_PART - 1);
    return stage_part(f, set, first, last);
}

static struct group_outcome put_set(struct fixture *f, uint64_t group, uint64_t set)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_UPDATE, 0);
    change->group_seq = group;
    change->as.group.set = set;
    return apply_group(f, change);
}

fixture_test(a_group_is_found_by_any_spelling_of_its_name_and_by_external_id)
{
    fixture_fill(f, 5);
    struct store_change *change = create_change(f, "Wiki Admins");
    struct store_member_op ops[] = {add(3), add(1), add(3)};
    change->as.group.external_id = GW_STR("00g1");
    change->as.group.ops = ops;
    change->as.group.op_count = 3;
    struct group_outcome made = apply_group(f, change);
    assert_ok(made.code, &f->err);
    assert_string_equal(members(f, made.seq), "1 3");
    assert_string_equal(groups_of(f, 1), "1");
    assert_string_equal(groups_of(f, 2), "");
    assert_int_equal(find_group(f, STORE_INDEX_GROUP_NAME, "wiki ADMINS"), made.seq);
    assert_int_equal(find_group(f, STORE_INDEX_GROUP_EXTERNAL_ID, "00g1"), made.seq);
    assert_int_equal(find_group(f, STORE_INDEX_GROUP_EXTERNAL_ID, "00G1"), 0);
    assert_int_equal(find_group(f, STORE_INDEX_GROUP_NAME, "wiki"), 0);
    struct store_group group = read_group(f, made.seq);
    assert_true(gw_str_eq(group.display_name, GW_STR("Wiki Admins")));
    assert_int_equal(group.created_ms, f->now_ms);
}

fixture_test(rule_0_23_an_unknown_member_is_refused_by_its_id_and_nothing_changes)
{
    char ident[GW_IDENT_TEXT + 1];
    fixture_fill(f, 3);
    uint64_t group = create(f, "G");
    assert_ok(update_ops(f, group, add(1)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 2)).code, &f->err);
    uint64_t unknown[] = {2, 4, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_code(update_ops(f, group, take(1), add(3), add(unknown[i])).code, GW_E_INVALID_VALUE, &f->err);
        gw_ident_format(store_ident_key(f->store), GW_IDENT_USER, f->folder, unknown[i], ident);
        assert_non_null(strstr(f->err.text, ident));
        assert_string_equal(members(f, group), "1");
        assert_int_equal(read_group(f, group).version, 2);
    }
    assert_code(update_ops(f, group, add(4), clear).code, GW_E_INVALID_VALUE, &f->err);
    assert_string_equal(members(f, group), "1");
}

fixture_test(rule_0_21_what_is_there_already_is_a_success_without_change)
{
    fixture_fill(f, 4);
    uint64_t group = create(f, "G");
    assert_int_equal(update_ops(f, group, add(1), add(2)).version, 2);
    f->now_ms += 1000;
    uint64_t entries = strlen(fixture_activity(f, 0));
    struct group_outcome outcomes[] = {
        update_ops(f, group, add(1)),
        update_ops(f, group, take(3)),
        update_ops(f, group, take(99)),
        update_ops(f, group, clear, add(2), add(1)),
        update_ops(f, group, take(1), add(1)),
        rename_group(f, group, "G"),
        update(f, group, NULL, 0),
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        assert_int_equal(outcomes[i].code, GW_OK);
        assert_int_equal(outcomes[i].outcome, STORE_OUTCOME_UNCHANGED);
        assert_int_equal(outcomes[i].version, 2);
    }
    assert_int_equal(read_group(f, group).modified_ms, FIXTURE_START_MS);
    assert_int_equal(strlen(fixture_activity(f, 0)), entries);
}

fixture_test(rules_0_19_and_0_20_operations_work_in_their_order)
{
    fixture_fill(f, 6);
    uint64_t group = create(f, "G");
    assert_ok(update_ops(f, group, add(1), add(2), add(3)).code, &f->err);
    assert_ok(update_ops(f, group, take(2), add(4)).code, &f->err);
    assert_string_equal(members(f, group), "1 3 4");
    assert_ok(update_ops(f, group, add(5), take(5), take(1), add(1)).code, &f->err);
    assert_string_equal(members(f, group), "1 3 4");
    assert_ok(update_ops(f, group, add(5), clear, add(6), add(3)).code, &f->err);
    assert_string_equal(members(f, group), "3 6");
    assert_ok(update_ops(f, group, clear, add(1), take(1)).code, &f->err);
    assert_string_equal(members(f, group), "");
    assert_string_equal(groups_of(f, 3), "");
    assert_false(any_loose(f));
}

fixture_test(a_name_belongs_to_one_group_in_any_spelling)
{
    uint64_t first = create(f, "Stra\xc3\x9f"
                               "e");
    uint64_t second = create(f, "B");
    assert_code(apply_group(f, create_change(f, "b")).code, GW_E_UNIQUENESS, &f->err);
    assert_code(rename_group(f, first, "b").code, GW_E_UNIQUENESS, &f->err);
    assert_int_equal(rename_group(f, second, "b").outcome, STORE_OUTCOME_UPDATED);
    assert_ok(rename_group(f, second, "C").code, &f->err);
    assert_int_equal(find_group(f, STORE_INDEX_GROUP_NAME, "b"), 0);
    assert_ok(rename_group(f, first, "B").code, &f->err);
    assert_code(apply_group(f, create_change(f, "")).code, GW_E_INVALID_VALUE, &f->err);
}

fixture_test(t9_a_deleted_group_is_gone_and_its_number_is_not_used_again)
{
    fixture_fill(f, 2);
    uint64_t group = create(f, "G");
    assert_ok(update_ops(f, group, add(1)).code, &f->err);
    assert_ok(delete_group(f, group).code, &f->err);
    assert_code(delete_group(f, group).code, GW_E_NOT_FOUND, &f->err);
    assert_code(update_ops(f, group, add(2)).code, GW_E_NOT_FOUND, &f->err);
    assert_string_equal(groups_of(f, 1), "");
    assert_true(any_loose(f));
    (void)sweep(f);
    assert_false(any_loose(f));
    assert_int_equal(create(f, "G"), group + 1);
    assert_string_equal(fixture_activity(f, 2), "????");
}

static bool on_group_name(const struct store_group *group, void *data)
{
    struct gw_buf *text = data;
    gw_buf_printf(text, text->len > 0 ? " %.*s" : "%.*s", GW_STR_ARG(group->display_name));
    return true;
}

/* Of users 1 and 2, one after the other and as one snapshot shows them. */
static const char *group_names(struct fixture *f)
{
    GW_BUF_SCOPED(text, 4096);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    for (uint64_t user = 1; user <= 2; user++)
        assert_ok(store_user_groups(f->reader, f->folder, user, on_group_name, &text, &f->err), &f->err);
    store_reader_end(f->reader);
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

fixture_test(the_groups_of_many_users_are_those_of_the_snapshot)
{
    fixture_fill(f, 2);
    uint64_t first = create(f, "first");
    /* more groups than a reader keeps in mind, so that places are taken again */
    for (int i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "g%d", i);
        uint64_t group = create(f, name);
        if (i == 15 || i == 16)
            assert_ok(update_ops(f, group, {STORE_MEMBER_ADD, 1}, {STORE_MEMBER_ADD, 2}).code, &f->err);
    }
    assert_ok(update_ops(f, first, {STORE_MEMBER_ADD, 1}, {STORE_MEMBER_ADD, 2}).code, &f->err);
    assert_string_equal(group_names(f), "first g15 g16 first g15 g16");
    assert_ok(rename_group(f, first, "renamed").code, &f->err);
    assert_string_equal(group_names(f), "renamed g15 g16 renamed g15 g16");
    assert_ok(delete_group(f, first).code, &f->err);
    assert_string_equal(group_names(f), "g15 g16 g15 g16");
}

fixture_test(a_deactivated_user_stays_a_member_and_a_deleted_one_leaves_all_groups)
{
    fixture_fill(f, 3);
    uint64_t first = create(f, "A");
    uint64_t second = create(f, "B");
    assert_ok(update_ops(f, first, add(1), add(2)).code, &f->err);
    assert_ok(update_ops(f, second, add(2)).code, &f->err);
    uint64_t version = fixture_user(f, 2).version;
    assert_int_equal(version, 1);
    assert_ok(fixture_replace(f, 2, version, fixture_draft("user1@example.com", "user1@example.com", false)).code,
              &f->err);
    assert_string_equal(groups_of(f, 2), "1 2");
    assert_ok(update_ops(f, second, add(3)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 2)).code, &f->err);
    assert_string_equal(members(f, first), "1");
    assert_string_equal(members(f, second), "3");
    assert_string_equal(groups_of(f, 2), "");
    assert_int_equal(read_group(f, first).version, 3);
    assert_int_equal(read_group(f, second).version, 4);
}

fixture_test(a_user_in_hundreds_of_groups_leaves_them_all)
{
    fixture_fill(f, 2);
    for (int i = 0; i < 200; i++) {
        uint64_t group = create(f, gw_arena_printf(&f->arena, "group %d", i).ptr);
        assert_ok(update_ops(f, group, add(1), add(2)).code, &f->err);
    }
    assert_int_equal(strlen(groups_of(f, 1)), 9 * 2 + 90 * 3 + 101 * 4 - 1);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    assert_string_equal(groups_of(f, 1), "");
    assert_string_equal(members(f, 200), "2");
}

fixture_test(an_expected_version_that_is_not_the_group_s_is_stale)
{
    uint64_t group = create(f, "G");
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_DELETE, 0);
    change->group_seq = group;
    change->as.group.expected_version = 2;
    assert_code(apply_group(f, change).code, GW_E_STALE, &f->err);
    change = fixture_change(f, STORE_CHANGE_GROUP_DELETE, 0);
    change->group_seq = group;
    change->as.group.expected_version = 1;
    assert_ok(apply_group(f, change).code, &f->err);
}

fixture_test(staged_members_are_nobody_s_until_they_are_put_in_place_at_once)
{
    fixture_fill(f, MANY);
    uint64_t group = create(f, "G");
    assert_ok(update_ops(f, group, add(1)).code, &f->err);
    uint64_t set = stage(f, 0, 2, 3000);
    assert_int_equal(stage(f, set, 2900, MANY), set);
    assert_string_equal(members(f, group), "1");
    assert_string_equal(groups_of(f, 2), "");
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 7)).code, &f->err);
    assert_ok(put_set(f, group, set).code, &f->err);
    assert_int_equal(size_of(f, group), MANY - 2);
    assert_string_equal(groups_of(f, 2), "1");
    assert_string_equal(groups_of(f, 1), "");
    assert_code(put_set(f, group, set).code, GW_E_STALE, &f->err);
    assert_true(any_loose(f));
    assert_int_equal(sweep(f), 1);
    assert_int_equal(size_of(f, group), MANY - 2);
    struct store_change *change = create_change(f, "H");
    change->as.group.set = stage(f, 0, 1, 6);
    assert_ok(apply_group(f, change).code, &f->err);
    assert_string_equal(members(f, 2), "1 2 3 4 5 6");
}

fixture_test(rule_0_20_a_large_group_is_emptied_at_once_and_swept_in_parts)
{
    fixture_fill(f, MANY);
    uint64_t group = create(f, "G");
    assert_ok(put_set(f, group, stage(f, 0, 1, MANY)).code, &f->err);
    (void)sweep(f);
    assert_ok(update_ops(f, group, clear, add(9)).code, &f->err);
    assert_string_equal(members(f, group), "9");
    assert_string_equal(groups_of(f, 8), "");
    assert_true(sweep(f) >= 2);
    assert_false(any_loose(f));
    assert_string_equal(groups_of(f, 9), "1");
}

fixture_test(what_was_staged_and_never_used_is_swept_after_ten_minutes)
{
    fixture_fill(f, 10);
    uint64_t group = create(f, "G");
    uint64_t set = stage(f, 0, 1, 10);
    f->now_ms += STORE_STAGE_KEPT_MS;
    (void)sweep(f);
    assert_true(any_loose(f));
    f->now_ms += 1;
    (void)sweep(f);
    assert_false(any_loose(f));
    assert_code(put_set(f, group, set).code, GW_E_STALE, &f->err);
}

fixture_test(a_staged_member_that_is_no_user_is_refused)
{
    fixture_fill(f, 2);
    uint64_t users[] = {1, 3};
    struct store_change *change = fixture_change(f, STORE_CHANGE_GROUP_STAGE, 0);
    change->as.stage.users = users;
    change->as.stage.user_count = 2;
    assert_code(apply_group(f, change).code, GW_E_INVALID_VALUE, &f->err);
    assert_false(any_loose(f));
}

/* ---- positions ---- */

static const char *page(struct fixture *f, uint64_t position, uint64_t count)
{
    GW_BUF_SCOPED(text, 4096);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_groups_page(f->reader, f->folder, position, count, on_group, &text, &f->err), &f->err);
    store_reader_end(f->reader);
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

static void on_group_done(struct store_change *change)
{
    fixture_on_done(change);
}

fixture_test(groups_have_positions_and_totals_of_their_own)
{
    struct fixture_fill fill = {.failed = 0};
    uint64_t count = 0;
    fixture_fill(f, 3);
    for (int i = 0; i < 1500; i++) {
        struct store_change *change = create_change(f, "");
        change->as.group.display_name = gw_arena_printf(&change->arena, "group %d", i);
        change->owner = &fill;
        change->on_done = on_group_done;
        assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
    }
    assert_int_equal(create(f, "last"), 1501);
    assert_int_equal(atomic_load(&fill.failed), 0);
    assert_ok(delete_group(f, 2).code, &f->err);
    assert_string_equal(page(f, 0, 3), "1 3 4");
    assert_string_equal(page(f, 1022, 3), "1024 1025 1026");
    assert_string_equal(page(f, 1498, 9), "1500 1501");
    assert_string_equal(page(f, 1500, 9), "");
    assert_string_equal(page(f, UINT64_MAX, 9), "");
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_groups_count(f->reader, f->folder, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_int_equal(count, 1500);
    assert_int_equal(fixture_count(f), 3);
}

/* ---- many at once, and at random ---- */

#define WRITERS 4
#define PER_WRITER 100

struct adder {
    struct fixture *f;
    uint64_t group;
    uint64_t first;
    int failed;
};

static void *run_adder(void *data)
{
    struct adder *adder = data;
    for (uint64_t i = 0; i < PER_WRITER; i++) {
        struct gw_error err;
        struct store_member_op op = add(adder->first + i);
        struct store_change *change = fixture_change(adder->f, STORE_CHANGE_GROUP_UPDATE, 0);
        change->group_seq = adder->group;
        change->as.group.ops = &op;
        change->as.group.op_count = 1;
        adder->failed += store_writer_apply(adder->f->writer, change, &err) != GW_OK;
        store_change_free(change);
    }
    return NULL;
}

fixture_test(changes_of_membership_commute_and_none_is_lost)
{
    struct adder adders[WRITERS];
    pthread_t threads[WRITERS];
    fixture_fill(f, WRITERS * PER_WRITER);
    uint64_t group = create(f, "G");
    for (int i = 0; i < WRITERS; i++) {
        adders[i] = (struct adder){f, group, 1 + (uint64_t)i * PER_WRITER, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run_adder, &adders[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(adders[i].failed, 0);
    }
    assert_int_equal(size_of(f, group), WRITERS * PER_WRITER);
    assert_int_equal(read_group(f, group).version, 1 + WRITERS * PER_WRITER);
}

#define MODEL_USERS 20
#define MODEL_ROUNDS 600

static unsigned next(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

fixture_test(random_changes_agree_with_a_simple_model)
{
    bool model[MODEL_USERS + 1] = {false};
    unsigned state = 7;
    fixture_fill(f, MODEL_USERS);
    uint64_t group = create(f, "G");
    for (int round = 0; round < MODEL_ROUNDS; round++) {
        struct store_member_op ops[6];
        size_t count = next(&state) % 6;
        for (size_t i = 0; i < count; i++) {
            unsigned kind = next(&state) % 12;
            ops[i] = kind == 0       ? clear
                     : kind % 2 == 0 ? add(1 + next(&state) % MODEL_USERS)
                                     : take(1 + next(&state) % MODEL_USERS);
            if (kind == 0)
                memset(model, 0, sizeof model);
            else
                model[ops[i].user_seq] = kind % 2 == 0;
        }
        assert_ok(update(f, group, ops, count).code, &f->err);
        GW_BUF_SCOPED(expected, 256);
        for (unsigned user = 1; user <= MODEL_USERS; user++) {
            if (model[user])
                gw_buf_printf(&expected, expected.len > 0 ? " %u" : "%u", user);
        }
        assert_string_equal(members(f, group), gw_arena_cstr(&f->arena, gw_buf_str(&expected)));
    }
}

/* "3 1": those whose last change was in that time, the oldest first, asked for two at a time. */
static const char *modified(struct fixture *f, int64_t since_ms, int64_t until_ms)
{
    struct store_modified_range range = {since_ms, 0, until_ms};
    uint64_t seqs[2];
    size_t count = 2;
    GW_BUF_SCOPED(text, 1024);
    while (count == 2) {
        assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
        assert_ok(store_groups_modified(f->reader, f->folder, &range, seqs, 2, &count, &f->err), &f->err);
        store_reader_end(f->reader);
        for (size_t i = 0; i < count; i++)
            gw_buf_printf(&text, text.len > 0 ? " %llu" : "%llu", (unsigned long long)seqs[i]);
    }
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

fixture_test(groups_are_found_by_the_time_of_their_last_change)
{
    int64_t start_ms = f->now_ms;
    fixture_fill(f, 2);
    for (int i = 0; i < 5; i++, f->now_ms += 10)
        (void)create(f, (char[]){(char)('A' + i), '\0'});
    assert_string_equal(modified(f, 0, INT64_MAX), "1 2 3 4 5");
    assert_string_equal(modified(f, start_ms + 10, start_ms + 30), "2 3 4");
    assert_string_equal(modified(f, start_ms + 11, start_ms + 19), "");
    assert_ok(update_ops(f, 2, add(1), add(2)).code, &f->err);
    f->now_ms += 10;
    assert_ok(rename_group(f, 1, "renamed").code, &f->err);
    assert_string_equal(modified(f, 0, INT64_MAX), "3 4 5 2 1");
    assert_ok(update_ops(f, 2, add(1)).code, &f->err); /* no change */
    assert_ok(delete_group(f, 4).code, &f->err);
    assert_string_equal(modified(f, 0, INT64_MAX), "3 5 2 1");
    f->now_ms += 10;
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_DELETE, 1)).code, &f->err);
    assert_string_equal(modified(f, 0, INT64_MAX), "3 5 1 2");
    f->now_ms = start_ms; /* the clock went back: last changes do not */
    assert_ok(update_ops(f, 2, take(2)).code, &f->err);
    assert_string_equal(modified(f, 0, INT64_MAX), "3 5 1 2");
}

/* Puts another time into the key of whoever changed first, or takes it back; otherwise the commit is in order. */
static void shift_time(struct fixture *f, enum store_table table)
{
    struct store_view view = {.store = f->store};
    struct store_sentinel sentinel;
    struct store_key key;
    store_key_init(&key);
    assert_int_equal(mdb_txn_begin(f->store->env, NULL, 0, &view.txn), 0);
    struct store_walk walk;
    assert_ok(store_walk_begin(&walk, &view, table, &f->err), &f->err);
    assert_ok(store_walk_seek(&walk, GW_STR_NONE, &f->err), &f->err);
    store_key_add(&key, walk.key);
    store_walk_end(&walk);
    assert_ok(store_delete(&view, table, store_key_str(&key), &f->err), &f->err);
    key.bytes[11] ^= 1; /* behind the folder */
    assert_ok(store_put_key(&view, table, store_key_str(&key), &f->err), &f->err);
    assert_ok(store_sentinel_read(&view, &sentinel, &f->err), &f->err);
    sentinel.commits++;
    assert_ok(store_sentinel_write(&view, &sentinel, &f->err), &f->err);
    assert_int_equal(mdb_txn_commit(view.txn), 0);
}

fixture_test(the_full_scan_finds_a_last_change_that_is_not_the_record_s)
{
    static const enum store_table tables[] = {STORE_TABLE_MODIFIED, STORE_TABLE_GROUPS_MODIFIED};
    fixture_fill(f, 1);
    (void)create(f, "G");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        shift_time(f, tables[i]);
        assert_code(store_check(f->store, NULL, NULL, &f->err), GW_E_STORE_DAMAGED, &f->err);
        assert_non_null(strstr(f->err.text, store_table_name(tables[i])));
        shift_time(f, tables[i]);
    }
}

fixture_test(groups_and_members_survive_a_reopening)
{
    fixture_fill(f, 3);
    uint64_t group = create(f, "G");
    assert_ok(update_ops(f, group, add(1), add(3)).code, &f->err);
    fixture_close(f);
    fixture_open(f);
    assert_string_equal(members(f, group), "1 3");
    assert_int_equal(create(f, "H"), group + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_found_by_any_spelling_of_its_name_and_by_external_id),
        cmocka_unit_test(rule_0_23_an_unknown_member_is_refused_by_its_id_and_nothing_changes),
        cmocka_unit_test(rule_0_21_what_is_there_already_is_a_success_without_change),
        cmocka_unit_test(rules_0_19_and_0_20_operations_work_in_their_order),
        cmocka_unit_test(a_name_belongs_to_one_group_in_any_spelling),
        cmocka_unit_test(t9_a_deleted_group_is_gone_and_its_number_is_not_used_again),
        cmocka_unit_test(the_groups_of_many_users_are_those_of_the_snapshot),
        cmocka_unit_test(a_deactivated_user_stays_a_member_and_a_deleted_one_leaves_all_groups),
        cmocka_unit_test(a_user_in_hundreds_of_groups_leaves_them_all),
        cmocka_unit_test(an_expected_version_that_is_not_the_group_s_is_stale),
        cmocka_unit_test(staged_members_are_nobody_s_until_they_are_put_in_place_at_once),
        cmocka_unit_test(rule_0_20_a_large_group_is_emptied_at_once_and_swept_in_parts),
        cmocka_unit_test(what_was_staged_and_never_used_is_swept_after_ten_minutes),
        cmocka_unit_test(a_staged_member_that_is_no_user_is_refused),
        cmocka_unit_test(groups_have_positions_and_totals_of_their_own),
        cmocka_unit_test(changes_of_membership_commute_and_none_is_lost),
        cmocka_unit_test(random_changes_agree_with_a_simple_model),
        cmocka_unit_test(groups_are_found_by_the_time_of_their_last_change),
        cmocka_unit_test(the_full_scan_finds_a_last_change_that_is_not_the_record_s),
        cmocka_unit_test(groups_and_members_survive_a_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
