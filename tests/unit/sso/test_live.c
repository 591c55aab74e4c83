#include "tests/support/unit.h"

#include "gateway/base/arena.h"
#include "gateway/sso/live.h"

#include <stdlib.h>

struct seen {
    struct sso_live *live;
    size_t count;
    uint64_t generations;
};

static void on_older(struct sso_live_entry *entry, void *data)
{
    struct seen *seen = data;
    seen->count++;
    seen->generations += entry->generation;
    sso_live_remove(seen->live, entry);
}

static struct seen each_older(struct sso_live *live, uint32_t folder, uint64_t user_seq, uint64_t generation)
{
    struct seen seen = {.live = live};
    sso_live_each_older(live, folder, user_seq, generation, on_older, &seen);
    return seen;
}

static void only_older_exchanges_of_that_user_are_told(void **state)
{
    struct sso_live *live = *state;
    struct sso_live_entry entries[6] = {{0}};
    sso_live_add(live, &entries[0], 1, 7, 3);
    sso_live_add(live, &entries[1], 1, 7, 4);
    sso_live_add(live, &entries[2], 1, 7, 5);
    sso_live_add(live, &entries[3], 1, 8, 3);
    sso_live_add(live, &entries[4], 2, 7, 3);
    sso_live_add(live, &entries[5], 1, 7, 4);
    struct seen seen = each_older(live, 1, 7, 5);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.generations, 3 + 4 + 4);
    assert_int_equal(live->count, 3);
    assert_int_equal(each_older(live, 1, 7, 5).count, 0);
    for (size_t i = 0; i < 6; i++)
        sso_live_remove(live, &entries[i]);
    assert_int_equal(live->count, 0);
}

static void removing_twice_is_harmless(void **state)
{
    struct sso_live *live = *state;
    struct sso_live_entry entry = {0};
    sso_live_remove(live, &entry);
    sso_live_add(live, &entry, 1, 1, 1);
    sso_live_remove(live, &entry);
    sso_live_remove(live, &entry);
    assert_int_equal(live->count, 0);
    sso_live_add(live, &entry, 1, 1, 1);
    assert_int_equal(live->count, 1);
    sso_live_remove(live, &entry);
}

/* Many more users than buckets: chains are walked and unlinked in any order. */
static void crowded_buckets_lose_nobody(void **state)
{
    struct sso_live *live = *state;
    enum { USERS = 20000 };
    struct sso_live_entry *entries = gw_alloc(USERS * sizeof *entries);
    for (size_t i = 0; i < USERS; i++)
        sso_live_add(live, &entries[i], 1, i + 1, 1);
    for (size_t i = 0; i < USERS; i += 3)
        sso_live_remove(live, &entries[i]);
    for (size_t i = 0; i < USERS; i++)
        assert_int_equal(each_older(live, 1, i + 1, 2).count, i % 3 == 0 ? 0 : 1);
    assert_int_equal(live->count, 0);
    free(entries);
}

static int setup(void **state)
{
    *state = gw_alloc(sizeof(struct sso_live));
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_older_exchanges_of_that_user_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(removing_twice_is_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(crowded_buckets_lose_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
