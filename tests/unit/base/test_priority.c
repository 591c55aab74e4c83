/* Who goes last when the machine is busy. */
#include "tests/support/unit.h"

#include "gateway/base/priority.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define LOWEST 19

static int nice_now(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *scan(void *data)
{
    int *nice = data;
    assert_true(gw_priority_lower(GW_PRIORITY_COMMAND));
    assert_true(gw_priority_lower(GW_PRIORITY_PROVISIONING)); /* from where it is, never up */
    *nice = nice_now();
    return NULL;
}

static void a_thread_steps_back_and_the_others_stay(void **state)
{
    (void)state;
    pthread_t thread;
    int before = nice_now();
    int nice = 0;
    assert_int_equal(pthread_create(&thread, NULL, scan, &nice), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    int lower = before + GW_PRIORITY_COMMAND + GW_PRIORITY_PROVISIONING;
    assert_int_equal(nice, lower < LOWEST ? lower : LOWEST);
    assert_int_equal(nice_now(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_steps_back_and_the_others_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
