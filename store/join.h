/* join: who a sign-on is, in any transaction. Private to store/. */
#pragma once

#include "store/reader.h"
#include "store/table.h"

GW_MUST_CHECK enum gw_code store_join_resolve(struct store_view *view, const struct store_join *join, uint64_t *ret_seq,
                                              struct gw_error *err);
