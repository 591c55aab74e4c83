/* Changing a credentials file: under a lock on its folder, by replacing it, so that a reader sees the old or the new.
 */
#include "config/token_line.h"
#include "config/tokens.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct change {
    const char *path; /* behind symbolic links, so that replacing does not break them */
    const char *folder;
    const char *temporary;
    int folder_fd;
    bool existed;
    struct stat info;
    struct gw_buf before;
    struct token_set *set; /* what stands in it; NULL when there is no file */
};

static void change_done(struct change *change)
{
    if (change->folder_fd >= 0)
        (void)close(change->folder_fd);
    gw_buf_done(&change->before);
    token_set_free(change->set);
}

static enum gw_code change_begin(struct change *change, const char *path, struct gw_arena *arena, struct gw_error *err)
{
    *change = (struct change){.path = path, .folder_fd = -1, .before = GW_BUF_INIT(TOKENS_FILE_BYTES_MAX + 8192)};
    char *target = realpath(path, NULL);
    if (target != NULL)
        change->path = gw_arena_cstr(arena, gw_str_from(target));
    free(target);
    const char *slash = strrchr(change->path, '/');
    size_t folder_len = slash != NULL ? (size_t)(slash - change->path) : 0;
    change->folder = slash == NULL ? "." : gw_arena_printf(arena, "%.*s/", (int)folder_len, change->path).ptr;
    change->temporary = gw_arena_printf(arena, "%s.%ld.new", change->path, (long)getpid()).ptr;
    change->folder_fd = open(change->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (change->folder_fd < 0 || flock(change->folder_fd, LOCK_EX) != 0)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be used: %s", change->folder, strerror(errno));
    enum gw_code code = token_file_read(change->path, &change->before, &change->info, err);
    change->existed = code == GW_OK;
    if (code == GW_E_NOT_FOUND)
        return GW_OK;
    return code == GW_OK ? token_set_load(change->path, &change->set, err) : code;
}

static bool write_all(int fd, struct gw_str text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            text = gw_str_from_pos(text, (size_t)put);
    }
    return true;
}

/* Owner and mode stay as the operator set them. */
static bool keep_owner(const struct change *change, int fd)
{
    if (!change->existed)
        return true;
    bool same = change->info.st_uid == geteuid() && change->info.st_gid == getegid();
    return (same || fchown(fd, change->info.st_uid, change->info.st_gid) == 0) &&
           fchmod(fd, change->info.st_mode & 07777) == 0;
}

static enum gw_code change_commit(struct change *change, struct gw_str text, struct gw_error *err)
{
    if (text.len > TOKENS_FILE_BYTES_MAX)
        return gw_fail(err, GW_E_CONFIG, "%s: would be larger than %u bytes", change->path, TOKENS_FILE_BYTES_MAX);
    int fd = open(change->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return gw_fail(err, GW_E_CONFIG, "%s: cannot be written: %s", change->temporary, strerror(errno));
    bool ok = keep_owner(change, fd) && write_all(fd, text) && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && rename(change->temporary, change->path) == 0 && fsync(change->folder_fd) == 0;
    if (ok)
        return GW_OK;
    int why = errno;
    (void)unlink(change->temporary);
    return gw_fail(err, GW_E_CONFIG, "%s: cannot be written: %s", change->path, strerror(why));
}

static const struct token *find_name(const struct token_set *set, struct gw_str name)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (gw_str_eq(set->tokens[i].name, name))
            return &set->tokens[i];
    }
    return NULL;
}

static enum gw_code add(struct change *change, const struct token *token, struct gw_arena *arena, struct gw_error *err)
{
    if (find_name(change->set, token->name) != NULL)
        return gw_fail(err, GW_E_UNIQUENESS, "%s: there is a credential %.*s already; revoke it or take another name",
                       change->path, GW_STR_ARG(token->name));
    if (change->set != NULL && change->set->count >= TOKENS_MAX)
        return gw_fail(err, GW_E_CONFIG, "%s: has %u credentials; revoke some", change->path, TOKENS_MAX);
    struct gw_str line = token_line_format(arena, token);
    struct gw_str before = gw_buf_str(&change->before);
    return change_commit(change, gw_arena_printf(arena, "%.*s%.*s", GW_STR_ARG(before), GW_STR_ARG(line)), err);
}

enum gw_code token_file_add(const char *path, struct gw_str name, enum token_kind kind, int64_t expires_ms,
                            struct gw_arena *arena, struct gw_str *ret_secret, struct gw_error *err)
{
    return token_file_add_scoped(path, name, kind, expires_ms, TOKEN_SCOPE_PROVISION, arena, ret_secret, err);
}

static enum gw_code add_to_file(const char *path, const struct token *token, struct gw_arena *arena,
                                struct gw_error *err)
{
    struct change change;
    enum gw_code code = change_begin(&change, path, arena, err);
    if (code == GW_OK)
        code = add(&change, token, arena, err);
    change_done(&change);
    return code;
}

static enum gw_code check_name(struct gw_str name, struct gw_error *err)
{
    if (token_name_is_valid(name))
        return GW_OK;
    return gw_fail(err, GW_E_USAGE, "a credential's name has letters, digits and . _ @ -, at most %u bytes",
                   TOKEN_NAME_BYTES_MAX);
}

enum gw_code token_file_add_scoped(const char *path, struct gw_str name, enum token_kind kind, int64_t expires_ms,
                                   enum token_scope scope, struct gw_arena *arena, struct gw_str *ret_secret,
                                   struct gw_error *err)
{
    GW_TRY(check_name(name, err));
    GW_ASSERT(kind != TOKEN_MTLS);
    uint8_t bits[GW_KEY_BYTES];
    gw_random_bytes(bits, sizeof bits);
    struct gw_str secret = gw_base64url(arena, bits, sizeof bits);
    gw_secret_wipe(bits, sizeof bits);
    struct token token = {.name = name,
                          .kind = kind,
                          .digest = gw_sha256(secret),
                          .created_ms = gw_clock_wall_ms(),
                          .expires_ms = expires_ms,
                          .scope = scope};
    enum gw_code code = add_to_file(path, &token, arena, err);
    if (code == GW_OK)
        *ret_secret = secret;
    return code;
}

static enum gw_code fingerprint_of(const char *path, struct gw_sha256 *ret_digest, struct gw_error *err)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    unsigned size = sizeof ret_digest->bytes;
    bool is_read = certificate != NULL && X509_digest(certificate, EVP_sha256(), ret_digest->bytes, &size) == 1;
    X509_free(certificate);
    BIO_free(file);
    ERR_clear_error();
    if (!is_read)
        return gw_fail(err, GW_E_CONFIG, "%s: there is no PEM certificate in it", path);
    return GW_OK;
}

enum gw_code token_file_add_certificate(const char *path, struct gw_str name, const char *certificate,
                                        int64_t expires_ms, enum token_scope scope, struct gw_arena *arena,
                                        struct gw_error *err)
{
    struct token token = {
        .name = name, .kind = TOKEN_MTLS, .created_ms = gw_clock_wall_ms(), .expires_ms = expires_ms, .scope = scope};
    GW_TRY(check_name(name, err));
    GW_TRY(fingerprint_of(certificate, &token.digest, err));
    return add_to_file(path, &token, arena, err);
}

static enum gw_code drop(struct change *change, struct gw_str name, struct gw_arena *arena, struct gw_error *err)
{
    if (find_name(change->set, name) == NULL)
        return gw_fail(err, GW_E_NOT_FOUND, "%s: there is no credential %.*s", change->path, GW_STR_ARG(name));
    struct gw_str kept = GW_STR("");
    struct gw_str rest = gw_buf_str(&change->before);
    while (rest.len > 0) {
        struct gw_str line = gw_str_split(&rest, '\n');
        struct token token;
        bool is_it = token_line_parse(line, &token) && gw_str_eq(token.name, name);
        if (!is_it)
            kept = gw_arena_printf(arena, "%.*s%.*s\n", GW_STR_ARG(kept), GW_STR_ARG(line));
    }
    return change_commit(change, kept, err);
}

enum gw_code token_file_remove(const char *path, struct gw_str name, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct change change;
    enum gw_code code = change_begin(&change, path, &arena, err);
    if (code == GW_OK)
        code = drop(&change, name, &arena, err);
    change_done(&change);
    return code;
}

enum gw_code token_file_touch(const char *path, bool *ret_made, struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct change change;
    enum gw_code code = change_begin(&change, path, &arena, err);
    *ret_made = code == GW_OK && !change.existed;
    if (*ret_made)
        code = change_commit(&change, GW_STR("# Credentials of provgate: made by `provgate token new`.\n"), err);
    change_done(&change);
    return code;
}
