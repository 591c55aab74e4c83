/* tokens: the credentials files of the PROV faces and of the admin face. One credential a line: name, kind, SHA-256 of
 * the secret in hex, created, and optionally an expiry and a scope; the secret itself (256 random bits) is printed once
 * by `token new` and never kept (law 9). Written by replacing the file (mode 0600). A set is immutable once loaded: any
 * thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/digest.h"
#include "gateway/base/result.h"

#define TOKENS_MAX 256u
#define TOKEN_NAME_BYTES_MAX 64u
#define TOKENS_FILE_BYTES_MAX (256u * 1024u)

/* Each answers only to its own form of `Authorization:` (semantics.md 5): "Bearer SECRET", the bare "SECRET", or Basic
 * with the token's name as user name and the secret as password. MTLS has no secret: its digest is the SHA-256
 * fingerprint of a client certificate, and it answers where there is no Authorization at all. */
enum token_kind { TOKEN_BEARER, TOKEN_RAW, TOKEN_BASIC, TOKEN_MTLS };

/* What it is for. PUSH: an app that is the source of profiles may read, and create and update users. */
enum token_scope { TOKEN_SCOPE_PROVISION, TOKEN_SCOPE_READ, TOKEN_SCOPE_PUSH };

struct token {
    struct gw_str name;
    enum token_kind kind;
    struct gw_sha256 digest;
    int64_t created_ms;
    int64_t expires_ms; /* 0: never */
    enum token_scope scope;
};

struct token_set {
    struct token *tokens;
    size_t count;
    struct gw_arena arena;
};

/* Refuses a file that is missing, unreadable, world-readable, or has a line that is not a token; names the file and the
 * line, never the content. An empty file is a set of none. */
GW_MUST_CHECK enum gw_code token_set_load(const char *path, struct token_set **ret_set, struct gw_error *err);
void token_set_free(struct token_set *set);

/* The token that the value of an Authorization field stands for, or NULL. Every token is compared, in constant time. */
const struct token *token_set_find(const struct token_set *set, struct gw_str authorization, int64_t now_ms);

/* The TOKEN_MTLS of that certificate (fingerprint in hex; NULL: none). */
const struct token *token_set_find_certificate(const struct token_set *set, const char *fingerprint, int64_t now_ms);

/* Makes a credential and adds its line to the file (made with mode 0600 when absent). The name must be new in the file.
 */
GW_MUST_CHECK enum gw_code token_file_add(const char *path, struct gw_str name, enum token_kind kind,
                                          int64_t expires_ms, struct gw_arena *arena, struct gw_str *ret_secret,
                                          struct gw_error *err);
GW_MUST_CHECK enum gw_code token_file_add_scoped(const char *path, struct gw_str name, enum token_kind kind,
                                                 int64_t expires_ms, enum token_scope scope, struct gw_arena *arena,
                                                 struct gw_str *ret_secret, struct gw_error *err);
/* A TOKEN_MTLS for the first certificate of a PEM file. */
GW_MUST_CHECK enum gw_code token_file_add_certificate(const char *path, struct gw_str name, const char *certificate,
                                                      int64_t expires_ms, enum token_scope scope,
                                                      struct gw_arena *arena, struct gw_error *err);
GW_MUST_CHECK enum gw_code token_file_remove(const char *path, struct gw_str name, struct gw_error *err);

/* Makes an empty file (mode 0600) when there is none. */
GW_MUST_CHECK enum gw_code token_file_touch(const char *path, bool *ret_made, struct gw_error *err);

/* "bearer", "raw", "basic", "mtls". */
const char *token_kind_name(enum token_kind kind);
bool token_kind_parse(struct gw_str text, enum token_kind *ret_kind);

/* "provision", "read", "push". */
const char *token_scope_name(enum token_scope scope);
bool token_scope_parse(struct gw_str text, enum token_scope *ret_scope);

/* Letters, digits and . _ @ -, at most TOKEN_NAME_BYTES_MAX. */
bool token_name_is_valid(struct gw_str name);
