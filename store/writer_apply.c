#include "gateway/base/clock.h"
#include "store/writer.h"

#include <pthread.h>

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t is_done_signal;
    bool is_done;
};

static void on_done(struct store_change *change)
{
    struct waiter *waiter = change->owner;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->is_done = true;
    (void)pthread_cond_signal(&waiter->is_done_signal);
    (void)pthread_mutex_unlock(&waiter->lock);
}

enum gw_code store_writer_apply(struct store_writer *writer, struct store_change *change, struct gw_error *err)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_done_signal = PTHREAD_COND_INITIALIZER};
    change->owner = &waiter;
    change->on_done = on_done;
    GW_TRY(store_writer_submit(writer, change, err));
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        (void)pthread_cond_wait(&waiter.is_done_signal, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    if (change->code != GW_OK && err != NULL)
        *err = change->error;
    return change->code;
}

/* Also while no writes are taken. */
static enum gw_code find_folder(struct store_writer *writer, struct gw_str name, uint32_t *ret_folder,
                                struct gw_error *err)
{
    struct store_reader *reader = NULL;
    GW_TRY(store_reader_new(store_writer_store(writer), &reader, err));
    enum gw_code code = store_reader_begin(reader, err);
    if (code == GW_OK)
        code = store_folder_find(reader, name, ret_folder, err);
    store_reader_free(reader);
    return code;
}

enum gw_code store_folder_ensure(struct store_writer *writer, struct gw_str name, uint32_t *ret_folder,
                                 struct gw_error *err)
{
    enum gw_code found = find_folder(writer, name, ret_folder, err);
    if (found != GW_E_NOT_FOUND)
        return found;
    struct store_change *change = store_change_new(STORE_CHANGE_FOLDER_ENSURE);
    change->time_ms = gw_clock_wall_ms();
    change->as.folder_ensure.name = gw_arena_copy(&change->arena, name);
    enum gw_code code = store_writer_apply(writer, change, err);
    if (code == GW_OK)
        *ret_folder = change->result.folder;
    store_change_free(change);
    return code;
}
