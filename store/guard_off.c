#include "store/guard_off.h"

#include "gateway/base/buf.h"
#include "gateway/base/text.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "guard-off"
#define NEW_NAME "guard-off.new"
#define HEADING GW_STR("provgate guard-off 1")
/* A clock that was set back a little must not end a break-glass that was begun just now. */
#define CLOCK_SLACK_MS (5 * 60 * 1000ll)

static enum gw_code damaged(struct gw_error *err, const char *path, const char *reason)
{
    return gw_fail(err, GW_E_STORE_DAMAGED, "%s: %s; the guard stays on", path, reason);
}

/* Opened first and judged then: what is read is what was judged. */
static enum gw_code file_read(const char *path, struct gw_arena *arena, struct gw_str *ret_text, struct gw_error *err)
{
    *ret_text = GW_STR_NONE;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return GW_OK;
    if (fd < 0)
        return damaged(err, path, "it cannot be opened");
    struct stat info;
    char *bytes = gw_arena_alloc(arena, STORE_GUARD_OFF_BYTES_MAX);
    bool is_ours = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
                   (info.st_uid == geteuid() || info.st_uid == 0);
    ssize_t len = is_ours ? read(fd, bytes, STORE_GUARD_OFF_BYTES_MAX) : -1;
    (void)close(fd);
    if (!is_ours)
        return damaged(err, path, "it is not a file of mode 0600 that belongs to this user or to root");
    if (len <= 0 || (size_t)len == STORE_GUARD_OFF_BYTES_MAX)
        return damaged(err, path, "it cannot be read, is empty or too large");
    *ret_text = gw_str_n(bytes, (size_t)len);
    return GW_OK;
}

static bool is_text(struct gw_str text, size_t bytes_max)
{
    return gw_name_printable(text, bytes_max);
}

static bool line_parse(struct gw_str line, struct store_guard_off *ret_off)
{
    uint64_t since = 0, until = 0;
    struct gw_str rest = line;
    if (!gw_str_to_u64(gw_str_split(&rest, '\t'), INT64_MAX, &since) ||
        !gw_str_to_u64(gw_str_split(&rest, '\t'), INT64_MAX, &until))
        return false;
    struct gw_str app = gw_str_split(&rest, '\t');
    ret_off->since_ms = (int64_t)since;
    ret_off->until_ms = (int64_t)until;
    ret_off->app = gw_str_eq(app, GW_STR("*")) ? GW_STR("") : app;
    ret_off->actor = gw_str_split(&rest, '\t');
    ret_off->reason = rest;
    return until >= since && until - since <= STORE_GUARD_OFF_LONGEST_MS && app.len > 0 && rest.ptr != NULL &&
           is_text(app, STORE_GUARD_OFF_TEXT_BYTES_MAX) && is_text(ret_off->actor, STORE_GUARD_OFF_TEXT_BYTES_MAX) &&
           is_text(rest, STORE_GUARD_OFF_TEXT_BYTES_MAX);
}

enum gw_code store_guard_offs_read(const char *store_path, struct gw_arena *arena, struct store_guard_offs *ret_offs,
                                   struct gw_error *err)
{
    char path[STORE_PATH_BYTES_MAX];
    struct gw_str text;
    ret_offs->count = 0;
    GW_TRY(store_files_path(store_path, FILE_NAME, path, err));
    GW_TRY(file_read(path, arena, &text, err));
    if (text.ptr == NULL)
        return GW_OK;
    bool is_whole = gw_str_ends(text, GW_STR("\n")) && gw_str_eq(gw_str_split(&text, '\n'), HEADING);
    size_t count = 0;
    while (is_whole && text.len > 0)
        is_whole = count < STORE_GUARD_OFF_MAX && line_parse(gw_str_split(&text, '\n'), &ret_offs->list[count++]);
    if (!is_whole)
        return damaged(err, path, "it is not in the form that provgate guard writes");
    ret_offs->count = count;
    return GW_OK;
}

static enum gw_code file_write(const char *store_path, const char *path, struct gw_str text, struct gw_error *err)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail(err, GW_E_STORE_IO, "%s cannot be made: %s", path, strerror(errno));
    bool is_written =
        store_files_give(store_path, fd) && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    int reason = errno;
    is_written = close(fd) == 0 && is_written;
    return is_written ? GW_OK : gw_fail(err, GW_E_STORE_IO, "%s cannot be written: %s", path, strerror(reason));
}

static void entry_write(struct gw_buf *buf, const struct store_guard_off *off)
{
    gw_buf_printf(buf, "%" PRId64 "\t%" PRId64 "\t", off->since_ms, off->until_ms);
    gw_buf_add(buf, off->app.len > 0 ? off->app : GW_STR("*"));
    gw_buf_add_byte(buf, '\t');
    gw_buf_add(buf, off->actor);
    gw_buf_add_byte(buf, '\t');
    gw_buf_add(buf, off->reason);
    gw_buf_add_byte(buf, '\n');
}

enum gw_code store_guard_offs_write(const char *store_path, const struct store_guard_offs *offs, struct gw_error *err)
{
    char path[STORE_PATH_BYTES_MAX], fresh[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(store_path, FILE_NAME, path, err));
    GW_TRY(store_files_path(store_path, NEW_NAME, fresh, err));
    if (offs->count == 0) {
        if (unlink(path) != 0 && errno != ENOENT)
            return gw_fail(err, GW_E_STORE_IO, "%s cannot be taken away: %s", path, strerror(errno));
        return store_files_sync_folder(store_path, err);
    }
    GW_BUF_SCOPED(text, STORE_GUARD_OFF_BYTES_MAX - 1);
    gw_buf_add(&text, HEADING);
    gw_buf_add_byte(&text, '\n');
    for (size_t i = 0; i < offs->count; i++)
        entry_write(&text, &offs->list[i]);
    if (text.overflow)
        return gw_fail(err, GW_E_USAGE, "too much text for %s", path);
    GW_TRY(file_write(store_path, fresh, gw_buf_str(&text), err));
    if (rename(fresh, path) != 0)
        return gw_fail(err, GW_E_STORE_IO, "%s cannot be put in place: %s", path, strerror(errno));
    return store_files_sync_folder(store_path, err);
}

const struct store_guard_off *store_guard_off_find(const struct store_guard_offs *offs, struct gw_str app,
                                                   int64_t now_ms)
{
    const struct store_guard_off *found = NULL;
    for (size_t i = 0; i < offs->count; i++) {
        const struct store_guard_off *off = &offs->list[i];
        bool is_meant = off->app.len == 0 || gw_str_eq(off->app, app);
        bool is_now = now_ms < off->until_ms && now_ms >= off->since_ms - CLOCK_SLACK_MS;
        if (is_meant && is_now && (found == NULL || off->until_ms > found->until_ms))
            found = off;
    }
    return found;
}
