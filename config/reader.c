#include "config/reader.h"

#include "config/suggest.h"

static const struct config_word switch_words[] = {{"on", 1}, {"off", 0}, {"true", 1}, {"false", 0}, {NULL, 0}};

/* Names of earlier drafts and of other products, each too far from ours for the edit distance. */
static const struct {
    const char *old;
    const char *now;
} old_names[] = {
    {"unlinked", "unbound"},
    {"cookies", "session_cookies"},
    {"backend", "upstream"},
    {"public_url", "external_url"},
    {"anonymize", "anonymise"},
    {"yes", "on"},
    {"no", "off"},
    {"crt", "certificate"},
    {"issuer", "idp_entity"},
    {"domains", "hosts"},
    {"domain", "hosts"},
    {"threads", "workers"},
    {"retention", "retain"},
    {"remove", "delete"},
    {"nothing", "keep"},
    {"bind", "listen"},
    {"log", "report"},
    {"deny", "refuse"},
    {"block", "refuse"},
    {"allow", "pass"},
    {"idp_cert", "idp_certificates"},
};

static enum gw_code __attribute__((format(printf, 4, 0)))
refuse_at(struct config_reader *reader, const struct config_node *node, bool at_key, const char *fmt, va_list args)
{
    struct gw_str reason = gw_arena_vprintf(reader->arena, fmt, args);
    struct gw_str path = config_node_path(reader->arena, node);
    at_key = at_key && node->key_line > 0;
    return gw_fail(reader->err, GW_E_CONFIG, "%s:%d:%d: %.*s: %.*s", reader->file, at_key ? node->key_line : node->line,
                   at_key ? node->key_column : node->column, GW_STR_ARG(path), GW_STR_ARG(reason));
}

enum gw_code config_refuse(struct config_reader *reader, const struct config_node *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum gw_code code = refuse_at(reader, node, false, fmt, args);
    va_end(args);
    return code;
}

enum gw_code config_refuse_key(struct config_reader *reader, const struct config_node *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum gw_code code = refuse_at(reader, node, true, fmt, args);
    va_end(args);
    return code;
}

static const char *kind_text(const struct config_node *node)
{
    if (config_node_is_none(node))
        return "no value";
    static const char *const names[] = {
        [CONFIG_NODE_TEXT] = "text", [CONFIG_NODE_LIST] = "a list", [CONFIG_NODE_MAPPING] = "a mapping"};
    return names[node->kind];
}

static enum gw_code want(struct config_reader *reader, const struct config_node *node, enum config_node_kind kind,
                         const char *what)
{
    if (node->kind == kind && !config_node_is_none(node))
        return GW_OK;
    if (config_node_is_none(node))
        return config_refuse_key(reader, node, "has no value; give it one or leave the key out");
    return config_refuse(reader, node, "must be %s, but is %s", what, kind_text(node));
}

/* ", did you mean X?" among the words, or the words themselves when they are few. */
static const char *hint(struct config_reader *reader, struct gw_str word, const char *const *words, size_t count)
{
    const char *close = NULL;
    for (size_t i = 0; i < sizeof old_names / sizeof *old_names && close == NULL; i++) {
        if (!gw_str_eq_nocase(word, gw_str_from(old_names[i].old)))
            continue;
        for (size_t j = 0; j < count; j++) {
            if (strcmp(words[j], old_names[i].now) == 0)
                close = words[j];
        }
    }
    if (close == NULL)
        close = config_suggest(word, words, count);
    if (close != NULL)
        return gw_arena_printf(reader->arena, "; did you mean %s?", close).ptr;
    struct gw_str list = GW_STR("; known are");
    for (size_t i = 0; i < count; i++)
        list = gw_arena_printf(reader->arena, "%.*s%s %s", GW_STR_ARG(list), i > 0 ? "," : "", words[i]);
    return list.ptr;
}

#define WORDS_MAX 64u

enum gw_code config_word_read(struct config_reader *reader, const struct config_node *node,
                              const struct config_word *words, unsigned *ret_value)
{
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "one word"));
    const char *names[WORDS_MAX];
    size_t count = 0;
    for (const struct config_word *word = words; word->name != NULL && count < WORDS_MAX; word++) {
        if (gw_str_eq(node->text, gw_str_from(word->name))) {
            *ret_value = word->value;
            return GW_OK;
        }
        names[count++] = word->name;
    }
    return config_refuse(reader, node, "\"%.*s\" is not known here%s", GW_STR_ARG(node->text),
                         hint(reader, node->text, names, count));
}

enum gw_code config_text_read(struct config_reader *reader, const struct config_node *node, config_text_fn text,
                              const char **ret_text)
{
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "text"));
    const char *reason = (text != NULL ? text : config_text_any)(reader->arena, node->text, ret_text);
    return reason != NULL ? config_refuse(reader, node, "%s", reason) : GW_OK;
}

static enum gw_code read_text(struct config_reader *reader, const struct config_field *field,
                              const struct config_node *node, void *dst)
{
    return config_text_read(reader, node, field->text, dst);
}

static enum gw_code read_file(struct config_reader *reader, const struct config_field *field,
                              const struct config_node *node, void *dst)
{
    const char *name = NULL;
    GW_TRY(config_text_read(reader, node, field->text, &name));
    if (name[0] != '/' && reader->folder.len > 0)
        name = gw_arena_printf(reader->arena, "%.*s/%s", GW_STR_ARG(reader->folder), name).ptr;
    memcpy(dst, &name, sizeof name);
    return GW_OK;
}

static enum gw_code read_switch(struct config_reader *reader, const struct config_field *field,
                                const struct config_node *node, void *dst)
{
    unsigned value = 0;
    GW_TRY(config_word_read(reader, node, field->words != NULL ? field->words : switch_words, &value));
    *(bool *)dst = value != 0;
    return GW_OK;
}

static enum gw_code read_choice(struct config_reader *reader, const struct config_field *field,
                                const struct config_node *node, void *dst)
{
    unsigned value = 0;
    GW_TRY(config_word_read(reader, node, field->words, &value));
    memcpy(dst, &value, sizeof value);
    return GW_OK;
}

static enum gw_code read_count(struct config_reader *reader, const struct config_field *field,
                               const struct config_node *node, void *dst)
{
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "a number"));
    uint64_t value = 0;
    uint32_t count = 0;
    bool is_number = gw_str_to_u64(node->text, UINT32_MAX, &value);
    if (is_number && value >= field->min && value <= field->max) {
        count = (uint32_t)value;
    } else if (!is_number && field->words != NULL && gw_str_eq(node->text, gw_str_from(field->words->name))) {
        count = field->words->value;
    } else {
        return config_refuse(reader, node, "\"%.*s\" is not a number from %llu to %llu%s%s", GW_STR_ARG(node->text),
                             (unsigned long long)field->min, (unsigned long long)field->max,
                             field->words != NULL ? " or " : "", field->words != NULL ? field->words->name : "");
    }
    memcpy(dst, &count, sizeof count);
    return GW_OK;
}

static enum gw_code read_size(struct config_reader *reader, const struct config_field *field,
                              const struct config_node *node, void *dst)
{
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "a size"));
    uint64_t bytes = 0;
    const char *reason = config_size_parse(reader->arena, node->text, &bytes);
    if (reason != NULL)
        return config_refuse(reader, node, "%s", reason);
    if (bytes < field->min || bytes > field->max)
        return config_refuse(reader, node, "must be from %lluMiB to %lluMiB", (unsigned long long)(field->min >> 20),
                             (unsigned long long)(field->max >> 20));
    memcpy(dst, &bytes, sizeof bytes);
    return GW_OK;
}

static enum gw_code read_duration(struct config_reader *reader, const struct config_field *field,
                                  const struct config_node *node, void *dst)
{
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "a time"));
    int64_t ms = 0;
    const char *reason = config_duration_parse(reader->arena, node->text, &ms);
    if (reason != NULL)
        return config_refuse(reader, node, "%s", reason);
    if ((uint64_t)ms < field->min || (uint64_t)ms > field->max)
        return config_refuse(reader, node, "must be from %s to %s",
                             config_duration_format(reader->arena, (int64_t)field->min).ptr,
                             config_duration_format(reader->arena, (int64_t)field->max).ptr);
    memcpy(dst, &ms, sizeof ms);
    return GW_OK;
}

static enum gw_code read_percent(struct config_reader *reader, const struct config_field *field,
                                 const struct config_node *node, void *dst)
{
    (void)field;
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "a share"));
    const char *reason = config_percent_parse(reader->arena, node->text, dst);
    return reason != NULL ? config_refuse(reader, node, "%s", reason) : GW_OK;
}

static enum gw_code read_url(struct config_reader *reader, const struct config_field *field,
                             const struct config_node *node, void *dst)
{
    (void)field;
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "a URL"));
    const char *reason = config_url_parse(reader->arena, node->text, dst);
    return reason != NULL ? config_refuse(reader, node, "%s", reason) : GW_OK;
}

static enum gw_code read_cidr(struct config_reader *reader, const struct config_field *field,
                              const struct config_node *node, void *dst)
{
    (void)field;
    GW_TRY(want(reader, node, CONFIG_NODE_TEXT, "an address range"));
    const char *reason = config_cidr_parse(reader->arena, node->text, dst);
    return reason != NULL ? config_refuse(reader, node, "%s", reason) : GW_OK;
}

static enum gw_code read_mapping(struct config_reader *reader, const struct config_field *field,
                                 const struct config_node *node, void *dst)
{
    return config_mapping_read(reader, field->mapping, node, dst);
}

enum gw_code config_list_alloc(struct config_reader *reader, const struct config_node *node, size_t min, size_t max,
                               size_t size, void **ret_items)
{
    if (node->kind == CONFIG_NODE_TEXT && !config_node_is_none(node))
        return config_refuse(reader, node, "must be a list, but is text; did you mean [%.*s]?", GW_STR_ARG(node->text));
    GW_TRY(want(reader, node, CONFIG_NODE_LIST, "a list"));
    if (node->count < min)
        return config_refuse(reader, node, "needs at least %zu %s", min, min == 1 ? "entry" : "entries");
    if (node->count > max)
        return config_refuse(reader, node, "has %zu entries; at most %zu are read", node->count, max);
    *ret_items = gw_arena_array(reader->arena, node->count, size);
    return GW_OK;
}

typedef enum gw_code (*field_fn)(struct config_reader *reader, const struct config_field *field,
                                 const struct config_node *node, void *dst);

struct list_kind {
    field_fn read_item;
    size_t size;
    bool is_unique;
};

/* A list that holds the same text twice was not meant so. */
static enum gw_code check_unique(struct config_reader *reader, const struct config_node *list)
{
    for (const struct config_node *a = list->first; a != NULL; a = a->next) {
        for (const struct config_node *b = a->next; b != NULL; b = b->next) {
            if (gw_str_eq_nocase(a->text, b->text))
                return config_refuse(reader, b, "\"%.*s\" stands in the list twice", GW_STR_ARG(b->text));
        }
    }
    return GW_OK;
}

static enum gw_code read_list(struct config_reader *reader, const struct config_field *field,
                              const struct config_node *node, char *target)
{
    static const struct list_kind kinds[] = {
        [CONFIG_TEXT_LIST] = {read_text, sizeof(const char *), true},
        [CONFIG_FILE_LIST] = {read_file, sizeof(const char *), true},
        [CONFIG_CIDR_LIST] = {read_cidr, sizeof(struct config_cidr), true},
        [CONFIG_LIST] = {read_mapping, 0, false},
    };
    const struct list_kind *kind = &kinds[field->type];
    GW_ASSERT(kind->read_item != NULL);
    size_t size = kind->size > 0 ? kind->size : field->mapping->size;
    void *items = NULL;
    GW_TRY(config_list_alloc(reader, node, field->min, field->max > 0 ? field->max : CONFIG_LIST_MAX, size, &items));
    for (const struct config_node *child = node->first; child != NULL; child = child->next)
        GW_TRY(kind->read_item(reader, field, child, (char *)items + child->index * size));
    memcpy(target + field->offset, &items, sizeof items);
    memcpy(target + field->count_offset, &node->count, sizeof node->count);
    return kind->is_unique ? check_unique(reader, node) : GW_OK;
}

static enum gw_code read_field(struct config_reader *reader, const struct config_field *field,
                               const struct config_node *node, char *target)
{
    static const field_fn readers[CONFIG_CUSTOM] = {
        [CONFIG_TEXT] = read_text,       [CONFIG_FILE] = read_file,     [CONFIG_SWITCH] = read_switch,
        [CONFIG_COUNT] = read_count,     [CONFIG_SIZE] = read_size,     [CONFIG_DURATION] = read_duration,
        [CONFIG_PERCENT] = read_percent, [CONFIG_CHOICE] = read_choice, [CONFIG_URL] = read_url,
        [CONFIG_MAPPING] = read_mapping,
    };
    if (field->type == CONFIG_CUSTOM)
        return field->read(reader, node, target + field->offset);
    if (readers[field->type] != NULL)
        return readers[field->type](reader, field, node, target + field->offset);
    return read_list(reader, field, node, target);
}

static enum gw_code read_absent(struct config_reader *reader, const struct config_field *field, char *target)
{
    if (field->type == CONFIG_CUSTOM)
        return field->read(reader, NULL, target + field->offset);
    if (field->type == CONFIG_MAPPING)
        return config_mapping_read(reader, field->mapping, NULL, target + field->offset);
    if (field->fallback == NULL)
        return GW_OK;
    struct config_node node = {.kind = CONFIG_NODE_TEXT, .line = 1, .column = 1, .text = gw_str_from(field->fallback)};
    return read_field(reader, field, &node, target);
}

static enum gw_code check_keys(struct config_reader *reader, const struct config_mapping *mapping,
                               const struct config_node *node)
{
    const char *names[WORDS_MAX];
    for (size_t i = 0; i < mapping->field_count; i++)
        names[i] = mapping->fields[i].key;
    for (const struct config_node *child = node->first; child != NULL; child = child->next) {
        bool known = false;
        for (size_t i = 0; i < mapping->field_count && !known; i++)
            known = gw_str_eq(child->key, gw_str_from(names[i]));
        if (!known)
            return config_refuse_key(reader, child, "unknown key%s",
                                     hint(reader, child->key, names, mapping->field_count));
    }
    return GW_OK;
}

static enum gw_code refuse_missing(struct config_reader *reader, const struct config_node *node,
                                   const struct config_field *field)
{
    struct config_node absent = {.key = gw_str_from(field->key), .line = node->line, .column = node->column};
    struct config_node parent = *node;
    absent.parent = &parent;
    return config_refuse(reader, &absent, "missing%s%s", field->why != NULL ? "; " : "",
                         field->why != NULL ? field->why : "");
}

enum gw_code config_mapping_read(struct config_reader *reader, const struct config_mapping *mapping,
                                 const struct config_node *node, void *target)
{
    if (node != NULL) {
        GW_TRY(want(reader, node, CONFIG_NODE_MAPPING, "a mapping of keys"));
        GW_TRY(check_keys(reader, mapping, node));
    }
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct config_field *field = &mapping->fields[i];
        const struct config_node *child = config_node_get(node, field->key);
        if (child != NULL)
            GW_TRY(read_field(reader, field, child, target));
        else if (node != NULL && field->required)
            return refuse_missing(reader, node, field);
        else
            GW_TRY(read_absent(reader, field, target));
    }
    return node != NULL && mapping->finish != NULL ? mapping->finish(reader, node, target) : GW_OK;
}
