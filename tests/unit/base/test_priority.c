/* Who goes last when the machine is busy. */
#include "tests/support/unit.h"

#include "gateway/base/priority.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

static int nice_now(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *scan(void *data)
{
    int *nice = data;
    gw_priority_lower(GW_PRIORITY_SCAN);
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
    assert_int_equal(nice, GW_PRIORITY_SCAN);
    assert_int_equal(nice_now(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_steps_back_and_the_others_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
