/* The writer: groups, order, queues, roles, full stores: semantics.md 1. */
#include "tests/unit/store/fixture.h"

#include <pthread.h>
#include <semaphore.h>

#define THREADS 4
#define CHANGES_PER_THREAD 300

/* Keeps the writer's thread in an answer until it is let go, so that a queue can be filled behind it. */
struct gate {
    sem_t is_reached;
    sem_t may_go;
};

static void on_gate(struct store_change *change)
{
    struct gate *gate = change->owner;
    sem_post(&gate->is_reached);
    sem_wait(&gate->may_go);
    store_change_free(change);
}

static void submit_gate(struct fixture *f, struct gate *gate)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY, 0);
    change->as.activity.kind = STORE_ACTIVITY_REFUSE;
    change->owner = gate;
    change->on_done = on_gate;
    sem_init(&gate->is_reached, 0, 0);
    sem_init(&gate->may_go, 0, 0);
    assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
}

static void hold_writer(struct fixture *f, struct gate *gate)
{
    submit_gate(f, gate);
    sem_wait(&gate->is_reached);
}

static void let_go(struct gate *gate)
{
    sem_post(&gate->may_go);
}

static void submit_entry(struct fixture *f, struct fixture_fill *fill, enum store_activity_kind kind, bool is_urgent,
                         enum gw_code expected)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY, 0);
    change->as.activity.kind = kind;
    change->is_urgent = is_urgent;
    change->owner = fill;
    change->on_done = fixture_on_done;
    enum gw_code code = store_writer_submit(f->writer, change, &f->err);
    assert_code(code, expected, &f->err);
    if (code != GW_OK)
        store_change_free(change);
}

/* Everything that was queued before has been answered when this returns. */
static void drain(struct fixture *f)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY, 0);
    change->as.activity.kind = STORE_ACTIVITY_REFUSE;
    assert_ok(fixture_apply(f, change).code, &f->err);
}

fixture_test(changes_that_wait_together_share_a_commit)
{
    struct gate gate;
    struct fixture_fill fill = {.failed = 0};
    struct store_writer_stats before;
    struct store_writer_stats after;
    hold_writer(f, &gate);
    for (int i = 0; i < 50; i++)
        submit_entry(f, &fill, STORE_ACTIVITY_UPDATE, false, GW_OK);
    store_writer_stats_read(f->writer, &before);
    assert_int_equal(before.queued, 50);
    let_go(&gate);
    drain(f);
    store_writer_stats_read(f->writer, &after);
    assert_int_equal(after.queued, 0);
    assert_int_equal(atomic_load(&fill.failed), 0);
    assert_true(after.groups - before.groups < 50);
}

fixture_test(urgent_changes_go_before_the_others_and_are_never_refused)
{
    struct gate gate;
    struct gate last;
    struct fixture_fill fill = {.failed = 0};
    hold_writer(f, &gate);
    for (unsigned i = 1; i < STORE_QUEUE_MAX; i++)
        submit_entry(f, &fill, STORE_ACTIVITY_UPDATE, false, GW_OK);
    submit_gate(f, &last);
    submit_entry(f, &fill, STORE_ACTIVITY_UPDATE, false, GW_E_BUSY);
    submit_entry(f, &fill, STORE_ACTIVITY_DEACTIVATE, true, GW_OK);
    let_go(&gate);
    sem_wait(&last.is_reached);
    let_go(&last);
    assert_int_equal(strncmp(fixture_activity(f, 1), "DUUU", 4), 0);
}

struct order {
    struct gw_buf text;
    struct store_writer *writer;
};

static void on_revoked(void *data)
{
    gw_buf_add_lit(&((struct order *)data)->text, "revoked ");
}

static void on_ordered(struct store_change *change)
{
    gw_buf_add_lit(&((struct order *)change->owner)->text, "done ");
    store_change_free(change);
}

static void workers_are_woken_before_a_deactivation_is_answered(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_create(&f, "alice@x", "");
    store_writer_free(f.writer);
    struct order order = {.text = GW_BUF_INIT(1024)};
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV, .on_revoked = on_revoked, .data = &order};
    assert_ok(store_writer_new(f.store, &settings, &f.writer, &f.err), &f.err);
    struct store_change *change = fixture_replace_change(&f, 1, 1, fixture_draft("alice@x", "a", true));
    change->owner = &order;
    change->on_done = on_ordered;
    assert_ok(store_writer_submit(f.writer, change, &f.err), &f.err);
    drain(&f);
    change = fixture_replace_change(&f, 1, 2, fixture_draft("alice@x", "a", false));
    change->owner = &order;
    change->on_done = on_ordered;
    assert_ok(store_writer_submit(f.writer, change, &f.err), &f.err);
    drain(&f);
    assert_str_equal(gw_buf_str(&order.text), "done revoked done ");
    gw_buf_done(&order.text);
    fixture_done(&f);
}

/* Each group ends for the one who waits, and one who died while waiting stops nobody. */
static void law_2_provisioning_makes_way_for_a_waiting_sign_on(void **state)
{
    struct fixture f;
    struct gate gate;
    struct fixture_fill fill = {.failed = 0};
    struct store_writer_stats before;
    struct store_writer_stats after;
    _Atomic uint32_t waiting = 0;
    (void)state;
    fixture_init(&f);
    store_writer_free(f.writer);
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV, .sso_waiting = &waiting};
    assert_ok(store_writer_new(f.store, &settings, &f.writer, &f.err), &f.err);
    hold_writer(&f, &gate);
    for (int i = 0; i < 20; i++)
        submit_entry(&f, &fill, STORE_ACTIVITY_UPDATE, false, GW_OK);
    atomic_store(&waiting, 1);
    store_writer_stats_read(f.writer, &before);
    let_go(&gate);
    drain(&f);
    store_writer_stats_read(f.writer, &after);
    assert_true(after.groups - before.groups >= 20);
    atomic_store(&waiting, 0);
    fixture_done(&f);
}

static void on_revocation(const struct store_revocation *revocation, void *data)
{
    struct store_revocation *list = data;
    assert_true(revocation->seq >= 1 && revocation->seq <= 3);
    list[revocation->seq - 1] = *revocation;
}

fixture_test(the_revocation_log_names_users_and_generations_in_order)
{
    struct store_revocation list[3] = {{.seq = 0}};
    fixture_create(f, "alice@x", "");
    fixture_create(f, "bob@x", "");
    assert_ok(fixture_replace(f, 1, 1, fixture_draft("alice@x", "", false)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, 2)).code, &f->err);
    assert_ok(fixture_apply(f, fixture_change(f, STORE_CHANGE_USER_LOCK, 2)).code, &f->err);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_int_equal(store_revocations_after(f->reader, 1, on_revocation, list), GW_OK);
    store_reader_end(f->reader);
    assert_int_equal(list[0].seq, 0);
    assert_int_equal(list[1].user_seq, 2);
    assert_int_equal(list[1].generation, 2);
    assert_int_equal(list[2].generation, 3);
    assert_int_equal(list[2].folder, f->folder);
}

#define REVOCATIONS_KEPT 16384u
#define REVOCATIONS_DROPPED 64u /* at once */

static void count_revocation(const struct store_revocation *revocation, void *data)
{
    (void)revocation;
    (*(unsigned *)data)++;
}

fixture_test(whoever_is_too_far_behind_in_the_revocation_log_is_told_so)
{
    struct fixture_fill fill = {.failed = 0};
    unsigned count = 0;
    fixture_create(f, "alice@x", "");
    for (unsigned i = 0; i < REVOCATIONS_KEPT + REVOCATIONS_DROPPED + 10; i++) {
        struct store_change *change = fixture_change(f, STORE_CHANGE_USER_END_SESSIONS, 1);
        change->owner = &fill;
        change->on_done = fixture_on_done;
        if (i % 1024 == 1023) {
            assert_ok(fixture_apply(f, change).code, &f->err);
            continue;
        }
        assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
    }
    drain(f);
    assert_int_equal(atomic_load(&fill.failed), 0);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_int_equal(store_revocations_after(f->reader, REVOCATIONS_DROPPED, count_revocation, &count), GW_OK);
    assert_int_equal(count, REVOCATIONS_KEPT + 10);
    assert_int_equal(store_revocations_after(f->reader, REVOCATIONS_DROPPED - 1, count_revocation, &count), GW_E_STALE);
    assert_int_equal(store_revocations_after(f->reader, 0, count_revocation, &count), GW_E_STALE);
    store_reader_end(f->reader);
}

fixture_test(one_bad_change_does_not_fail_its_neighbours)
{
    struct gate gate;
    struct fixture_fill fill = {.failed = 0};
    hold_writer(f, &gate);
    for (int i = 0; i < 10; i++) {
        struct store_change *change = fixture_create_change(f, fixture_draft("", "", true));
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "user%d", i == 5 ? 4 : i);
        change->owner = &fill;
        change->on_done = fixture_on_done;
        assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
    }
    let_go(&gate);
    drain(f);
    assert_int_equal(atomic_load(&fill.failed), 1);
    assert_int_equal(fixture_count(f), 9);
}

fixture_test(a_role_has_one_writer_and_other_roles_have_theirs)
{
    struct store_writer *second = NULL;
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    assert_int_equal(store_writer_new(f->store, &settings, &second, &f->err), GW_E_STORE_LOCKED);
    assert_non_null(strstr(f->err.text, "prov"));
    settings.role = STORE_ROLE_SSO;
    assert_ok(store_writer_new(f->store, &settings, &second, &f->err), &f->err);
    uint32_t folder = 0;
    assert_ok(store_folder_ensure(second, GW_STR("staff"), &folder, &f->err), &f->err);
    assert_int_equal(folder, f->folder);
    store_writer_free(second);
    assert_ok(store_writer_new(f->store, &settings, &second, &f->err), &f->err);
    store_writer_free(second);
}

fixture_test(folders_keep_their_numbers_and_their_users_apart)
{
    uint32_t other = 0;
    uint32_t again = 0;
    assert_ok(store_folder_ensure(f->writer, GW_STR("guests"), &other, &f->err), &f->err);
    assert_ok(store_folder_ensure(f->writer, GW_STR("guests"), &again, &f->err), &f->err);
    assert_int_equal(other, again);
    assert_int_not_equal(other, f->folder);
    assert_int_equal(fixture_create(f, "alice@x", "").seq, 1);
    f->folder = other;
    assert_int_equal(fixture_count(f), 0);
    assert_int_equal(fixture_create(f, "alice@x", "").seq, 1);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_folder_find(f->reader, GW_STR("guests"), &again, &f->err), &f->err);
    assert_int_equal(again, other);
    assert_int_equal(store_folder_find(f->reader, GW_STR("nobody"), &again, &f->err), GW_E_NOT_FOUND);
    store_reader_end(f->reader);
}

fixture_test(a_snapshot_stands_still_while_others_write)
{
    uint64_t count = 0;
    fixture_create(f, "alice@x", "");
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    uint64_t snapshot = store_reader_snapshot(f->reader);
    fixture_create(f, "bob@x", "");
    assert_ok(store_users_count(f->reader, f->folder, &count, &f->err), &f->err);
    assert_int_equal(count, 1);
    store_reader_end(f->reader);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_true(store_reader_snapshot(f->reader) > snapshot);
    assert_ok(store_users_count(f->reader, f->folder, &count, &f->err), &f->err);
    assert_int_equal(count, 2);
    store_reader_end(f->reader);
}

struct submitter {
    struct fixture *f;
    int number;
    unsigned done;
    unsigned refused;
};

/* Threads that create the same names: of each name one wins. */
static void *submit_many(void *data)
{
    struct submitter *self = data;
    for (int i = 0; i < CHANGES_PER_THREAD; i++) {
        struct store_change *change = fixture_create_change(self->f, fixture_draft("", "", true));
        struct gw_error err;
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "user%d", i);
        enum gw_code code = store_writer_apply(self->f->writer, change, &err);
        self->done += code == GW_OK;
        self->refused += code == GW_E_UNIQUENESS;
        store_change_free(change);
    }
    return NULL;
}

static void *read_many(void *data)
{
    struct submitter *self = data;
    struct store_reader *reader = NULL;
    struct gw_error err;
    uint64_t last = 0;
    if (store_reader_new(self->f->store, &reader, &err) != GW_OK)
        return NULL;
    while (last < CHANGES_PER_THREAD) {
        uint64_t count = 0;
        if (store_reader_begin(reader, &err) != GW_OK ||
            store_users_count(reader, self->f->folder, &count, &err) != GW_OK || count < last)
            break;
        store_reader_end(reader);
        last = count;
        self->done++;
    }
    self->refused = (unsigned)last;
    store_reader_free(reader);
    return NULL;
}

fixture_test(many_threads_submit_and_read_at_once)
{
    pthread_t threads[THREADS + 1];
    struct submitter submitters[THREADS + 1];
    unsigned done = 0;
    for (int i = 0; i <= THREADS; i++) {
        submitters[i] = (struct submitter){.f = f, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, i == THREADS ? read_many : submit_many, &submitters[i]), 0);
    }
    for (int i = 0; i <= THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        done += submitters[i].done;
        assert_int_equal(submitters[i].done + submitters[i].refused, CHANGES_PER_THREAD);
    }
    assert_int_equal(done, CHANGES_PER_THREAD);
    assert_int_equal(submitters[THREADS].refused, CHANGES_PER_THREAD);
}

/* Fills a small store with creates until it refuses, then with activity until that is refused too. */
static unsigned fill_up(struct fixture *f)
{
    static char text[40000];
    memset(text, 'x', sizeof text);
    unsigned users = 0;
    enum gw_code code = GW_OK;
    while (code == GW_OK) {
        struct store_change *change = fixture_create_change(f, fixture_draft("", "", true));
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "user%u", users);
        change->as.create.draft.attributes = gw_str_n(text, sizeof text);
        code = fixture_apply(f, change).code;
        users += code == GW_OK;
    }
    assert_code(code, GW_E_STORE_FULL, &f->err);
    return users;
}

static void a_full_store_refuses_creates_and_takes_deactivations(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init_sized(&f, 16ull << 20);
    unsigned users = fill_up(&f);
    assert_true(users > 100);
    struct store_user_draft draft = {.user_name = GW_STR("renamed"), .active = true};
    for (uint64_t seq = 1; seq <= users; seq++) {
        struct store_user user = fixture_user(&f, seq);
        draft.user_name = user.user_name;
        draft.attributes = user.attributes;
        draft.active = false;
        assert_ok(fixture_replace(&f, seq, 1, draft).code, &f.err);
        gw_arena_reset(&f.arena);
    }
    assert_int_equal(fixture_revocations(&f), users);
    assert_code(fixture_create(&f, "one more", "").code, GW_E_STORE_FULL, &f.err);
    draft.attributes = GW_STR_NONE;
    for (uint64_t seq = 1; seq <= users / 2; seq++) {
        draft.user_name = fixture_user(&f, seq).user_name;
        assert_ok(fixture_replace(&f, seq, 2, draft).code, &f.err);
    }
    assert_ok(fixture_create(&f, "one more", "").code, &f.err);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_that_wait_together_share_a_commit),
        cmocka_unit_test(urgent_changes_go_before_the_others_and_are_never_refused),
        cmocka_unit_test(workers_are_woken_before_a_deactivation_is_answered),
        cmocka_unit_test(law_2_provisioning_makes_way_for_a_waiting_sign_on),
        cmocka_unit_test(the_revocation_log_names_users_and_generations_in_order),
        cmocka_unit_test(whoever_is_too_far_behind_in_the_revocation_log_is_told_so),
        cmocka_unit_test(one_bad_change_does_not_fail_its_neighbours),
        cmocka_unit_test(a_role_has_one_writer_and_other_roles_have_theirs),
        cmocka_unit_test(folders_keep_their_numbers_and_their_users_apart),
        cmocka_unit_test(a_snapshot_stands_still_while_others_write),
        cmocka_unit_test(many_threads_submit_and_read_at_once),
        cmocka_unit_test(a_full_store_refuses_creates_and_takes_deactivations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
