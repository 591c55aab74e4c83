/* The activity record: what the index finds is what a look at every entry finds, and what is too old or too much goes
 * with all that names it. */
#include "tests/unit/store/fixture.h"

#include "store/codec.h"

#include "store/inspect.h"

#define ENTRIES 900
#define SEEN_MAX 2048

static void append(struct fixture *f, enum store_activity_kind kind, const char *user, const char *app)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY, 0);
    change->app = gw_str_from(app);
    change->as.activity.kind = kind;
    change->as.activity.user_name = gw_str_from(user);
    change->on_done = store_change_free;
    assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
}

static void fill(struct fixture *f)
{
    static const char *const users[] = {"alice@x", "ALICE@x", "bob@x", ""};
    static const char *const apps[] = {"wiki", "mail", ""};
    static const enum store_activity_kind kinds[] = {STORE_ACTIVITY_REFUSE, STORE_ACTIVITY_BIND, STORE_ACTIVITY_LOCK};
    for (int i = 0; i < ENTRIES; i++) {
        f->now_ms += 1000;
        append(f, kinds[i * 7 / 4 % 3], users[i * 5 / 3 % 4], apps[i % 3]);
    }
    fixture_create(f, "last@x", ""); /* the queue is empty after this one */
}

struct seen {
    const struct store_activity_query *query;
    uint64_t seqs[SEEN_MAX];
    size_t count;
};

static bool is_asked_for(const struct store_activity_query *query, const struct store_activity *entry)
{
    if (query->user.len > 0)
        return gw_str_eq_nocase(entry->user_name, query->user);
    if (query->kind != 0)
        return entry->kind == query->kind;
    return query->app.len == 0 || entry->app.len == 0 || gw_str_eq(entry->app, query->app);
}

static bool on_any(const struct store_activity *entry, void *data)
{
    struct seen *seen = data;
    if (is_asked_for(seen->query, entry))
        seen->seqs[seen->count++] = entry->seq;
    return true;
}

static void compare(struct fixture *f, const struct store_activity_query *query)
{
    struct seen expected = {.query = query};
    struct seen actual = {.query = query};
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_activity_back(f->reader, on_any, &expected, &f->err), &f->err);
    assert_ok(store_activity_find(f->reader, query, on_any, &actual, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_int_equal(actual.count, expected.count);
    assert_memory_equal(actual.seqs, expected.seqs, actual.count * sizeof actual.seqs[0]);
}

static void compare_all(struct fixture *f)
{
    const struct store_activity_query rows[] = {
        {.user = GW_STR("alice@x")},     {.user = GW_STR("bob@x")},
        {.user = GW_STR("nobody@x")},    {.kind = STORE_ACTIVITY_REFUSE},
        {.kind = STORE_ACTIVITY_CREATE}, {.kind = STORE_ACTIVITY_UNLOCK},
        {.app = GW_STR("wiki")},         {.app = GW_STR("mail")},
        {.app = GW_STR("none")},         {.kind = 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        compare(f, &rows[i]);
}

fixture_test(the_index_finds_what_a_look_at_every_entry_finds)
{
    fill(f);
    compare_all(f);
}

static uint64_t trim(struct fixture *f, int64_t before_ms, uint64_t entries_max)
{
    uint64_t count = 0;
    bool has_more = true;
    while (has_more) {
        struct store_change *change = fixture_change(f, STORE_CHANGE_ACTIVITY_TRIM, 0);
        change->as.trim.before_ms = before_ms;
        change->as.trim.entries_max = entries_max;
        assert_ok(store_writer_apply(f->writer, change, &f->err), &f->err);
        count += change->result.count;
        has_more = change->result.has_more;
        store_change_free(change);
    }
    return count;
}

fixture_test(entries_that_are_too_old_or_too_many_go_with_their_index)
{
    fill(f);
    assert_int_equal(trim(f, FIXTURE_START_MS, 0), 0);
    assert_int_equal(trim(f, FIXTURE_START_MS + 301000, 0), 300);
    compare_all(f);
    assert_int_equal(trim(f, 0, 100), 501);
    compare_all(f);
    assert_int_equal(strlen(fixture_activity(f, 0)), 100);
    assert_int_equal(trim(f, INT64_MAX, 0), 100);
    compare_all(f);
    assert_ok(fixture_create(f, "new@x", "").code, &f->err);
    assert_string_equal(fixture_activity(f, 0), "C");
}

/* Entries that are made when the store is nearly full have no index, and are found all the same. */
static void entries_of_a_full_store_are_found_too(void **state)
{
    struct fixture f;
    enum gw_code code = GW_OK;
    (void)state;
    fixture_init_sized(&f, 8u << 20);
    fill(&f);
    char *text = gw_arena_alloc(&f.arena, 40001);
    memset(text, 'x', 40000);
    for (unsigned i = 0; i < 1000 && code == GW_OK; i++) {
        struct store_user_draft draft = fixture_draft("", "", true);
        draft.user_name = gw_arena_printf(&f.arena, "big%u@x", i);
        draft.attributes = gw_str_n(text, 40000);
        code = fixture_apply(&f, fixture_create_change(&f, draft)).code;
    }
    assert_int_equal(code, GW_E_STORE_FULL);
    for (int i = 0; i < 20; i++) {
        append(&f, STORE_ACTIVITY_REFUSE, "alice@x", i % 2 == 0 ? "wiki" : "");
        append(&f, STORE_ACTIVITY_BIND, "bob@x", "mail");
    }
    assert_ok(fixture_apply(&f, fixture_change(&f, STORE_CHANGE_USER_DEACTIVATE, 1)).code, &f.err);
    const struct store_activity_query rows[] = {
        {.user = GW_STR("alice@x")}, {.kind = STORE_ACTIVITY_REFUSE}, {.app = GW_STR("mail")}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        compare(&f, &rows[i]);
    fixture_done(&f);
}

/* ---- values of attributes ---- */

static bool on_values(const struct store_activity *entry, void *data)
{
    struct gw_buf *values = data;
    gw_buf_add(values, entry->values);
    gw_buf_add_byte(values, '|');
    return true;
}

static const char *all_values(struct fixture *f)
{
    GW_BUF_SCOPED(values, 1u << 20);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_activity_after(f->reader, 0, on_values, &values, &f->err), &f->err);
    store_reader_end(f->reader);
    return gw_arena_cstr(&f->arena, gw_buf_str(&values));
}

fixture_test(values_stand_in_the_entries_that_have_them_and_in_no_other)
{
    fixture_create(f, "alice@x", "");
    struct store_change *change = fixture_replace_change(f, 1, 1, fixture_draft("alice@x", "new", true));
    change->attribute_values = GW_STR("{\"title\":[null,\"Boss\"]}");
    assert_ok(fixture_apply(f, change).code, &f->err);
    fixture_sign_on(f, "alice@x", "one");
    assert_string_equal(all_values(f), "|{\"title\":[null,\"Boss\"]}||||");
}

/* The entry as bytes: what came before there were values has nothing behind its texts. */
static void an_entry_without_values_is_as_it_always_was(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct store_activity entry = {.kind = STORE_ACTIVITY_UPDATE, .actor = GW_STR("sso"), .reference = GW_STR("r1")};
    const struct gw_str key = GW_STR("\0\0\0\0\0\0\0\1");
    struct store_bytes without = store_activity_encode(&arena, &entry);
    entry.values = GW_STR("{}");
    struct store_bytes with = store_activity_encode(&arena, &entry);
    assert_int_equal(with.len, without.len + 4);
    struct store_activity back;
    for (size_t len = without.len; len <= with.len; len++) {
        bool is_whole = len == without.len || len == with.len;
        assert_int_equal(store_activity_decode(key, gw_str_n((char *)with.ptr, len), &back), is_whole);
    }
    assert_str_equal(back.values, "{}");
    assert_true(store_activity_decode(key, gw_str_n((char *)without.ptr, without.len), &back));
    assert_int_equal(back.values.len, 0);
    assert_str_equal(back.reference, "r1");
}

static void values_that_are_too_long_are_left_out_whole(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char *text = gw_arena_alloc(&arena, STORE_ACTIVITY_VALUES_BYTES_MAX + 1);
    memset(text, ' ', STORE_ACTIVITY_VALUES_BYTES_MAX + 1);
    for (size_t more = 0; more < 2; more++) {
        struct store_activity back;
        struct store_activity entry = {.kind = STORE_ACTIVITY_UPDATE,
                                       .values = gw_str_n(text, STORE_ACTIVITY_VALUES_BYTES_MAX + more)};
        struct store_bytes bytes = store_activity_encode(&arena, &entry);
        assert_true(store_activity_decode(GW_STR("\0\0\0\0\0\0\0\1"), gw_str_n((char *)bytes.ptr, bytes.len), &back));
        assert_int_equal(back.values.len, more == 0 ? STORE_ACTIVITY_VALUES_BYTES_MAX : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_finds_what_a_look_at_every_entry_finds),
        cmocka_unit_test(entries_of_a_full_store_are_found_too),
        cmocka_unit_test(entries_that_are_too_old_or_too_many_go_with_their_index),
        cmocka_unit_test(values_stand_in_the_entries_that_have_them_and_in_no_other),
        cmocka_unit_test(an_entry_without_values_is_as_it_always_was),
        cmocka_unit_test(values_that_are_too_long_are_left_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
