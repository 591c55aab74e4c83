/* columns: which column of a CSV file of users is which SCIM attribute; for import and export. */
#pragma once

#include "gateway/json/value.h"

struct user_column {
    const char *name;   /* in the first line of the file, ASCII case aside */
    const char *parent; /* NULL: top; "name", the URN of an extension, or "provgate": of the record, not SCIM's */
    const char *member; /* NULL: of an export, and ignored by an import */
    bool is_exported;
};

extern const struct user_column user_columns[];
extern const size_t user_column_count;

/* NULL when there is none; `*ret_close` is then the one that was probably meant, or NULL. */
const struct user_column *user_column_find(struct gw_str name, const char **ret_close);

/* Puts a cell into the body of a SCIM user; an empty one says nothing. False: not a value of that column ("active"
 * and "locked" are true or false). */
bool user_column_set(struct gw_arena *arena, struct json_value *body, const struct user_column *column,
                     struct gw_str cell);
/* The cell of a resource; empty when it has none. For columns with a member. */
struct gw_str user_column_get(const struct json_value *resource, const struct user_column *column);
