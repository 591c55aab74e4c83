/* Bare LMDB with what a create of a user writes: the same number of puts into the same number of tables, with keys and
 * values of the same sizes in the same order, and nothing else. What a store on LMDB can reach at most.
 *   bench_lmdb FOLDER MAX_GIB USERS SECONDS
 * Fills USERS users with four memberships each and prints {"fill_seconds", "bytes"}. Then, for each number on a line of
 * its input, measures durable creates, so many to a transaction, and prints {"per_second"}. */
#include <lmdb.h>

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILL_GROUP 1024u
#define MEMBERSHIPS 4u
#define TRAIL_BLOCK 256u /* entries of activity to one filter: store/trail.h */
#define KEY_BYTES_MAX 64u

enum table { META, USERS, STATES, INDEX, POSITIONS, MODIFIED, ACTIVITY, TRAIL, MEMBERS, OF_USER, TABLES };

struct bare {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi tables[TABLES];
    uint64_t next; /* user */
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int rc, const char *what)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "bench_lmdb: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

/* A key of `size` bytes: the table's prefix, then the number, big endian, so that the order is that of numbers. */
static void put(struct bare *bare, enum table table, unsigned prefix, uint64_t number, size_t size, size_t value_bytes,
                unsigned flags)
{
    static const uint8_t zeros[1024];
    uint8_t key[KEY_BYTES_MAX] = {0, 0, 0, 1, (uint8_t)prefix};
    for (size_t i = 0; i < 8 && i < size; i++)
        key[size - 1 - i] = (uint8_t)(number >> (8 * i));
    MDB_val mdb_key = {size, key};
    MDB_val value = {value_bytes, (void *)(uintptr_t)zeros};
    check(mdb_put(bare->txn, bare->tables[table], &mdb_key, &value, flags), "put");
}

/* As load_users.c, scim.lua and ldap_load.c make names: neighbours in time are no neighbours in the index. */
static uint64_t scatter(uint64_t number)
{
    return number * 61803399u % 100000000u;
}

static void create(struct bare *bare)
{
    uint64_t user = bare->next++;
    put(bare, META, 1, 1, 12, 12, 0);
    put(bare, INDEX, 1, scatter(user), 38, 5, 0); /* its one e-mail is the userName: one key for both */
    put(bare, INDEX, 2, scatter(user), 25, 4, 0);
    put(bare, STATES, 0, user, 12, 24, 0);
    put(bare, MODIFIED, 0, user, 20, 4, 0);
    put(bare, USERS, 0, user, 12, 304, MDB_APPEND);
    for (unsigned level = 0; level < 3; level++)
        put(bare, POSITIONS, level, user >> (10 * (level + 1)), 13, 12, 0);
    put(bare, ACTIVITY, 0, user, 8, 153, MDB_APPEND);
    if (user % TRAIL_BLOCK == TRAIL_BLOCK - 1)
        put(bare, TRAIL, 0, user / TRAIL_BLOCK, 8, 4 + 512, MDB_APPEND);
}

static void begin(struct bare *bare)
{
    check(mdb_txn_begin(bare->env, NULL, 0, &bare->txn), "begin");
}

static void commit(struct bare *bare)
{
    put(bare, META, 0, 0, 8, 64, 0);
    check(mdb_txn_commit(bare->txn), "commit");
}

static void create_group(struct bare *bare, uint64_t count)
{
    begin(bare);
    for (uint64_t i = 0; i < count; i++)
        create(bare);
    commit(bare);
}

static void fill(struct bare *bare, uint64_t users)
{
    while (bare->next < users)
        create_group(bare, users - bare->next < FILL_GROUP ? users - bare->next : FILL_GROUP);
    begin(bare);
    for (uint64_t i = 0; i < users * MEMBERSHIPS; i++) {
        put(bare, MEMBERS, 0, i, 20, 4, 0);
        put(bare, OF_USER, 0, i, 20, 4, 0);
        if (i % (FILL_GROUP * 64) == 0) {
            commit(bare);
            begin(bare);
        }
    }
    commit(bare);
    check(mdb_env_sync(bare->env, 1), "sync");
}

static void open_env(struct bare *bare, const char *folder, size_t max_bytes)
{
    static const char *const names[TABLES] = {"meta",     "users",    "states", "index",   "positions",
                                              "modified", "activity", "trail",  "members", "of_user"};
    check(mdb_env_create(&bare->env), "create");
    check(mdb_env_set_mapsize(bare->env, max_bytes), "map size");
    check(mdb_env_set_maxdbs(bare->env, TABLES), "tables");
    (void)mkdir(folder, 0700);
    check(mdb_env_open(bare->env, folder, 0, 0600), folder);
    begin(bare);
    for (int i = 0; i < TABLES; i++)
        check(mdb_dbi_open(bare->txn, names[i], MDB_CREATE, &bare->tables[i]), names[i]);
    check(mdb_txn_commit(bare->txn), "commit");
}

static double measure(struct bare *bare, uint64_t group, double seconds)
{
    uint64_t first = bare->next;
    double begun = now_s();
    while (now_s() - begun < seconds)
        create_group(bare, group);
    return (double)(bare->next - first) / (now_s() - begun);
}

int main(int argc, char **argv)
{
    struct bare bare = {.next = 0};
    char line[32];
    if (argc != 5) {
        (void)fprintf(stderr, "usage: bench_lmdb FOLDER MAX_GIB USERS SECONDS\n");
        return 2;
    }
    open_env(&bare, argv[1], (size_t)strtoull(argv[2], NULL, 10) << 30);
    double begun = now_s();
    check(mdb_env_set_flags(bare.env, MDB_NOSYNC, 1), "flags");
    fill(&bare, strtoull(argv[3], NULL, 10));
    check(mdb_env_set_flags(bare.env, MDB_NOSYNC, 0), "flags");
    MDB_envinfo info;
    check(mdb_env_info(bare.env, &info), "info");
    (void)printf("{\"fill_seconds\": %.3f, \"bytes\": %zu}\n", now_s() - begun, (info.me_last_pgno + 1) * 4096);
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t group = strtoull(line, NULL, 10);
        (void)printf("{\"per_second\": %.1f}\n", measure(&bare, group > 0 ? group : 1, strtod(argv[4], NULL)));
        (void)fflush(stdout);
    }
    mdb_env_close(bare.env);
    return 0;
}
