#include "store/transaction.h"

#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "store/env.h"
#include "store/fault.h"

#include <errno.h>

static bool is_read_only(struct store_writer *writer)
{
    const _Atomic uint32_t *word = writer->settings.is_read_only;
    if (word != NULL && atomic_load(word) != 0)
        return true;
    (void)pthread_mutex_lock(&writer->lock);
    bool read_only = writer->stats.is_read_only;
    (void)pthread_mutex_unlock(&writer->lock);
    return read_only;
}

static int begin_writing(void *data)
{
    struct store_writer *writer = data;
    return mdb_txn_begin(writer->store->env, NULL, 0, &writer->apply.view.txn);
}

static int begin_waiting(struct store_writer *writer)
{
    _Atomic uint32_t *waiting = writer->settings.role == STORE_ROLE_SSO ? writer->settings.sso_waiting : NULL;
    if (waiting != NULL)
        (void)atomic_fetch_add(waiting, 1);
    int rc = store_fault_run(begin_writing, writer);
    if (waiting != NULL)
        (void)atomic_fetch_sub(waiting, 1);
    return rc;
}

#define IS_MOVED "its files are not in their place any more"

static const char *reason_of(int rc)
{
    return rc == STORE_FAULT ? "the disk does not give a page" : mdb_strerror(rc);
}

static void set_read_only(struct store_writer *writer, const char *reason)
{
    (void)pthread_mutex_lock(&writer->lock);
    writer->stats.is_read_only = true;
    (void)pthread_mutex_unlock(&writer->lock);
    if (writer->settings.is_read_only != NULL)
        atomic_store(writer->settings.is_read_only, 1);
    gw_metric_add(GW_METRIC_STORE_WRITES_FAILED, 1);
    gw_log(GW_LOG_ERROR, "store-read-only",
           "path=%s reason=\"%s\": no change is taken until provgate is started again; look at the disk first",
           writer->store->path, reason);
}

void store_transaction_give_up(struct store_writer *writer)
{
    if (!writer->apply.view.torn) {
        mdb_txn_abort(writer->apply.view.txn);
        return;
    }
    writer->is_torn = true;
    writer->store->is_torn = true;
    set_read_only(writer, reason_of(STORE_FAULT));
}

enum gw_code store_transaction_begin(struct store_writer *writer, struct gw_error *err)
{
    struct store_apply *apply = &writer->apply;
    if (!is_read_only(writer) && !store_env_is_in_place(writer->store))
        set_read_only(writer, IS_MOVED);
    if (is_read_only(writer))
        return gw_fail(err, GW_E_STORE_READ_ONLY, "the store takes no writes until provgate is started again");
    apply->view = (struct store_view){.store = writer->store};
    apply->has_writes = false;
    apply->revocations = 0;
    int rc = begin_waiting(writer);
    apply->view.torn = rc == STORE_FAULT;
    if (apply->view.torn)
        store_transaction_give_up(writer);
    if (rc != 0)
        return store_fail_mdb(err, rc, "write the store");
    enum gw_code code = store_sentinel_read(&apply->view, &apply->sentinel, err);
    if (code == GW_OK)
        code = store_room_find(&apply->view, &apply->found, err);
    if (code != GW_OK)
        store_transaction_give_up(writer);
    return code;
}

/* After a failed write of its meta page LMDB does nothing more in this process; reads go to the spare. */
static bool has_given_up(const struct store_writer *writer)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(writer->store->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    return rc == MDB_PANIC;
}

/* LMDB does not say whether it was a write that failed, which heals, or the sync, after which nobody knows what is on
 * the disk; and it calls a short write EIO. */
static int find_meaning(const struct store *store, int rc)
{
    if (rc != EIO && rc != ENOSPC && rc != EDQUOT)
        return rc;
    bool may_heal = rc == EDQUOT || store_room_is_disk_full(store);
    return may_heal && store_spare_is_on_disk(store) ? ENOSPC : EIO;
}

/* Nothing refers to the pages of a commit that failed before its meta page, and after a failed meta page LMDB refuses
 * all writes by itself. */
static bool is_full(int rc)
{
    return rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOSPC;
}

static int end_writing(void *txn)
{
    return mdb_txn_commit(txn);
}

enum gw_code store_transaction_commit(struct store_writer *writer, struct gw_error *err)
{
    struct store_apply *apply = &writer->apply;
    apply->sentinel.commits++;
    enum gw_code code = store_sentinel_write(&apply->view, &apply->sentinel, err);
    if (code != GW_OK) {
        store_transaction_give_up(writer);
        return code;
    }
    store_pin_hold(&writer->pin, writer->store->env);
    int rc = store_fault_run(end_writing, apply->view.txn);
    if (rc == 0) {
        store_pin_let_go(&writer->pin);
        return GW_OK;
    }
    int meaning = find_meaning(writer->store, rc);
    apply->view.torn = rc == STORE_FAULT;
    if (apply->view.torn)
        store_transaction_give_up(writer);
    else if (is_full(meaning) && !has_given_up(writer))
        store_pin_let_go(&writer->pin);
    else
        set_read_only(writer, reason_of(rc));
    return store_fail_mdb(err, meaning, "write the store");
}
