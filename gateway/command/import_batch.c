#include "gateway/command/import_batch.h"

#include "store/inspect.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct row {
    struct store_change *change;
    uint64_t line;
};

struct half {
    struct import_batch *batch;
    struct row rows[IMPORT_BATCH_ROWS];
    size_t count;
    size_t submitted; /* the writer has these */
    size_t done;      /* and has answered these; under the lock */
};

/* While the writer works on one half the other is filled. */
struct import_batch {
    struct command_folder *folder;
    struct store_writer *writer;
    struct import_report *report;
    struct half halves[2];
    unsigned filling;

    pthread_mutex_t lock;
    pthread_cond_t is_done_signal;
};

struct import_batch *import_batch_new(struct command_folder *folder, struct store_writer *writer,
                                      struct import_report *report)
{
    struct import_batch *batch = gw_alloc(sizeof *batch);
    batch->folder = folder;
    batch->writer = writer;
    batch->report = report;
    batch->halves[0].batch = batch->halves[1].batch = batch;
    GW_ASSERT(pthread_mutex_init(&batch->lock, NULL) == 0 && pthread_cond_init(&batch->is_done_signal, NULL) == 0);
    return batch;
}

static void await(struct import_batch *batch, struct half *half)
{
    (void)pthread_mutex_lock(&batch->lock);
    while (half->done < half->submitted)
        (void)pthread_cond_wait(&batch->is_done_signal, &batch->lock);
    (void)pthread_mutex_unlock(&batch->lock);
}

static void free_rows(struct half *half)
{
    for (size_t i = 0; i < half->count; i++)
        store_change_free(half->rows[i].change);
    half->count = half->submitted = half->done = 0;
}

void import_batch_free(struct import_batch *batch)
{
    if (batch == NULL)
        return;
    for (unsigned i = 0; i < 2; i++) {
        await(batch, &batch->halves[i]);
        free_rows(&batch->halves[i]);
    }
    (void)pthread_cond_destroy(&batch->is_done_signal);
    (void)pthread_mutex_destroy(&batch->lock);
    free(batch);
}

static void on_done(struct store_change *change)
{
    struct half *half = change->owner;
    struct import_batch *batch = half->batch;
    (void)pthread_mutex_lock(&batch->lock);
    half->done++;
    (void)pthread_cond_signal(&batch->is_done_signal);
    (void)pthread_mutex_unlock(&batch->lock);
}

/* Hands all rows to the writer. */
static enum gw_code submit_rows(struct import_batch *batch, struct half *half, struct gw_error *err)
{
    enum gw_code code = GW_OK;
    while (half->submitted < half->count && code == GW_OK) {
        struct store_change *change = half->rows[half->submitted].change;
        change->owner = half;
        change->on_done = on_done;
        code = store_writer_submit(batch->writer, change, err);
        half->submitted += code == GW_OK;
    }
    return code;
}

static enum gw_code foresee_rows(struct import_batch *batch, struct half *half, struct gw_error *err)
{
    GW_TRY(store_reader_begin(batch->folder->reader, err));
    for (size_t i = 0; i < half->count; i++) {
        struct store_change *change = half->rows[i].change;
        uint64_t *seq = &change->result.user_seq;
        change->code = store_foresee_import(batch->folder->reader, batch->folder->number, &change->as.import.draft, seq,
                                            &change->error);
        change->result.outcome = *seq == 0 ? STORE_OUTCOME_CREATED : STORE_OUTCOME_UNCHANGED;
    }
    store_reader_end(batch->folder->reader);
    return GW_OK;
}

/* False: the failure is not the row's. */
static bool is_refusal(enum gw_code code)
{
    return code == GW_E_UNIQUENESS || code == GW_E_INVALID_VALUE || code == GW_E_CONFLICT || code == GW_E_TOO_LARGE ||
           code == GW_E_FORBIDDEN;
}

static enum gw_code count_rows(struct import_batch *batch, const struct half *half, struct gw_error *err)
{
    for (size_t i = 0; i < half->count; i++) {
        const struct store_change *change = half->rows[i].change;
        if (change->code == GW_OK) {
            import_report_row(batch->report, half->rows[i].line, change);
        } else if (is_refusal(change->code)) {
            import_report_refusal(batch->report, half->rows[i].line, change->error.text);
        } else {
            *err = change->error;
            return gw_error_prefix(err, "line %" PRIu64, half->rows[i].line);
        }
    }
    return GW_OK;
}

/* Waits for what the writer has of it, and counts. */
static enum gw_code finish(struct import_batch *batch, struct half *half, struct gw_error *err)
{
    await(batch, half);
    enum gw_code code = count_rows(batch, half, err);
    free_rows(half);
    return code;
}

/* Begins the half that was filled, and goes on with the other. */
static enum gw_code turn(struct import_batch *batch, struct gw_error *err)
{
    struct half *half = &batch->halves[batch->filling];
    batch->filling = 1 - batch->filling;
    GW_TRY(finish(batch, &batch->halves[batch->filling], err));
    return batch->writer != NULL ? submit_rows(batch, half, err) : foresee_rows(batch, half, err);
}

enum gw_code import_batch_flush(struct import_batch *batch, struct gw_error *err)
{
    GW_TRY(turn(batch, err));
    return turn(batch, err);
}

enum gw_code import_batch_add(struct import_batch *batch, struct store_change *change, uint64_t line,
                              struct gw_error *err)
{
    struct half *half = &batch->halves[batch->filling];
    half->rows[half->count++] = (struct row){change, line};
    return half->count < IMPORT_BATCH_ROWS ? GW_OK : turn(batch, err);
}
