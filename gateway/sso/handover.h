/* handover: what the sso processes of one machine must know of each other while one takes over from another, in memory
 * that they share: assertions that are being used and are not in the store yet (else one could be used a second time at
 * the successor), and cookies that the app handed out without a sign-on (else a login that is under way would be
 * refused there). Sets of digests with an expiry, without a lock, in a fixed size: a bucket that is full lets the mark
 * go that expires first. Two digests are the same here when 53 bits of them are. Zeroed memory is empty. Any thread of
 * any process. */
#pragma once

#include "gateway/http/affinity.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SSO_MARK_BUCKETS 8192u
#define SSO_MARK_WAYS 8u

struct sso_marks {
    _Atomic uint64_t slots[SSO_MARK_BUCKETS][SSO_MARK_WAYS];
};

struct sso_handover {
    struct sso_marks replay;
    struct sso_marks anonymous;
    struct http_affinity affinity; /* a reload moves no session to a server that does not know it */
};

/* `digest` has at least 8 bytes. Times are CLOCK_MONOTONIC, which all processes of a machine share. */

/* False when it is there already. True also when its bucket is full of others that are alive: it is not kept then. */
bool sso_marks_take(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t expires_ms);
/* Keeps it, whatever was there. */
void sso_marks_put(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t expires_ms);
/* False: not there. *ret_expires_ms is at most a second late. */
bool sso_marks_find(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t *ret_expires_ms);
void sso_marks_drop(struct sso_marks *marks, const uint8_t *digest);
