/* backup_progress: store_backup with a line on the terminal that says how far it is, and nothing elsewhere. */
#pragma once

#include "gateway/command/command.h"
#include "store/backup.h"

/* As store_backup; `ret_stats` is of the source when the copy began, `ret_bytes` the size of the copy. */
GW_MUST_CHECK enum gw_code command_backup_run(struct store *store, const char *to, struct store_stats *ret_stats,
                                              uint64_t *ret_bytes, struct gw_error *err);
