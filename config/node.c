#include "config/node.h"

#include "gateway/base/buf.h"

#include <yaml.h>

#define PATH_BYTES_MAX 512u

struct builder {
    yaml_parser_t parser;
    struct gw_arena *arena;
    const char *file;
    struct gw_error *err;
    struct config_node *root;
    struct config_node *open; /* the list or mapping that is being filled */
    size_t depth;
    size_t nodes;
    struct gw_str key; /* read, its value not yet */
    yaml_mark_t key_mark;
    bool has_key;
    bool ended;
};

static int position(size_t at)
{
    return at < INT32_MAX ? (int)at + 1 : INT32_MAX;
}

static void add_path(struct gw_buf *buf, const struct config_node *node)
{
    if (node->parent == NULL)
        return;
    add_path(buf, node->parent);
    if (node->parent->kind == CONFIG_NODE_LIST)
        gw_buf_printf(buf, "[%zu]", node->index);
    else
        gw_buf_printf(buf, "%s%.*s", buf->len > 0 ? "." : "", GW_STR_ARG(node->key));
}

struct gw_str config_node_path(struct gw_arena *arena, const struct config_node *node)
{
    GW_BUF_SCOPED(buf, PATH_BYTES_MAX);
    if (node != NULL)
        add_path(&buf, node);
    return buf.len > 0 ? gw_arena_copy(arena, gw_buf_str(&buf)) : GW_STR("(top)");
}

static enum gw_code GW_PRINTF(3, 4) refuse(struct builder *b, yaml_mark_t mark, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct gw_str reason = gw_arena_vprintf(b->arena, fmt, args);
    va_end(args);
    struct gw_str path = config_node_path(b->arena, b->open);
    const char *dot = b->open != NULL && b->open->parent != NULL ? "." : "";
    if (b->has_key && b->open != NULL && b->open->kind == CONFIG_NODE_MAPPING)
        path = gw_arena_printf(b->arena, "%.*s%s%.*s", b->open->parent != NULL ? (int)path.len : 0, path.ptr, dot,
                               GW_STR_ARG(b->key));
    return gw_fail(b->err, GW_E_CONFIG, "%s:%d:%d: %.*s: %.*s", b->file, position(mark.line), position(mark.column),
                   GW_STR_ARG(path), GW_STR_ARG(reason));
}

static enum gw_code refuse_syntax(struct builder *b)
{
    const char *problem = b->parser.problem != NULL ? b->parser.problem : "unreadable";
    yaml_mark_t mark = b->parser.problem_mark;
    if (b->parser.error == YAML_READER_ERROR)
        mark = b->parser.mark;
    return gw_fail(b->err, GW_E_CONFIG, "%s:%d:%d: yaml: not valid YAML: %s%s%s", b->file, position(mark.line),
                   position(mark.column), b->parser.context != NULL ? b->parser.context : "",
                   b->parser.context != NULL ? ", " : "", problem);
}

static enum gw_code check_key_is_new(struct builder *b)
{
    for (const struct config_node *child = b->open->first; child != NULL; child = child->next) {
        if (gw_str_eq(child->key, b->key))
            return refuse(b, b->key_mark, "given twice; the first is in line %d", child->key_line);
    }
    return GW_OK;
}

static void append(struct config_node *parent, struct config_node *node)
{
    node->parent = parent;
    node->index = parent->count++;
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

static enum gw_code add_node(struct builder *b, enum config_node_kind kind, yaml_mark_t mark,
                             struct config_node **ret_node)
{
    if (++b->nodes > CONFIG_NODES_MAX)
        return refuse(b, mark, "too many values in one file (at most %u)", CONFIG_NODES_MAX);
    struct config_node *node = gw_arena_alloc(b->arena, sizeof *node);
    node->kind = kind;
    node->line = position(mark.line);
    node->column = position(mark.column);
    if (b->open == NULL) {
        b->root = node;
    } else if (b->open->kind == CONFIG_NODE_MAPPING) {
        if (b->open->count >= CONFIG_KEYS_MAX)
            return refuse(b, b->key_mark, "too many keys in one mapping (at most %u)", CONFIG_KEYS_MAX);
        GW_TRY(check_key_is_new(b));
        node->key = b->key;
        node->key_line = position(b->key_mark.line);
        node->key_column = position(b->key_mark.column);
    }
    if (b->open != NULL)
        append(b->open, node);
    b->has_key = false;
    *ret_node = node;
    return GW_OK;
}

static bool expects_key(const struct builder *b)
{
    return b->open != NULL && b->open->kind == CONFIG_NODE_MAPPING && !b->has_key;
}

static enum gw_code on_text(struct builder *b, const yaml_event_t *event)
{
    struct gw_str text = gw_str_n((const char *)event->data.scalar.value, event->data.scalar.length);
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return refuse(b, event->start_mark, "anchors and tags are not used here; write the value out");
    if (text.len > CONFIG_TEXT_BYTES_MAX)
        return refuse(b, event->start_mark, "longer than %u bytes", CONFIG_TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return refuse(b, event->start_mark, "has a control character or more than one line");
    }
    if (expects_key(b)) {
        b->key = gw_arena_copy(b->arena, text);
        b->key_mark = event->start_mark;
        b->has_key = true;
        return GW_OK;
    }
    struct config_node *node = NULL;
    GW_TRY(add_node(b, CONFIG_NODE_TEXT, event->start_mark, &node));
    GW_ASSERT(node != NULL);
    node->text = gw_arena_copy(b->arena, text);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return GW_OK;
}

static enum gw_code on_open(struct builder *b, enum config_node_kind kind, const yaml_char_t *anchor,
                            const yaml_char_t *tag, yaml_mark_t mark)
{
    if (anchor != NULL || tag != NULL)
        return refuse(b, mark, "anchors and tags are not used here; write the value out");
    if (expects_key(b))
        return refuse(b, mark, "a key must be text");
    if (++b->depth > CONFIG_DEPTH_MAX)
        return refuse(b, mark, "nested too deeply (at most %u levels)", CONFIG_DEPTH_MAX);
    struct config_node *node = NULL;
    GW_TRY(add_node(b, kind, mark, &node));
    b->open = node;
    return GW_OK;
}

static void on_close(struct builder *b)
{
    b->open = b->open->parent;
    b->depth--;
}

static enum gw_code on_document(struct builder *b, const yaml_event_t *event)
{
    if (b->root != NULL)
        return refuse(b, event->start_mark, "a second document; one file holds one");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
        return refuse(b, event->start_mark, "directives are not used here");
    return GW_OK;
}

static enum gw_code on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_text(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, CONFIG_NODE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                       event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, CONFIG_NODE_MAPPING, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                       event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(b);
        return GW_OK;
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, event);
    case YAML_ALIAS_EVENT:
        return refuse(b, event->start_mark, "aliases are not used here; write the value out");
    case YAML_STREAM_END_EVENT:
        b->ended = true;
        return GW_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return GW_OK;
    }
    return GW_OK;
}

enum gw_code config_node_parse(struct gw_arena *arena, const char *file, struct gw_str text,
                               struct config_node **ret_root, struct gw_error *err)
{
    struct builder b = {.arena = arena, .file = file, .err = err};
    if (yaml_parser_initialize(&b.parser) == 0)
        return gw_fail(err, GW_E_INTERNAL, "%s:1:1: yaml: out of memory", file);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.ptr != NULL ? text.ptr : ""), text.len);
    enum gw_code code = GW_OK;
    while (code == GW_OK && !b.ended) {
        yaml_event_t event;
        if (yaml_parser_parse(&b.parser, &event) == 0) {
            code = refuse_syntax(&b);
            break;
        }
        code = on_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&b.parser);
    if (code == GW_OK && b.root == NULL)
        code = gw_fail(err, GW_E_CONFIG, "%s:1:1: (top): the file is empty", file);
    if (code == GW_OK)
        *ret_root = b.root;
    return code;
}

static const struct config_node *get(const struct config_node *node, struct gw_str key)
{
    if (node == NULL || node->kind != CONFIG_NODE_MAPPING)
        return NULL;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        if (gw_str_eq(child->key, key))
            return child;
    }
    return NULL;
}

const struct config_node *config_node_get(const struct config_node *node, const char *key)
{
    return get(node, gw_str_from(key));
}

const struct config_node *config_node_item(const struct config_node *node, size_t index)
{
    if (node == NULL || node->kind != CONFIG_NODE_LIST)
        return NULL;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        if (child->index == index)
            return child;
    }
    return NULL;
}

const struct config_node *config_node_find(const struct config_node *root, const char *path)
{
    struct gw_str rest = gw_str_from(path);
    const struct config_node *node = root;
    while (rest.len > 0 && node != NULL) {
        struct gw_str step = gw_str_split(&rest, '.');
        struct gw_str key = gw_str_split(&step, '[');
        node = get(node, key);
        if (step.len == 0)
            continue;
        uint64_t index;
        if (!gw_str_to_u64(gw_str_n(step.ptr, step.len - 1), CONFIG_NODES_MAX, &index))
            return NULL;
        node = config_node_item(node, (size_t)index);
    }
    return node;
}

bool config_node_is_none(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_TEXT && node->is_plain &&
           (node->text.len == 0 || gw_str_eq(node->text, GW_STR("~")) || gw_str_eq_nocase(node->text, GW_STR("null")));
}
