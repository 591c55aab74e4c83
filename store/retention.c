#include "store/retention.h"

#include "store/inspect.h"

#include <pthread.h>

static bool on_newest(const struct store_activity *entry, void *data)
{
    *(int64_t *)data = entry->time_ms;
    return false;
}

/* When the process starts there is nothing to compare with but what was written last: it cannot be later than now. */
static enum gw_code check_start(struct store_reader *reader, int64_t wall_ms, bool *ret_jumped, struct gw_error *err)
{
    int64_t newest_ms = 0;
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_activity_back(reader, on_newest, &newest_ms, err);
    store_reader_end(reader);
    *ret_jumped = newest_ms > wall_ms + STORE_RETENTION_JUMP_MS;
    return code;
}

static enum gw_code check_clock(struct store_retention *retention, struct store_reader *reader,
                                const struct store_retention_now *now, struct gw_error *err)
{
    if (!retention->steady.has_offset || retention->is_behind) {
        GW_TRY(check_start(reader, now->wall_ms, &retention->is_behind, err));
        retention->steady.has_offset = false;
    }
    bool is_steady = gw_steady_look(&retention->steady, now->mono_ms, now->wall_ms, STORE_RETENTION_JUMP_MS);
    retention->is_stopped = retention->is_behind || !is_steady;
    return GW_OK;
}

/* Changes that share a commit, and who waits for all of them. */
struct batch {
    pthread_mutex_t lock;
    pthread_cond_t is_less;
    size_t running;
    uint64_t done;
    struct gw_error error; /* the first one */
};

static void on_purged(struct store_change *change)
{
    struct batch *batch = change->owner;
    (void)pthread_mutex_lock(&batch->lock);
    if (change->code == GW_OK)
        batch->done += change->result.outcome == STORE_OUTCOME_UPDATED;
    else if (change->code != GW_E_NOT_FOUND && batch->error.code == GW_OK)
        batch->error = change->error;
    batch->running--;
    (void)pthread_cond_signal(&batch->is_less);
    (void)pthread_mutex_unlock(&batch->lock);
    store_change_free(change);
}

static void submit(struct store_writer *writer, const struct store_retention_rule *rule, const struct store_due *due,
                   int64_t wall_ms, struct batch *batch)
{
    struct store_change *change = store_change_new(STORE_CHANGE_USER_PURGE);
    change->time_ms = wall_ms;
    change->actor = GW_STR("retention");
    change->folder = rule->folder;
    change->user_seq = due->seq;
    change->as.purge.since_ms = due->since_ms;
    change->as.purge.anonymise = rule->anonymise;
    change->on_done = on_purged;
    change->owner = batch;
    (void)pthread_mutex_lock(&batch->lock);
    batch->running++;
    (void)pthread_mutex_unlock(&batch->lock);
    struct gw_error err;
    if (store_writer_submit(writer, change, &err) == GW_OK)
        return;
    (void)pthread_mutex_lock(&batch->lock);
    batch->running--;
    (void)pthread_mutex_unlock(&batch->lock);
    store_change_free(change); /* others wait already; it is due again next time */
}

static enum gw_code purge(struct store_writer *writer, const struct store_retention_rule *rule,
                          const struct store_due *due, size_t count, int64_t wall_ms, uint64_t *ret_done,
                          struct gw_error *err)
{
    struct batch batch = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_less = PTHREAD_COND_INITIALIZER};
    batch.error.code = GW_OK;
    for (size_t i = 0; i < count; i++)
        submit(writer, rule, &due[i], wall_ms, &batch);
    (void)pthread_mutex_lock(&batch.lock);
    while (batch.running > 0)
        (void)pthread_cond_wait(&batch.is_less, &batch.lock);
    (void)pthread_mutex_unlock(&batch.lock);
    *ret_done += batch.done;
    if (batch.error.code != GW_OK && err != NULL)
        *err = batch.error;
    return batch.error.code;
}

static enum gw_code purge_some(struct store_writer *writer, struct store_reader *reader,
                               const struct store_retention_rule *rule, int64_t wall_ms, bool *ret_more,
                               uint64_t *ret_done, struct gw_error *err)
{
    struct store_due due[STORE_RETENTION_BATCH];
    size_t count = 0;
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code =
        store_due_list(reader, rule->folder, wall_ms - rule->retain_ms, due, STORE_RETENTION_BATCH, &count, err);
    store_reader_end(reader);
    if (code != GW_OK || count == 0)
        return code;
    uint64_t before = *ret_done;
    code = purge(writer, rule, due, count, wall_ms, ret_done, err);
    /* when nothing came of it, trying at once would be a busy loop */
    *ret_more = *ret_more || (count == STORE_RETENTION_BATCH && *ret_done > before);
    return code;
}

enum gw_code store_retention_step(struct store_retention *retention, struct store_writer *writer,
                                  struct store_reader *reader, const struct store_retention_rule *rules,
                                  size_t rule_count, const struct store_retention_now *now,
                                  enum store_retention_state *ret_state, uint64_t *ret_done, struct gw_error *err)
{
    bool has_more = false;
    *ret_done = 0;
    GW_TRY(check_clock(retention, reader, now, err));
    *ret_state = STORE_RETENTION_STOPPED;
    if (retention->is_stopped)
        return GW_OK;
    *ret_state = STORE_RETENTION_PAUSED;
    if (now->walked_ms != 0 && now->mono_ms - now->walked_ms < STORE_RETENTION_WALK_MS)
        return GW_OK;
    *ret_state = STORE_RETENTION_RESTING;
    for (size_t i = 0; i < rule_count; i++)
        GW_TRY(purge_some(writer, reader, &rules[i], now->wall_ms, &has_more, ret_done, err));
    if (has_more)
        *ret_state = STORE_RETENTION_WORKING;
    return GW_OK;
}
