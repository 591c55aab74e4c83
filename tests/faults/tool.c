/* tool: writes to a store without the rest of provgate, says what was acknowledged, and reads it back.
 *   faults_tool create STORE
 *   faults_tool load STORE SEED COUNT   so many changes, a few at a time; a line for each: B begins, A acknowledged,
 *                                       F refused, each with the name and the state it leads to. With FAULTS_LOG the
 *                                       lines stand between the writes that shim.c records there. Status 3: some failed
 *   faults_tool read STORE SESSIONS     opens, verifies every record, prints name and state of all there is
 *   faults_tool hold STORE              begins a read transaction, says "reading", and stays until it is killed */
#include "gateway/base/clock.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define STORE_BYTES (256ull << 20)
#define USERS 48u
#define BURST_MAX 8u
#define TEXT_BYTES 64
#define ATTRIBUTES "{\"title\":\"%.*s\"}"

struct user {
    uint64_t seq; /* 0: not there */
    uint64_t version;
    struct store_user_state state;
    char mark[TEXT_BYTES];
    bool is_active;
    bool is_busy;
};

struct load {
    struct store *store;
    struct store_writer *writer;
    uint32_t folder;
    int64_t now_ms;
    uint64_t random;
    uint64_t sessions;
    int log_fd;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t is_less;
    struct user users[USERS];
    unsigned running;
    uint64_t failed;
};

/* What a change leads to. */
struct intent {
    struct load *load;
    unsigned user;
    char mark[TEXT_BYTES];
    bool is_active;
    bool is_gone;
    char text[2 * TEXT_BYTES];
};

static uint64_t next_random(struct load *load, uint64_t below)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random / 7 % below;
}

static void tell(const struct load *load, char kind, const char *text)
{
    struct {
        char kind;
        char pad[3];
        uint32_t bytes;
        uint64_t offset;
    } head = {.kind = kind, .bytes = (uint32_t)strlen(text)};
    char line[3 * TEXT_BYTES];
    int len = snprintf(line, sizeof line, "%c %s\n", kind, text);
    char *body = line + 2;
    const struct iovec parts[2] = {{&head, sizeof head}, {body, head.bytes}};
    ssize_t wanted = load->log_fd >= 0 ? (ssize_t)(sizeof head + head.bytes) : len;
    ssize_t done = load->log_fd >= 0 ? writev(load->log_fd, parts, 2) : write(STDOUT_FILENO, line, (size_t)len);
    if (done != wanted)
        _exit(4);
}

static void on_done(struct store_change *change)
{
    struct intent *intent = change->owner;
    struct load *load = intent->load;
    (void)pthread_mutex_lock(&load->lock);
    struct user *user = &load->users[intent->user];
    tell(load, change->code == GW_OK ? 'A' : 'F', intent->text);
    if (change->code == GW_OK && intent->is_gone) {
        *user = (struct user){.seq = 0};
    } else if (change->code == GW_OK && change->kind != STORE_CHANGE_SIGN_ON) {
        user->seq = change->result.user_seq;
        user->version = change->result.version;
        user->state = change->result.state;
        user->is_active = intent->is_active;
        memcpy(user->mark, intent->mark, sizeof user->mark);
    }
    if (change->code != GW_OK && load->failed++ == 0)
        (void)fprintf(stderr, "%s: %s\n", intent->text, change->error.text);
    user->is_busy = false;
    load->running--;
    (void)pthread_cond_signal(&load->is_less);
    (void)pthread_mutex_unlock(&load->lock);
    store_change_free(change);
}

static struct store_change *new_change(struct load *load, enum store_change_kind kind, unsigned number,
                                       struct intent **ret_intent)
{
    struct store_change *change = store_change_new(kind);
    struct intent *intent = gw_arena_array(&change->arena, 1, sizeof *intent);
    *intent = (struct intent){.load = load, .user = number};
    change->time_ms = load->now_ms++;
    change->actor = GW_STR("faults");
    change->app = GW_STR("wiki");
    change->folder = load->folder;
    change->user_seq = load->users[number].seq;
    change->on_done = on_done;
    change->owner = intent;
    *ret_intent = intent;
    return change;
}

/* Name, external id and an attribute always say the same: half a change would show. */
static struct store_user_draft new_draft(struct load *load, struct gw_arena *arena, struct intent *intent)
{
    (void)snprintf(intent->mark, sizeof intent->mark, "m%016" PRIx64, load->random);
    (void)snprintf(intent->text, sizeof intent->text, "u%u %s %d", intent->user, intent->mark, intent->is_active);
    struct gw_str mark = gw_arena_copy(arena, gw_str_from(intent->mark));
    size_t padding = (size_t)next_random(load, next_random(load, 8) == 0 ? 9000 : 200);
    struct gw_str attributes = gw_arena_printf(arena, ATTRIBUTES "%*s", GW_STR_ARG(mark), (int)padding, "");
    return (struct store_user_draft){.user_name = gw_arena_printf(arena, "u%u@example.com", intent->user),
                                     .external_id = mark,
                                     .attributes = attributes,
                                     .active = intent->is_active};
}

static struct store_change *create(struct load *load, unsigned number)
{
    struct intent *intent = NULL;
    struct store_change *change = new_change(load, STORE_CHANGE_USER_CREATE, number, &intent);
    intent->is_active = true;
    change->as.create.draft = new_draft(load, &change->arena, intent);
    change->as.create.match = STORE_MATCH_USER_NAME;
    change->as.create.adopt = true;
    return change;
}

static struct store_change *replace(struct load *load, unsigned number)
{
    struct intent *intent = NULL;
    struct store_change *change = new_change(load, STORE_CHANGE_USER_REPLACE, number, &intent);
    intent->is_active = next_random(load, 3) != 0;
    change->is_urgent = !intent->is_active;
    change->as.replace.draft = new_draft(load, &change->arena, intent);
    change->as.replace.expected_version = load->users[number].version;
    change->as.replace.adopt = true;
    return change;
}

static struct store_change *delete (struct load *load, unsigned number)
{
    struct intent *intent = NULL;
    struct store_change *change = new_change(load, STORE_CHANGE_USER_DELETE, number, &intent);
    intent->is_gone = true;
    (void)snprintf(intent->text, sizeof intent->text, "u%u - 0", number);
    return change;
}

static struct store_change *sign_on(struct load *load, unsigned number)
{
    struct intent *intent = NULL;
    const struct user *user = &load->users[number];
    struct store_change *change = new_change(load, STORE_CHANGE_SIGN_ON, number, &intent);
    struct gw_str name = gw_arena_printf(&change->arena, "u%u@example.com", number);
    (void)snprintf(intent->text, sizeof intent->text, "s%" PRIu64 " bound 1", load->sessions++);
    struct gw_str cookie = gw_str_n(intent->text, strcspn(intent->text, " "));
    change->is_urgent = true;
    change->as.sign_on.join = (struct store_join){.folder = load->folder,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = name,
                                                  .issuer = GW_STR("https://idp"),
                                                  .name_id = name};
    change->as.sign_on.expected_user_seq = user->seq;
    change->as.sign_on.expected_generation = user->state.generation;
    change->as.sign_on.sessions[0] = store_session_digest(load->store, GW_STR("wiki"), GW_STR("sid"), cookie);
    change->as.sign_on.session_count = 1;
    return change;
}

static struct store_change *choose(struct load *load, unsigned number)
{
    const struct user *user = &load->users[number];
    uint64_t dice = next_random(load, 20);
    if (user->seq == 0)
        return create(load, number);
    if (dice == 0)
        return delete (load, number);
    return dice < 7 && user->is_active ? sign_on(load, number) : replace(load, number);
}

static void submit_some(struct load *load, uint64_t count)
{
    struct gw_error err;
    for (uint64_t i = 0; i < count; i++) {
        unsigned number = (unsigned)next_random(load, USERS);
        (void)pthread_mutex_lock(&load->lock);
        bool is_free = !load->users[number].is_busy;
        struct store_change *change = is_free ? choose(load, number) : NULL;
        if (is_free) {
            load->users[number].is_busy = true;
            load->running++;
            tell(load, 'B', ((struct intent *)change->owner)->text);
        }
        (void)pthread_mutex_unlock(&load->lock);
        if (is_free && store_writer_submit(load->writer, change, &err) != GW_OK)
            _exit(4);
    }
    (void)pthread_mutex_lock(&load->lock);
    while (load->running > 0)
        (void)pthread_cond_wait(&load->is_less, &load->lock);
    (void)pthread_mutex_unlock(&load->lock);
}

static int fail(const struct gw_error *err)
{
    (void)fprintf(stderr, "faults_tool: %s\n", err->text);
    return 1;
}

static bool on_user(const struct store_user *user, void *data)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str expected = gw_arena_printf(&arena, ATTRIBUTES, GW_STR_ARG(user->external_id));
    const char *at = memchr(user->user_name.ptr, '@', user->user_name.len);
    int len = at != NULL ? (int)(at - user->user_name.ptr) : 0;
    (void)data;
    (void)printf("%.*s %.*s%s %d\n", len, user->user_name.ptr, GW_STR_ARG(user->external_id),
                 gw_str_starts(user->attributes, expected) ? "" : "(half)",
                 (user->state.flags & STORE_USER_ACTIVE) != 0);
    return true;
}

static void print_sessions(struct store *store, struct store_reader *reader, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        char cookie[TEXT_BYTES];
        struct store_session session;
        (void)snprintf(cookie, sizeof cookie, "s%" PRIu64, i);
        struct store_session_digest digest =
            store_session_digest(store, GW_STR("wiki"), GW_STR("sid"), gw_str_from(cookie));
        enum gw_code code = store_session_get(reader, &digest, &session);
        if (code != GW_E_NOT_FOUND)
            (void)printf("%s %s 1\n", cookie, code == GW_OK ? "bound" : "damaged");
    }
}

static int run_read(const char *path, uint64_t sessions)
{
    struct gw_error err;
    struct store *store = NULL;
    struct store_reader *reader = NULL;
    uint32_t folder = 0;
    if (store_open(path, STORE_BYTES, &store, &err) != GW_OK)
        return fail(&err);
    enum gw_code code = store_check(store, NULL, NULL, &err);
    if (code == GW_OK)
        code = store_reader_new(store, &reader, &err);
    if (code == GW_OK)
        code = store_reader_begin(reader, &err);
    if (code == GW_OK && store_folder_find(reader, GW_STR("staff"), &folder, &err) == GW_OK)
        code = store_users_scan(reader, folder, 0, on_user, NULL, &err);
    if (code == GW_OK)
        print_sessions(store, reader, sessions);
    store_reader_free(reader);
    store_close(store);
    return code == GW_OK ? 0 : fail(&err);
}

static int run_hold(const char *path)
{
    struct gw_error err;
    struct store *store = NULL;
    struct store_reader *reader = NULL;
    if (store_open(path, STORE_BYTES, &store, &err) != GW_OK || store_reader_new(store, &reader, &err) != GW_OK ||
        store_reader_begin(reader, &err) != GW_OK)
        return fail(&err);
    (void)printf("reading\n");
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}

static int run_load(const char *path, uint64_t seed, uint64_t count)
{
    struct gw_error err;
    struct store_writer_settings settings = {.role = STORE_ROLE_PROV};
    const char *log = getenv("FAULTS_LOG");
    struct load load = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .is_less = PTHREAD_COND_INITIALIZER,
                        .random = seed * 2654435761u + 88172645463325252ull,
                        .now_ms = gw_clock_wall_ms(),
                        .log_fd = log != NULL ? open(log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1};
    if (store_open(path, STORE_BYTES, &load.store, &err) != GW_OK ||
        store_writer_new(load.store, &settings, &load.writer, &err) != GW_OK ||
        store_folder_ensure(load.writer, GW_STR("staff"), &load.folder, &err) != GW_OK)
        return fail(&err);
    for (uint64_t done = 0; done < count;) {
        uint64_t burst = 1 + next_random(&load, BURST_MAX);
        burst = burst < count - done ? burst : count - done;
        submit_some(&load, burst);
        done += burst;
    }
    store_writer_free(load.writer);
    store_close(load.store);
    return load.failed == 0 ? 0 : 3;
}

int main(int argc, char **argv)
{
    struct gw_error err;
    if (argc == 3 && strcmp(argv[1], "create") == 0)
        return store_create(argv[2], STORE_BYTES, &err) == GW_OK ? 0 : fail(&err);
    if (argc == 3 && strcmp(argv[1], "hold") == 0)
        return run_hold(argv[2]);
    if (argc == 4 && strcmp(argv[1], "read") == 0)
        return run_read(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "load") == 0)
        return run_load(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    (void)fprintf(stderr,
                  "usage: faults_tool create STORE | load STORE SEED COUNT | read STORE SESSIONS | hold STORE\n");
    return 2;
}
