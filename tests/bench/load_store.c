/* Fills a store with observed users and bound sessions: bench_load_store STORE FOLDER APP COOKIE_NAME USERS SESSIONS.
 * Session number i has the cookie value "s" followed by i in 16 hex digits, so that a load generator can make them. */
#include "gateway/base/clock.h"
#include "store/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct load {
    struct store *store;
    struct store_writer *writer;
    uint32_t folder;
    struct gw_str app;
    struct gw_str cookie;
    uint64_t users;
    uint64_t sessions;
    _Atomic uint64_t done;
    _Atomic uint64_t failed;
};

static void on_done(struct store_change *change)
{
    struct load *load = change->owner;
    if (change->code != GW_OK)
        atomic_fetch_add(&load->failed, 1);
    store_change_free(change);
    atomic_fetch_add(&load->done, 1);
}

static struct store_change *sign_on(struct load *load, uint64_t user, uint64_t first_session, uint64_t count)
{
    struct store_change *change = store_change_new(STORE_CHANGE_SIGN_ON);
    struct gw_arena *arena = &change->arena;
    change->time_ms = gw_clock_wall_ms();
    change->actor = GW_STR("bench");
    change->app = load->app;
    change->folder = load->folder;
    change->owner = load;
    change->on_done = on_done;
    change->is_urgent = true;
    struct gw_str name = gw_arena_printf(arena, "user%08" PRIu64 "@example.com", user);
    change->as.sign_on.join = (struct store_join){.folder = load->folder,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = name,
                                                  .issuer = GW_STR("http://bench"),
                                                  .name_id = name};
    change->as.sign_on.draft = (struct store_user_draft){.user_name = name, .attributes = GW_STR("{}"), .active = true};
    change->as.sign_on.observe = true;
    for (uint64_t i = 0; i < count; i++) {
        struct gw_str value = gw_arena_printf(arena, "s%016" PRIx64, first_session + i);
        change->as.sign_on.sessions[i] = store_session_digest(load->store, load->app, load->cookie, value);
    }
    change->as.sign_on.session_count = (size_t)count;
    return change;
}

static void run(struct load *load)
{
    uint64_t submitted = 0;
    uint64_t session = 0;
    struct gw_error err;
    for (uint64_t user = 0; user < load->users || session < load->sessions; user++) {
        uint64_t count = load->sessions - session < STORE_SIGN_ON_SESSIONS_MAX ? load->sessions - session
                                                                               : STORE_SIGN_ON_SESSIONS_MAX;
        while (submitted - atomic_load(&load->done) > 2000)
            continue; /* bounded: the writer always makes progress */
        if (store_writer_submit(load->writer, sign_on(load, user % load->users, session, count), &err) != GW_OK) {
            (void)fprintf(stderr, "submit: %s\n", err.text);
            exit(1);
        }
        submitted++;
        session += count;
    }
    store_writer_free(load->writer);
    (void)printf("%" PRIu64 " sessions, %" PRIu64 " changes, %" PRIu64 " failed\n", session, submitted,
                 atomic_load(&load->failed));
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        (void)fprintf(stderr, "usage: bench_load_store STORE FOLDER APP COOKIE_NAME USERS SESSIONS\n");
        return 2;
    }
    struct gw_error err;
    struct load load = {.app = gw_str_from(argv[3]), .cookie = gw_str_from(argv[4])};
    load.users = strtoull(argv[5], NULL, 10);
    load.sessions = strtoull(argv[6], NULL, 10);
    struct store_writer_settings settings = {.role = STORE_ROLE_TOOL};
    if (store_open(argv[1], STORE_MAX_SIZE_DEFAULT, &load.store, &err) != GW_OK ||
        store_writer_new(load.store, &settings, &load.writer, &err) != GW_OK ||
        store_folder_ensure(load.writer, gw_str_from(argv[2]), &load.folder, &err) != GW_OK) {
        (void)fprintf(stderr, "bench_load_store: %s\n", err.text);
        return 1;
    }
    run(&load);
    store_close(load.store);
    return atomic_load(&load.failed) == 0 ? 0 : 1;
}
