/* reader: fills a struct from a mapping by a table of keys. Every key of the configuration is a row of a table
 * (keys.h); nothing else reads the tree's mappings, so what is documented, suggested and accepted is one list. One
 * thread at a time. */
#pragma once

#include "config/node.h"
#include "config/value.h"

enum config_type {
    CONFIG_TEXT,      /* const char * */
    CONFIG_FILE,      /* const char *, taken from the configuration's folder when relative */
    CONFIG_SWITCH,    /* bool: on, off, true, false; or the words given */
    CONFIG_COUNT,     /* uint32_t, min to max; or one of the words given */
    CONFIG_SIZE,      /* uint64_t bytes, min to max */
    CONFIG_DURATION,  /* int64_t milliseconds, min to max */
    CONFIG_PERCENT,   /* uint32_t */
    CONFIG_CHOICE,    /* an enum, by its words */
    CONFIG_URL,       /* struct config_url */
    CONFIG_TEXT_LIST, /* const char ** and size_t, min to max items */
    CONFIG_FILE_LIST,
    CONFIG_CIDR_LIST, /* struct config_cidr * and size_t */
    CONFIG_MAPPING,   /* fields of `mapping`, in a struct at the offset */
    CONFIG_LIST,      /* an array of structs read by `mapping`, and size_t */
    CONFIG_CUSTOM     /* `read` does it */
};

struct config_word {
    const char *name; /* NULL ends the list */
    unsigned value;
};

struct config_reader {
    const char *file;
    struct gw_str folder; /* of the file; relative names start here */
    struct gw_arena *arena;
    struct gw_error *err;
};

struct config_mapping;

/* `node` is NULL when the key is absent: the function then sets defaults. */
typedef enum gw_code (*config_read_fn)(struct config_reader *reader, const struct config_node *node, void *target);

struct config_field {
    const char *key;
    enum config_type type;
    size_t offset;
    size_t count_offset; /* of the size_t of a list */
    bool required;
    const char *why;      /* of a required key, for people */
    const char *fallback; /* what an absent key means, as it would be written; NULL: none */
    uint64_t min;
    uint64_t max;
    const struct config_word *words;
    config_text_fn text; /* NULL: config_text_any */
    const struct config_mapping *mapping;
    config_read_fn read;
};

struct config_mapping {
    const char *name; /* heading in the documentation */
    const struct config_field *fields;
    size_t field_count;
    size_t size;           /* of the struct, for CONFIG_LIST */
    config_read_fn finish; /* checks over several keys; called after the fields when the mapping was written, or NULL */
};

#define CONFIG_FIELDS(table) .fields = (table), .field_count = sizeof(table) / sizeof(*(table))

/* Reads a mapping into `target` (zeroed before). With `node` NULL all fields get their fallbacks. */
GW_MUST_CHECK enum gw_code config_mapping_read(struct config_reader *reader, const struct config_mapping *mapping,
                                               const struct config_node *node, void *target);

/* Checks that `node` is a list of `min` to `max` items and allocates as many structs of `size`. */
GW_MUST_CHECK enum gw_code config_list_alloc(struct config_reader *reader, const struct config_node *node, size_t min,
                                             size_t max, size_t size, void **ret_items);

/* One text through a shape; refuses lists, mappings and no value. */
GW_MUST_CHECK enum gw_code config_text_read(struct config_reader *reader, const struct config_node *node,
                                            config_text_fn text, const char **ret_text);
GW_MUST_CHECK enum gw_code config_word_read(struct config_reader *reader, const struct config_node *node,
                                            const struct config_word *words, unsigned *ret_value);

/* "FILE:LINE:COLUMN: KEY: reason" at the value, or at the key. */
enum gw_code config_refuse(struct config_reader *reader, const struct config_node *node, const char *fmt, ...)
    GW_PRINTF(3, 4);
enum gw_code config_refuse_key(struct config_reader *reader, const struct config_node *node, const char *fmt, ...)
    GW_PRINTF(3, 4);
