/* Provisioned users and groups, straight through the store's writer:
 *   bench_load_users STORE MAX_GIB FOLDER fill USERS GROUPED           users 0 to USERS - 1, and their groups
 *   bench_load_users STORE MAX_GIB FOLDER create FIRST CONNECTIONS SECONDS   users FIRST and up, so many under way
 * User number i has the userName user%08u@example.com, as one e-mail too, and the externalId 00u%08u, of the number
 * scattered over 8 digits: people do not come in the order of their names. Groups over the first GROUPED users:
 * "everyone"; "large" with 100,000 at most; "team N" of 100 who were made one after the other; "role N" of 1,000 from
 * all over. A fill syncs at its end only. Prints one JSON object: changes, failed, seconds, per_second. */
#include "gateway/base/clock.h"
#include "store/env.h"
#include "store/writer.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDER_WAY_MAX 8000u /* fills whole commit groups; below the cap of an import's writer */
#define LARGE_GROUP 100000u
#define TEAM 100u
#define ROLE 1000u

struct load {
    struct store *store;
    struct store_writer *writer;
    uint32_t folder;
    uint64_t first_seq; /* of user 0; they are made in order */
    sem_t room;         /* how many more may be under way */
    unsigned rooms;
    uint64_t submitted;
    _Atomic uint64_t failed;
};

static void fail(const char *what, const struct gw_error *err)
{
    (void)fprintf(stderr, "bench_load_users: %s: %s\n", what, err->text);
    exit(1);
}

static void on_done(struct store_change *change)
{
    struct load *load = change->owner;
    if (change->code != GW_OK && atomic_fetch_add(&load->failed, 1) == 0)
        (void)fprintf(stderr, "bench_load_users: %s\n", change->error.text);
    store_change_free(change);
    (void)sem_post(&load->room);
}

static struct store_change *change_new(struct load *load, enum store_change_kind kind)
{
    struct store_change *change = store_change_new(kind);
    change->time_ms = gw_clock_wall_ms();
    change->actor = GW_STR("token:bench");
    change->app = GW_STR("bench");
    change->attribute_names = GW_STR("userName name displayName locale emails externalId active");
    change->folder = load->folder;
    change->owner = load;
    change->on_done = on_done;
    return change;
}

/* As scim.lua, ldap_load.c and lmdb_load.c do: one to one, for numbers below 10^8. */
static uint64_t scatter(uint64_t number)
{
    return number * 61803399u % 100000000u;
}

static struct store_change *create_user(struct load *load, uint64_t number)
{
    struct store_change *change = change_new(load, STORE_CHANGE_USER_CREATE);
    struct gw_arena *arena = &change->arena;
    struct gw_str name = gw_arena_printf(arena, "user%08" PRIu64 "@example.com", scatter(number));
    struct gw_str *emails = gw_arena_array(arena, 1, sizeof *emails);
    emails[0] = name;
    change->reference = gw_arena_printf(arena, "bench-%010" PRIu64, number);
    change->as.create.draft = (struct store_user_draft){
        .user_name = name,
        .external_id = gw_arena_printf(arena, "00u%08" PRIu64, scatter(number)),
        .emails = emails,
        .email_count = 1,
        .attributes = gw_arena_printf(arena,
                                      "{\"name\":{\"familyName\":\"Family\",\"givenName\":\"Given\"},"
                                      "\"displayName\":\"Given Family\",\"locale\":\"en-US\",\"emails\":[{\"value\":"
                                      "\"%.*s\",\"type\":\"work\",\"primary\":true}]}",
                                      GW_STR_ARG(name)),
        .active = true,
    };
    change->as.create.match = STORE_MATCH_USER_NAME;
    return change;
}

/* Waits until fewer than `rooms` are under way. */
static void submit(struct load *load, struct store_change *change)
{
    struct gw_error err;
    while (sem_wait(&load->room) != 0)
        continue;
    load->submitted++;
    if (store_writer_submit(load->writer, change, &err) != GW_OK)
        fail("submit", &err);
}

static void drain(struct load *load)
{
    for (unsigned i = 0; i < load->rooms; i++) {
        while (sem_wait(&load->room) != 0)
            continue;
    }
    for (unsigned i = 0; i < load->rooms; i++)
        (void)sem_post(&load->room);
}

/* Applies a change and waits; what it made. */
static void apply(struct load *load, struct store_change *change)
{
    struct gw_error err;
    load->submitted++;
    if (store_writer_apply(load->writer, change, &err) != GW_OK)
        fail("group", &err);
}

/* The `count` users that begin with `first` and go on by `step`. */
static void create_group(struct load *load, struct gw_str name, uint64_t first, uint64_t step, uint64_t count)
{
    uint64_t set = 0;
    for (uint64_t begun = 0; count > STORE_MEMBER_OPS_MAX && begun < count; begun += STORE_MEMBER_PART) {
        struct store_change *stage = change_new(load, STORE_CHANGE_GROUP_STAGE);
        uint64_t part = count - begun < STORE_MEMBER_PART ? count - begun : STORE_MEMBER_PART;
        uint64_t *users = gw_arena_array(&stage->arena, (size_t)part, sizeof *users);
        for (uint64_t i = 0; i < part; i++)
            users[i] = load->first_seq + first + (begun + i) * step;
        stage->as.stage.set = set;
        stage->as.stage.users = users;
        stage->as.stage.user_count = (size_t)part;
        apply(load, stage);
        set = stage->result.set;
        store_change_free(stage);
    }
    struct store_change *change = change_new(load, STORE_CHANGE_GROUP_CREATE);
    change->as.group.display_name = gw_arena_copy(&change->arena, name);
    change->as.group.attributes = GW_STR("{}");
    change->as.group.set = set;
    if (set == 0) {
        struct store_member_op *ops = gw_arena_array(&change->arena, (size_t)count, sizeof *ops);
        for (uint64_t i = 0; i < count; i++)
            ops[i] = (struct store_member_op){STORE_MEMBER_ADD, load->first_seq + first + i * step};
        change->as.group.ops = ops;
        change->as.group.op_count = (size_t)count;
        submit(load, change);
        return;
    }
    apply(load, change);
    store_change_free(change);
}

static void create_groups(struct load *load, uint64_t users)
{
    char name[32];
    uint64_t roles = users / ROLE;
    create_group(load, GW_STR("everyone"), 0, 1, users);
    create_group(load, GW_STR("large"), 0, 1, users < LARGE_GROUP ? users : LARGE_GROUP);
    for (uint64_t i = 0; i < users / TEAM; i++) {
        (void)snprintf(name, sizeof name, "team %08" PRIu64, i);
        create_group(load, gw_str_from(name), i * TEAM, 1, TEAM);
    }
    for (uint64_t i = 0; i < roles; i++) {
        (void)snprintf(name, sizeof name, "role %08" PRIu64, i);
        create_group(load, gw_str_from(name), i, roles, ROLE);
    }
    drain(load);
}

/* Of a fill nothing is measured, and if the machine goes down it begins anew. */
static void leave_syncs_out(struct load *load, int leave_out)
{
    if (mdb_env_set_flags(load->store->env, MDB_NOSYNC, leave_out) != 0 ||
        (!leave_out && mdb_env_sync(load->store->env, 1) != 0)) {
        (void)fprintf(stderr, "bench_load_users: cannot sync\n");
        exit(1);
    }
}

static void fill(struct load *load, uint64_t users, uint64_t grouped)
{
    struct gw_error err;
    leave_syncs_out(load, 1);
    struct store_change *first = create_user(load, 0);
    if (store_writer_apply(load->writer, first, &err) != GW_OK)
        fail("user 0", &err);
    load->submitted++;
    load->first_seq = first->result.user_seq;
    store_change_free(first);
    for (uint64_t i = 1; i < users; i++)
        submit(load, create_user(load, i));
    drain(load);
    if (grouped > 0)
        create_groups(load, grouped);
    leave_syncs_out(load, 0);
}

static void create(struct load *load, uint64_t first, double seconds)
{
    int64_t end_us = gw_clock_mono_us() + (int64_t)(seconds * 1e6);
    while (gw_clock_mono_us() < end_us)
        submit(load, create_user(load, first++));
    drain(load);
}

static void open_store(struct load *load, enum store_role role, const char *path, const char *max_gib,
                       const char *folder)
{
    struct gw_error err;
    struct store_writer_settings settings = {.role = role};
    if (store_open(path, strtoull(max_gib, NULL, 10) << 30, &load->store, &err) != GW_OK ||
        store_writer_new(load->store, &settings, &load->writer, &err) != GW_OK ||
        store_folder_ensure(load->writer, gw_str_from(folder), &load->folder, &err) != GW_OK)
        fail(path, &err);
}

int main(int argc, char **argv)
{
    bool is_fill = argc == 7 && strcmp(argv[4], "fill") == 0;
    if (!is_fill && !(argc == 8 && strcmp(argv[4], "create") == 0)) {
        (void)fprintf(stderr, "usage: bench_load_users STORE MAX_GIB FOLDER fill USERS GROUPED | create FIRST "
                              "CONNECTIONS SECONDS\n");
        return 2;
    }
    struct load load = {.rooms = is_fill ? UNDER_WAY_MAX : (unsigned)strtoul(argv[6], NULL, 10)};
    if (load.rooms == 0 || load.rooms > UNDER_WAY_MAX || sem_init(&load.room, 0, load.rooms) != 0)
        return 2;
    open_store(&load, is_fill ? STORE_ROLE_IMPORT : STORE_ROLE_TOOL, argv[1], argv[2], argv[3]);
    uint64_t number = strtoull(argv[5], NULL, 10);
    int64_t begun_us = gw_clock_mono_us();
    if (is_fill)
        fill(&load, number, strtoull(argv[6], NULL, 10));
    else
        create(&load, number, strtod(argv[7], NULL));
    double seconds = (double)(gw_clock_mono_us() - begun_us) / 1e6;
    store_writer_free(load.writer);
    store_close(load.store);
    uint64_t failed = atomic_load(&load.failed);
    (void)printf("{\"changes\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"seconds\": %.3f, \"per_second\": %.1f}\n",
                 load.submitted, failed, seconds, (double)load.submitted / seconds);
    return failed == 0 ? 0 : 1;
}
