/* live: the exchanges of one loop that are tied to a user, so that they can be cut when the user's generation rises
 * (semantics.md 2). Intrusive: an entry is part of the exchange's own state, so registering never allocates and cannot
 * fail. One loop's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSO_LIVE_BUCKETS 4096u /* a power of two */

struct sso_live_entry {
    struct sso_live_entry *next;
    struct sso_live_entry **link; /* what points here; NULL: not registered */
    uint64_t user_seq;
    uint64_t generation; /* of the session that was admitted */
    uint32_t folder;
    bool is_dead; /* the owner's mark */
};

struct sso_live {
    size_t count;
    struct sso_live_entry *buckets[SSO_LIVE_BUCKETS];
};

void sso_live_add(struct sso_live *live, struct sso_live_entry *entry, uint32_t folder, uint64_t user_seq,
                  uint64_t generation);
void sso_live_remove(struct sso_live *live, struct sso_live_entry *entry); /* again is harmless */

/* Calls `on_older` for every entry of that user with a generation below `generation`. The callback may remove the entry
 * it is called for, and no other. */
typedef void (*sso_live_fn)(struct sso_live_entry *entry, void *data);
void sso_live_each(struct sso_live *live, sso_live_fn on_entry, void *data); /* the same, for all */
void sso_live_each_older(struct sso_live *live, uint32_t folder, uint64_t user_seq, uint64_t generation,
                         sso_live_fn on_older, void *data);
