#include "gateway/json/write.h"

#include "gateway/base/result.h"
#include "gateway/json/parse.h"

static void write_escaped(struct gw_buf *buf, unsigned char c)
{
    static const char SHORT[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof SHORT; i += 2) {
        if ((unsigned char)SHORT[i] == c) {
            gw_buf_add_byte(buf, '\\');
            gw_buf_add_byte(buf, SHORT[i + 1]);
            return;
        }
    }
    gw_buf_printf(buf, "\\u%04x", c);
}

void json_write_string(struct gw_buf *buf, struct gw_str text)
{
    gw_buf_add_byte(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        gw_buf_add(buf, gw_str_n(text.ptr + from, i - from));
        write_escaped(buf, c);
        from = i + 1;
    }
    gw_buf_add(buf, gw_str_from_pos(text, from));
    gw_buf_add_byte(buf, '"');
}

void json_write_bytes(struct gw_buf *buf, struct gw_str bytes, size_t written_max)
{
    size_t begin = buf->len;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (buf->len - begin >= written_max) {
            gw_buf_add_lit(buf, "...");
            return;
        }
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
            gw_buf_printf(buf, "\\u%04x", c);
        else
            gw_buf_add_byte(buf, (char)c);
    }
}

static void write_value(struct gw_buf *buf, const struct json_value *value);

static void write_array(struct gw_buf *buf, const struct json_value *array)
{
    gw_buf_add_byte(buf, '[');
    for (size_t i = 0; i < array->array.count; i++) {
        if (i > 0)
            gw_buf_add_byte(buf, ',');
        write_value(buf, array->array.items[i]);
    }
    gw_buf_add_byte(buf, ']');
}

static void write_object(struct gw_buf *buf, const struct json_value *object)
{
    gw_buf_add_byte(buf, '{');
    for (size_t i = 0; i < object->object.count; i++) {
        if (i > 0)
            gw_buf_add_byte(buf, ',');
        json_write_string(buf, object->object.members[i].name);
        gw_buf_add_byte(buf, ':');
        write_value(buf, object->object.members[i].value);
    }
    gw_buf_add_byte(buf, '}');
}

static void write_value(struct gw_buf *buf, const struct json_value *value)
{
    switch (value->type) {
    case JSON_NULL:
        gw_buf_add_lit(buf, "null");
        return;
    case JSON_BOOL:
        gw_buf_add(buf, value->boolean ? GW_STR("true") : GW_STR("false"));
        return;
    case JSON_NUMBER:
        gw_buf_add(buf, value->text);
        return;
    case JSON_STRING:
        json_write_string(buf, value->text);
        return;
    case JSON_ARRAY:
        write_array(buf, value);
        return;
    case JSON_OBJECT:
        write_object(buf, value);
        return;
    }
    GW_ASSERT(false);
}

void json_write(struct gw_buf *buf, const struct json_value *value)
{
    write_value(buf, value);
}

struct gw_str json_text(struct gw_arena *arena, const struct json_value *value)
{
    GW_BUF_SCOPED(buf, SIZE_MAX / 2);
    write_value(&buf, value);
    return gw_arena_copy(arena, gw_buf_str(&buf));
}
