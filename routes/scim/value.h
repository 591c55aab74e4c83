/* value: reads one attribute's value from a client: checks its type, spells names as the schema does, drops what is
 * read-only or unknown. Pure; any thread. */
#pragma once

#include "gateway/base/result.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"

#define SCIM_IGNORED_MAX 16       /* names that are kept for the log */
#define SCIM_IGNORED_BYTES_MAX 64 /* of such a name */

/* Names of unknown attributes that were dropped. */
struct scim_ignored {
    struct gw_str names[SCIM_IGNORED_MAX];
    size_t count; /* of names kept */
    size_t total;
};

enum scim_reading {
    SCIM_READ_STRICT, /* POST, PUT */
    SCIM_READ_LENIENT /* values in PATCH: "True" for a boolean, one value where a list belongs, a bare id
                         (scim-clients.md 6.1) */
};

struct scim_reader {
    struct gw_arena *arena;
    enum scim_reading reading;
    struct scim_ignored *ignored; /* NULL: do not collect */
};

/* `*ret_value` is NULL when the value means "unassigned": null, [], {} and, for strings that are not required, "" (RFC
 * 7643 section 2.5). GW_E_INVALID_VALUE names the attribute. The result shares no node with `value` but may share text.
 */
GW_MUST_CHECK enum gw_code scim_value_read(const struct scim_reader *reader, const struct scim_attribute *attribute,
                                           const struct json_value *value, struct json_value **ret_value,
                                           struct gw_error *err);

/* The same for one element of a multi-valued attribute. */
GW_MUST_CHECK enum gw_code scim_value_read_element(const struct scim_reader *reader,
                                                   const struct scim_attribute *attribute,
                                                   const struct json_value *value, struct json_value **ret_value,
                                                   struct gw_error *err);

/* Does the element say nothing but its type and primary, although the attribute is about a "value"? */
bool scim_value_is_hollow(const struct scim_attribute *attribute, const struct json_value *element);

/* How many elements have primary true. */
size_t scim_values_count_primary(const struct json_value *array);

/* Merges each element from position `first_new` on into an earlier one with the same (type, value), in place (rule R7).
 */
void scim_values_dedupe(struct gw_arena *arena, const struct scim_attribute *attribute, struct json_value *array,
                        size_t first_new);

/* Collects a copy of `name` for the log. `ignored` may be NULL. */
void scim_ignored_add(struct gw_arena *arena, struct scim_ignored *ignored, struct gw_str name);
