#include "store/coverage.h"

#include "gateway/base/buf.h"
#include "store/codec.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "coverage"
#define NEW_NAME "coverage.new"
#define FILE_BYTES_MAX (64u * 1024u)
#define NUMBERS 6u

/* ---- the file ---- */

static enum gw_code broken(struct gw_error *err, const char *path)
{
    return gw_fail(err, GW_E_STORE_DAMAGED, "%s is not in the form that provgate writes", path);
}

static bool line_parse(struct gw_str line, struct store_app_counts *ret_counts)
{
    uint64_t *numbers[NUMBERS] = {&ret_counts->requests_bound,    &ret_counts->requests_unbound,
                                  &ret_counts->requests_none,     &ret_counts->sign_ons_linked,
                                  &ret_counts->sign_ons_observed, &ret_counts->sign_ons_unbound};
    ret_counts->app = gw_str_split(&line, ' ');
    for (size_t i = 0; i < NUMBERS; i++) {
        if (line.ptr == NULL || !gw_str_to_u64(gw_str_split(&line, ' '), UINT64_MAX, numbers[i]))
            return false;
    }
    return line.ptr == NULL && ret_counts->app.len > 0;
}

static bool text_parse(struct gw_str text, struct store_coverage *ret_coverage)
{
    uint64_t written_ms = 0;
    struct gw_str head = gw_str_split(&text, '\n');
    if (!gw_str_eq(gw_str_split(&head, ' '), GW_STR("coverage-1")) || !gw_str_to_u64(head, INT64_MAX, &written_ms))
        return false;
    ret_coverage->written_ms = (int64_t)written_ms;
    while (text.len > 0) {
        if (ret_coverage->count == STORE_COVERAGE_APPS_MAX ||
            !line_parse(gw_str_split(&text, '\n'), &ret_coverage->apps[ret_coverage->count++]))
            return false;
    }
    return true;
}

enum gw_code store_coverage_read(const char *store_path, struct gw_arena *arena, struct store_coverage *ret_coverage,
                                 struct gw_error *err)
{
    char path[STORE_PATH_BYTES_MAX];
    *ret_coverage = (struct store_coverage){.count = 0};
    GW_TRY(store_files_path(store_path, FILE_NAME, path, err));
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? GW_OK : broken(err, path);
    char *bytes = gw_arena_alloc(arena, FILE_BYTES_MAX);
    ssize_t len = read(fd, bytes, FILE_BYTES_MAX);
    (void)close(fd);
    bool is_whole = len > 0 && (size_t)len < FILE_BYTES_MAX && text_parse(gw_str_n(bytes, (size_t)len), ret_coverage);
    return is_whole ? GW_OK : broken(err, path);
}

enum gw_code store_coverage_write(const char *store_path, const struct store_coverage *coverage, struct gw_error *err)
{
    char path[STORE_PATH_BYTES_MAX], fresh[STORE_PATH_BYTES_MAX];
    GW_TRY(store_files_path(store_path, FILE_NAME, path, err));
    GW_TRY(store_files_path(store_path, NEW_NAME, fresh, err));
    GW_BUF_SCOPED(text, FILE_BYTES_MAX - 1);
    gw_buf_printf(&text, "coverage-1 %" PRId64 "\n", coverage->written_ms);
    for (size_t i = 0; i < coverage->count; i++) {
        const struct store_app_counts *app = &coverage->apps[i];
        gw_buf_printf(&text, "%.*s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                      GW_STR_ARG(app->app), app->requests_bound, app->requests_unbound, app->requests_none,
                      app->sign_ons_linked, app->sign_ons_observed, app->sign_ons_unbound);
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
    if (fd >= 0)
        is_written = close(fd) == 0 && is_written;
    if (!is_written || rename(fresh, path) != 0)
        return gw_fail(err, GW_E_STORE_IO, "%s cannot be written: %s", path, strerror(errno));
    return GW_OK;
}

/* ---- the records ---- */

struct seen {
    uint8_t *bits; /* by sequence: has the user a session that is alive? */
    uint64_t size;
    struct store_folder_counts *counts;
};

static bool seen_has(const struct seen *seen, uint64_t seq)
{
    return seq < seen->size && (seen->bits[seq / 8] >> (seq % 8) & 1u) != 0;
}

static void seen_add(struct seen *seen, uint64_t seq)
{
    if (seq >= seen->size) {
        uint64_t size = (seq / 4096 + 1) * 8192;
        uint8_t *bits = gw_alloc(size / 8);
        if (seen->bits != NULL)
            memcpy(bits, seen->bits, seen->size / 8);
        free(seen->bits);
        seen->bits = bits;
        seen->size = size;
    }
    seen->bits[seq / 8] = (uint8_t)(seen->bits[seq / 8] | 1u << (seq % 8));
}

static enum gw_code count_sessions(struct store_reader *reader, uint32_t folder, struct seen *seen,
                                   struct gw_error *err)
{
    STORE_WALK_SCOPED(walk);
    GW_TRY(store_walk_begin(&walk, store_reader_view(reader), STORE_TABLE_SESSIONS, err));
    enum gw_code code = store_walk_seek(&walk, GW_STR_NONE, err);
    for (; code == GW_OK; code = store_walk_next(&walk, err)) {
        struct store_session session;
        struct store_user_state state;
        if (!store_session_decode(walk.value, &session))
            return store_fail_damaged(err, STORE_TABLE_SESSIONS, "a record makes no sense");
        if (session.folder != folder)
            continue;
        seen->counts->sessions++;
        seen->counts->sessions_signed_out += session.is_signed_out;
        bool is_known = store_user_state_get(reader, folder, session.user_seq, &state) == GW_OK;
        if (!is_known || (state.flags & STORE_USER_ACTIVE) == 0 || state.generation != session.generation)
            continue;
        seen->counts->sessions_alive++;
        seen_add(seen, session.user_seq);
    }
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

static bool on_user(const struct store_user *user, void *data)
{
    const uint32_t linked = STORE_USER_OBSERVED | STORE_USER_PROVISIONED;
    struct seen *seen = data;
    if ((user->state.flags & STORE_USER_ACTIVE) == 0)
        return true;
    seen->counts->users++;
    seen->counts->users_bound += seen_has(seen, user->seq);
    seen->counts->users_linked += (user->state.flags & linked) == linked;
    return true;
}

enum gw_code store_coverage_count(struct store_reader *reader, uint32_t folder, struct store_folder_counts *ret_counts,
                                  struct gw_error *err)
{
    *ret_counts = (struct store_folder_counts){.users = 0};
    struct seen seen = {.counts = ret_counts};
    enum gw_code code = count_sessions(reader, folder, &seen, err);
    if (code == GW_OK)
        code = store_users_scan(reader, folder, 0, on_user, &seen, err);
    free(seen.bits);
    return code;
}

/* ---- what it means ---- */

struct gw_str store_coverage_advice(struct gw_arena *arena, const struct store_app_counts *counts)
{
    uint64_t with_session = counts->requests_bound + counts->requests_unbound;
    if (with_session < STORE_COVERAGE_REQUESTS_MIN)
        return gw_arena_printf(arena, "too few requests with a session (%" PRIu64 ") to tell; leave unbound: pass",
                               with_session);
    if (counts->requests_unbound == 0)
        return GW_STR("every request with a session was of a known one: unbound: refuse would have stopped nobody");
    uint64_t permille = counts->requests_unbound * 1000 / with_session;
    if (permille < 10)
        return gw_arena_printf(arena,
                               "%" PRIu64 " of %" PRIu64
                               " requests with a session were of an unknown one, less than 1 %%: "
                               "unbound: reauth would ask those people to sign in once more",
                               counts->requests_unbound, with_session);
    return gw_arena_printf(
        arena,
        "%" PRIu64 ".%" PRIu64 " %% of the requests with a session were of an unknown one: leave "
        "unbound: pass until that is below 1 %% (sessions from before provgate end, or a probe knows "
        "them); until then a session that was never bound is not stopped",
        permille / 10, permille % 10);
}

struct gw_str store_coverage_unlinked(struct gw_arena *arena, const struct store_app_counts *counts)
{
    if (counts->sign_ons_linked > 0 || counts->sign_ons_observed < STORE_COVERAGE_SIGN_ONS_MIN)
        return GW_STR("");
    return gw_arena_printf(arena,
                           "%" PRIu64 " sign-ins, none linked: nobody who signs in was provisioned. Does Okta send the "
                           "same user name to both apps? See provgate policy match",
                           counts->sign_ons_observed);
}
