/* What a reader got before is true for as long as nothing was committed, and not a commit longer (semantics.md 2). */
#include "tests/unit/store/fixture.h"

#include "store/recent.h"

#include <stdlib.h>

struct seen {
    enum gw_code session_code;
    enum gw_code state_code;
    struct store_session session;
    struct store_user_state state;
};

static struct seen ask(struct fixture *f, struct store_reader *reader, const char *cookie)
{
    struct seen seen = {.state_code = GW_E_NOT_FOUND};
    struct store_session_digest digest = fixture_digest(f, cookie);
    assert_ok(store_reader_begin(reader, &f->err), &f->err);
    seen.session_code = store_session_get(reader, &digest, &seen.session);
    if (seen.session_code == GW_OK)
        seen.state_code = store_user_state_get(reader, seen.session.folder, seen.session.user_seq, &seen.state);
    store_reader_end(reader);
    return seen;
}

static void assert_same(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->session_code, b->session_code);
    assert_int_equal(a->state_code, b->state_code);
    assert_int_equal(a->session.folder, b->session.folder);
    assert_int_equal(a->session.user_seq, b->session.user_seq);
    assert_int_equal(a->session.generation, b->session.generation);
    assert_int_equal(a->session.seen_ms, b->session.seen_ms);
    assert_int_equal(a->session.is_signed_out, b->session.is_signed_out);
    assert_int_equal(a->state.flags, b->state.flags);
    assert_int_equal(a->state.generation, b->state.generation);
}

/* Whoever asked before gets what somebody gets who asks for the first time; twice, so that the second is remembered. */
static void assert_up_to_date(struct fixture *f, const char *cookie)
{
    struct store_reader *fresh = NULL;
    assert_ok(store_reader_new(f->store, &fresh, &f->err), &f->err);
    struct seen expected = ask(f, fresh, cookie);
    for (unsigned i = 0; i < 2; i++) {
        struct seen seen = ask(f, f->reader, cookie);
        assert_same(&seen, &expected);
    }
    store_reader_free(fresh);
}

static void apply(struct fixture *f, enum store_change_kind kind, const char *name)
{
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, name);
    assert_ok(fixture_apply(f, fixture_change(f, kind, seq)).code, &f->err);
}

static void set_active(struct fixture *f, const char *name, bool active)
{
    uint64_t seq = fixture_find(f, STORE_INDEX_USER_NAME, name);
    struct store_user user = fixture_user(f, seq);
    assert_ok(fixture_replace(f, seq, user.version, fixture_draft(name, "", active)).code, &f->err);
}

static void mark(struct fixture *f, const char *cookie)
{
    struct store_change *change = fixture_change(f, STORE_CHANGE_SESSION_MARK, 0);
    change->as.mark.digests[change->as.mark.count++] = fixture_digest(f, cookie);
    assert_ok(fixture_apply(f, change).code, &f->err);
}

static void sign_on(struct fixture *f, const char *name, const char *cookie)
{
    assert_ok(fixture_sign_on(f, name, cookie).code, &f->err);
}

fixture_test(a_reader_that_asked_before_sees_every_commit)
{
    assert_ok(fixture_create(f, "alice@example.com", "").code, &f->err);
    assert_ok(fixture_create(f, "bob@example.com", "").code, &f->err);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_UNBOUND);
    sign_on(f, "alice@example.com", "a");
    assert_int_equal(fixture_guard(f, "a"), VERDICT_ALIVE);
    assert_up_to_date(f, "a");
    set_active(f, "alice@example.com", false);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    assert_up_to_date(f, "a");
    set_active(f, "alice@example.com", true);
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    sign_on(f, "alice@example.com", "a");
    assert_int_equal(fixture_guard(f, "a"), VERDICT_ALIVE);
    apply(f, STORE_CHANGE_USER_LOCK, "alice@example.com");
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    apply(f, STORE_CHANGE_USER_UNLOCK, "alice@example.com");
    sign_on(f, "alice@example.com", "a");
    mark(f, "a");
    assert_up_to_date(f, "a");
    sign_on(f, "bob@example.com", "a");
    assert_up_to_date(f, "a");
    assert_int_equal(fixture_guard(f, "a"), VERDICT_ALIVE);
    apply(f, STORE_CHANGE_USER_DELETE, "bob@example.com");
    assert_int_equal(fixture_guard(f, "a"), VERDICT_DEAD);
    assert_up_to_date(f, "a");
}

/* Far more than are remembered, so that every place is taken again and again. */
fixture_test(sessions_that_share_a_place_are_told_apart)
{
    const unsigned users = 8;
    const unsigned sessions = 3 * STORE_RECENT_ENTRIES;
    uint64_t seqs[8];
    char name[32];
    char cookie[32];
    for (unsigned i = 0; i < users; i++) {
        (void)snprintf(name, sizeof name, "u%u@example.com", i);
        seqs[i] = fixture_create(f, name, "").seq;
    }
    for (unsigned i = 0; i < sessions; i += 2) { /* the odd ones are nobody's */
        (void)snprintf(name, sizeof name, "u%u@example.com", i / 2 % users);
        (void)snprintf(cookie, sizeof cookie, "c%u", i);
        sign_on(f, name, cookie);
    }
    for (unsigned i = 0; i < 4 * sessions; i++) {
        unsigned which = i / 2 % sessions; /* each one twice in a row, in two rounds */
        (void)snprintf(cookie, sizeof cookie, "c%u", which);
        struct seen seen = ask(f, f->reader, cookie);
        assert_int_equal(seen.session_code, which % 2 == 0 ? GW_OK : GW_E_NOT_FOUND);
        if (which % 2 == 0)
            assert_int_equal(seen.session.user_seq, seqs[which / 2 % users]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_asked_before_sees_every_commit),
        cmocka_unit_test(sessions_that_share_a_place_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
