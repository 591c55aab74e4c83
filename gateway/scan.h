/* scan: the full scan of a store that is too large to be checked at its start (semantics.md 1). A thread of its own at
 * the lowest priority reads every record once, a few at a time, so that no read transaction is long. Damage is an
 * alarm: in the log, in the metrics, in /healthz; what is damaged goes on being answered record by record, as each read
 * finds it. */
#pragma once

#include "store/store.h"

struct scan;

/* NULL when there is nothing to scan: the store is small. Borrows the store until scan_free, which waits for the part
 * under way. Counts in the metrics of the calling process. */
GW_MUST_CHECK enum gw_code scan_start(struct store *store, struct scan **ret_scan, struct gw_error *err);
void scan_free(struct scan *scan);
