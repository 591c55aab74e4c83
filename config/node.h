/* node: a YAML document as a tree that remembers where each thing stands. The only door to libyaml. Takes the part of
 * YAML that a configuration needs: one document of mappings, lists and text. Anchors, aliases, tags, directives, keys
 * that are not text, and a key given twice are refused. A tree is immutable once read: any thread. */
#pragma once

#include "gateway/base/arena.h"
#include "gateway/base/result.h"

#include <stdbool.h>

/* Caps (law 10). */
#define CONFIG_NODES_MAX 32768u
#define CONFIG_DEPTH_MAX 16u
#define CONFIG_KEYS_MAX 256u /* of one mapping */
#define CONFIG_TEXT_BYTES_MAX 4096u

enum config_node_kind { CONFIG_NODE_TEXT, CONFIG_NODE_LIST, CONFIG_NODE_MAPPING };

struct config_node {
    enum config_node_kind kind;
    int line; /* of the value, from 1 */
    int column;
    struct gw_str text; /* CONFIG_NODE_TEXT; ends in NUL */
    bool is_plain;      /* text without quotes */
    struct gw_str key;  /* in the mapping above; empty in a list */
    int key_line;
    int key_column;
    size_t index; /* in the list or mapping above */
    struct config_node *parent;
    struct config_node *first;
    struct config_node *last;
    struct config_node *next;
    size_t count;
};

/* Reads `text`; the tree lives in `arena` and borrows nothing. The error's text is "FILE:LINE:COLUMN: KEY: reason". */
GW_MUST_CHECK enum gw_code config_node_parse(struct gw_arena *arena, const char *file, struct gw_str text,
                                             struct config_node **ret_root, struct gw_error *err);

/* The value of a key, or NULL (also when `node` is NULL or no mapping). */
const struct config_node *config_node_get(const struct config_node *node, const char *key);
/* Item of a list, or NULL. */
const struct config_node *config_node_item(const struct config_node *node, size_t index);
/* What "apps[0].sso.hosts[1]" names, or NULL. */
const struct config_node *config_node_find(const struct config_node *root, const char *path);

/* "apps[0].sso.hosts[1]"; "(top)" for the root. */
struct gw_str config_node_path(struct gw_arena *arena, const struct config_node *node);

/* No value was written: "key:", "key: ~" or "key: null". */
bool config_node_is_none(const struct config_node *node);
