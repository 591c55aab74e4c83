/* import_report: what became of the rows of an import: counts, refusals, and on demand each row. Main thread only. */
#pragma once

#include "gateway/command/folder.h"
#include "gateway/command/progress.h"

struct import_report {
    struct command_folder *folder;
    bool is_dry;
    bool as_json;
    bool with_rows; /* each of them on stdout */
    uint64_t rows;
    uint64_t created;
    uint64_t matched;
    uint64_t refused;
    struct progress progress; /* a line that others must not be written into */
};

/* A row that was (or would be) a new user, or that names somebody. */
void import_report_row(struct import_report *report, uint64_t line, const struct store_change *change);

/* "line N: reason" on stderr, the first IMPORT_REFUSALS_SHOWN of them. */
#define IMPORT_REFUSALS_SHOWN 1000u
void import_report_refusal(struct import_report *report, uint64_t line, const char *reason);

/* The counts on stdout, after everything else. */
void import_report_end(struct import_report *report, const char *file);
