/* What each table of a store takes: bench_table_sizes STORE. Bytes are whole pages; the last column is bytes for each
 * user, which is also megabytes for each million users. Changes nothing, and may run beside provgate. */
#include "store/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct sizes {
    uint64_t users;
    uint64_t bytes;
};

static void on_users(const char *name, uint64_t entries, uint64_t bytes, void *data)
{
    (void)bytes;
    if (strcmp(name, "users") == 0)
        ((struct sizes *)data)->users = entries;
}

static void print_row(const char *name, uint64_t entries, uint64_t bytes, const struct sizes *sizes)
{
    double per_user = sizes->users > 0 ? (double)bytes / (double)sizes->users : 0;
    (void)printf("%-16s %12" PRIu64 " %14" PRIu64 " %8.1f\n", name, entries, bytes, per_user);
}

static void on_table(const char *name, uint64_t entries, uint64_t bytes, void *data)
{
    struct sizes *sizes = data;
    sizes->bytes += bytes;
    if (entries > 0)
        print_row(name, entries, bytes, sizes);
}

static enum gw_code show(struct store *store, struct gw_error *err)
{
    struct sizes sizes = {.users = 0};
    struct store_reader *reader = NULL;
    GW_TRY(store_reader_new(store, &reader, err));
    enum gw_code code = store_reader_begin(reader, err);
    if (code == GW_OK) {
        (void)printf("%-16s %12s %14s %8s\n", "table", "entries", "bytes", "per user");
        code = store_tables_each(reader, on_users, &sizes, err);
        if (code == GW_OK)
            code = store_tables_each(reader, on_table, &sizes, err);
        print_row("together", sizes.users, sizes.bytes, &sizes);
        store_reader_end(reader);
    }
    store_reader_free(reader);
    return code;
}

int main(int argc, char **argv)
{
    struct store *store = NULL;
    struct gw_error err;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_table_sizes STORE\n");
        return 2;
    }
    enum gw_code code = store_open(argv[1], STORE_MAX_SIZE_DEFAULT, &store, &err);
    if (code == GW_OK) {
        code = show(store, &err);
        store_close(store);
    }
    if (code != GW_OK)
        (void)fprintf(stderr, "bench_table_sizes: %s\n", err.text);
    return code == GW_OK ? 0 : 1;
}
