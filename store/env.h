/* env: what an open store is made of. Private to store/. */
#pragma once

#include "store/files.h"
#include "store/store.h"
#include "store/table.h"

#include <sys/types.h>

#define STORE_READERS_MAX 1024u
#define STORE_TABLES_MAX 64u
#define STORE_FULL_CHECK_BYTES_MAX (16ull << 20) /* below it every start reads every record, in well under a second */

/* Which file it is; inode 0: not known. */
struct store_file_id {
    dev_t device;
    ino_t inode;
};

struct store {
    MDB_env *env;
    MDB_env *spare; /* NULL: none; spare.h */
    MDB_dbi tables[STORE_TABLE_COUNT];
    char *path;
    struct store_keys keys;
    struct gw_hmac_key session_hmac; /* of keys.session */
    uint64_t max_bytes;
    uint32_t format; /* as which it is read and written: the program's own, but an older one while it is migrated */
    pid_t pid;       /* an environment does not survive fork */
    dev_t device;
    ino_t inode;
    struct store_file_id data_id; /* of the files that LMDB has open */
    struct store_file_id lock_id;
    bool is_torn;       /* a write transaction was left in the middle: it stays open until the process ends */
    struct store *next; /* of the stores that this process has open */
};

/* Makes the environment object and opens it; `flags` are LMDB's, never those that lose writes. */
GW_MUST_CHECK enum gw_code store_env_open(const char *path, uint64_t max_size_bytes, unsigned flags, MDB_env **ret_env,
                                          struct gw_error *err);
/* Opens all tables in the transaction; those from `create_from` on are made when they are missing, which is damage for
 * the others. */
GW_MUST_CHECK enum gw_code store_env_tables(struct store *store, MDB_txn *txn, enum store_table create_from,
                                            struct gw_error *err);
/* Opens the first so many: of a store of an older format. */
GW_MUST_CHECK enum gw_code store_env_tables_old(struct store *store, MDB_txn *txn, int count, struct gw_error *err);
/* Files and environment, without any table: for store_open and store_migrate. Freed by store_close. */
GW_MUST_CHECK enum gw_code store_env_new(const char *path, uint64_t max_size_bytes, unsigned flags,
                                         struct store **ret_store, struct gw_error *err);

/* Are the files that are open still those of the path? What is written to others is lost, and whoever has another
 * lock.mdb writes at the same time. */
bool store_env_is_in_place(const struct store *store);

/* Bytes in use, without pages that wait to be used again. In a read transaction. */
GW_MUST_CHECK enum gw_code store_env_used(struct store_view *view, uint64_t *ret_bytes, struct gw_error *err);
/* Bytes that wait to be used again and were freed by a transaction up to `txnid_max`. In a read transaction. */
GW_MUST_CHECK enum gw_code store_env_free(struct store_view *view, uint64_t txnid_max, uint64_t *ret_bytes,
                                          struct gw_error *err);
