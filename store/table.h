/* table: the named LMDB databases, and get, put, delete and walk over them. Private to store/.
 *
 * Every value starts with a seal: CRC-32 over the rest of the value, mixed with the CRC-32 of its key, so that neither
 * a changed byte nor a record under a wrong key goes unseen. It is written by store_put and verified by every read
 * here. A view is one transaction: of a reader, or the writer's. One thread at a time. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <lmdb.h>

enum store_table {
    STORE_TABLE_META,           /* "sentinel"; "user-seq" (also "group-seq", "set-seq") + folder BE32 -> last number */
    STORE_TABLE_FOLDERS,        /* name -> number */
    STORE_TABLE_USERS,          /* folder BE32, seq BE64 -> user */
    STORE_TABLE_STATES,         /* the same key -> flags and generation, for the guard */
    STORE_TABLE_INDEX,          /* folder BE32, kind u8, value, 0x00, [subject digest,] seq BE64 -> nothing */
    STORE_TABLE_POSITIONS,      /* folder BE32, level u8, block BE64 -> count of not deleted users */
    STORE_TABLE_LINKS,          /* folder BE32, seq BE64, subject digest -> issuer and name id */
    STORE_TABLE_SESSIONS,       /* session digest -> session */
    STORE_TABLE_SESSION_EXPIRY, /* day last seen BE32, session digest -> nothing */
    STORE_TABLE_REVOCATIONS,    /* seq BE64 -> revocation */
    STORE_TABLE_REPLAY,         /* assertion digest -> forget after */
    STORE_TABLE_REPLAY_EXPIRY,  /* forget after BE64, assertion digest -> nothing */
    STORE_TABLE_ACTIVITY,       /* seq BE64 -> activity entry */
    STORE_TABLE_GROUPS,         /* folder BE32, seq BE64 -> group */
    STORE_TABLE_SETS,           /* folder BE32, set BE64 -> whose members these are, and how many */
    STORE_TABLE_LOOSE_SETS,     /* folder BE32, set BE64 -> since when it is nobody's */
    STORE_TABLE_MEMBERS,        /* folder BE32, set BE64, user BE64 -> nothing */
    STORE_TABLE_MEMBERSHIPS,    /* folder BE32, user BE64, set BE64 -> nothing; the last of format 1 */
    STORE_TABLE_DUE,            /* folder BE32, inactive since BE64, seq BE64 -> nothing: whose retention runs */
    STORE_TABLE_DUE_COUNTS, /* folder BE32, minute BE64 -> how many of DUE; minute ~0: inactive, not deleted users */
    STORE_TABLE_MODIFIED,   /* folder BE32, last change BE64, seq BE64 -> nothing: users that are not deleted */
    STORE_TABLE_TRAIL_2,    /* empty: what formats before 3 had in the place of TRAIL */
    STORE_TABLE_HELD,       /* folder BE32, seq BE64 -> what the brake holds of the user */
    STORE_TABLE_BLIND,      /* folder BE32, index u8, digest -> whose; folder BE32, 0, seq BE64, index, digest; the last
                             * of format 2 */
    STORE_TABLE_TRAIL, /* activity seq / 256 BE64 -> what the entries are about; store/trail.c; the last of format 3 */
    STORE_TABLE_GROUPS_MODIFIED, /* folder BE32, last change BE64, seq BE64 -> nothing: groups */
    STORE_TABLE_COUNT            /* a new one goes before this line: store/migrate.h says how */
};

#define STORE_SEAL_BYTES 4u
#define STORE_KEY_BYTES_MAX 511u /* LMDB's own */

struct store;

struct store_view {
    struct store *store;
    MDB_txn *txn;
    uint64_t put_bytes; /* so far, with a page for each: an estimate */
    bool wrote;         /* since it was last cleared */
    bool broken;        /* LMDB reported an error: the transaction can only be aborted */
    bool torn;          /* it was left while it wrote: not even that */
};

struct store_reader;

/* The snapshot of a reader, for what else reads in this folder. Only between begin and end. */
struct store_view *store_reader_view(struct store_reader *reader);

struct store_key {
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    size_t len;
};

static inline struct gw_str store_key_str(const struct store_key *key)
{
    return gw_str_n((const char *)key->bytes, key->len);
}

void store_key_init(struct store_key *key);
void store_key_add(struct store_key *key, struct gw_str s);
void store_key_add_be(struct store_key *key, uint64_t value, size_t size);

const char *store_table_name(enum store_table table);

/* What an LMDB or system error means to us. `what` is what was tried ("write users"). */
enum gw_code store_fail_mdb(struct gw_error *err, int rc, const char *what);
enum gw_code store_fail_damaged(struct gw_error *err, enum store_table table, const char *reason);

/* *ret_value lives in LMDB's pages: until the next write of this view, or its end. GW_E_NOT_FOUND leaves `err` alone.
 */
GW_MUST_CHECK enum gw_code store_get(struct store_view *view, enum store_table table, struct gw_str key,
                                     struct gw_str *ret_value, struct gw_error *err);

/* Seals and stores `value`, whose first STORE_SEAL_BYTES are the seal's. The append form is for keys that are usually
 * the last of their table: pages are then filled instead of split in half. */
GW_MUST_CHECK enum gw_code store_put(struct store_view *view, enum store_table table, struct gw_str key, uint8_t *value,
                                     size_t size, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_append(struct store_view *view, enum store_table table, struct gw_str key,
                                        uint8_t *value, size_t size, struct gw_error *err);
/* A key that says it all. */
GW_MUST_CHECK enum gw_code store_put_key(struct store_view *view, enum store_table table, struct gw_str key,
                                         struct gw_error *err);
/* Absent is GW_OK. */
GW_MUST_CHECK enum gw_code store_delete(struct store_view *view, enum store_table table, struct gw_str key,
                                        struct gw_error *err);

GW_MUST_CHECK enum gw_code store_table_entries(struct store_view *view, enum store_table table, uint64_t *ret_entries,
                                               struct gw_error *err);

/* And its pages, those of long values included. */
GW_MUST_CHECK enum gw_code store_table_size(struct store_view *view, enum store_table table, uint64_t *ret_entries,
                                            uint64_t *ret_bytes, struct gw_error *err);

/* A walk in key order; nothing may be written while one is under way. */
struct store_walk {
    struct store_view *view;
    enum store_table table;
    MDB_cursor *cursor;
    struct gw_str key;   /* where it stands */
    struct gw_str value; /* verified */
};
#define STORE_WALK_SCOPED(name) struct store_walk name __attribute__((cleanup(store_walk_end))) = {.cursor = NULL}

GW_MUST_CHECK enum gw_code store_walk_begin(struct store_walk *walk, struct store_view *view, enum store_table table,
                                            struct gw_error *err);
/* To the first entry whose key is not less than `key`; GW_E_NOT_FOUND past the end. */
GW_MUST_CHECK enum gw_code store_walk_seek(struct store_walk *walk, struct gw_str key, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_walk_next(struct store_walk *walk, struct gw_error *err);
/* To the last entry of the table, and towards its beginning. */
GW_MUST_CHECK enum gw_code store_walk_last(struct store_walk *walk, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_walk_back(struct store_walk *walk, struct gw_error *err);
void store_walk_end(struct store_walk *walk);
