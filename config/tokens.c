#include "config/tokens.h"

#include "config/token_line.h"
#include "gateway/base/buf.h"
#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTHORIZATION_BYTES_MAX 4096u

static const char *const kind_names[] = {
    [TOKEN_BEARER] = "bearer", [TOKEN_RAW] = "raw", [TOKEN_BASIC] = "basic", [TOKEN_MTLS] = "mtls"};

const char *token_kind_name(enum token_kind kind)
{
    return kind_names[kind];
}

bool token_kind_parse(struct gw_str text, enum token_kind *ret_kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (gw_str_eq(text, gw_str_from(kind_names[i]))) {
            *ret_kind = (enum token_kind)i;
            return true;
        }
    }
    return false;
}

static const char *const scope_names[] = {
    [TOKEN_SCOPE_PROVISION] = "provision", [TOKEN_SCOPE_READ] = "read", [TOKEN_SCOPE_PUSH] = "push"};

const char *token_scope_name(enum token_scope scope)
{
    return scope_names[scope];
}

bool token_scope_parse(struct gw_str text, enum token_scope *ret_scope)
{
    for (size_t i = 0; i < sizeof scope_names / sizeof *scope_names; i++) {
        if (gw_str_eq(text, gw_str_from(scope_names[i]))) {
            *ret_scope = (enum token_scope)i;
            return true;
        }
    }
    return false;
}

bool token_name_is_valid(struct gw_str name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '\0' || strchr(allowed, name.ptr[i]) == NULL)
            return false;
    }
    return name.len > 0 && name.len <= TOKEN_NAME_BYTES_MAX;
}

/* "[EXPIRES][ scope=SCOPE]"; ptr NULL: neither. */
static bool parse_rest(struct gw_str rest, struct token *token)
{
    static const struct gw_str prefix = GW_STR_INIT("scope=");
    if (rest.ptr == NULL)
        return true;
    if (!gw_str_starts(rest, prefix)) {
        struct gw_str expires = gw_str_split(&rest, ' ');
        if (!gw_time_parse(expires, &token->expires_ms) || token->expires_ms <= 0)
            return false;
    }
    return rest.ptr == NULL ||
           (gw_str_starts(rest, prefix) && token_scope_parse(gw_str_from_pos(rest, prefix.len), &token->scope));
}

bool token_line_parse(struct gw_str line, struct token *ret_token)
{
    *ret_token = (struct token){.name = gw_str_split(&line, ' ')};
    struct gw_str kind = gw_str_split(&line, ' ');
    struct gw_str digest = gw_str_split(&line, ' ');
    struct gw_str created = gw_str_split(&line, ' ');
    return token_name_is_valid(ret_token->name) && token_kind_parse(kind, &ret_token->kind) &&
           gw_hex_decode(digest, ret_token->digest.bytes, sizeof ret_token->digest.bytes) &&
           gw_time_parse(created, &ret_token->created_ms) && parse_rest(line, ret_token);
}

struct gw_str token_line_format(struct gw_arena *arena, const struct token *token)
{
    char created[GW_TIME_TEXT_MAX];
    char expires[GW_TIME_TEXT_MAX] = "";
    (void)gw_time_format(token->created_ms, created);
    if (token->expires_ms != 0)
        (void)gw_time_format(token->expires_ms, expires);
    struct gw_str digest = gw_hex(arena, token->digest.bytes, sizeof token->digest.bytes);
    bool is_scoped = token->scope != TOKEN_SCOPE_PROVISION;
    return gw_arena_printf(arena, "%.*s %s %.*s %s%s%s%s%s\n", GW_STR_ARG(token->name), kind_names[token->kind],
                           GW_STR_ARG(digest), created, expires[0] != '\0' ? " " : "", expires,
                           is_scoped ? " scope=" : "", is_scoped ? scope_names[token->scope] : "");
}

enum gw_code token_file_read(const char *path, struct gw_buf *buf, struct stat *ret_info, struct gw_error *err)
{
    /* O_NONBLOCK: a pipe in its place must not hold a start up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return gw_fail(err, errno == ENOENT ? GW_E_NOT_FOUND : GW_E_CONFIG, "%s: cannot be read: %s", path,
                       strerror(errno));
    enum gw_code code = GW_OK;
    if (fstat(fd, ret_info) != 0 || !S_ISREG(ret_info->st_mode))
        code = gw_fail(err, GW_E_CONFIG, "%s: is not a file", path);
    else if ((ret_info->st_mode & S_IRWXO) != 0)
        code = gw_fail(err, GW_E_CONFIG, "%s: everybody may read or change it (mode %04o); chmod 600 it", path,
                       (unsigned)(ret_info->st_mode & 07777));
    else if (ret_info->st_size > (off_t)TOKENS_FILE_BYTES_MAX)
        code = gw_fail(err, GW_E_CONFIG, "%s: larger than %u bytes", path, TOKENS_FILE_BYTES_MAX);
    for (ssize_t got = 1; code == GW_OK && got != 0;) {
        char *room = gw_buf_reserve(buf, 4096);
        got = room != NULL ? read(fd, room, 4096) : -1;
        if (got > 0)
            gw_buf_advance(buf, (size_t)got);
        else if (got < 0 && (room == NULL || errno != EINTR))
            code = gw_fail(err, GW_E_CONFIG, "%s: cannot be read", path);
    }
    (void)close(fd);
    return code;
}

static bool has_name(const struct token_set *set, struct gw_str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (gw_str_eq(set->tokens[i].name, name))
            return true;
    }
    return false;
}

/* Names the line, never what stands in it: it may be a secret that somebody put there by mistake (law 9). */
static enum gw_code parse_lines(struct token_set *set, const char *path, struct gw_str text, struct gw_error *err)
{
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        return gw_fail(err, GW_E_CONFIG, "%s: the last line is not complete (no line end)", path);
    for (int line = 1; text.len > 0; line++) {
        struct gw_str row = gw_str_split(&text, '\n');
        if (gw_str_starts(row, GW_STR("#")))
            continue;
        struct token token;
        if (!token_line_parse(row, &token))
            return gw_fail(err, GW_E_CONFIG, "%s:%d: not a credential; make one with `provgate token new`", path, line);
        if (has_name(set, token.name))
            return gw_fail(err, GW_E_CONFIG, "%s:%d: the name %.*s is given twice", path, line, GW_STR_ARG(token.name));
        if (set->count == TOKENS_MAX)
            return gw_fail(err, GW_E_CONFIG, "%s:%d: more than %u credentials", path, line, TOKENS_MAX);
        token.name = gw_arena_copy(&set->arena, token.name);
        set->tokens[set->count++] = token;
    }
    return GW_OK;
}

enum gw_code token_set_load(const char *path, struct token_set **ret_set, struct gw_error *err)
{
    GW_BUF_SCOPED(buf, TOKENS_FILE_BYTES_MAX + 8192);
    struct stat info;
    GW_TRY(token_file_read(path, &buf, &info, err));
    struct token_set *set = gw_alloc(sizeof *set);
    gw_arena_init(&set->arena);
    set->tokens = gw_arena_array(&set->arena, TOKENS_MAX, sizeof *set->tokens);
    enum gw_code code = parse_lines(set, path, gw_buf_str(&buf), err);
    if (code != GW_OK) {
        token_set_free(set);
        return code;
    }
    *ret_set = set;
    return GW_OK;
}

void token_set_free(struct token_set *set)
{
    if (set == NULL)
        return;
    gw_arena_done(&set->arena);
    free(set);
}

/* What the value claims to be. */
struct claim {
    enum token_kind kind;
    struct gw_str name; /* TOKEN_BASIC */
    struct gw_str secret;
};

static bool starts_with_scheme(struct gw_str value, struct gw_str scheme, struct gw_str *ret_rest)
{
    if (!gw_str_starts_nocase(value, scheme) || value.len <= scheme.len || value.ptr[scheme.len] != ' ')
        return false;
    *ret_rest = gw_str_from_pos(value, scheme.len);
    while (ret_rest->len > 0 && ret_rest->ptr[0] == ' ') /* RFC 9110 section 11.4: 1*SP */
        *ret_rest = gw_str_from_pos(*ret_rest, 1);
    return true;
}

/* RFC 7617 section 2: the first colon ends the user name. */
static bool read_basic(struct gw_arena *arena, struct gw_str coded, struct claim *claim)
{
    struct gw_str pair;
    if (!gw_base64_decode(arena, coded, &pair))
        return false;
    claim->name = gw_str_split(&pair, ':');
    claim->secret = pair;
    return pair.ptr != NULL;
}

static bool read_claim(struct gw_arena *arena, struct gw_str value, struct claim *claim)
{
    *claim = (struct claim){0};
    if (starts_with_scheme(value, GW_STR("Bearer"), &claim->secret)) {
        claim->kind = TOKEN_BEARER;
        return true;
    }
    struct gw_str coded;
    if (starts_with_scheme(value, GW_STR("Basic"), &coded)) {
        claim->kind = TOKEN_BASIC;
        return read_basic(arena, coded, claim);
    }
    claim->kind = TOKEN_RAW;
    claim->secret = value;
    return true;
}

const struct token *token_set_find(const struct token_set *set, struct gw_str authorization, int64_t now_ms)
{
    authorization = gw_str_trim(authorization);
    if (authorization.len == 0 || authorization.len > AUTHORIZATION_BYTES_MAX)
        return NULL;
    GW_ARENA_SCOPED(arena);
    struct claim claim;
    if (!read_claim(&arena, authorization, &claim))
        return NULL;
    struct gw_sha256 digest = gw_sha256(claim.secret);
    if (claim.kind == TOKEN_BASIC && claim.secret.len > 0)
        gw_secret_wipe((char *)(uintptr_t)claim.secret.ptr, claim.secret.len); /* our decoded copy */
    const struct token *found = NULL;
    for (size_t i = 0; i < set->count; i++) { /* all of them, so that time says nothing about which one */
        const struct token *token = &set->tokens[i];
        bool equal = gw_secret_eq(token->digest.bytes, digest.bytes, sizeof digest.bytes);
        bool fits = token->kind == claim.kind && (token->expires_ms == 0 || now_ms < token->expires_ms) &&
                    (claim.kind != TOKEN_BASIC || gw_str_eq(token->name, claim.name));
        if (equal && fits)
            found = token;
    }
    return found;
}

const struct token *token_set_find_certificate(const struct token_set *set, const char *fingerprint, int64_t now_ms)
{
    struct gw_sha256 digest;
    if (fingerprint == NULL || !gw_hex_decode(gw_str_from(fingerprint), digest.bytes, sizeof digest.bytes))
        return NULL;
    const struct token *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct token *token = &set->tokens[i];
        bool equal = gw_secret_eq(token->digest.bytes, digest.bytes, sizeof digest.bytes);
        if (equal && token->kind == TOKEN_MTLS && (token->expires_ms == 0 || now_ms < token->expires_ms))
            found = token;
    }
    return found;
}
