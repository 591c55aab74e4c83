/* coverage: how much of an app's traffic the guard can speak about, so that an operator knows when to leave `unbound:
 * pass` (semantics.md 10). What was counted since the start stands in a small file beside the store, which the sso
 * process writes every few seconds; what is bound now is counted from the records. Any thread; reads a disk. */
#pragma once

#include "store/reader.h"

#define STORE_COVERAGE_APPS_MAX 64u

struct store_app_counts {
    struct gw_str app;
    uint64_t requests_bound;
    uint64_t requests_unbound; /* with a session cookie that nobody knows */
    uint64_t requests_none;    /* without a session */
    uint64_t sign_ons_linked;  /* of provisioned users */
    uint64_t sign_ons_observed;
    uint64_t sign_ons_unbound; /* whose answer set no session cookie */
};

struct store_coverage {
    int64_t written_ms; /* 0: nothing was counted yet */
    struct store_app_counts apps[STORE_COVERAGE_APPS_MAX];
    size_t count;
};
/* No file: nothing was counted. The file is a help, not a record: it is not synced. */
GW_MUST_CHECK enum gw_code store_coverage_read(const char *store_path, struct gw_arena *arena,
                                               struct store_coverage *ret_coverage, struct gw_error *err);
GW_MUST_CHECK enum gw_code store_coverage_write(const char *store_path, const struct store_coverage *coverage,
                                                struct gw_error *err);

/* Counts of one folder. Reads all users of the folder and all sessions. */
struct store_folder_counts {
    uint64_t users;       /* active */
    uint64_t users_bound; /* of them: with a session that is alive */
    uint64_t users_linked;
    uint64_t sessions;
    uint64_t sessions_alive;
    uint64_t sessions_signed_out;
};
GW_MUST_CHECK enum gw_code store_coverage_count(struct store_reader *reader, uint32_t folder,
                                                struct store_folder_counts *ret_counts, struct gw_error *err);

/* What to do about `unbound`, as a sentence in the arena. */
#define STORE_COVERAGE_REQUESTS_MIN 1000u /* fewer with a session say nothing */
struct gw_str store_coverage_advice(struct gw_arena *arena, const struct store_app_counts *counts);
/* Sign-ons of many people and not one of a provisioned user: two name formats (semantics.md 4). Empty: not so. */
#define STORE_COVERAGE_SIGN_ONS_MIN 20u
struct gw_str store_coverage_unlinked(struct gw_arena *arena, const struct store_app_counts *counts);
