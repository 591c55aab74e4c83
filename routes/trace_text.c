#include "routes/trace_text.h"

#include "gateway/base/arena.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct gw_str words[] = {
    GW_STR_INIT("and"), GW_STR_INIT("or"), GW_STR_INIT("not"), GW_STR_INIT("pr"), GW_STR_INIT("eq"),
    GW_STR_INIT("ne"),  GW_STR_INIT("co"), GW_STR_INIT("sw"),  GW_STR_INIT("ew"), GW_STR_INIT("gt"),
    GW_STR_INIT("ge"),  GW_STR_INIT("lt"), GW_STR_INIT("le"),
};
static const struct gw_str parameters[] = {
    GW_STR_INIT("filter"), GW_STR_INIT("startIndex"),         GW_STR_INIT("count"),
    GW_STR_INIT("sortBy"), GW_STR_INIT("sortOrder"),          GW_STR_INIT("attributes"),
    GW_STR_INIT("cursor"), GW_STR_INIT("excludedAttributes"), GW_STR_INIT("aadOptscim062020"),
};
static const struct gw_str operations[] = {GW_STR_INIT("add"), GW_STR_INIT("remove"), GW_STR_INIT("replace")};

static bool is_one_of(const struct gw_str *list, size_t count, struct gw_str text)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_eq_nocase(list[i], text))
            return true;
    }
    return false;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '.' ||
           c == '_' || c == '-' || c == '$';
}

/* ---- filters and paths ---- */

struct scan {
    const struct scim_schema_set *schemas;
    struct gw_str text;
    size_t at;
    struct gw_str outer; /* the attribute whose brackets we are in or behind */
};

static bool is_attribute(const struct scan *scan, struct gw_str name)
{
    struct scim_ref ref;
    char joined[2 * TRACE_NAME_BYTES_MAX + 2];
    if (scan->outer.len > 0 && scan->outer.len + name.len < sizeof joined) {
        bool has_dot = name.ptr[0] == '.';
        memcpy(joined, scan->outer.ptr, scan->outer.len);
        joined[scan->outer.len] = '.';
        memcpy(joined + scan->outer.len + !has_dot, name.ptr, name.len);
        name = gw_str_n(joined, scan->outer.len + !has_dot + name.len);
    }
    for (size_t i = 0; i < scan->schemas->type_count; i++) {
        if (scim_ref_find(&scan->schemas->types[i], name, &ref))
            return true;
    }
    return false;
}

static void write_word(struct gw_buf *buf, struct scan *scan)
{
    size_t from = scan->at;
    while (scan->at < scan->text.len && is_name_byte(scan->text.ptr[scan->at]))
        scan->at++;
    struct gw_str word = gw_str_n(scan->text.ptr + from, scan->at - from);
    bool is_known =
        word.len <= TRACE_NAME_BYTES_MAX && (is_one_of(words, COUNT(words), word) || is_attribute(scan, word));
    gw_buf_add(buf, is_known ? word : GW_STR("?"));
    if (is_known && scan->at < scan->text.len && scan->text.ptr[scan->at] == '[')
        scan->outer = word;
}

static void skip_literal(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->text.len && scan->text.ptr[scan->at] != '"')
        scan->at += scan->text.ptr[scan->at] == '\\' && scan->at + 1 < scan->text.len ? 2 : 1;
    scan->at += scan->at < scan->text.len;
}

void trace_filter_write(struct gw_buf *buf, const struct scim_schema_set *schemas, struct gw_str text)
{
    struct scan scan = {.schemas = schemas, .text = text};
    while (scan.at < text.len && buf->len < TRACE_PART_BYTES_MAX) {
        char c = text.ptr[scan.at];
        if (c == '"') {
            skip_literal(&scan);
            gw_buf_add_byte(buf, '?');
        } else if (is_name_byte(c)) {
            write_word(buf, &scan);
        } else {
            bool is_plain = c == ' ' || c == '(' || c == ')' || c == '[' || c == ']';
            gw_buf_add_byte(buf, is_plain ? c : '?');
            if (c == ' ')
                scan.outer = scan.outer.ptr != NULL && gw_str_find(gw_str_n(text.ptr, scan.at), ']') >= 0 ? GW_STR_NONE
                                                                                                          : scan.outer;
            scan.at++;
        }
    }
    if (scan.at < text.len)
        gw_buf_add_lit(buf, "...");
}

/* ---- the query string ---- */

void trace_query_write(struct gw_buf *buf, struct gw_arena *arena, const struct scim_schema_set *schemas,
                       struct gw_str query)
{
    for (size_t i = 0; query.ptr != NULL && i < TRACE_ITEMS_MAX && buf->len < TRACE_PART_BYTES_MAX; i++) {
        struct gw_str value = gw_str_split(&query, '&');
        struct gw_str name = gw_str_split(&value, '=');
        size_t len = 0;
        if (i > 0)
            gw_buf_add_byte(buf, '&');
        gw_buf_add(buf, is_one_of(parameters, COUNT(parameters), name) || name.len == 0 ? name : GW_STR("?"));
        if (value.ptr == NULL)
            continue;
        gw_buf_add_byte(buf, '=');
        char *text = gw_arena_alloc(arena, value.len + 1);
        if (gw_str_eq_nocase(name, GW_STR("filter")) && gw_str_percent_decode(value, true, text, &len))
            trace_filter_write(buf, schemas, gw_str_n(text, len));
    }
}

/* ---- bodies ---- */

struct walk {
    struct gw_buf *buf;
    const struct scim_schema_set *schemas;
    size_t items;
};

static bool is_spent(const struct walk *walk)
{
    return walk->items >= TRACE_ITEMS_MAX || walk->buf->len >= TRACE_PART_BYTES_MAX;
}

/* Keys are names; one that holds anything else (Entra's "emails[type eq \"work\"].value") is written like a path. */
static void write_key(struct walk *walk, struct gw_str key)
{
    bool is_name = key.len > 0 && key.len <= TRACE_NAME_BYTES_MAX;
    for (size_t i = 0; is_name && i < key.len; i++)
        is_name = is_name_byte(key.ptr[i]);
    if (is_name)
        gw_buf_add(walk->buf, key);
    else
        trace_filter_write(walk->buf, walk->schemas, key);
}

static void write_value(struct walk *walk, const struct json_value *value, unsigned depth);

static void write_member(struct walk *walk, const struct json_member *member, unsigned depth)
{
    const struct json_value *value = member->value;
    write_key(walk, member->name);
    bool is_text = json_is(value, JSON_STRING);
    if (is_text && gw_str_eq_nocase(member->name, GW_STR("op"))) {
        gw_buf_add_byte(walk->buf, '=');
        gw_buf_add(walk->buf, is_one_of(operations, COUNT(operations), value->text) ? value->text : GW_STR("?"));
    } else if (is_text && gw_str_eq_nocase(member->name, GW_STR("path"))) {
        gw_buf_add_byte(walk->buf, '=');
        trace_filter_write(walk->buf, walk->schemas, value->text);
    } else {
        write_value(walk, value, depth + 1);
    }
}

static void write_object(struct walk *walk, const struct json_value *value, unsigned depth)
{
    gw_buf_add_byte(walk->buf, '{');
    for (size_t i = 0; i < json_count(value); i++) {
        if (i > 0)
            gw_buf_add_byte(walk->buf, ' ');
        walk->items++;
        if (is_spent(walk)) {
            gw_buf_add_lit(walk->buf, "...");
            break;
        }
        write_member(walk, &value->object.members[i], depth);
    }
    gw_buf_add_byte(walk->buf, '}');
}

/* Operations each; of any other list the first, and how many there are. */
static void write_array(struct walk *walk, const struct json_value *value, unsigned depth)
{
    size_t count = json_count(value);
    const struct json_value *first = count > 0 ? value->array.items[0] : NULL;
    size_t shown = json_object_get_nocase(first, GW_STR("op")) != NULL ? count : count > 0;
    gw_buf_add_byte(walk->buf, '[');
    for (size_t i = 0; i < shown && !is_spent(walk); i++)
        write_value(walk, value->array.items[i], depth + 1);
    gw_buf_printf(walk->buf, "]*%zu", count);
}

static void write_value(struct walk *walk, const struct json_value *value, unsigned depth)
{
    static const char *const kinds[] = {
        [JSON_NULL] = ":null", [JSON_BOOL] = ":bool", [JSON_NUMBER] = ":number", [JSON_STRING] = ":text"};
    if (depth > TRACE_DEPTH_MAX)
        gw_buf_add_lit(walk->buf, "...");
    else if (value->type == JSON_OBJECT)
        write_object(walk, value, depth);
    else if (value->type == JSON_ARRAY)
        write_array(walk, value, depth);
    else
        gw_buf_add(walk->buf, gw_str_from(kinds[value->type]));
}

void trace_json_write(struct gw_buf *buf, const struct scim_schema_set *schemas, const struct json_value *value)
{
    struct walk walk = {.buf = buf, .schemas = schemas};
    write_value(&walk, value, 0);
}
