#include "gateway/json/pointer.h"

/* RFC 6901 section 4: ~1 is a slash, ~0 a tilde, and no other ~ is allowed. */
static bool token_decode(struct gw_str token, char dst[JSON_POINTER_TOKEN_BYTES_MAX], struct gw_str *ret_name)
{
    size_t len = 0;
    if (token.len > JSON_POINTER_TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (c == '~') {
            char next = ++i < token.len ? token.ptr[i] : '\0';
            if (next != '0' && next != '1')
                return false;
            c = next == '0' ? '~' : '/';
        }
        dst[len++] = c;
    }
    *ret_name = gw_str_n(dst, len);
    return true;
}

static const struct json_value *item_get(const struct json_value *array, struct gw_str token)
{
    size_t index = 0;
    if (token.len == 0 || token.len > 9 || (token.len > 1 && token.ptr[0] == '0'))
        return NULL;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(token.ptr[i] - '0');
    }
    return index < array->array.count ? array->array.items[index] : NULL;
}

static const struct json_value *child_get(const struct json_value *value, struct gw_str token)
{
    char bytes[JSON_POINTER_TOKEN_BYTES_MAX];
    struct gw_str name;
    if (!token_decode(token, bytes, &name))
        return NULL;
    if (json_is(value, JSON_ARRAY))
        return item_get(value, name);
    return json_is(value, JSON_OBJECT) ? json_object_get(value, name) : NULL;
}

const struct json_value *json_pointer_get(const struct json_value *document, struct gw_str pointer)
{
    if (pointer.len > 0 && pointer.ptr[0] != '/')
        return NULL;
    const struct json_value *value = document;
    while (value != NULL && pointer.len > 0) {
        size_t len = 1;
        while (len < pointer.len && pointer.ptr[len] != '/')
            len++;
        value = child_get(value, gw_str_n(pointer.ptr + 1, len - 1));
        pointer = gw_str_from_pos(pointer, len);
    }
    return value;
}
