/* Two of everything stand for two processes that share the memory. */
#include "tests/support/unit.h"

#include "gateway/base/arena.h"
#include "gateway/base/clock.h"
#include "gateway/sso/handover.h"
#include "gateway/sso/held.h"
#include "gateway/sso/replay.h"

#include <pthread.h>
#include <stdlib.h>

#define SECOND 1000ll
#define RACED 20000u
#define RACERS 4u

static struct gw_sha256 digest_of(uint64_t number)
{
    return gw_sha256(gw_str_n((const char *)&number, sizeof number));
}

static int setup(void **state)
{
    *state = gw_alloc(sizeof(struct sso_handover));
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void a_mark_is_taken_once_until_it_is_dropped_or_expires(void **state)
{
    struct sso_marks *marks = &((struct sso_handover *)*state)->replay;
    struct gw_sha256 one = digest_of(1), two = digest_of(2);
    assert_true(sso_marks_take(marks, one.bytes, 0, 10 * SECOND));
    assert_false(sso_marks_take(marks, one.bytes, 10 * SECOND, 20 * SECOND));
    assert_true(sso_marks_take(marks, two.bytes, 0, 10 * SECOND));
    sso_marks_drop(marks, one.bytes);
    assert_true(sso_marks_take(marks, one.bytes, 0, 10 * SECOND));
    assert_true(sso_marks_take(marks, one.bytes, 12 * SECOND, 20 * SECOND));
}

static void a_mark_that_was_put_is_found_with_its_time(void **state)
{
    struct sso_marks *marks = &((struct sso_handover *)*state)->anonymous;
    struct gw_sha256 one = digest_of(1);
    int64_t now_ms = (1ll << 24) * SECOND - 2 * SECOND; /* where the seconds of a mark begin again at 0 */
    int64_t until_ms = 0;
    assert_false(sso_marks_find(marks, one.bytes, now_ms, &until_ms));
    sso_marks_put(marks, one.bytes, now_ms, now_ms + 3600 * SECOND);
    assert_true(sso_marks_find(marks, one.bytes, now_ms, &until_ms));
    assert_in_range(until_ms - now_ms, 3600 * SECOND, 3601 * SECOND);
    sso_marks_put(marks, one.bytes, now_ms, now_ms + 10 * SECOND);
    assert_true(sso_marks_find(marks, one.bytes, now_ms + 10 * SECOND, &until_ms));
    assert_false(sso_marks_find(marks, one.bytes, now_ms + 12 * SECOND, &until_ms));
}

/* Digests of one bucket: bytes 5 and 6 say which. */
static void same_bucket(uint8_t digest[8], uint8_t number)
{
    memset(digest, 0, 8);
    digest[0] = number;
}

static void a_full_bucket_keeps_what_lives_longest_and_refuses_nothing_new(void **state)
{
    struct sso_marks *marks = &((struct sso_handover *)*state)->anonymous;
    uint8_t digest[8];
    int64_t until_ms = 0;
    for (uint8_t i = 1; i <= SSO_MARK_WAYS; i++) {
        same_bucket(digest, i);
        sso_marks_put(marks, digest, 0, (100 + i) * SECOND);
    }
    same_bucket(digest, 100);
    assert_true(sso_marks_take(marks, digest, 0, 1000 * SECOND)); /* as if it were alone */
    assert_false(sso_marks_find(marks, digest, 0, &until_ms));
    sso_marks_put(marks, digest, 0, 1000 * SECOND);
    assert_true(sso_marks_find(marks, digest, 0, &until_ms));
    same_bucket(digest, 1);
    assert_false(sso_marks_find(marks, digest, 0, &until_ms)); /* the first to expire made room */
    same_bucket(digest, 2);
    assert_true(sso_marks_find(marks, digest, 0, &until_ms));
}

static void an_assertion_in_use_at_one_process_is_refused_at_the_other(void **state)
{
    struct sso_handover *handover = *state;
    struct sso_replay *old = sso_replay_new(), *new = sso_replay_new();
    struct gw_sha256 one = digest_of(1);
    sso_replay_share(old, &handover->replay);
    sso_replay_share(new, &handover->replay);
    assert_true(sso_replay_take(old, &one, 0, 60 * SECOND));
    assert_false(sso_replay_take(new, &one, 0, 60 * SECOND));
    assert_false(sso_replay_take(new, &one, 0, 60 * SECOND)); /* the refusal left no mark of its own */
    sso_replay_forget(old, &one);                             /* the store holds it, or nothing was sent */
    assert_true(sso_replay_take(new, &one, 0, 60 * SECOND));
    sso_replay_free(old);
    sso_replay_free(new);
}

static void an_anonymous_cookie_of_one_process_is_known_to_the_other(void **state)
{
    struct sso_handover *handover = *state;
    struct sso_held *old = sso_held_new(), *new = sso_held_new();
    int64_t now_ms = gw_clock_mono_ms();
    struct gw_sha256 one = digest_of(1);
    struct sso_held_session session = {.kind = SSO_HELD_ANONYMOUS, .expires_ms = now_ms + 3600 * SECOND}, found;
    memcpy(session.digest.bytes, one.bytes, sizeof session.digest.bytes);
    sso_held_share(old, &handover->anonymous, NULL);
    sso_held_share(new, &handover->anonymous, NULL);
    assert_false(sso_held_get(new, &session.digest, now_ms, &found));
    sso_held_put(old, &session);
    assert_true(sso_held_get(new, &session.digest, now_ms, &found));
    assert_int_equal(found.kind, SSO_HELD_ANONYMOUS);
    assert_in_range(found.expires_ms, session.expires_ms - SECOND, session.expires_ms + 2 * SECOND);
    assert_false(sso_held_get(new, &session.digest, now_ms + 3602 * SECOND, &found));
    session.kind = SSO_HELD_BOUND; /* it became somebody's */
    session.user_seq = 7;
    sso_held_put(old, &session);
    assert_false(sso_held_get(new, &session.digest, now_ms, &found));
    sso_held_free(old);
    sso_held_free(new);
}

static void a_session_that_one_process_holds_is_known_to_the_other_which_owes_nothing(void **state)
{
    struct sso_handover *handover = *state;
    struct sso_held *old = sso_held_new(), *new = sso_held_new();
    int64_t now_ms = gw_clock_mono_ms();
    struct sso_held_session found, taken[1];
    sso_held_share(old, NULL, &handover->bound);
    sso_held_share(new, NULL, &handover->bound);
    for (uint64_t i = 0; i < 1000; i++) {
        struct gw_sha256 digest = digest_of(i);
        struct sso_held_session session = {.kind = SSO_HELD_BOUND,
                                           .user_seq = i,
                                           .generation = 3,
                                           .folder = 2,
                                           .expires_ms = now_ms + 60 * SECOND,
                                           .owes_write = true};
        memcpy(session.digest.bytes, digest.bytes, sizeof session.digest.bytes);
        session.root = session.digest;
        sso_held_put(old, &session);
        assert_true(sso_held_get(new, &session.digest, now_ms, &found));
        assert_true(found.user_seq == i && found.generation == 3 && found.folder == 2 && !found.owes_write);
        assert_memory_equal(&found.root, &session.root, sizeof found.root);
        assert_false(sso_held_get(new, &session.digest, now_ms + 60 * SECOND, &found));
        if (i % 2 == 0)
            sso_held_remove(old, &session.digest);
        assert_int_equal(sso_held_get(new, &session.digest, now_ms, &found), i % 2 == 1);
    }
    assert_int_equal(sso_held_take_due(new, INT64_MAX, taken, 1), 0);
    sso_held_free(old);
    sso_held_free(new);
}

struct pen {
    struct sso_records *records;
    uint64_t fill;
    atomic_uint torn;
};

/* All words after the key are the same, in every record that was ever written. */
static void *writer_and_reader(void *data)
{
    struct pen *pen = data;
    for (uint64_t i = 0; i < RACED; i++) {
        uint64_t record[SSO_RECORD_WORDS] = {i % 4, 0};
        for (size_t k = 2; k < SSO_RECORD_WORDS; k++)
            record[k] = pen->fill + i;
        uint64_t key[2] = {record[0], record[1]};
        sso_records_put(pen->records, record, 60 * SECOND);
        bool found = sso_records_find(pen->records, (const uint8_t *)key, 0, record);
        for (size_t k = 3; found && k < SSO_RECORD_WORDS; k++)
            atomic_fetch_add(&pen->torn, record[k] != record[2]);
    }
    return NULL;
}

static void no_record_is_ever_read_in_halves(void **state)
{
    struct pen pens[RACERS];
    pthread_t threads[RACERS];
    for (size_t i = 0; i < RACERS; i++) {
        pens[i] = (struct pen){.records = &((struct sso_handover *)*state)->bound, .fill = (i + 1) << 32};
        assert_int_equal(pthread_create(&threads[i], NULL, writer_and_reader, &pens[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&pens[i].torn), 0);
    }
}

struct race {
    struct sso_marks *marks;
    atomic_uint taken[RACED];
};

static void *racer(void *data)
{
    struct race *race = data;
    for (uint64_t i = 0; i < RACED; i++) {
        struct gw_sha256 digest = digest_of(i);
        if (sso_marks_take(race->marks, digest.bytes, 0, 60 * SECOND))
            atomic_fetch_add(&race->taken[i], 1);
    }
    return NULL;
}

static void of_several_who_take_a_mark_at_once_at_most_one_has_it(void **state)
{
    struct race *race = gw_alloc(sizeof *race);
    race->marks = &((struct sso_handover *)*state)->replay;
    pthread_t threads[RACERS];
    unsigned held = 0;
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, race), 0);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < RACED; i++) {
        struct gw_sha256 digest = digest_of(i);
        int64_t until_ms = 0;
        bool was_kept = sso_marks_find(race->marks, digest.bytes, 0, &until_ms);
        if (was_kept) /* else its bucket was full: it is not shared */
            assert_true(atomic_load(&race->taken[i]) <= 1);
        held += was_kept;
    }
    assert_in_range(held, RACED * 9 / 10, RACED);
    free(race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mark_is_taken_once_until_it_is_dropped_or_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mark_that_was_put_is_found_with_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_bucket_keeps_what_lives_longest_and_refuses_nothing_new, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_assertion_in_use_at_one_process_is_refused_at_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(an_anonymous_cookie_of_one_process_is_known_to_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_that_one_process_holds_is_known_to_the_other_which_owes_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(no_record_is_ever_read_in_halves, setup, teardown),
        cmocka_unit_test_setup_teardown(of_several_who_take_a_mark_at_once_at_most_one_has_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
