#include "tests/support/unit.h"

#include "gateway/base/arena.h"

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void unit_assert_str(struct gw_str actual, struct gw_str expected, const char *file, int line)
{
    if (gw_str_eq(actual, expected))
        return;
    print_error("\"%.*s\" != \"%.*s\"\n", GW_STR_ARG(actual), GW_STR_ARG(expected));
    _fail(file, line);
}

char *unit_folder_new(void)
{
    const char *base = getenv("TMPDIR");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/provgate-unit-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return gw_strdup(path);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void unit_folder_remove(char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
