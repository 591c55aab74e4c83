/* scim1_write: what the face answers, in the words of SCIM 1.1. Answers can be as large as a group of 100,000, so they
 * are written over as text in one pass that can be interrupted, without a tree. */
#include "routes/scim/scim1.h"

#include "gateway/json/write.h"

#include <stdint.h>

static void put(const struct scim1_writing *writing, struct gw_buf *to, struct gw_str text)
{
    if (writing->muted == 0)
        gw_buf_add(to, text);
}

static struct gw_str take(struct scim1_writing *writing, size_t len)
{
    struct gw_str taken = gw_str_n(writing->rest.ptr, len);
    writing->rest = gw_str_from_pos(writing->rest, len);
    return taken;
}

static bool take_byte(struct scim1_writing *writing, char byte)
{
    if (writing->rest.len == 0 || writing->rest.ptr[0] != byte)
        return false;
    (void)take(writing, 1);
    return true;
}

/* With its quotes, escapes as they are. */
static bool take_string(struct scim1_writing *writing, struct gw_str *ret_string)
{
    for (size_t i = 1; i < writing->rest.len && writing->rest.ptr[0] == '"'; i++) {
        if (writing->rest.ptr[i] == '\\') {
            i++;
        } else if (writing->rest.ptr[i] == '"') {
            *ret_string = take(writing, i + 1);
            return true;
        }
    }
    return false;
}

/* ---- what changes its name, and what 1.1 does not have ---- */

static struct gw_str schema_name(const struct scim1_writing *writing, struct gw_str string)
{
    if (gw_str_eq(string, GW_STR("\"" SCIM_URN_ENTERPRISE "\"")))
        return GW_STR("\"" SCIM1_URN_ENTERPRISE "\"");
    if (writing->is_schemas && gw_str_eq(string, GW_STR("\"" SCIM_URN_LIST "\"")))
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

static bool open_frame(struct scim1_writing *writing, struct gw_buf *to)
{
    if (writing->depth == SCIM1_DEPTH_MAX)
        return false;
    bool is_object = writing->rest.ptr[0] == '{';
    writing->frames[writing->depth++] =
        (struct scim1_frame){.parent = writing->name, .is_object = is_object, .is_first = true};
    put(writing, to, take(writing, 1));
    return true;
}

static void copy_string(struct scim1_writing *writing, struct gw_buf *to, struct gw_str string)
{
    bool is_urn = gw_str_eq(writing->name, GW_STR("\"schemas\"")) || gw_str_eq(writing->name, GW_STR("\"schema\""));
    put(writing, to, is_urn ? schema_name(writing, string) : string);
    writing->is_behind = true;
}

/* Numbers, true, false, null. */
static bool copy_word(struct scim1_writing *writing, struct gw_buf *to)
{
    size_t len = 0;
    while (len < writing->rest.len && strchr(",]}:\"[{", writing->rest.ptr[len]) == NULL)
        len++;
    put(writing, to, take(writing, len));
    writing->is_behind = true;
    return len > 0;
}

static bool copy_value(struct scim1_writing *writing, struct gw_buf *to)
{
    struct gw_str string;
    if (writing->rest.len == 0)
        return false;
    switch (writing->rest.ptr[0]) {
    case '{':
    case '[':
        return open_frame(writing, to);
    case '"':
        if (!take_string(writing, &string))
            return false;
        copy_string(writing, to, string);
        return true;
    default:
        return copy_word(writing, to);
    }
}

static bool copy_name(struct scim1_writing *writing, struct gw_buf *to, struct scim1_frame *frame)
{
    if (!take_string(writing, &writing->name) || !take_byte(writing, ':'))
        return false;
    frame->is_left_out = is_left_out(frame->parent, writing->name);
    writing->muted += frame->is_left_out ? 1 : 0;
    if (!frame->is_left_out) {
        put(writing, to, frame->is_first ? GW_STR("") : GW_STR(","));
        put(writing, to, member_name(frame->parent, writing->name));
        put(writing, to, GW_STR(":"));
        frame->is_first = false;
    }
    return true;
}

static void close_frame(struct scim1_writing *writing, struct gw_buf *to)
{
    writing->depth--;
    put(writing, to, writing->frames[writing->depth].is_object ? GW_STR("}") : GW_STR("]"));
    writing->is_behind = true;
}

/* Behind a value, within an array or an object: the end, or the next. */
static bool pass_value(struct scim1_writing *writing, struct gw_buf *to, struct scim1_frame *frame)
{
    if (frame->is_left_out)
        writing->muted--;
    frame->is_left_out = false;
    writing->is_behind = false;
    if (take_byte(writing, frame->is_object ? '}' : ']')) {
        close_frame(writing, to);
        return true;
    }
    if (!take_byte(writing, ','))
        return false;
    if (frame->is_object)
        return copy_name(writing, to, frame) && copy_value(writing, to);
    put(writing, to, GW_STR(","));
    writing->name = frame->parent;
    return copy_value(writing, to);
}

/* The first in an array or an object, or its end. */
static bool begin_frame(struct scim1_writing *writing, struct gw_buf *to, struct scim1_frame *frame)
{
    if (take_byte(writing, frame->is_object ? '}' : ']')) {
        close_frame(writing, to);
        return true;
    }
    writing->name = frame->parent;
    return (!frame->is_object || copy_name(writing, to, frame)) && copy_value(writing, to);
}

void scim1_writing_init(struct scim1_writing *writing, struct gw_str text, bool is_schemas)
{
    *writing = (struct scim1_writing){.rest = text, .name = GW_STR_NONE, .is_schemas = is_schemas};
}

bool scim1_writing_go_on(struct scim1_writing *writing, struct gw_buf *buf, size_t bytes, bool *ret_done)
{
    size_t stop = writing->rest.len > bytes ? writing->rest.len - bytes : 0;
    *ret_done = false;
    do {
        struct scim1_frame *frame = writing->depth > 0 ? &writing->frames[writing->depth - 1] : NULL;
        bool ok = frame == NULL        ? copy_value(writing, buf)
                  : writing->is_behind ? pass_value(writing, buf, frame)
                                       : begin_frame(writing, buf, frame);
        if (!ok)
            return false;
        *ret_done = writing->depth == 0;
    } while (!*ret_done && writing->rest.len > stop);
    return !*ret_done || writing->rest.len == 0;
}

bool scim1_text_write(struct gw_buf *buf, struct gw_str text, bool is_schemas)
{
    struct scim1_writing writing;
    bool is_done = false;
    scim1_writing_init(&writing, text, is_schemas);
    return scim1_writing_go_on(&writing, buf, SIZE_MAX, &is_done) && is_done;
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
