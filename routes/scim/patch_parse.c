#include "routes/scim/patch.h"

struct parser {
    struct gw_arena *arena;
    const struct scim_resource_type *type;
    struct scim_ignored *ignored;
    struct gw_error *err;
    struct scim_patch_step *steps;
    size_t count;
    size_t capacity;
};

static enum gw_code add_step(struct parser *parser, const struct scim_patch_step *step)
{
    if (parser->count == SCIM_PATCH_STEPS_MAX)
        return gw_fail(parser->err, GW_E_TOO_LARGE, "one PATCH may change %d attributes", SCIM_PATCH_STEPS_MAX);
    if (parser->count == parser->capacity) {
        size_t capacity = parser->capacity > 0 ? parser->capacity * 2 : 8;
        struct scim_patch_step *steps = gw_arena_array(parser->arena, capacity, sizeof *steps);
        if (parser->count > 0)
            memcpy(steps, parser->steps, parser->count * sizeof *steps);
        parser->steps = steps;
        parser->capacity = capacity;
    }
    parser->steps[parser->count++] = *step;
    return GW_OK;
}

static bool is_read_only(const struct scim_path *path)
{
    return (path->ref.attribute != NULL && path->ref.attribute->mutability == SCIM_READ_ONLY) ||
           (path->ref.sub != NULL && path->ref.sub->mutability == SCIM_READ_ONLY);
}

/* password, which is accepted and dropped, and schemas, which follow from the data */
static bool is_without_effect(const struct scim_path *path, enum scim_patch_op op)
{
    const struct scim_attribute *attribute = path->ref.attribute;
    if (attribute == NULL)
        return false;
    return attribute->discarded || (op != SCIM_PATCH_REMOVE && gw_str_eq(attribute->name, GW_STR("schemas")));
}

static enum gw_code parse_member(struct parser *parser, enum scim_patch_op op, struct gw_str name,
                                 const struct json_value *value, bool nested);

/* The members of a path-less value, or of an extension's object; `urn` has a length in the second case. */
static enum gw_code spread(struct parser *parser, enum scim_patch_op op, struct gw_str urn,
                           const struct json_value *object)
{
    for (size_t i = 0; i < object->object.count; i++) {
        struct gw_str name = object->object.members[i].name;
        if (urn.len > 0 && name.len <= SCIM_PATH_BYTES_MAX)
            name = gw_arena_printf(parser->arena, "%.*s:%.*s", GW_STR_ARG(urn), GW_STR_ARG(name));
        GW_TRY(parse_member(parser, op, name, object->object.members[i].value, urn.len > 0));
    }
    return GW_OK;
}

/* One name of a path-less value: an attribute, a dotted name, a path with brackets, or an extension's URN (Entra sends
 * all of these, scim-clients.md 6.1). Unknown and read-only ones are dropped: Okta sends "id" along (rule 18). */
static enum gw_code parse_member(struct parser *parser, enum scim_patch_op op, struct gw_str name,
                                 const struct json_value *value, bool nested)
{
    struct scim_patch_step step = {.op = op, .value = value};
    if (scim_path_parse(parser->arena, parser->type, name, &step.path, NULL) != GW_OK) {
        scim_ignored_add(parser->arena, parser->ignored, name);
        return GW_OK;
    }
    if (is_read_only(&step.path) || is_without_effect(&step.path, op))
        return GW_OK;
    if (step.path.ref.attribute == NULL && value->type == JSON_OBJECT && !nested)
        return spread(parser, op, step.path.ref.extension->urn, value);
    return add_step(parser, &step);
}

static enum gw_code parse_without_path(struct parser *parser, enum scim_patch_op op, const struct json_value *value)
{
    if (op == SCIM_PATCH_REMOVE)
        return gw_fail(parser->err, GW_E_NO_TARGET, "remove needs a path");
    if (!json_is(value, JSON_OBJECT))
        return gw_fail(parser->err, GW_E_INVALID_VALUE, "an operation without a path needs an object as its value");
    return spread(parser, op, GW_STR_NONE, value);
}

static enum gw_code parse_with_path(struct parser *parser, enum scim_patch_op op, struct gw_str path,
                                    const struct json_value *value)
{
    struct scim_patch_step step = {.op = op, .value = value};
    GW_TRY(scim_path_parse(parser->arena, parser->type, path, &step.path, parser->err));
    if (is_read_only(&step.path))
        return gw_fail(parser->err, GW_E_MUTABILITY, "%.*s is read-only", GW_STR_ARG(step.path.ref.attribute->name));
    if (op != SCIM_PATCH_REMOVE && value == NULL)
        return gw_fail(parser->err, GW_E_INVALID_VALUE, "add and replace need a value");
    if (is_without_effect(&step.path, op))
        return GW_OK;
    if (step.path.ref.attribute == NULL && op != SCIM_PATCH_REMOVE && json_is(value, JSON_OBJECT))
        return spread(parser, op, step.path.ref.extension->urn, value);
    return add_step(parser, &step);
}

static bool find_op(const struct json_value *value, enum scim_patch_op *ret_op)
{
    static const struct gw_str OPS[] = {
        [SCIM_PATCH_ADD] = GW_STR_INIT("add"),
        [SCIM_PATCH_REMOVE] = GW_STR_INIT("remove"),
        [SCIM_PATCH_REPLACE] = GW_STR_INIT("replace"),
    };
    for (size_t i = 0; json_is(value, JSON_STRING) && i < sizeof OPS / sizeof OPS[0]; i++) {
        if (gw_str_eq_nocase(value->text, OPS[i])) {
            *ret_op = (enum scim_patch_op)i;
            return true;
        }
    }
    return false;
}

static enum gw_code parse_operation(struct parser *parser, const struct json_value *operation)
{
    enum scim_patch_op op;
    const struct json_value *path = json_object_get_nocase(operation, GW_STR("path"));
    const struct json_value *value = json_object_get_nocase(operation, GW_STR("value"));
    if (!json_is(operation, JSON_OBJECT))
        return gw_fail(parser->err, GW_E_INVALID_SYNTAX, "an operation must be an object");
    if (!find_op(json_object_get_nocase(operation, GW_STR("op")), &op))
        return gw_fail(parser->err, GW_E_INVALID_SYNTAX, "op must be add, remove or replace");
    if (path == NULL || path->type == JSON_NULL)
        return parse_without_path(parser, op, value);
    if (path->type != JSON_STRING)
        return gw_fail(parser->err, GW_E_INVALID_PATH, "path must be a string");
    return parse_with_path(parser, op, path->text, value);
}

static bool has_patch_urn(const struct json_value *message)
{
    const struct json_value *schemas = json_object_get_nocase(message, GW_STR("schemas"));
    for (size_t i = 0; json_is(schemas, JSON_ARRAY) && i < schemas->array.count; i++) {
        const struct json_value *urn = schemas->array.items[i];
        if (json_is(urn, JSON_STRING) && gw_str_eq_nocase(urn->text, GW_STR(SCIM_URN_PATCH)))
            return true;
    }
    return false;
}

enum gw_code scim_patch_parse(struct gw_arena *arena, const struct scim_resource_type *type,
                              const struct json_value *message, struct scim_patch *ret_patch,
                              struct scim_ignored *ignored, struct gw_error *err)
{
    struct parser parser = {.arena = arena, .type = type, .ignored = ignored, .err = err};
    const struct json_value *operations = json_object_get_nocase(message, GW_STR("Operations"));
    if (!json_is(message, JSON_OBJECT) || !has_patch_urn(message))
        return gw_fail(err, GW_E_INVALID_SYNTAX, "schemas must hold " SCIM_URN_PATCH);
    if (!json_is(operations, JSON_ARRAY) || operations->array.count == 0)
        return gw_fail(err, GW_E_INVALID_SYNTAX, "Operations must be an array that is not empty");
    if (operations->array.count > SCIM_PATCH_OPS_MAX)
        return gw_fail(err, GW_E_TOO_LARGE, "one PATCH may hold %d operations", SCIM_PATCH_OPS_MAX);
    for (size_t i = 0; i < operations->array.count; i++)
        GW_TRY(parse_operation(&parser, operations->array.items[i]));
    *ret_patch = (struct scim_patch){parser.steps, parser.count};
    return GW_OK;
}
