#include "gateway/command/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_CELLS 30
#define LINE_END "\x1b[K" /* clears what a longer line left */

void progress_init(struct progress *progress, const char *what, const char *unit)
{
    *progress = (struct progress){.what = what, .unit = unit, .on_terminal = isatty(STDERR_FILENO) == 1};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total, uint64_t count)
{
    static const char full[] = "##############################";
    static const char rest[] = "------------------------------";
    uint64_t percent = total > 0 && done < total ? (uint64_t)((double)done / (double)total * 100) : 100;
    if (!progress->on_terminal || total == 0 || progress->step == percent + 1)
        return;
    int cells = (int)(percent * BAR_CELLS / 100);
    progress->step = percent + 1;
    progress->is_shown = true;
    (void)fprintf(stderr, "\r%s [%.*s%.*s] %3" PRIu64 " %%  %" PRIu64 " %s" LINE_END, progress->what, cells, full,
                  BAR_CELLS - cells, rest, percent, count, progress->unit);
}

void progress_clear(struct progress *progress)
{
    if (!progress->is_shown)
        return;
    progress->is_shown = false;
    progress->step = 0;
    (void)fputs("\r" LINE_END, stderr);
}
