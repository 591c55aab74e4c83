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

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

#define EACH_BYTE(c) (0x0101010101010101u * (c))

/* The highest bit of each byte that is `c`; perhaps of others too, but never of none. */
static uint64_t bytes_equal(uint64_t word, unsigned char c)
{
    uint64_t difference = word ^ EACH_BYTE(c);
    return (difference - EACH_BYTE(1)) & ~difference & EACH_BYTE(0x80);
}

/* Of nearly all text: eight bytes at once. True is certain. */
static bool is_plain_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t controls = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
    return (controls | bytes_equal(word, '"') | bytes_equal(word, '\\') | bytes_equal(word, 0x7f)) == 0;
}

/* How many bytes from `from` on are written as they are. */
static size_t plain_run(struct gw_str text, size_t from)
{
    size_t at = from;
    while (text.len - at >= sizeof(uint64_t) && is_plain_word(text.ptr + at))
        at += sizeof(uint64_t);
    while (at < text.len && is_plain((unsigned char)text.ptr[at]))
        at++;
    return at - from;
}

void json_write_string(struct gw_buf *buf, struct gw_str text)
{
    gw_buf_add_byte(buf, '"');
    for (size_t at = 0; at < text.len; at++) {
        size_t run = plain_run(text, at);
        gw_buf_add(buf, gw_str_n(text.ptr + at, run));
        at += run;
        if (at < text.len)
            write_escaped(buf, (unsigned char)text.ptr[at]);
    }
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
