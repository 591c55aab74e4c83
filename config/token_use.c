#include "config/token_use.h"

#include "config/tokens.h"
#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct entry {
    struct gw_str app;
    struct gw_str name;
    int64_t hour_ms;
};

struct token_use {
    struct gw_arena arena;
    const char *path;
    const char *temporary;
    struct entry entries[TOKEN_USES_MAX];
    size_t count;
    int64_t saved_ms; /* monotonic */
    bool is_new;
};

static struct entry *find(const struct token_use *use, struct gw_str app, struct gw_str name)
{
    for (size_t i = 0; i < use->count; i++) {
        const struct entry *entry = &use->entries[i];
        if (gw_str_eq(entry->name, name) && gw_str_eq(entry->app, app))
            return (struct entry *)(uintptr_t)entry;
    }
    return NULL;
}

/* Beyond the cap nothing is noted: there are at most as many credentials as apps and files allow, and names come from
 * files only. */
static void put(struct token_use *use, struct gw_str app, struct gw_str name, int64_t hour_ms)
{
    struct entry *entry = find(use, app, name);
    if (entry == NULL && use->count < TOKEN_USES_MAX) {
        entry = &use->entries[use->count++];
        entry->app = gw_arena_copy(&use->arena, app);
        entry->name = gw_arena_copy(&use->arena, name);
    }
    if (entry == NULL || entry->hour_ms == hour_ms)
        return;
    entry->hour_ms = hour_ms;
    use->is_new = true;
}

static void load(struct token_use *use)
{
    GW_BUF_SCOPED(buf, TOKEN_USE_BYTES_MAX);
    int fd = open(use->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    for (ssize_t got = 1; fd >= 0 && got != 0;) {
        char *room = gw_buf_reserve(&buf, 4096);
        got = room != NULL ? read(fd, room, 4096) : 0;
        if (got < 0 && errno != EINTR)
            break;
        if (got > 0)
            gw_buf_advance(&buf, (size_t)got);
    }
    if (fd >= 0)
        (void)close(fd);
    struct gw_str rest = gw_buf_str(&buf);
    while (rest.len > 0) {
        struct gw_str time = gw_str_split(&rest, '\n');
        struct gw_str app = gw_str_split(&time, ' ');
        struct gw_str name = gw_str_split(&time, ' ');
        int64_t hour_ms = 0;
        if (app.len > 0 && token_name_is_valid(name) && gw_time_parse(time, &hour_ms))
            put(use, app, name, hour_ms);
    }
    use->is_new = false;
}

struct token_use *token_use_new(const char *store_path)
{
    struct token_use *use = gw_alloc(sizeof *use);
    gw_arena_init(&use->arena);
    use->path = gw_arena_printf(&use->arena, "%s/" TOKEN_USE_FILE, store_path).ptr;
    use->temporary = gw_arena_printf(&use->arena, "%s/" TOKEN_USE_FILE ".new", store_path).ptr;
    load(use);
    return use;
}

static void write_file(struct token_use *use)
{
    GW_BUF_SCOPED(buf, TOKEN_USE_BYTES_MAX);
    for (size_t i = 0; i < use->count; i++) {
        char time[GW_TIME_TEXT_MAX];
        (void)gw_time_format(use->entries[i].hour_ms, time);
        gw_buf_printf(&buf, "%.*s %.*s %s\n", GW_STR_ARG(use->entries[i].app), GW_STR_ARG(use->entries[i].name), time);
    }
    int fd = open(use->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool is_written = write(fd, buf.data, buf.len) == (ssize_t)buf.len;
    is_written = close(fd) == 0 && is_written;
    if (!is_written || rename(use->temporary, use->path) != 0)
        (void)unlink(use->temporary);
}

void token_use_save(struct token_use *use, int64_t mono_ms)
{
    if (!use->is_new || (use->saved_ms != 0 && mono_ms - use->saved_ms < TOKEN_USE_SAVE_MS))
        return;
    use->saved_ms = mono_ms;
    use->is_new = false;
    write_file(use);
}

void token_use_free(struct token_use *use)
{
    if (use == NULL)
        return;
    if (use->is_new)
        write_file(use);
    gw_arena_done(&use->arena);
    free(use);
}

void token_use_note(struct token_use *use, struct gw_str app, struct gw_str name, int64_t wall_ms)
{
    put(use, app, name, wall_ms - wall_ms % TOKEN_USE_HOUR_MS);
}

int64_t token_use_find(const struct token_use *use, struct gw_str app, struct gw_str name)
{
    const struct entry *entry = find(use, app, name);
    return entry != NULL ? entry->hour_ms : 0;
}
