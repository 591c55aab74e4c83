/* auth: credentials of the PROV and admin faces. A file of tokens is looked at again a few times a second, so that a
 * removed token is dead within a second (security.md D3); a file that became unreadable or damaged keeps the set that
 * was loaded last. Failing credentials are counted per source and held back beyond AUTH_FAILURES_MAX a minute; a valid
 * one is always served. What it refuses to do: lock anybody out. One thread at a time. */
#pragma once

#include "config/tokens.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define AUTH_RELOAD_MS 250
#define AUTH_FAILURES_MAX 200u /* a minute, of one source, before refusals are held back */
#define AUTH_DELAY_MS 1000
#define AUTH_DELAYED_MAX 512u   /* refusals held back at once; beyond, 429 */
#define AUTH_SOURCE_SLOTS 1024u /* sources share slots: sharing delays a refusal, never a valid credential */

struct auth_file {
    const char *path;      /* NULL: there are no credentials */
    struct token_set *set; /* NULL: none could be loaded */
    struct stat seen;      /* of the file that was loaded, or that could not be */
    int64_t checked_ms;    /* monotonic */
};

/* Loads `path` (borrowed; NULL gives a file that accepts nothing). On failure the file accepts nothing and is tried
 * again by auth_file_refresh: whether to go on is up to the caller. */
GW_MUST_CHECK enum gw_code auth_file_init(struct auth_file *file, const char *path, struct gw_error *err);
void auth_file_done(struct auth_file *file);

/* Loads the file again when it changed. Looks at most every AUTH_RELOAD_MS, or at once with `now_ms` 0. */
void auth_file_refresh(struct auth_file *file, int64_t now_ms);

/* The token that the value stands for, or NULL; belongs to the file until its next refresh. */
const struct token *auth_file_find(struct auth_file *file, struct gw_str authorization);

/* The same of a client certificate (fingerprint in hex; NULL: none). */
const struct token *auth_file_find_certificate(struct auth_file *file, const char *fingerprint);

struct auth_throttle {
    uint8_t key[GW_KEY_BYTES];
    struct {
        int64_t minute;
        uint32_t failures;
    } slots[AUTH_SOURCE_SLOTS];
    size_t delayed;
};

void auth_throttle_init(struct auth_throttle *throttle);

/* Counts a failure of `peer` (an IPv6 source is its /64). Returns how many there were in this minute, at most
 * AUTH_FAILURES_MAX + 2: the first one that is too many can be told from the ones after. */
uint32_t auth_throttle_fail(struct auth_throttle *throttle, const struct sockaddr *peer, int64_t now_ms);
