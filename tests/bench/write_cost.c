/* What one write costs: bench_write_cost STORE MAX_GIB FOLDER USERS ROUNDS, on a store that `bench_load_users ... fill`
 * made with USERS users. Each change waits for its commit before the next one comes, as with one client. Prints for
 * each kind of change: KiB and calls that went to the file, CPU time and time, each per change. */
#include "gateway/base/clock.h"
#include "store/reader.h"
#include "store/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

struct bench {
    struct store *store;
    struct store_writer *writer;
    struct store_reader *reader;
    uint32_t folder;
    uint64_t users;
    uint64_t number; /* of what is made anew */
    uint64_t groups; /* made here; the newest has the number group_last */
    uint64_t group_last;
};

static void fail(const char *what, const struct gw_error *err)
{
    (void)fprintf(stderr, "bench_write_cost: %s: %s\n", what, err->text);
    exit(1);
}

struct cost {
    uint64_t bytes;
    uint64_t calls;
    int64_t cpu_us;
    int64_t time_us;
};

static struct cost cost_now(void)
{
    struct cost cost = {.time_us = gw_clock_mono_us()};
    struct rusage usage;
    char line[128];
    FILE *file = fopen("/proc/self/io", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "wchar: %" SCNu64, &cost.bytes);
        (void)sscanf(line, "syscw: %" SCNu64, &cost.calls);
    }
    if (file != NULL)
        (void)fclose(file);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        cost.cpu_us =
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return cost;
}

static struct store_change *change_new(struct bench *bench, enum store_change_kind kind)
{
    struct store_change *change = store_change_new(kind);
    change->time_ms = gw_clock_wall_ms();
    change->actor = GW_STR("token:bench");
    change->app = GW_STR("bench");
    change->reference = gw_arena_printf(&change->arena, "%016" PRIx64, bench->number);
    change->folder = bench->folder;
    return change;
}

static void apply(struct bench *bench, struct store_change *change)
{
    struct gw_error err;
    if (store_writer_apply(bench->writer, change, &err) != GW_OK)
        fail("a change", &err);
    if (change->kind == STORE_CHANGE_GROUP_CREATE)
        bench->group_last = change->result.group_seq;
    store_change_free(change);
}

/* Users in no order. */
static uint64_t pick(const struct bench *bench)
{
    return 1 + bench->number * 7919 % bench->users;
}

static struct store_user load(struct bench *bench, uint64_t seq, struct gw_arena *arena)
{
    struct store_user user;
    struct gw_error err;
    if (store_reader_begin(bench->reader, &err) != GW_OK ||
        store_user_get(bench->reader, arena, bench->folder, seq, &user, &err) != GW_OK)
        fail("read a user", &err);
    store_reader_end(bench->reader);
    return user;
}

/* PATCH active, there and back. */
static void do_active(struct bench *bench)
{
    struct store_change *change = change_new(bench, STORE_CHANGE_USER_REPLACE);
    struct store_user user = load(bench, pick(bench), &change->arena);
    change->attribute_names = GW_STR("active");
    change->user_seq = user.seq;
    change->brake = (struct store_brake){
        .is_on = true, .share_percent = 20, .at_least = bench->users, .within_ms = 3600000, .max_hold_ms = 1800000};
    change->as.replace.draft = (struct store_user_draft){.user_name = user.user_name,
                                                         .external_id = user.external_id,
                                                         .emails = user.emails,
                                                         .email_count = user.email_count,
                                                         .attributes = user.attributes,
                                                         .active = (user.state.flags & STORE_USER_ACTIVE) == 0};
    change->as.replace.expected_version = user.version;
    change->as.replace.says_active = true;
    apply(bench, change);
}

static void do_title(struct bench *bench)
{
    struct store_change *change = change_new(bench, STORE_CHANGE_USER_REPLACE);
    struct store_user user = load(bench, pick(bench), &change->arena);
    change->attribute_names = GW_STR("title");
    change->user_seq = user.seq;
    change->as.replace.draft = (struct store_user_draft){
        .user_name = user.user_name,
        .external_id = user.external_id,
        .emails = user.emails,
        .email_count = user.email_count,
        .attributes = gw_arena_printf(&change->arena, "{\"title\":\"number %" PRIu64 "\"}", bench->number),
        .active = (user.state.flags & STORE_USER_ACTIVE) != 0};
    change->as.replace.expected_version = user.version;
    apply(bench, change);
}

static void do_create(struct bench *bench)
{
    struct store_change *change = change_new(bench, STORE_CHANGE_USER_CREATE);
    struct gw_arena *arena = &change->arena;
    uint64_t number = (bench->users + bench->number) * 61803399u % 100000000u;
    struct gw_str *emails = gw_arena_array(arena, 1, sizeof *emails);
    emails[0] = gw_arena_printf(arena, "new%08" PRIu64 "@example.com", number);
    change->attribute_names = GW_STR("userName name displayName locale emails externalId active");
    change->as.create.draft = (struct store_user_draft){
        .user_name = emails[0],
        .external_id = gw_arena_printf(arena, "00n%08" PRIu64, number),
        .emails = emails,
        .email_count = 1,
        .attributes = gw_arena_printf(arena, "{\"displayName\":\"Given Family\",\"emails\":[{\"value\":\"%.*s\"}]}",
                                      GW_STR_ARG(emails[0])),
        .active = true,
    };
    change->as.create.match = STORE_MATCH_USER_NAME;
    apply(bench, change);
}

/* The mark against a second use, and then the sign-on itself. */
static void do_sign_on(struct bench *bench)
{
    struct store_change *mark = change_new(bench, STORE_CHANGE_REPLAY_MARK);
    mark->as.replay.assertion = gw_sha256(mark->reference);
    mark->as.replay.forget_after_ms = mark->time_ms + 300000;
    apply(bench, mark);
    struct store_change *change = change_new(bench, STORE_CHANGE_SIGN_ON);
    struct store_user user = load(bench, pick(bench), &change->arena);
    change->as.sign_on.join = (struct store_join){.folder = bench->folder,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = user.user_name,
                                                  .issuer = GW_STR("http://bench"),
                                                  .name_id = user.user_name};
    change->as.sign_on.draft =
        (struct store_user_draft){.user_name = user.user_name, .attributes = GW_STR("{}"), .active = true};
    change->as.sign_on.observe = true;
    change->as.sign_on.sessions[0] =
        store_session_digest(bench->store, GW_STR("bench"), GW_STR("sid"), change->reference);
    change->as.sign_on.session_count = 1;
    apply(bench, change);
}

static void do_group_create(struct bench *bench)
{
    struct store_change *change = change_new(bench, STORE_CHANGE_GROUP_CREATE);
    change->as.group.display_name = gw_arena_printf(&change->arena, "cost %s", change->reference.ptr);
    change->as.group.attributes = GW_STR("{}");
    apply(bench, change);
    bench->groups++;
}

/* PATCH of one of the groups that do_group_create made: one more member. */
static void do_group_member(struct bench *bench)
{
    struct store_change *change = change_new(bench, STORE_CHANGE_GROUP_UPDATE);
    struct store_member_op *op = gw_arena_alloc(&change->arena, sizeof *op);
    *op = (struct store_member_op){STORE_MEMBER_ADD, pick(bench)};
    change->attribute_names = GW_STR("members");
    change->group_seq = bench->group_last - bench->number * 7919 % bench->groups;
    change->as.group.ops = op;
    change->as.group.op_count = 1;
    apply(bench, change);
}

static void measure(struct bench *bench, const char *name, void (*run)(struct bench *bench), uint64_t rounds)
{
    uint64_t first = bench->number;
    struct cost before = cost_now();
    while (bench->number - first < rounds) {
        bench->number++;
        run(bench);
    }
    struct cost after = cost_now();
    double count = (double)rounds;
    (void)printf("%-24s %8.1f %8.1f %8.1f %8.1f\n", name, (double)(after.bytes - before.bytes) / 1024 / count,
                 (double)(after.calls - before.calls) / count, (double)(after.cpu_us - before.cpu_us) / count,
                 (double)(after.time_us - before.time_us) / count);
}

int main(int argc, char **argv)
{
    struct gw_error err;
    struct bench bench = {.number = 0};
    struct store_writer_settings settings = {.role = STORE_ROLE_TOOL};
    if (argc != 6) {
        (void)fprintf(stderr, "usage: bench_write_cost STORE MAX_GIB FOLDER USERS ROUNDS\n");
        return 2;
    }
    bench.users = strtoull(argv[4], NULL, 10);
    uint64_t rounds = strtoull(argv[5], NULL, 10);
    if (store_open(argv[1], strtoull(argv[2], NULL, 10) << 30, &bench.store, &err) != GW_OK ||
        store_writer_new(bench.store, &settings, &bench.writer, &err) != GW_OK ||
        store_reader_new(bench.store, &bench.reader, &err) != GW_OK ||
        store_folder_ensure(bench.writer, gw_str_from(argv[3]), &bench.folder, &err) != GW_OK)
        fail(argv[1], &err);
    (void)printf("%-24s %8s %8s %8s %8s\n", "change", "KiB", "calls", "CPU us", "us");
    measure(&bench, "(once, to settle)", do_active, rounds);
    measure(&bench, "active", do_active, rounds);
    measure(&bench, "title", do_title, rounds);
    measure(&bench, "create", do_create, rounds);
    measure(&bench, "group create", do_group_create, rounds);
    measure(&bench, "group member", do_group_member, rounds);
    measure(&bench, "first sign-on", do_sign_on, rounds);
    bench.number -= rounds;
    bench.number += bench.users; /* the same people again, with new sessions */
    measure(&bench, "sign-on", do_sign_on, rounds);
    store_reader_free(bench.reader);
    store_writer_free(bench.writer);
    store_close(bench.store);
    return 0;
}
