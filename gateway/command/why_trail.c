#include "gateway/command/why_trail.h"

#include "gateway/base/text.h"
#include "store/inspect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Entries with one reference are made within one exchange: they stand near each other. */
#define MATCH_GAP_MAX 4096u

static struct store_activity copied(struct gw_arena *arena, const struct store_activity *entry)
{
    struct store_activity copy = *entry;
    copy.actor = gw_arena_copy(arena, entry->actor);
    copy.app = gw_arena_copy(arena, entry->app);
    copy.user_name = gw_arena_copy(arena, entry->user_name);
    copy.attributes = gw_arena_copy(arena, entry->attributes);
    copy.result = gw_arena_copy(arena, entry->result);
    copy.reference = gw_arena_copy(arena, entry->reference);
    copy.values = gw_arena_copy(arena, entry->values);
    return copy;
}

struct search {
    struct gw_arena *arena;
    struct gw_str reference;
    struct why_matches *matches;
    unsigned gap;
};

static bool on_entry(const struct store_activity *entry, void *data)
{
    struct search *search = data;
    if (gw_str_eq(entry->reference, search->reference)) {
        search->matches->list[search->matches->count++] = copied(search->arena, entry);
        search->gap = 0;
    } else if (search->matches->count > 0) {
        search->gap++;
    }
    return search->matches->count < WHY_MATCHES_MAX && search->gap < MATCH_GAP_MAX;
}

enum gw_code why_find_reference(struct store_reader *reader, struct gw_arena *arena, struct gw_str reference,
                                struct why_matches *ret_matches, struct gw_error *err)
{
    ret_matches->count = 0;
    struct search search = {arena, reference, ret_matches, 0};
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_activity_back(reader, on_entry, &search, err);
    store_reader_end(reader);
    return code;
}

struct named {
    struct gw_str folded;
    struct why_deleted *deleted;
};

static bool on_deleted(const struct store_user *user, void *data)
{
    struct named *named = data;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    if (gw_name_fold(&arena, user->user_name, &folded) && gw_str_eq(folded, named->folded))
        named->deleted->seqs[named->deleted->count++] = user->seq;
    return named->deleted->count < WHY_DELETED_MAX;
}

enum gw_code why_find_deleted(struct store_reader *reader, uint32_t folder, struct gw_str name,
                              struct why_deleted *ret_deleted, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct named named = {.deleted = ret_deleted};
    ret_deleted->count = 0;
    if (!gw_name_fold(&arena, name, &named.folded))
        return GW_OK;
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_deleted_walk(reader, folder, on_deleted, &named, err);
    store_reader_end(reader);
    return code;
}

struct past {
    struct gw_arena *arena;
    uint32_t folder;
    uint64_t user_seq;
    uint64_t before_seq;
    struct why_history *history;
};

static bool ends_sessions(enum store_activity_kind kind)
{
    return kind == STORE_ACTIVITY_DEACTIVATE || kind == STORE_ACTIVITY_DELETE || kind == STORE_ACTIVITY_END_SESSIONS ||
           kind == STORE_ACTIVITY_LOCK;
}

static bool on_past(const struct store_activity *entry, void *data)
{
    struct past *past = data;
    struct why_history *history = past->history;
    if (entry->folder != past->folder || entry->user_seq != past->user_seq ||
        (past->before_seq != 0 && entry->seq >= past->before_seq))
        return true;
    bool is_noise = entry->kind == STORE_ACTIVITY_REFUSE || entry->kind == STORE_ACTIVITY_BIND;
    if (!is_noise && history->count < WHY_LATEST_MAX)
        history->latest[history->count++] = copied(past->arena, entry);
    if (!history->has_cut && ends_sessions(entry->kind)) {
        history->has_cut = true;
        history->cut = copied(past->arena, entry);
    }
    return !history->has_cut || history->count < WHY_LATEST_MAX;
}

enum gw_code why_find_history(struct store_reader *reader, struct gw_arena *arena, uint32_t folder, uint64_t user_seq,
                              uint64_t before_seq, struct why_history *ret_history, struct gw_error *err)
{
    memset(ret_history, 0, sizeof *ret_history);
    struct past past = {arena, folder, user_seq, before_seq, ret_history};
    GW_TRY(store_reader_begin(reader, err));
    enum gw_code code = store_activity_back(reader, on_past, &past, err);
    store_reader_end(reader);
    return code;
}

/* The whole line around `at`. */
static struct gw_str line_around(struct gw_str text, const char *at)
{
    const char *start = memrchr(text.ptr, '\n', (size_t)(at - text.ptr));
    const char *end = memchr(at, '\n', (size_t)(text.ptr + text.len - at));
    start = start != NULL ? start + 1 : text.ptr;
    end = end != NULL ? end : text.ptr + text.len;
    return gw_str_n(start, (size_t)(end - start));
}

struct gw_str why_find_line(const char *path, struct gw_arena *arena, struct gw_str id)
{
    struct gw_str line = GW_STR("");
    struct stat info;
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        return line;
    size_t size = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (size_t)info.st_size : 0;
    size_t length = size < WHY_LOG_BYTES_MAX ? size : WHY_LOG_BYTES_MAX;
    char *bytes = length > 0 ? gw_arena_alloc(arena, length) : NULL;
    ssize_t got = length > 0 ? pread(fd, bytes, length, (off_t)(size - length)) : 0;
    (void)close(fd);
    if (got <= 0)
        return line;
    struct gw_str wanted = gw_arena_printf(arena, "\"id\":\"%.*s\"", GW_STR_ARG(id));
    const char *at = memmem(bytes, (size_t)got, wanted.ptr, wanted.len);
    return at != NULL ? line_around(gw_str_n(bytes, (size_t)got), at) : line;
}
