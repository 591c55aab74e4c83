#include "gateway/http/affinity.h"

#include <math.h>
#include <stdbool.h>

/* splitmix64's last step: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static struct http_affinity_entry *bucket_of(struct http_affinity *affinity, uint64_t hint)
{
    return affinity->entries[mix(hint) & (HTTP_AFFINITY_BUCKETS - 1)];
}

static uint16_t minute_of(int64_t now_ms)
{
    return (uint16_t)(now_ms / HTTP_AFFINITY_MINUTE_MS);
}

static void write_entry(struct http_affinity_entry *entry, uint64_t hint, uint64_t value)
{
    atomic_store_explicit(&entry->value, value, memory_order_relaxed);
    atomic_store_explicit(&entry->check, hint ^ value, memory_order_relaxed);
}

/* Both words at one moment, or none of them. */
static uint64_t read_entry(struct http_affinity_entry *entry, uint64_t hint)
{
    uint64_t value = atomic_load_explicit(&entry->value, memory_order_relaxed);
    uint64_t check = atomic_load_explicit(&entry->check, memory_order_relaxed);
    return value != 0 && (check ^ value) == hint ? value : 0;
}

uint64_t http_affinity_get(struct http_affinity *affinity, uint64_t hint, int64_t now_ms)
{
    struct http_affinity_entry *bucket = bucket_of(affinity, hint);
    for (size_t i = 0; i < HTTP_AFFINITY_WAYS; i++) {
        uint64_t value = read_entry(&bucket[i], hint);
        if (value == 0)
            continue;
        if ((uint16_t)value != minute_of(now_ms))
            write_entry(&bucket[i], hint, http_affinity_id(value) | minute_of(now_ms));
        return http_affinity_id(value);
    }
    return 0;
}

void http_affinity_put(struct http_affinity *affinity, uint64_t hint, uint64_t server, int64_t now_ms)
{
    struct http_affinity_entry *bucket = bucket_of(affinity, hint);
    struct http_affinity_entry *place = NULL;
    uint16_t eldest = 0;
    for (size_t i = 0; i < HTTP_AFFINITY_WAYS; i++) {
        uint64_t value = atomic_load_explicit(&bucket[i].value, memory_order_relaxed);
        if (read_entry(&bucket[i], hint) != 0) {
            place = &bucket[i];
            break;
        }
        uint16_t age = value == 0 ? UINT16_MAX : (uint16_t)(minute_of(now_ms) - (uint16_t)value);
        if (place == NULL || age > eldest) {
            place = &bucket[i];
            eldest = age;
        }
    }
    write_entry(place, hint, http_affinity_id(server) | minute_of(now_ms));
}

double http_affinity_draw(uint64_t hint, uint64_t server, unsigned weight)
{
    double chance = ((double)(mix(hint ^ mix(server)) >> 11) + 0.5) / 9007199254740992.0; /* in ]0, 1[, 53 bits */
    return -(double)weight / log(chance);
}
