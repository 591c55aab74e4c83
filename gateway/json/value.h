/* value: a JSON document as a tree in an arena. Numbers keep the text they came with, objects keep the order of their
 * members. Nodes and names borrow: whatever a node points to must live as long as its arena. Depth is capped where
 * trees come from outside (parse.h), so walking one recursively is safe. One thread at a time. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/str.h"

#include <stdint.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value;

struct json_member {
    struct gw_str name;
    struct json_value *value; /* never NULL */
};

struct json_value {
    enum json_type type;
    union {
        bool boolean;
        struct gw_str text; /* JSON_NUMBER: as written; JSON_STRING: decoded UTF-8 */
        struct {
            struct json_value **items;
            uint32_t count;
            uint32_t capacity;
        } array;
        struct {
            struct json_member *members;
            uint32_t count;
            uint32_t capacity;
        } object;
    };
};

struct json_value *json_null_new(struct gw_arena *arena);
struct json_value *json_bool_new(struct gw_arena *arena, bool boolean);
struct json_value *json_string_new(struct gw_arena *arena, struct gw_str text); /* borrows `text` */
struct json_value *json_number_new(struct gw_arena *arena, struct gw_str text); /* borrows; must be a JSON number */
struct json_value *json_integer_new(struct gw_arena *arena, int64_t number);
struct json_value *json_array_new(struct gw_arena *arena);
struct json_value *json_object_new(struct gw_arena *arena);

static inline bool json_is(const struct json_value *value, enum json_type type)
{
    return value != NULL && value->type == type;
}

/* Items of an array, members of an object; 0 for everything else and for NULL. */
size_t json_count(const struct json_value *value);

/* No fraction and no exponent (RFC 7643 section 2.3.4), and in the range of int64_t. */
bool json_number_is_integer(const struct json_value *value, int64_t *ret_number);
double json_number_to_double(const struct json_value *value);

void json_array_append(struct gw_arena *arena, struct json_value *array, struct json_value *item);
void json_array_remove(struct json_value *array, size_t at);

/* The member's value, or NULL when there is none or `object` is NULL or no object. */
struct json_value *json_object_get(const struct json_value *object, struct gw_str name);
struct json_value *json_object_get_nocase(const struct json_value *object, struct gw_str name); /* ASCII case */

/* Replaces the value in place, or appends the member. Borrows `name`. */
void json_object_set(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct json_value *value);
/* Appends without looking for a member of that name: for objects that are built in order. */
void json_object_append(struct gw_arena *arena, struct json_value *object, struct gw_str name,
                        struct json_value *value);
bool json_object_remove(struct json_value *object, struct gw_str name); /* was it there? */

/* A deep copy that shares nothing with the original. */
struct json_value *json_copy(struct gw_arena *arena, const struct json_value *value);

/* Equal in depth: order of members does not count, order of items does, numbers by their text. NULL equals NULL only.
 */
bool json_equal(const struct json_value *a, const struct json_value *b);
