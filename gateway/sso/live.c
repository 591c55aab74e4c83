#include "gateway/sso/live.h"

#include "gateway/base/result.h"

static struct sso_live_entry **bucket_of(struct sso_live *live, uint32_t folder, uint64_t user_seq)
{
    uint64_t mixed = (user_seq ^ ((uint64_t)folder << 32)) * 0x9e3779b97f4a7c15ull;
    return &live->buckets[(mixed >> 40) & (SSO_LIVE_BUCKETS - 1)];
}

void sso_live_add(struct sso_live *live, struct sso_live_entry *entry, uint32_t folder, uint64_t user_seq,
                  uint64_t generation)
{
    GW_ASSERT(entry->link == NULL);
    struct sso_live_entry **head = bucket_of(live, folder, user_seq);
    *entry = (struct sso_live_entry){
        .next = *head, .link = head, .user_seq = user_seq, .generation = generation, .folder = folder};
    if (*head != NULL)
        (*head)->link = &entry->next;
    *head = entry;
    live->count++;
}

void sso_live_remove(struct sso_live *live, struct sso_live_entry *entry)
{
    if (entry->link == NULL)
        return;
    *entry->link = entry->next;
    if (entry->next != NULL)
        entry->next->link = entry->link;
    entry->link = NULL;
    entry->next = NULL;
    live->count--;
}

void sso_live_each_older(struct sso_live *live, uint32_t folder, uint64_t user_seq, uint64_t generation,
                         sso_live_fn on_older, void *data)
{
    struct sso_live_entry *next;
    for (struct sso_live_entry *entry = *bucket_of(live, folder, user_seq); entry != NULL; entry = next) {
        next = entry->next;
        if (entry->folder == folder && entry->user_seq == user_seq && entry->generation < generation)
            on_older(entry, data);
    }
}

void sso_live_each(struct sso_live *live, sso_live_fn on_entry, void *data)
{
    struct sso_live_entry *next;
    for (size_t i = 0; live->count > 0 && i < SSO_LIVE_BUCKETS; i++) {
        for (struct sso_live_entry *entry = live->buckets[i]; entry != NULL; entry = next) {
            next = entry->next;
            on_entry(entry, data);
        }
    }
}
