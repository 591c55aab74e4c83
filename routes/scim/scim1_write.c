/* scim1_write: what the face answers, in the words of SCIM 1.1. Answers can be as large as a group of 100,000, so they
 * are written over as text in one pass, without a tree. */
#include "routes/scim/scim1.h"

#include "gateway/json/write.h"

struct writer {
    struct gw_buf *to;
    struct gw_str rest;
    bool is_schemas;
    unsigned muted; /* within what is left out */
};

static void put(struct writer *writer, struct gw_str text)
{
    if (writer->muted == 0)
        gw_buf_add(writer->to, text);
}

static struct gw_str take(struct writer *writer, size_t len)
{
    struct gw_str taken = gw_str_n(writer->rest.ptr, len);
    writer->rest = gw_str_from_pos(writer->rest, len);
    return taken;
}

static bool take_byte(struct writer *writer, char byte)
{
    if (writer->rest.len == 0 || writer->rest.ptr[0] != byte)
        return false;
    (void)take(writer, 1);
    return true;
}

/* With its quotes, escapes as they are. */
static bool take_string(struct writer *writer, struct gw_str *ret_string)
{
    for (size_t i = 1; i < writer->rest.len && writer->rest.ptr[0] == '"'; i++) {
        if (writer->rest.ptr[i] == '\\') {
            i++;
        } else if (writer->rest.ptr[i] == '"') {
            *ret_string = take(writer, i + 1);
            return true;
        }
    }
    return false;
}

/* ---- what changes its name, and what 1.1 does not have ---- */

static struct gw_str schema_name(const struct writer *writer, struct gw_str string)
{
    if (gw_str_eq(string, GW_STR("\"" SCIM_URN_ENTERPRISE "\"")))
        return GW_STR("\"" SCIM1_URN_ENTERPRISE "\"");
    if (writer->is_schemas && gw_str_eq(string, GW_STR("\"" SCIM_URN_LIST "\"")))
        return GW_STR("\"" SCIM1_URN_SCHEMA_LIST "\"");
    bool is_ours = gw_str_starts(string, GW_STR("\"urn:ietf:params:scim:schemas:core:2.0:")) ||
                   gw_str_starts(string, GW_STR("\"urn:ietf:params:scim:api:messages:2.0:"));
    return is_ours ? GW_STR("\"" SCIM1_URN_CORE "\"") : string;
}

static struct gw_str member_name(struct gw_str parent, struct gw_str name)
{
    if (gw_str_eq(name, GW_STR("\"" SCIM_URN_ENTERPRISE "\"")))
        return GW_STR("\"" SCIM1_URN_ENTERPRISE "\"");
    if (gw_str_eq(parent, GW_STR("\"manager\"")) && gw_str_eq(name, GW_STR("\"value\"")))
        return GW_STR("\"managerId\"");
    return name;
}

static bool is_left_out(struct gw_str parent, struct gw_str name)
{
    if (gw_str_eq(parent, GW_STR("\"meta\"")))
        return gw_str_eq(name, GW_STR("\"resourceType\""));
    return gw_str_eq(name, GW_STR("\"$ref\""));
}

/* ---- the pass ---- */

static bool copy_value(struct writer *writer, struct gw_str parent, unsigned depth);

static bool copy_member(struct writer *writer, struct gw_str parent, bool *is_first, unsigned depth)
{
    struct gw_str name;
    if (!take_string(writer, &name) || !take_byte(writer, ':'))
        return false;
    bool left_out = is_left_out(parent, name);
    writer->muted += left_out ? 1 : 0;
    if (!left_out) {
        put(writer, *is_first ? GW_STR("") : GW_STR(","));
        put(writer, member_name(parent, name));
        put(writer, GW_STR(":"));
        *is_first = false;
    }
    bool ok = copy_value(writer, name, depth);
    writer->muted -= left_out ? 1 : 0;
    return ok;
}

static bool copy_object(struct writer *writer, struct gw_str parent, unsigned depth)
{
    bool is_first = true;
    put(writer, take(writer, 1));
    if (!take_byte(writer, '}')) {
        do {
            if (!copy_member(writer, parent, &is_first, depth))
                return false;
        } while (take_byte(writer, ','));
        if (!take_byte(writer, '}'))
            return false;
    }
    put(writer, GW_STR("}"));
    return true;
}

static bool copy_array(struct writer *writer, struct gw_str parent, unsigned depth)
{
    put(writer, take(writer, 1));
    if (!take_byte(writer, ']')) {
        while (copy_value(writer, parent, depth) && take_byte(writer, ','))
            put(writer, GW_STR(","));
        if (!take_byte(writer, ']'))
            return false;
    }
    put(writer, GW_STR("]"));
    return true;
}

static bool copy_string(struct writer *writer, struct gw_str parent)
{
    struct gw_str string;
    if (!take_string(writer, &string))
        return false;
    put(writer, gw_str_eq(parent, GW_STR("\"schemas\"")) ? schema_name(writer, string) : string);
    return true;
}

/* Numbers, true, false, null. */
static bool copy_word(struct writer *writer)
{
    size_t len = 0;
    while (len < writer->rest.len && strchr(",]}:\"[{", writer->rest.ptr[len]) == NULL)
        len++;
    put(writer, take(writer, len));
    return len > 0;
}

static bool copy_value(struct writer *writer, struct gw_str parent, unsigned depth)
{
    if (writer->rest.len == 0 || depth == 0)
        return false;
    switch (writer->rest.ptr[0]) {
    case '{':
        return copy_object(writer, parent, depth - 1);
    case '[':
        return copy_array(writer, parent, depth - 1);
    case '"':
        return copy_string(writer, parent);
    default:
        return copy_word(writer);
    }
}

bool scim1_text_write(struct gw_buf *buf, struct gw_str text, bool is_schemas)
{
    struct writer writer = {.to = buf, .rest = text, .is_schemas = is_schemas};
    return copy_value(&writer, GW_STR_NONE, SCIM1_DEPTH_MAX) && writer.rest.len == 0;
}

void scim1_error_write(struct gw_buf *buf, enum gw_code code, const char *detail)
{
    struct gw_str text = gw_str_from(detail != NULL && detail[0] != '\0' ? detail : gw_code_text(code));
    gw_buf_add_lit(buf, "{\"schemas\":[\"" SCIM1_URN_CORE "\"],\"Errors\":[{\"description\":");
    json_write_string(buf, text);
    gw_buf_printf(buf, ",\"code\":\"%d\"}],\"detail\":", gw_code_status(code));
    json_write_string(buf, text);
    gw_buf_add_byte(buf, '}');
}
