/* activity_entry: one entry of the activity record as a line for people or as JSON, and which entries are wanted. */
#pragma once

#include "gateway/command/folder.h"

/* "create", "end-sessions", ...; NULL for a number that this program does not know. */
const char *activity_kind_name(enum store_activity_kind kind);
/* False when there is no kind of that name; `*ret_close` is then the one that was probably meant, or NULL. */
bool activity_kind_find(const char *name, enum store_activity_kind *ret_kind, const char **ret_close);

struct activity_filter {
    const char *app;               /* NULL: all */
    uint32_t app_folder;           /* its folder: what operators did there names no app */
    struct gw_str user;            /* folded; empty: all */
    enum store_activity_kind kind; /* 0: all */
    int64_t since_ms;              /* 0: all */
};
bool activity_is_wanted(const struct activity_filter *filter, const struct store_activity *entry);

/* As an object in `arena`, texts borrowed from the entry. In the reader's snapshot. */
struct json_value *activity_json(struct gw_arena *arena, struct store *store, struct store_reader *reader,
                                 const struct store_activity *entry);

/* Appends one line. In the reader's snapshot, which names the folder. */
void activity_write(struct gw_buf *buf, struct store *store, struct store_reader *reader,
                    const struct store_activity *entry, bool as_json);
