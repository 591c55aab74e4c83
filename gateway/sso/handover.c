#include "gateway/sso/handover.h"

#include <string.h>

/* A mark is one word, so that it comes and goes whole: 40 bits of the digest (the bucket is 13 more) and its last
 * second, modulo 2^24. */
#define SECOND_BITS 24u
#define SECOND_MASK ((1u << SECOND_BITS) - 1)
#define TRIES_MAX 16

static _Atomic uint64_t *bucket_of(struct sso_marks *marks, const uint8_t *digest)
{
    return marks->slots[((unsigned)digest[5] << 8 | digest[6]) % SSO_MARK_BUCKETS];
}

/* Never 0 in its upper bits: that is a free place. */
static uint64_t tag_of(const uint8_t *digest)
{
    uint64_t tag = 0;
    for (unsigned i = 0; i < 5; i++)
        tag = tag << 8 | digest[i];
    return (tag == 0 ? 1 : tag) << SECOND_BITS;
}

static uint64_t word_of(const uint8_t *digest, int64_t expires_ms)
{
    return tag_of(digest) | ((uint64_t)(expires_ms / 1000 + 1) & SECOND_MASK);
}

/* How many seconds a mark still has; below zero: it has expired. */
static int32_t seconds_left(uint64_t word, int64_t now_ms)
{
    uint32_t left = (uint32_t)(word - (uint64_t)(now_ms / 1000)) & SECOND_MASK;
    return left < (1u << (SECOND_BITS - 1)) ? (int32_t)left : (int32_t)left - (int32_t)(1u << SECOND_BITS);
}

static bool is_alive(uint64_t word, int64_t now_ms)
{
    return word != 0 && seconds_left(word, now_ms) >= 0;
}

/* The place of a live mark of that digest other than `but`; SSO_MARK_WAYS: none. */
static unsigned place_of(_Atomic uint64_t *bucket, uint64_t tag, unsigned but, int64_t now_ms)
{
    for (unsigned i = 0; i < SSO_MARK_WAYS; i++) {
        uint64_t word = atomic_load(&bucket[i]);
        if (i != but && (word & ~(uint64_t)SECOND_MASK) == tag && is_alive(word, now_ms))
            return i;
    }
    return SSO_MARK_WAYS;
}

/* A place that is free, else the one that will be first. */
static unsigned place_for(_Atomic uint64_t *bucket, int64_t now_ms, uint64_t *ret_word, bool *ret_is_free)
{
    unsigned first = 0;
    uint64_t first_word = atomic_load(&bucket[0]);
    for (unsigned i = 0; i < SSO_MARK_WAYS; i++) {
        uint64_t word = atomic_load(&bucket[i]);
        *ret_is_free = !is_alive(word, now_ms);
        if (*ret_is_free || seconds_left(word, now_ms) < seconds_left(first_word, now_ms)) {
            first = i;
            first_word = word;
        }
        if (*ret_is_free)
            break;
    }
    *ret_word = first_word;
    return first;
}

bool sso_marks_take(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t expires_ms)
{
    _Atomic uint64_t *bucket = bucket_of(marks, digest);
    uint64_t tag = tag_of(digest);
    for (int i = 0; i < TRIES_MAX; i++) {
        if (place_of(bucket, tag, SSO_MARK_WAYS, now_ms) < SSO_MARK_WAYS)
            return false;
        bool is_free = false;
        uint64_t before = 0;
        unsigned place = place_for(bucket, now_ms, &before, &is_free);
        if (!is_free)
            return true;
        if (!atomic_compare_exchange_strong(&bucket[place], &before, word_of(digest, expires_ms)))
            continue;
        /* Somebody else may have taken another place at the same moment: both see it then, and neither has it. */
        if (place_of(bucket, tag, place, now_ms) == SSO_MARK_WAYS)
            return true;
        atomic_store(&bucket[place], 0);
        return false;
    }
    return false;
}

void sso_marks_put(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t expires_ms)
{
    _Atomic uint64_t *bucket = bucket_of(marks, digest);
    unsigned place = place_of(bucket, tag_of(digest), SSO_MARK_WAYS, now_ms);
    bool is_free = false;
    uint64_t before = 0;
    if (place == SSO_MARK_WAYS)
        place = place_for(bucket, now_ms, &before, &is_free);
    atomic_store(&bucket[place], word_of(digest, expires_ms));
}

bool sso_marks_find(struct sso_marks *marks, const uint8_t *digest, int64_t now_ms, int64_t *ret_expires_ms)
{
    _Atomic uint64_t *bucket = bucket_of(marks, digest);
    unsigned place = place_of(bucket, tag_of(digest), SSO_MARK_WAYS, now_ms);
    if (place == SSO_MARK_WAYS)
        return false;
    *ret_expires_ms = now_ms + seconds_left(atomic_load(&bucket[place]), now_ms) * (int64_t)1000;
    return true;
}

void sso_marks_drop(struct sso_marks *marks, const uint8_t *digest)
{
    _Atomic uint64_t *bucket = bucket_of(marks, digest);
    uint64_t tag = tag_of(digest);
    for (unsigned i = 0; i < SSO_MARK_WAYS; i++) {
        uint64_t word = atomic_load(&bucket[i]);
        if ((word & ~(uint64_t)SECOND_MASK) == tag)
            (void)atomic_compare_exchange_strong(&bucket[i], &word, 0);
    }
}

/* --- records ---------------------------------------------------------------------------------------------------- */

static struct sso_record_slot *slots_of(struct sso_records *records, const uint8_t *key)
{
    return records->slots[((unsigned)key[5] << 8 | key[6]) % SSO_RECORD_BUCKETS];
}

/* A whole record, of one moment; false while it is being written. */
static bool slot_read(struct sso_record_slot *slot, uint64_t *ret_record, int64_t *ret_expires_ms)
{
    uint64_t before = atomic_load(&slot->version);
    if (before == 0 || before % 2 == 1)
        return false;
    *ret_expires_ms = atomic_load(&slot->expires_ms);
    for (size_t i = 0; i < SSO_RECORD_WORDS; i++)
        ret_record[i] = atomic_load(&slot->words[i]);
    return atomic_load(&slot->version) == before;
}

/* Not at all when somebody else writes to it at this moment. */
static void slot_write(struct sso_record_slot *slot, const uint64_t *record, int64_t expires_ms)
{
    uint64_t before = atomic_load(&slot->version);
    if (before % 2 == 1 || !atomic_compare_exchange_strong(&slot->version, &before, before + 1))
        return;
    atomic_store(&slot->expires_ms, expires_ms);
    for (size_t i = 0; i < SSO_RECORD_WORDS; i++)
        atomic_store(&slot->words[i], record[i]);
    atomic_store(&slot->version, before + 2);
}

static struct sso_record_slot *slot_find(struct sso_records *records, const uint8_t *key, uint64_t *ret_record,
                                         int64_t *ret_expires_ms)
{
    struct sso_record_slot *slots = slots_of(records, key);
    for (size_t i = 0; i < SSO_RECORD_WAYS; i++) {
        if (slot_read(&slots[i], ret_record, ret_expires_ms) && memcmp(ret_record, key, SSO_RECORD_KEY_BYTES) == 0)
            return &slots[i];
    }
    return NULL;
}

bool sso_records_find(struct sso_records *records, const uint8_t *key, int64_t now_ms, uint64_t *ret_record)
{
    int64_t expires_ms = 0;
    return slot_find(records, key, ret_record, &expires_ms) != NULL && expires_ms > now_ms;
}

/* One that was never used or has expired is the first, too. */
static struct sso_record_slot *first_to_expire(struct sso_record_slot *slots)
{
    struct sso_record_slot *first = &slots[0];
    for (size_t i = 1; i < SSO_RECORD_WAYS; i++) {
        if (atomic_load(&slots[i].expires_ms) < atomic_load(&first->expires_ms))
            first = &slots[i];
    }
    return first;
}

void sso_records_put(struct sso_records *records, const uint64_t *record, int64_t expires_ms)
{
    uint64_t other[SSO_RECORD_WORDS];
    int64_t other_ms = 0;
    uint8_t key[SSO_RECORD_KEY_BYTES];
    memcpy(key, record, sizeof key);
    struct sso_record_slot *slot = slot_find(records, key, other, &other_ms);
    slot_write(slot != NULL ? slot : first_to_expire(slots_of(records, key)), record, expires_ms);
}

void sso_records_drop(struct sso_records *records, const uint8_t *key)
{
    static const uint64_t nothing[SSO_RECORD_WORDS] = {0};
    uint64_t other[SSO_RECORD_WORDS];
    int64_t expires_ms = 0;
    struct sso_record_slot *slot = slot_find(records, key, other, &expires_ms);
    if (slot != NULL)
        slot_write(slot, nothing, 0);
}
