#include "tests/support/unit.h"

#include "gateway/base/digest.h"
#include "gateway/sso/held.h"

static struct store_session_digest digest_of(uint64_t number)
{
    struct gw_sha256 whole = gw_sha256(gw_str_n((const char *)&number, sizeof number));
    struct store_session_digest digest;
    memcpy(digest.bytes, whole.bytes, sizeof digest.bytes);
    return digest;
}

static struct sso_held_session session_of(uint64_t number, int64_t expires_ms)
{
    return (struct sso_held_session){.digest = digest_of(number),
                                     .kind = SSO_HELD_BOUND,
                                     .folder = 1,
                                     .user_seq = number,
                                     .generation = 1,
                                     .expires_ms = expires_ms};
}

static void a_held_session_is_found_until_it_expires(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session session = session_of(1, 1000), found;
    assert_false(sso_held_get(held, &session.digest, 0, &found));
    sso_held_put(held, &session);
    assert_true(sso_held_get(held, &session.digest, 999, &found));
    assert_int_equal(found.user_seq, 1);
    assert_false(sso_held_get(held, &session.digest, 1000, &found));
    assert_int_equal(sso_held_count(held), 0);
}

static void putting_again_replaces(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session session = session_of(1, 1000), found;
    sso_held_put(held, &session);
    session.generation = 9;
    sso_held_put(held, &session);
    assert_int_equal(sso_held_count(held), 1);
    assert_true(sso_held_get(held, &session.digest, 0, &found));
    assert_int_equal(found.generation, 9);
    sso_held_remove(held, &session.digest);
    sso_held_remove(held, &session.digest);
    assert_int_equal(sso_held_count(held), 0);
}

static void one_that_owes_a_write_outlives_its_time(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session session = session_of(1, 10), found;
    session.owes_write = true;
    sso_held_put(held, &session);
    assert_true(sso_held_get(held, &session.digest, 5000, &found));
}

static void owed_writes_are_taken_once_and_when_due(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session due[100];
    for (uint64_t i = 0; i < 100; i++) {
        struct sso_held_session session = session_of(i, INT64_MAX);
        session.owes_write = i % 2 == 0;
        session.due_ms = i < 50 ? 100 : 900;
        sso_held_put(held, &session);
    }
    assert_int_equal(sso_held_take_due(held, 99, due, 100), 0);
    assert_int_equal(sso_held_take_due(held, 500, due, 20), 20);
    assert_int_equal(sso_held_take_due(held, 500, due, 100), 5);
    assert_int_equal(sso_held_take_due(held, 500, due, 100), 0);
    assert_int_equal(sso_held_take_due(held, 950, due, 100), 25);
    assert_int_equal(sso_held_take_due(held, INT64_MAX, due, 100), 0);
}

static void one_that_is_removed_or_replaced_owes_nothing(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session session = session_of(1, INT64_MAX), due[4];
    session.owes_write = true;
    sso_held_put(held, &session);
    sso_held_put(held, &session);
    sso_held_remove(held, &session.digest);
    assert_int_equal(sso_held_take_due(held, 1, due, 4), 0);
    sso_held_put(held, &session);
    session.owes_write = false;
    sso_held_put(held, &session);
    assert_int_equal(sso_held_take_due(held, 1, due, 4), 0);
    session.owes_write = true;
    sso_held_put(held, &session);
    assert_int_equal(sso_held_take_due(held, 1, due, 4), 1);
}

/* Law 10: an app that sets a new cookie on every answer fills no memory. */
static void the_oldest_make_room_and_those_that_owe_a_write_stay(void **state)
{
    struct sso_held *held = *state;
    struct sso_held_session owed = session_of(0, INT64_MAX), found;
    owed.owes_write = true;
    sso_held_put(held, &owed);
    uint64_t many = SSO_HELD_SHARDS * SSO_HELD_SHARD_SESSIONS * 2ull;
    for (uint64_t i = 1; i <= many; i++) {
        struct sso_held_session session = session_of(i, INT64_MAX);
        sso_held_put(held, &session);
    }
    assert_int_equal(sso_held_count(held), SSO_HELD_SHARDS * SSO_HELD_SHARD_SESSIONS);
    assert_true(sso_held_get(held, &owed.digest, 0, &found));
    struct store_session_digest newest = digest_of(many), oldest = digest_of(1);
    assert_true(sso_held_get(held, &newest, 0, &found));
    assert_false(sso_held_get(held, &oldest, 0, &found));
}

static int setup(void **state)
{
    *state = sso_held_new();
    return 0;
}

static int teardown(void **state)
{
    sso_held_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_held_session_is_found_until_it_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(putting_again_replaces, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_owes_a_write_outlives_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(owed_writes_are_taken_once_and_when_due, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_removed_or_replaced_owes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_make_room_and_those_that_owe_a_write_stay, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
