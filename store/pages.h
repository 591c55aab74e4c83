/* pages: looks at the pages of data.mdb itself, by read(), before LMDB trusts them: LMDB has no checksums and follows a
 * damaged page into a crash (security.md R7). Knows the file format of LMDB 0.9 (data version 1). Private to store/. */
#pragma once

#include "gateway/base/result.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

/* Sizes and both meta pages, without LMDB. */
GW_MUST_CHECK enum gw_code store_pages_check_head(const char *path, struct gw_error *err);

/* The tree that `txn` (a read transaction, so that nothing of it is used again meanwhile) sees. Not whole: the main
 * tree and the roots of the tables only. */
GW_MUST_CHECK enum gw_code store_pages_check_tree(const char *path, MDB_txn *txn, bool whole, struct gw_error *err);
