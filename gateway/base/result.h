/* result: how a function says that it failed.
 *
 * One result type for the whole program. A function that can fail returns `enum gw_code` (0 is success) and takes a
 * `struct gw_error *` as its last parameter, which it fills with a sentence for people: which attribute, which line,
 * what would be right. A function returns an error or logs it, never both.
 *
 * Every code carries its HTTP status and its SCIM error type (RFC 7644 section 3.12) in one table, so that log, HTTP
 * and SCIM never disagree. Any thread. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#define GW_MUST_CHECK __attribute__((warn_unused_result))
#define GW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*  code, HTTP status, scimType or NULL, default text */
#define GW_CODE_MAP(XX)                                                                                                \
    XX(GW_OK, 200, NULL, "success")                                                                                    \
    XX(GW_E_INVALID_SYNTAX, 400, "invalidSyntax", "the request body is not what SCIM allows")                          \
    XX(GW_E_INVALID_VALUE, 400, "invalidValue", "a value is missing or not allowed")                                   \
    XX(GW_E_INVALID_FILTER, 400, "invalidFilter", "the filter is not valid")                                           \
    XX(GW_E_INVALID_PATH, 400, "invalidPath", "the path is not valid")                                                 \
    XX(GW_E_INVALID_VERSION, 400, "invalidVers", "the SCIM version is not supported")                                  \
    XX(GW_E_NO_TARGET, 400, "noTarget", "the path names nothing")                                                      \
    XX(GW_E_MUTABILITY, 400, "mutability", "the attribute cannot be changed")                                          \
    XX(GW_E_TOO_MANY, 400, "tooMany", "the filter would have to read too many resources")                              \
    XX(GW_E_BAD_REQUEST, 400, NULL, "bad request")                                                                     \
    XX(GW_E_UNAUTHORIZED, 401, NULL, "credentials are missing or wrong")                                               \
    XX(GW_E_FORBIDDEN, 403, NULL, "not allowed")                                                                       \
    XX(GW_E_NOT_FOUND, 404, NULL, "not found")                                                                         \
    XX(GW_E_METHOD, 405, NULL, "the method is not allowed here")                                                       \
    XX(GW_E_TIMEOUT, 408, NULL, "the peer was too slow")                                                               \
    XX(GW_E_UNIQUENESS, 409, "uniqueness", "another resource has this value")                                          \
    XX(GW_E_CONFLICT, 409, NULL, "the resource is in a state that does not allow this")                                \
    XX(GW_E_PRECONDITION, 412, NULL, "the resource has another version")                                               \
    XX(GW_E_TOO_LARGE, 413, NULL, "the body is too large")                                                             \
    XX(GW_E_URI_TOO_LONG, 414, NULL, "the address is too long")                                                        \
    XX(GW_E_MEDIA_TYPE, 415, NULL, "the media type is not supported")                                                  \
    XX(GW_E_EXPECTATION, 417, NULL, "the expectation is not supported")                                                \
    XX(GW_E_MISDIRECTED, 421, NULL, "this host is not served here")                                                    \
    XX(GW_E_BUSY, 429, NULL, "too busy, come back later")                                                              \
    XX(GW_E_HELD, 429, NULL, "held by the brake until an operator decides")                                            \
    XX(GW_E_HEAD_TOO_LARGE, 431, NULL, "the request head is too large")                                                \
    XX(GW_E_STALE, 429, NULL, "the record kept changing, come back later")                                             \
    XX(GW_E_STORE_FULL, 429, NULL, "the store is full")                                                                \
    XX(GW_E_STORE_READ_ONLY, 429, NULL, "the store takes no writes")                                                   \
    XX(GW_E_STORE_IO, 429, NULL, "the disk of the store failed")                                                       \
    XX(GW_E_STORE_DAMAGED, 500, NULL, "the store is damaged")                                                          \
    XX(GW_E_STORE_LOCKED, 500, NULL, "the store is in use")                                                            \
    XX(GW_E_INTERNAL, 500, NULL, "internal error")                                                                     \
    XX(GW_E_NOT_IMPLEMENTED, 501, NULL, "not implemented")                                                             \
    XX(GW_E_UPSTREAM, 502, NULL, "the app did not answer properly")                                                    \
    XX(GW_E_OVERLOADED, 503, NULL, "too busy, come back later")                                                        \
    XX(GW_E_UPSTREAM_TIMEOUT, 504, NULL, "the app did not answer in time")                                             \
    XX(GW_E_HTTP_VERSION, 505, NULL, "the HTTP version is not supported")                                              \
    XX(GW_E_CONFIG, 500, NULL, "the configuration is not valid")                                                       \
    XX(GW_E_USAGE, 500, NULL, "the command line is not valid")

enum gw_code {
#define XX(code, status, scim_type, text) code,
    GW_CODE_MAP(XX)
#undef XX
        GW_CODE_COUNT
};

#define GW_ERROR_TEXT_MAX 512

struct gw_error {
    enum gw_code code;
    char text[GW_ERROR_TEXT_MAX]; /* a sentence for people, without secrets; cut at the end when too long */
};

/* Fills `err` (may be NULL) and returns `code`. */
enum gw_code gw_fail(struct gw_error *err, enum gw_code code, const char *fmt, ...) GW_PRINTF(3, 4);

/* Puts "prefix: " before the text that is already in `err`, and returns its code. */
enum gw_code gw_error_prefix(struct gw_error *err, const char *fmt, ...) GW_PRINTF(2, 3);

int gw_code_status(enum gw_code code);            /* HTTP status */
const char *gw_code_scim_type(enum gw_code code); /* RFC 7644 section 3.12, or NULL */
const char *gw_code_name(enum gw_code code);      /* "GW_E_..." for logs */
const char *gw_code_text(enum gw_code code);      /* default text */

/* Returns a failure of `expr` to the caller. */
#define GW_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        enum gw_code gw_try_code_ = (expr);                                                                            \
        if (gw_try_code_ != GW_OK)                                                                                     \
            return gw_try_code_;                                                                                       \
    } while (0)

/* For our own bugs only; stays on in release. Input from outside is checked, never asserted. */
#define GW_ASSERT(cond) ((cond) ? (void)0 : gw_assert_failed(#cond, __FILE__, __LINE__))
void gw_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));
