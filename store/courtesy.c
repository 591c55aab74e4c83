#include "store/courtesy.h"

#include "store/env.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* How long a provisioning group makes way for a waiting sign-on: a dead sso process must not stop it. */
#define COURTESY_STEP_US 50
#define COURTESY_STEPS_MAX 100
#define IMPORT_PAUSE_US 500

bool store_courtesy_sso_waits(const struct store_writer_settings *settings)
{
    if (settings->role == STORE_ROLE_SSO || settings->sso_waiting == NULL)
        return false;
    for (size_t i = 0; i < settings->sso_waiting_count || i == 0; i++) {
        if (atomic_load(&settings->sso_waiting[i]) > 0)
            return true;
    }
    return false;
}

void store_courtesy_make_way(const struct store_writer_settings *settings)
{
    static const struct timespec step = {.tv_nsec = COURTESY_STEP_US * 1000};
    static const struct timespec pause = {.tv_nsec = IMPORT_PAUSE_US * 1000};
    if (settings->role == STORE_ROLE_IMPORT)
        (void)nanosleep(&pause, NULL);
    for (int i = 0; i < COURTESY_STEPS_MAX && store_courtesy_sso_waits(settings); i++)
        (void)nanosleep(&step, NULL);
}

/* A line of LMDB's reader list: process, thread, transaction. */
static int on_reader(const char *line, void *data)
{
    bool *is_alone = data;
    long pid = 0;
    if (sscanf(line, "%ld", &pid) == 1 && pid != (long)getpid())
        *is_alone = false;
    return 0;
}

bool store_courtesy_is_alone(struct store *store)
{
    bool is_alone = true;
    (void)mdb_reader_list(store->env, on_reader, &is_alone);
    return is_alone;
}
