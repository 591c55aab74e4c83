/* progress: one line on the terminal that says how far a long piece of work is; nothing at all where stderr is no
 * terminal. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "importing" */
    const char *unit; /* of the count, "rows" */
    bool on_terminal;
    bool is_shown; /* the line stands on the terminal now */
    uint64_t step; /* last one shown, 1-based */
};

void progress_init(struct progress *progress, const char *what, const char *unit);

/* "importing [######--------]  43 %  431000 rows"; drawn only when it has moved by a percent. `total` 0: not known. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total, uint64_t count);

/* Takes the line away: before anything else is written to the terminal, and at the end. */
void progress_clear(struct progress *progress);
