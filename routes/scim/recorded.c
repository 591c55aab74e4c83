#include "routes/scim/recorded.h"

#include "gateway/base/buf.h"
#include "gateway/json/write.h"

/* Names, and two values each: a byte of a string takes at most six in JSON. */
#define VALUES_BYTES_MAX (SCIM_RECORDED_MAX * (2u * 6u * SCIM_RECORDED_VALUE_BYTES_MAX + 512u))

static bool is_secret(const struct scim_attribute *attribute)
{
    bool is =
        attribute->discarded || attribute->returned == SCIM_RETURNED_NEVER || attribute->mutability == SCIM_WRITE_ONLY;
    for (size_t i = 0; i < attribute->sub_count; i++)
        is |= is_secret(&attribute->subs[i]);
    return is;
}

/* NULL: it may be recorded. */
static const char *why_not(const struct scim_ref *ref)
{
    if (ref->attribute == NULL)
        return "it is a whole schema: name its attributes";
    const struct scim_attribute *named = ref->sub != NULL ? ref->sub : ref->attribute;
    if (is_secret(ref->attribute) || is_secret(named))
        return "what is never returned is never recorded";
    if (ref->attribute->mutability == SCIM_READ_ONLY || named->mutability == SCIM_READ_ONLY ||
        gw_str_eq(ref->attribute->name, GW_STR("schemas")))
        return "no client changes it";
    if (ref->sub != NULL && ref->attribute->multi_valued)
        return "it is a part of each of several values: name the whole attribute";
    return NULL;
}

static struct gw_str full_name(struct gw_arena *arena, const struct scim_ref *ref)
{
    struct gw_str urn = ref->extension != NULL ? ref->extension->urn : GW_STR_NONE;
    struct gw_str sub = ref->sub != NULL ? ref->sub->name : GW_STR_NONE;
    return gw_arena_printf(arena, "%.*s%s%.*s%s%.*s", GW_STR_ARG(urn), urn.len > 0 ? ":" : "",
                           GW_STR_ARG(ref->attribute->name), sub.len > 0 ? "." : "", GW_STR_ARG(sub));
}

enum gw_code scim_recorded_add(struct gw_arena *arena, const struct scim_resource_type *type, struct gw_str name,
                               struct scim_recorded *recorded, struct gw_error *err)
{
    struct scim_ref ref = {0};
    if (!scim_ref_find(type, name, &ref))
        return gw_fail(err, GW_E_NOT_FOUND, "\"%.*s\" is no attribute", GW_STR_ARG(name));
    const char *reason = why_not(&ref);
    if (reason != NULL)
        return gw_fail(err, GW_E_INVALID_VALUE, "\"%.*s\" cannot be recorded: %s", GW_STR_ARG(name), reason);
    struct gw_str full = full_name(arena, &ref);
    for (size_t i = 0; i < recorded->count; i++) {
        if (gw_str_eq(recorded->list[i].name, full))
            return gw_fail(err, GW_E_INVALID_VALUE, "\"%.*s\" is named twice", GW_STR_ARG(name));
    }
    if (recorded->count == SCIM_RECORDED_MAX)
        return gw_fail(err, GW_E_INVALID_VALUE, "more than %u attributes", SCIM_RECORDED_MAX);
    recorded->list[recorded->count++] = (struct scim_recorded_attribute){full, ref};
    return GW_OK;
}

static const struct json_value *value_of(const struct json_value *resource, const struct scim_ref *ref)
{
    if (ref->extension != NULL)
        resource = json_object_get(resource, ref->extension->urn);
    const struct json_value *value = json_object_get(resource, ref->attribute->name);
    return ref->sub != NULL ? json_object_get(value, ref->sub->name) : value;
}

/* A cut must not leave half a character. */
static struct gw_str cut(struct gw_arena *arena, struct gw_str text)
{
    size_t len = SCIM_RECORDED_VALUE_BYTES_MAX - 3;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return gw_arena_printf(arena, "%.*s...", (int)len, text.ptr);
}

static void write_value(struct gw_buf *buf, const struct json_value *value)
{
    GW_ARENA_SCOPED(arena);
    if (value == NULL) {
        gw_buf_add_lit(buf, "null");
        return;
    }
    struct gw_str text = value->type == JSON_STRING ? value->text : json_text(&arena, value);
    if (text.len > SCIM_RECORDED_VALUE_BYTES_MAX)
        json_write_string(buf, cut(&arena, text));
    else
        json_write(buf, value);
}

struct gw_str scim_recorded_values(struct gw_arena *arena, const struct scim_recorded *recorded,
                                   const struct json_value *before, const struct json_value *after)
{
    GW_BUF_SCOPED(values, VALUES_BYTES_MAX);
    for (size_t i = 0; i < recorded->count; i++) {
        const struct json_value *old_value = value_of(before, &recorded->list[i].ref);
        const struct json_value *new_value = value_of(after, &recorded->list[i].ref);
        if (json_equal(old_value, new_value))
            continue;
        gw_buf_add_byte(&values, values.len == 0 ? '{' : ',');
        json_write_string(&values, recorded->list[i].name);
        gw_buf_add_lit(&values, ":[");
        write_value(&values, old_value);
        gw_buf_add_byte(&values, ',');
        write_value(&values, new_value);
        gw_buf_add_byte(&values, ']');
    }
    if (values.len > 0)
        gw_buf_add_byte(&values, '}');
    return values.overflow ? GW_STR_NONE : gw_arena_copy(arena, gw_buf_str(&values));
}
