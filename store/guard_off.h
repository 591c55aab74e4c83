/* guard_off: break-glass. Who let the guard rest for which app, until when and why: a small file beside the store's
 * data, not a record in it, so that it can be written and read while the store is full, read-only or damaged. Written
 * whole (a new file takes the old one's place), mode 0600, synced. Whatever is not a file as it is written here is
 * refused, and then the guard rests for nobody. Any thread; not on an event loop: it reads a disk. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_GUARD_OFF_MAX 65u /* entries: one for each app, and one for all */
#define STORE_GUARD_OFF_BYTES_MAX (64u * 1024u)
#define STORE_GUARD_OFF_TEXT_BYTES_MAX 512u /* of actor and reason */
#define STORE_GUARD_OFF_LONGEST_MS (24 * 3600 * 1000ll)

struct store_guard_off {
    int64_t since_ms;  /* wall clock */
    int64_t until_ms;  /* at most STORE_GUARD_OFF_LONGEST_MS later */
    struct gw_str app; /* empty: all */
    struct gw_str actor;
    struct gw_str reason;
};

struct store_guard_offs {
    struct store_guard_off list[STORE_GUARD_OFF_MAX];
    size_t count;
};

/* Entries in `arena`, over or not. No file: none. GW_E_STORE_DAMAGED: the file is not to be believed. */
GW_MUST_CHECK enum gw_code store_guard_offs_read(const char *store_path, struct gw_arena *arena,
                                                 struct store_guard_offs *ret_offs, struct gw_error *err);
/* None: the file goes. Texts hold no control characters. */
GW_MUST_CHECK enum gw_code store_guard_offs_write(const char *store_path, const struct store_guard_offs *offs,
                                                  struct gw_error *err);

/* The entry that lets the guard rest for that app at that time, the one that lasts longest; NULL: none does. */
const struct store_guard_off *store_guard_off_find(const struct store_guard_offs *offs, struct gw_str app,
                                                   int64_t now_ms);
