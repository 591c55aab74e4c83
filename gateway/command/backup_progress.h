/* backup_progress: store_backup and store_restore with a line on the terminal that says how far it is, and nothing
 * elsewhere. */
#pragma once

#include "gateway/command/command.h"
#include "store/backup.h"

/* store_backup or store_restore. */
typedef enum gw_code (*backup_fn)(struct store *store, const char *to, const struct store_backup_watch *watch,
                                  uint64_t *ret_bytes, struct gw_error *err);

/* As `copy`; `ret_stats` is of the source when the copy began, `ret_bytes` the size of the copy. */
GW_MUST_CHECK enum gw_code command_backup_run(struct store *store, const char *to, backup_fn copy,
                                              struct store_stats *ret_stats, uint64_t *ret_bytes, struct gw_error *err);
/* What was copied, on stdout. */
void command_backup_print(const char *to, const struct store_stats *stats, uint64_t bytes, bool as_json);
