/* import_batch: rows on their way into the store, and what became of each. The writer decides how many share a commit:
 * beside a running provgate it is short enough for a sign-on to wait for it (law 2), and the others get their turn. */
#pragma once

#include "gateway/command/import_report.h"

/* As many as the writer takes at once; some 5 KiB each while they wait. */
#define IMPORT_BATCH_ROWS STORE_IMPORT_QUEUE_MAX

struct import_batch;

/* `writer` NULL: a dry run, which only looks what would happen. */
struct import_batch *import_batch_new(struct command_folder *folder, struct store_writer *writer,
                                      struct import_report *report);
void import_batch_free(struct import_batch *batch);

/* Takes the change. A full batch goes to the writer while the next is read; an error is of the store, not of a row, and
 * ends the import. */
GW_MUST_CHECK enum gw_code import_batch_add(struct import_batch *batch, struct store_change *change, uint64_t line,
                                            struct gw_error *err);
/* Applies what was taken and waits for all of it. */
GW_MUST_CHECK enum gw_code import_batch_flush(struct import_batch *batch, struct gw_error *err);
