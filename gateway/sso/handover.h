/* handover: what the sso processes of one machine must know of each other while one takes over from another, in memory
 * that they share: assertions that are being used and are not in the store yet (else one could be used a second time at
 * the successor), cookies that the app handed out without a sign-on (else a login that is under way would be refused
 * there), sessions that are bound and not written yet (a rotated cookie), and which of its servers an app's sessions
 * live on. All in a fixed size and without a lock: a bucket that is full lets go what expires first. Zeroed memory is
 * empty. Any thread of any process; one that is killed while it writes spoils one place for good, and nothing else. */
#pragma once

#include "gateway/http/affinity.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SSO_MARK_BUCKETS 8192u
#define SSO_MARK_WAYS 8u

/* Digests with an expiry. Two are the same here when 53 bits of them are. */
struct sso_marks {
    _Atomic uint64_t slots[SSO_MARK_BUCKETS][SSO_MARK_WAYS];
};

#define SSO_RECORD_BUCKETS 4096u
#define SSO_RECORD_WAYS 4u
#define SSO_RECORD_WORDS 12u
#define SSO_RECORD_KEY_BYTES 16u

/* Records with a digest as their first 16 bytes. */
struct sso_records {
    struct sso_record_slot {
        _Atomic uint64_t version; /* odd while it is written; 0: never was */
        _Atomic int64_t expires_ms;
        _Atomic uint64_t words[SSO_RECORD_WORDS];
    } slots[SSO_RECORD_BUCKETS][SSO_RECORD_WAYS];
};

struct sso_handover {
    struct sso_marks replay;
    struct sso_marks anonymous;
    struct sso_records bound;
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

/* `record`: SSO_RECORD_WORDS words. */
void sso_records_put(struct sso_records *records, const uint64_t *record, int64_t expires_ms);
bool sso_records_find(struct sso_records *records, const uint8_t *key, int64_t now_ms, uint64_t *ret_record);
void sso_records_drop(struct sso_records *records, const uint8_t *key);
