/* scim1_read: what a client of SCIM 1.1 sends, in the form of 2.0. */
#include "routes/scim/scim1.h"

#include "gateway/json/write.h"

#define NAMES_BYTES_MAX (64u * 1024u)

/* ---- names in filters ---- */

static bool is_word_byte(char c)
{
    return c != ' ' && c != '\t' && c != '(' && c != ')' && c != '[' && c != ']' && c != ',' && c != '"';
}

static size_t word_len(struct gw_str text)
{
    size_t len = 0;
    while (len < text.len && is_word_byte(text.ptr[len]))
        len++;
    return len;
}

/* With its quotes; all of the rest when it does not end. */
static size_t literal_len(struct gw_str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return text.len;
}

static bool ends_nocase(struct gw_str text, struct gw_str end)
{
    return text.len >= end.len && gw_str_eq_nocase(gw_str_from_pos(text, text.len - end.len), end);
}

static bool add_word(struct gw_buf *buf, struct gw_str word)
{
    struct gw_str manager = GW_STR("manager.managerId");
    struct gw_str last = GW_STR("managerId");
    if (gw_str_eq_nocase(word, GW_STR("email"))) {
        gw_buf_add_lit(buf, "emails.value");
        return true;
    }
    if (ends_nocase(word, manager)) {
        gw_buf_add(buf, gw_str_n(word.ptr, word.len - last.len));
        gw_buf_add_lit(buf, "value");
        return true;
    }
    gw_buf_add(buf, word);
    return false;
}

struct gw_str scim1_names_read(struct gw_arena *arena, struct gw_str text)
{
    GW_BUF_SCOPED(names, NAMES_BYTES_MAX);
    bool is_changed = false;
    size_t len;
    for (struct gw_str rest = text; rest.len > 0; rest = gw_str_from_pos(rest, len)) {
        len = rest.ptr[0] == '"' ? literal_len(rest) : word_len(rest);
        if (len == 0 || rest.ptr[0] == '"') {
            len = len > 0 ? len : 1;
            gw_buf_add(&names, gw_str_n(rest.ptr, len));
        } else {
            is_changed = add_word(&names, gw_str_n(rest.ptr, len)) || is_changed;
        }
    }
    /* what is longer than any filter may be is refused as it is */
    return is_changed && !names.overflow ? gw_arena_copy(arena, gw_buf_str(&names)) : text;
}

/* ---- bodies ---- */

static void rename_manager(struct json_value *extension)
{
    const struct json_value *manager = json_object_get_nocase(extension, GW_STR("manager"));
    if (json_object_get_nocase(manager, GW_STR("value")) != NULL)
        return;
    for (size_t i = 0; json_is(manager, JSON_OBJECT) && i < json_count(manager); i++) {
        if (gw_str_eq_nocase(manager->object.members[i].name, GW_STR("managerId")))
            manager->object.members[i].name = GW_STR("value");
    }
}

void scim1_body_read(const struct scim_schema_set *set, struct json_value *body)
{
    for (size_t i = 0; json_is(body, JSON_OBJECT) && i < json_count(body); i++) {
        const struct json_member *member = &body->object.members[i];
        const struct scim_schema *schema = scim_schema_find(set, member->name);
        if (schema != NULL && gw_str_eq(schema->urn, GW_STR(SCIM_URN_ENTERPRISE)))
            rename_manager(member->value);
    }
}

/* ---- PATCH: draft-scim-api-01 section 3.3.2 ---- */

struct rewrite {
    struct gw_arena *arena;
    const struct json_value *cleared; /* meta.attributes: these are emptied first */
    struct json_value *operations;
    struct json_value *replaced; /* values of path-less operations: names that nobody knows are passed over */
    struct json_value *added;
};

static struct json_value *add_operation(struct rewrite *rewrite, struct gw_str op)
{
    struct json_value *operation = json_object_new(rewrite->arena);
    json_object_append(rewrite->arena, operation, GW_STR("op"), json_string_new(rewrite->arena, op));
    json_array_append(rewrite->arena, rewrite->operations, operation);
    return operation;
}

static void remove_listed(struct rewrite *rewrite, struct gw_str path, struct json_value *values)
{
    struct json_value *operation = add_operation(rewrite, GW_STR("remove"));
    json_object_append(rewrite->arena, operation, GW_STR("path"), json_string_new(rewrite->arena, path));
    if (values != NULL)
        json_object_append(rewrite->arena, operation, GW_STR("value"), values);
}

static bool is_cleared(const struct rewrite *rewrite, struct gw_str path)
{
    for (size_t i = 0; json_is(rewrite->cleared, JSON_ARRAY) && i < json_count(rewrite->cleared); i++) {
        const struct json_value *name = rewrite->cleared->array.items[i];
        if (json_is(name, JSON_STRING) && gw_str_eq_nocase(name->text, path))
            return true;
    }
    return false;
}

/* Takes the element's "operation" away, and says whether it was to be deleted. */
static bool take_delete(struct json_value *element)
{
    const struct json_value *operation = json_object_get(element, GW_STR("operation"));
    bool deletes = json_is(operation, JSON_STRING) && gw_str_eq_nocase(operation->text, GW_STR("delete"));
    if (operation != NULL)
        (void)json_object_remove(element, GW_STR("operation"));
    return deletes;
}

/* emails[value eq "x"]: an element with this value is merged, else it is new. Empty: it is found by nothing. */
static struct gw_str match_path(struct rewrite *rewrite, struct gw_str path, const struct json_value *element)
{
    const struct json_value *value = json_object_get(element, GW_STR("value"));
    bool is_members = gw_str_eq_nocase(path, GW_STR("members")); /* nothing else of a member is the client's */
    if (is_members || !json_is(value, JSON_STRING) || value->text.len == 0 || value->text.len > SCIM1_MATCH_BYTES_MAX)
        return GW_STR_NONE;
    GW_BUF_SCOPED(text, NAMES_BYTES_MAX);
    gw_buf_add(&text, path);
    gw_buf_add_lit(&text, "[value eq ");
    json_write_string(&text, value->text);
    gw_buf_add_byte(&text, ']');
    return gw_arena_copy(rewrite->arena, gw_buf_str(&text));
}

static void add_elements(struct rewrite *rewrite, struct gw_str path, const struct json_value *elements)
{
    struct json_value *others = json_array_new(rewrite->arena);
    for (size_t i = 0; i < json_count(elements); i++) {
        struct json_value *element = elements->array.items[i];
        struct gw_str match = match_path(rewrite, path, element);
        if (match.len > 0)
            json_object_append(rewrite->arena, rewrite->added, match, element);
        else
            json_array_append(rewrite->arena, others, element);
    }
    if (json_count(others) > 0)
        json_object_append(rewrite->arena, rewrite->added, path, others);
}

static void read_list(struct rewrite *rewrite, struct gw_str path, const struct json_value *list)
{
    struct json_value *kept = json_array_new(rewrite->arena);
    struct json_value *deleted = json_array_new(rewrite->arena);
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_value *element = list->array.items[i];
        json_array_append(rewrite->arena, take_delete(element) ? deleted : kept, element);
    }
    if (is_cleared(rewrite, path)) { /* then nothing is left that could be deleted */
        json_object_append(rewrite->arena, rewrite->replaced, path, kept);
        return;
    }
    if (json_count(deleted) > 0)
        remove_listed(rewrite, path, deleted);
    add_elements(rewrite, path, kept);
}

static void read_members(struct rewrite *rewrite, const struct scim_schema_set *set, struct gw_str urn,
                         const struct json_value *object)
{
    for (size_t i = 0; i < json_count(object); i++) {
        struct gw_str name = object->object.members[i].name;
        struct json_value *value = object->object.members[i].value;
        bool is_frame =
            urn.len == 0 && (gw_str_eq_nocase(name, GW_STR("schemas")) || gw_str_eq_nocase(name, GW_STR("id")) ||
                             gw_str_eq_nocase(name, GW_STR("meta")));
        if (is_frame)
            continue;
        if (urn.len > 0)
            name = gw_arena_printf(rewrite->arena, "%.*s:%.*s", GW_STR_ARG(urn), GW_STR_ARG(name));
        if (urn.len == 0 && value->type == JSON_OBJECT && scim_schema_find(set, name) != NULL)
            read_members(rewrite, set, name, value);
        else if (value->type == JSON_ARRAY)
            read_list(rewrite, name, value);
        else
            json_object_append(rewrite->arena, rewrite->replaced, name, value);
    }
}

/* What is named there and comes anew as a list or as one value is replaced by it. */
static bool comes_anew(const struct json_value *body, struct gw_str name)
{
    const struct json_value *value = json_object_get_nocase(body, name);
    return value != NULL && value->type != JSON_OBJECT;
}

static void clear_named(struct rewrite *rewrite, const struct json_value *body)
{
    for (size_t i = 0; json_is(rewrite->cleared, JSON_ARRAY) && i < json_count(rewrite->cleared); i++) {
        const struct json_value *name = rewrite->cleared->array.items[i];
        if (json_is(name, JSON_STRING) && !comes_anew(body, name->text))
            remove_listed(rewrite, scim1_names_read(rewrite->arena, name->text), NULL);
    }
}

static bool is_patch_message(const struct json_value *body)
{
    return json_is(json_object_get_nocase(body, GW_STR("Operations")), JSON_ARRAY);
}

static struct json_value *new_message(struct gw_arena *arena, struct json_value *operations)
{
    struct json_value *message = json_object_new(arena);
    struct json_value *schemas = json_array_new(arena);
    json_array_append(arena, schemas, json_string_new(arena, GW_STR(SCIM_URN_PATCH)));
    json_object_append(arena, message, GW_STR("schemas"), schemas);
    json_object_append(arena, message, GW_STR("Operations"), operations);
    return message;
}

struct json_value *scim1_patch_read(struct gw_arena *arena, const struct scim_schema_set *set, struct json_value *body)
{
    const struct json_value *meta = json_object_get_nocase(body, GW_STR("meta"));
    struct rewrite rewrite = {
        .arena = arena,
        .cleared = json_object_get_nocase(meta, GW_STR("attributes")),
        .operations = json_array_new(arena),
        .replaced = json_object_new(arena),
        .added = json_object_new(arena),
    };
    if (!json_is(body, JSON_OBJECT) || is_patch_message(body))
        return body;
    scim1_body_read(set, body);
    clear_named(&rewrite, body);
    read_members(&rewrite, set, GW_STR_NONE, body);
    json_object_append(arena, add_operation(&rewrite, GW_STR("replace")), GW_STR("value"), rewrite.replaced);
    if (json_count(rewrite.added) > 0)
        json_object_append(arena, add_operation(&rewrite, GW_STR("add")), GW_STR("value"), rewrite.added);
    return new_message(arena, rewrite.operations);
}
