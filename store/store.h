/* store: one LMDB environment with everything provgate remembers. The only door to LMDB: no LMDB pointer leaves this
 * folder; a read copies into the caller's arena or runs a visitor inside the transaction.
 *
 * A store is a directory: data.mdb, lock.mdb, store.key (mode 0600: the keys of session digests and resource ids; part
 * of a backup) and one lock file per writer role. It is made by store_create only; store_open never creates anything
 * and refuses on any doubt (semantics.md 1): a damaged file is never opened as an empty store. Opened once per process,
 * never across fork. Any thread, unless said otherwise. */
#pragma once

#include "gateway/base/digest.h"
#include "gateway/base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

#define STORE_FORMAT_VERSION 4u /* store/migrate.h says when it is raised */
#define STORE_MAX_SIZE_DEFAULT (64ull << 30)

/* Makes an empty store in `path` (created with mode 0700 when absent). Fails when there is one, or anything else in it.
 */
GW_MUST_CHECK enum gw_code store_create(const char *path, uint64_t max_size_bytes, struct gw_error *err);

/* Opens an existing store. Checks in O(1): file sizes against the last page, format version, sentinel (counts, epoch),
 * all tables present, key file present with mode 0600; below 16 MiB also every record, which bounds the start to a
 * second on a slow disk; every record is verified whenever it is read, and store_check scans all of a larger store.
 * GW_E_STORE_DAMAGED names the path and the reason. A store of an older format is refused: store_migrate. */
GW_MUST_CHECK enum gw_code store_open(const char *path, uint64_t max_size_bytes, struct store **ret_store,
                                      struct gw_error *err);
/* The same for a process that serves: whoever asks next may ask for any record, so the system reads no pages around the
 * one that is needed. Who reads the store in order, as a command does, wants them. */
GW_MUST_CHECK enum gw_code store_open_to_serve(const char *path, uint64_t max_size_bytes, struct store **ret_store,
                                               struct gw_error *err);
/* As store_open, and a store of an older format too: for store_backup and store_stats_read alone. */
GW_MUST_CHECK enum gw_code store_open_to_copy(const char *path, uint64_t max_size_bytes, struct store **ret_store,
                                              struct gw_error *err);
void store_close(struct store *store); /* after all readers and the writer are freed */

/* The full scan: checksums, index and count consistency. `on_progress` (may be NULL) gets records done and total. */
typedef void (*store_progress_fn)(uint64_t done, uint64_t total, void *data);
GW_MUST_CHECK enum gw_code store_check(struct store *store, store_progress_fn on_progress, void *data,
                                       struct gw_error *err);

const uint8_t *store_ident_key(const struct store *store);   /* GW_KEY_BYTES; for gw_ident_format */
const uint8_t *store_session_key(const struct store *store); /* GW_KEY_BYTES; for session digests */

struct store_stats {
    uint64_t used_bytes;
    uint64_t max_bytes;
    uint64_t users;
    uint64_t sessions;
    uint64_t activity_entries;
    uint64_t readers;
    uint64_t held; /* changes that a brake holds, of all folders */
};
GW_MUST_CHECK enum gw_code store_stats_read(struct store *store, struct store_stats *ret_stats, struct gw_error *err);

/* The same a part at a time, each in a read transaction of its own that ends with the part: what may run for minutes
 * beside others. Every record's seal and what other tables say of it; counts, which no part can know, are left to
 * store_check. `place` is zeroed to begin. */
struct store_check_place {
    unsigned table;   /* that it is in */
    uint8_t key[512]; /* where it goes on; empty: at the beginning */
    size_t key_bytes;
    uint64_t done;  /* records so far */
    uint64_t total; /* as of the last part */
    bool is_done;   /* it is through */
};
GW_MUST_CHECK enum gw_code store_check_part(struct store *store, struct store_check_place *place, unsigned records_max,
                                            struct gw_error *err);
/* Is this store so large that its start did not check every record? */
bool store_is_large(const struct store_stats *stats);
