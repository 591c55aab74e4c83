#include "tests/support/unit.h"

#include "gateway/sso/replay.h"

#include <pthread.h>
#include <stdatomic.h>

static struct gw_sha256 assertion_of(uint64_t number)
{
    return gw_sha256(gw_str_n((const char *)&number, sizeof number));
}

static void an_assertion_is_taken_once(void **state)
{
    struct sso_replay *replay = *state;
    struct gw_sha256 one = assertion_of(1), two = assertion_of(2);
    assert_true(sso_replay_take(replay, &one, 0, 1000));
    assert_false(sso_replay_take(replay, &one, 0, 1000));
    assert_true(sso_replay_take(replay, &two, 0, 1000));
    sso_replay_forget(replay, &one);
    sso_replay_forget(replay, &one);
    assert_true(sso_replay_take(replay, &one, 0, 1000));
}

static void a_full_table_of_unexpired_marks_lets_nothing_through_and_heals(void **state)
{
    struct sso_replay *replay = *state;
    for (uint64_t i = 0; i < SSO_REPLAY_MARKS_MAX; i++) {
        struct gw_sha256 assertion = assertion_of(i);
        assert_true(sso_replay_take(replay, &assertion, 0, 1000));
    }
    struct gw_sha256 late = assertion_of(SSO_REPLAY_MARKS_MAX);
    assert_false(sso_replay_take(replay, &late, 999, 2000));
    assert_true(sso_replay_take(replay, &late, 1001, 2000));
    struct gw_sha256 first = assertion_of(0);
    assert_true(sso_replay_take(replay, &first, 1001, 2000));
}

struct race {
    struct sso_replay *replay;
    atomic_uint taken;
};

static void *racer(void *data)
{
    struct race *race = data;
    for (uint64_t i = 0; i < 1000; i++) {
        struct gw_sha256 assertion = assertion_of(i);
        if (sso_replay_take(race->replay, &assertion, 0, 1000))
            atomic_fetch_add(&race->taken, 1);
    }
    return NULL;
}

static void of_many_workers_one_takes_it(void **state)
{
    struct race race = {.replay = *state};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, &race), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&race.taken), 1000);
}

static int setup(void **state)
{
    *state = sso_replay_new();
    return 0;
}

static int teardown(void **state)
{
    sso_replay_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_assertion_is_taken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_of_unexpired_marks_lets_nothing_through_and_heals, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_many_workers_one_takes_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
