/* key_source: where the keys of issuers come from, kept fresh by one thread beside the loops. A source is a file, read
 * again when it changes, or an https address, asked every KEY_SOURCE_REFRESH_MS, and at most once in KEY_SOURCE_WANT_MS
 * when a token names a key that is not known. What cannot be read or is no set of keys leaves the last good set in use,
 * with a metric and a line in the log. Getting a set is cheap and for any thread. */
#pragma once

#include "gateway/jwt/jwks.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_SOURCES_MAX 256u
#define KEY_SOURCE_REFRESH_MS 3600000
#define KEY_SOURCE_AGAIN_MS 60000 /* after a failure */
#define KEY_SOURCE_WANT_MS 60000
#define KEY_SOURCE_FILE_MS 1000 /* a file is looked at this often */
#define KEY_SOURCE_TIMEOUT_MS 10000

struct key_pool;
struct key_source;

struct key_origin {
    const char *file; /* or */
    const char *url;
    const char *ca; /* of the address; NULL: the system's */
};

struct key_pool *key_pool_new(void);

/* The source of that origin, the same one for equal origins; lives as long as the pool. A file is read now, and
 * GW_E_CONFIG says what is wrong with it; an address is asked by the thread. Before key_pool_start. */
GW_MUST_CHECK enum gw_code key_pool_add(struct key_pool *pool, const struct key_origin *origin,
                                        struct key_source **ret_source, struct gw_error *err);

/* Starts the thread, when there is anything to do. */
void key_pool_start(struct key_pool *pool);

/* Ends the thread (a transfer under way is given up) and frees all sources. NULL is harmless. */
void key_pool_free(struct key_pool *pool);

/* A reference to the set as it is now, for jwks_unref; NULL: none could be had yet. */
struct jwks *key_source_get(struct key_source *source);

/* A token named a key that is not in the set: asks the address soon. False: it was asked so lately that the key is
 * not one of the issuer's, or the source is a file. */
bool key_source_want(struct key_source *source);

/* Is there an answer to be waited for? */
bool key_source_is_asking(struct key_source *source);
