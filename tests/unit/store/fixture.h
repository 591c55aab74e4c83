/* fixture: a store in a temporary folder with its writer, a reader and one app folder, and short forms of the changes
 * that the tests make. Header only: each test program has its own. */
#pragma once

#include "tests/support/unit.h"

#include "gateway/base/clock.h"
#include "store/reader.h"
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURE_MAX_BYTES (256ull << 20)
#define FIXTURE_START_MS 1700000000000ll

struct fixture {
    char *path;
    uint64_t max_bytes;
    struct store *store;
    struct store_writer *writer;
    struct store_reader *reader;
    uint32_t folder;
    int64_t now_ms;
    struct gw_arena arena;
    struct gw_error err;
};

static inline void fixture_expect(enum gw_code actual, enum gw_code expected, const struct gw_error *err,
                                  const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("%s instead of %s: %s\n", gw_code_name(actual), gw_code_name(expected), err->text);
    _fail(file, line);
}
#define assert_code(actual, expected, err) fixture_expect((actual), (expected), (err), __FILE__, __LINE__)
#define assert_ok(actual, err) assert_code((actual), GW_OK, (err))

static inline void fixture_open(struct fixture *f)
{
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    assert_ok(store_open(f->path, f->max_bytes, &f->store, &f->err), &f->err);
    assert_ok(store_writer_new(f->store, &settings, &f->writer, &f->err), &f->err);
    assert_ok(store_reader_new(f->store, &f->reader, &f->err), &f->err);
    assert_ok(store_folder_ensure(f->writer, GW_STR("staff"), &f->folder, &f->err), &f->err);
}

static inline void fixture_close(struct fixture *f)
{
    store_reader_free(f->reader);
    store_writer_free(f->writer);
    store_close(f->store);
}

static inline void fixture_init_sized(struct fixture *f, uint64_t max_bytes)
{
    *f = (struct fixture){.path = unit_folder_new(), .max_bytes = max_bytes, .now_ms = FIXTURE_START_MS};
    assert_ok(store_create(f->path, max_bytes, &f->err), &f->err);
    fixture_open(f);
}

static inline void fixture_init(struct fixture *f)
{
    fixture_init_sized(f, FIXTURE_MAX_BYTES);
}

/* Every test ends with the full scan: whatever it did, the tables agree with each other. */
static inline void fixture_done(struct fixture *f)
{
    assert_ok(store_check(f->store, NULL, NULL, &f->err), &f->err);
    fixture_close(f);
    gw_arena_done(&f->arena);
    unit_folder_remove(f->path);
}

static inline struct store_change *fixture_change(struct fixture *f, enum store_change_kind kind, uint64_t seq)
{
    struct store_change *change = store_change_new(kind);
    change->time_ms = f->now_ms;
    change->folder = f->folder;
    change->user_seq = seq;
    change->actor = GW_STR("token:okta");
    change->app = GW_STR("wiki");
    change->reference = GW_STR("r1");
    return change;
}

/* Applies, keeps what came of it, frees the change. */
struct outcome {
    enum gw_code code;
    enum store_outcome outcome;
    uint64_t seq;
    uint64_t version;
    struct store_user_state state;
};

static inline struct outcome fixture_apply(struct fixture *f, struct store_change *change)
{
    enum gw_code code = store_writer_apply(f->writer, change, &f->err);
    struct outcome outcome = {code, change->result.outcome, change->result.user_seq, change->result.version,
                              change->result.state};
    store_change_free(change);
    return outcome;
}

static inline struct store_user_draft fixture_draft(const char *user_name, const char *external_id, bool active)
{
    return (struct store_user_draft){.user_name = gw_str_from(user_name),
                                     .external_id = gw_str_from(external_id),
                                     .attributes = GW_STR("{\"title\":\"x\"}"),
                                     .active = active};
}

/* A POST with both default rules, adopt and revive on. */
static inline struct store_change *fixture_create_change(struct fixture *f, struct store_user_draft draft)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_USER_CREATE, 0);
    change->as.create.draft = draft;
    change->as.create.match = STORE_MATCH_USER_NAME | STORE_MATCH_EXTERNAL_ID;
    change->as.create.adopt = true;
    change->as.create.revive = true;
    return change;
}

static inline struct outcome fixture_create(struct fixture *f, const char *user_name, const char *external_id)
{
    return fixture_apply(f, fixture_create_change(f, fixture_draft(user_name, external_id, true)));
}

struct fixture_fill {
    _Atomic unsigned failed;
};

static inline void fixture_on_done(struct store_change *change)
{
    struct fixture_fill *fill = change->owner;
    if (change->code != GW_OK)
        atomic_fetch_add(&fill->failed, 1);
    store_change_free(change);
}

/* `count` users, "user0@example.com" and so on, in as few commits as it takes. */
static inline void fixture_fill(struct fixture *f, unsigned count)
{
    struct fixture_fill fill = {.failed = 0};
    for (unsigned i = 0; i < count; i++) {
        struct store_change *change = fixture_create_change(f, fixture_draft("", "", true));
        struct gw_str name = gw_arena_printf(&change->arena, "user%u@example.com", i);
        change->as.create.draft.user_name = name;
        change->as.create.draft.external_id = name;
        change->owner = &fill;
        change->on_done = fixture_on_done;
        if (i + 1 == count || i % 1024 == 1023) { /* a wait now and then keeps the queue short */
            change->on_done = NULL;
            assert_ok(fixture_apply(f, change).code, &f->err);
        } else {
            assert_ok(store_writer_submit(f->writer, change, &f->err), &f->err);
        }
    }
    assert_int_equal(atomic_load(&fill.failed), 0);
}

static inline struct store_change *fixture_replace_change(struct fixture *f, uint64_t seq, uint64_t version,
                                                          struct store_user_draft draft)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_USER_REPLACE, seq);
    change->as.replace.draft = draft;
    change->as.replace.expected_version = version;
    change->as.replace.adopt = true;
    change->as.replace.says_active = true;
    return change;
}

static inline struct outcome fixture_replace(struct fixture *f, uint64_t seq, uint64_t version,
                                             struct store_user_draft draft)
{
    return fixture_apply(f, fixture_replace_change(f, seq, version, draft));
}

static inline struct store_session_digest fixture_digest(struct fixture *f, const char *cookie)
{
    return store_session_digest(f->store, GW_STR("wiki"), GW_STR("sid"), gw_str_from(cookie));
}

/* A sign-on by an e-mail-like name id that joins on userName, checked when the store was as it is now. */
static inline struct store_change *fixture_sign_on_change(struct fixture *f, const char *name, const char *cookie)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_SIGN_ON, 0);
    struct store_user_state state = {.flags = 0};
    change->actor = GW_STR("sso");
    change->is_urgent = true;
    change->as.sign_on.join = (struct store_join){.folder = f->folder,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = gw_str_from(name),
                                                  .issuer = GW_STR("https://idp"),
                                                  .name_id = gw_str_from(name)};
    change->as.sign_on.draft = fixture_draft(name, "", true);
    change->as.sign_on.draft.attributes = GW_STR_NONE;
    change->as.sign_on.observe = true;
    if (cookie != NULL)
        change->as.sign_on.sessions[change->as.sign_on.session_count++] = fixture_digest(f, cookie);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    enum gw_code code =
        store_join_find(f->reader, &change->as.sign_on.join, &change->as.sign_on.expected_user_seq, &f->err);
    if (code != GW_E_FORBIDDEN) /* the caller may be after just this */
        assert_ok(code, &f->err);
    if (code == GW_OK && change->as.sign_on.expected_user_seq != 0)
        assert_int_equal(store_user_state_get(f->reader, f->folder, change->as.sign_on.expected_user_seq, &state),
                         GW_OK);
    store_reader_end(f->reader);
    change->as.sign_on.expected_generation = state.generation;
    return change;
}

static inline struct outcome fixture_sign_on(struct fixture *f, const char *name, const char *cookie)
{
    return fixture_apply(f, fixture_sign_on_change(f, name, cookie));
}

/* The record as it is now, in the fixture's arena. */
static inline struct store_user fixture_user(struct fixture *f, uint64_t seq)
{
    struct store_user user;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_user_get(f->reader, &f->arena, f->folder, seq, &user, &f->err), &f->err);
    store_reader_end(f->reader);
    return user;
}

/* Who has the value? 0: nobody; the test fails when there are two. */
static inline uint64_t fixture_find(struct fixture *f, enum store_index index, const char *value)
{
    uint64_t seqs[2];
    size_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_users_find(f->reader, f->folder, index, gw_str_from(value), seqs, 2, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    assert_true(count <= 1);
    return count == 1 ? seqs[0] : 0;
}

static inline uint64_t fixture_count(struct fixture *f)
{
    uint64_t count = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_users_count(f->reader, f->folder, &count, &f->err), &f->err);
    store_reader_end(f->reader);
    return count;
}

/* What the guard decides: the session is bound, its user is active and not locked, the generations are equal. */
enum verdict { VERDICT_UNBOUND, VERDICT_ALIVE, VERDICT_DEAD };

static inline enum verdict fixture_guard(struct fixture *f, const char *cookie)
{
    struct store_session session;
    struct store_user_state state;
    struct store_session_digest digest = fixture_digest(f, cookie);
    enum verdict verdict = VERDICT_DEAD;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    if (store_session_get(f->reader, &digest, &session) == GW_E_NOT_FOUND) {
        verdict = VERDICT_UNBOUND;
    } else {
        enum gw_code code = store_user_state_get(f->reader, session.folder, session.user_seq, &state);
        assert_true(code == GW_OK || code == GW_E_NOT_FOUND); /* purged */
        if (code == GW_OK &&
            (state.flags & (STORE_USER_ACTIVE | STORE_USER_LOCKED | STORE_USER_DELETED)) == STORE_USER_ACTIVE &&
            state.generation == session.generation)
            verdict = VERDICT_ALIVE;
    }
    store_reader_end(f->reader);
    return verdict;
}

/* The kinds of all activity entries as letters, in order. */
static inline bool fixture_on_entry(const struct store_activity *entry, void *data)
{
    static const char letters[] = "?CAVUDRSXOLBFEKN";
    struct gw_buf *text = data;
    gw_buf_add_byte(text, (size_t)entry->kind < sizeof letters ? letters[entry->kind] : '?');
    return true;
}

static inline const char *fixture_activity(struct fixture *f, uint64_t after)
{
    GW_BUF_SCOPED(text, 1u << 20);
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_ok(store_activity_after(f->reader, after, fixture_on_entry, &text, &f->err), &f->err);
    store_reader_end(f->reader);
    return gw_arena_cstr(&f->arena, gw_buf_str(&text));
}

static inline uint64_t fixture_revocations(struct fixture *f)
{
    uint64_t last = 0;
    assert_ok(store_reader_begin(f->reader, &f->err), &f->err);
    assert_int_equal(store_revocations_last(f->reader, &last), GW_OK);
    store_reader_end(f->reader);
    return last;
}

/* A test that has a store of its own. */
#define fixture_test(name)                                                                                             \
    static void name##_body(struct fixture *f);                                                                        \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        struct fixture fixture;                                                                                        \
        (void)state;                                                                                                   \
        fixture_init(&fixture);                                                                                        \
        name##_body(&fixture);                                                                                         \
        fixture_done(&fixture);                                                                                        \
    }                                                                                                                  \
    static void name##_body(struct fixture *f)
