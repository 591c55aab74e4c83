/* token_use: when each credential was used last, to the hour, so that an operator dares to revoke the old one. Kept in
 * memory, and in a small file beside the store that is written once in TOKEN_USE_SAVE_MS at most: never per request. It
 * is a hint: what a crash takes away is gone, and a file that cannot be written or read is no error. One thread at a
 * time. */
#pragma once

#include "gateway/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_USE_FILE "token-use" /* in the folder of the store */
#define TOKEN_USE_SAVE_MS 60000
#define TOKEN_USE_HOUR_MS 3600000
#define TOKEN_USES_MAX 4096u
#define TOKEN_USE_BYTES_MAX (1024u * 1024u)

struct token_use;

/* Reads what is there. */
struct token_use *token_use_new(const char *store_path);
void token_use_free(struct token_use *use); /* writes what is new; NULL is harmless */

void token_use_note(struct token_use *use, struct gw_str app, struct gw_str name, int64_t wall_ms);

/* Writes the file when something is new and the last time was long enough ago. */
void token_use_save(struct token_use *use, int64_t mono_ms);

/* The beginning of the hour; 0: not known. */
int64_t token_use_find(const struct token_use *use, struct gw_str app, struct gw_str name);
