#include "store/codec.h"

#include "store/bytes.h"

/* Every record says its form after the seal, so that a later form can be told from this one. */
#define RECORD_FORM 1u
#define AT_FORM STORE_SEAL_BYTES
#define USER_KEY_BYTES 12u

struct store_key store_user_key(uint32_t folder, uint64_t seq)
{
    struct store_key key;
    store_key_init(&key);
    store_key_add_be(&key, folder, 4);
    store_key_add_be(&key, seq, 8);
    return key;
}

static bool has_form(struct gw_str value, size_t size_min)
{
    return value.len >= size_min && bytes_get_le(value.ptr + AT_FORM, 2) == RECORD_FORM;
}

/* Text behind a fixed head: a cursor that cannot leave the value. */
static bool take(struct gw_str *rest, size_t len, struct gw_str *ret_text)
{
    if (len > rest->len)
        return false;
    *ret_text = gw_str_n(rest->ptr, len);
    *rest = gw_str_n(rest->ptr + len, rest->len - len);
    return true;
}

static uint8_t *add(uint8_t *dst, struct gw_str text)
{
    if (text.len > 0)
        memcpy(dst, text.ptr, text.len);
    return dst + text.len;
}

enum user_field {
    USER_AT_EMAIL_COUNT = AT_FORM + 2,
    USER_AT_FLAGS = USER_AT_EMAIL_COUNT + 2,
    USER_AT_ATTRIBUTES = USER_AT_FLAGS + 4,
    USER_AT_NAME = USER_AT_ATTRIBUTES + 4,
    USER_AT_EXTERNAL = USER_AT_NAME + 2,
    USER_AT_GENERATION = USER_AT_EXTERNAL + 2,
    USER_AT_VERSION = USER_AT_GENERATION + 8,
    USER_AT_CREATED = USER_AT_VERSION + 8,
    USER_AT_MODIFIED = USER_AT_CREATED + 8,
    USER_AT_DEACTIVATED = USER_AT_MODIFIED + 8,
    USER_AT_DEACTIVATED_VERSION = USER_AT_DEACTIVATED + 8,
    USER_HEAD_BYTES = USER_AT_DEACTIVATED_VERSION + 8
};

static size_t user_size(const struct store_user *user)
{
    size_t size = USER_HEAD_BYTES + user->user_name.len + user->external_id.len + user->attributes.len;
    for (size_t i = 0; i < user->email_count; i++)
        size += 2 + user->emails[i].len;
    return size;
}

struct store_bytes store_user_encode(struct gw_arena *arena, const struct store_user *user)
{
    struct store_bytes bytes = {.len = user_size(user)};
    bytes.ptr = gw_arena_alloc(arena, bytes.len);
    uint8_t *head = bytes.ptr;
    bytes_put_le(head + AT_FORM, RECORD_FORM, 2);
    bytes_put_le(head + USER_AT_EMAIL_COUNT, user->email_count, 2);
    bytes_put_le(head + USER_AT_FLAGS, user->state.flags, 4);
    bytes_put_le(head + USER_AT_ATTRIBUTES, user->attributes.len, 4);
    bytes_put_le(head + USER_AT_NAME, user->user_name.len, 2);
    bytes_put_le(head + USER_AT_EXTERNAL, user->external_id.len, 2);
    bytes_put_le(head + USER_AT_GENERATION, user->state.generation, 8);
    bytes_put_le(head + USER_AT_VERSION, user->version, 8);
    bytes_put_le(head + USER_AT_CREATED, (uint64_t)user->created_ms, 8);
    bytes_put_le(head + USER_AT_MODIFIED, (uint64_t)user->modified_ms, 8);
    bytes_put_le(head + USER_AT_DEACTIVATED, (uint64_t)user->deactivated_ms, 8);
    bytes_put_le(head + USER_AT_DEACTIVATED_VERSION, user->deactivated_version, 8);
    uint8_t *dst = add(add(head + USER_HEAD_BYTES, user->user_name), user->external_id);
    for (size_t i = 0; i < user->email_count; i++) {
        bytes_put_le(dst, user->emails[i].len, 2);
        dst = add(dst + 2, user->emails[i]);
    }
    (void)add(dst, user->attributes);
    return bytes;
}

static bool take_emails(struct gw_str *rest, size_t count, struct gw_str *emails)
{
    for (size_t i = 0; i < count; i++) {
        struct gw_str len;
        if (!take(rest, 2, &len) || !take(rest, (size_t)bytes_get_le(len.ptr, 2), &emails[i]))
            return false;
    }
    return true;
}

bool store_user_decode(struct gw_str key, struct gw_str value, struct gw_str *emails, struct store_user *ret_user)
{
    if (key.len != USER_KEY_BYTES || !has_form(value, USER_HEAD_BYTES))
        return false;
    const char *head = value.ptr;
    *ret_user = (struct store_user){
        .folder = (uint32_t)bytes_get_be(key.ptr, 4),
        .seq = bytes_get_be(key.ptr + 4, 8),
        .state = {.flags = (uint32_t)bytes_get_le(head + USER_AT_FLAGS, 4),
                  .generation = bytes_get_le(head + USER_AT_GENERATION, 8)},
        .version = bytes_get_le(head + USER_AT_VERSION, 8),
        .created_ms = (int64_t)bytes_get_le(head + USER_AT_CREATED, 8),
        .modified_ms = (int64_t)bytes_get_le(head + USER_AT_MODIFIED, 8),
        .deactivated_ms = (int64_t)bytes_get_le(head + USER_AT_DEACTIVATED, 8),
        .deactivated_version = bytes_get_le(head + USER_AT_DEACTIVATED_VERSION, 8),
        .emails = emails,
        .email_count = (size_t)bytes_get_le(head + USER_AT_EMAIL_COUNT, 2),
    };
    struct gw_str rest = gw_str_from_pos(value, USER_HEAD_BYTES);
    return ret_user->email_count <= STORE_EMAILS_MAX &&
           take(&rest, (size_t)bytes_get_le(head + USER_AT_NAME, 2), &ret_user->user_name) &&
           take(&rest, (size_t)bytes_get_le(head + USER_AT_EXTERNAL, 2), &ret_user->external_id) &&
           take_emails(&rest, ret_user->email_count, emails) &&
           take(&rest, (size_t)bytes_get_le(head + USER_AT_ATTRIBUTES, 4), &ret_user->attributes) && rest.len == 0;
}

enum state_field { STATE_AT_FLAGS = 8, STATE_AT_GENERATION = 16 };

void store_state_encode(const struct store_user_state *state, uint8_t dst[STORE_STATE_RECORD_BYTES])
{
    memset(dst, 0, STORE_STATE_RECORD_BYTES);
    bytes_put_le(dst + AT_FORM, RECORD_FORM, 2);
    bytes_put_le(dst + STATE_AT_FLAGS, state->flags, 4);
    bytes_put_le(dst + STATE_AT_GENERATION, state->generation, 8);
}

bool store_state_decode(struct gw_str value, struct store_user_state *ret_state)
{
    if (value.len != STORE_STATE_RECORD_BYTES || !has_form(value, STORE_STATE_RECORD_BYTES))
        return false;
    ret_state->flags = (uint32_t)bytes_get_le(value.ptr + STATE_AT_FLAGS, 4);
    ret_state->generation = bytes_get_le(value.ptr + STATE_AT_GENERATION, 8);
    return true;
}

enum session_field {
    SESSION_AT_FOLDER = 8,
    SESSION_AT_FLAGS = 12,
    SESSION_AT_USER = 16,
    SESSION_AT_GENERATION = 24,
    SESSION_AT_BOUND = 32,
    SESSION_AT_SEEN = 40
};

#define SESSION_SIGNED_OUT 1u

void store_session_encode(const struct store_session *session, uint8_t dst[STORE_SESSION_RECORD_BYTES])
{
    memset(dst, 0, STORE_SESSION_RECORD_BYTES);
    bytes_put_le(dst + AT_FORM, RECORD_FORM, 2);
    bytes_put_le(dst + SESSION_AT_FOLDER, session->folder, 4);
    bytes_put_le(dst + SESSION_AT_FLAGS, session->is_signed_out ? SESSION_SIGNED_OUT : 0, 4);
    bytes_put_le(dst + SESSION_AT_USER, session->user_seq, 8);
    bytes_put_le(dst + SESSION_AT_GENERATION, session->generation, 8);
    bytes_put_le(dst + SESSION_AT_BOUND, (uint64_t)session->bound_ms, 8);
    bytes_put_le(dst + SESSION_AT_SEEN, (uint64_t)session->seen_ms, 8);
}

bool store_session_decode(struct gw_str value, struct store_session *ret_session)
{
    if (value.len != STORE_SESSION_RECORD_BYTES || !has_form(value, STORE_SESSION_RECORD_BYTES))
        return false;
    *ret_session = (struct store_session){
        .folder = (uint32_t)bytes_get_le(value.ptr + SESSION_AT_FOLDER, 4),
        .user_seq = bytes_get_le(value.ptr + SESSION_AT_USER, 8),
        .generation = bytes_get_le(value.ptr + SESSION_AT_GENERATION, 8),
        .bound_ms = (int64_t)bytes_get_le(value.ptr + SESSION_AT_BOUND, 8),
        .seen_ms = (int64_t)bytes_get_le(value.ptr + SESSION_AT_SEEN, 8),
        .is_signed_out = (bytes_get_le(value.ptr + SESSION_AT_FLAGS, 4) & SESSION_SIGNED_OUT) != 0,
    };
    return true;
}

#define ACTIVITY_TEXTS 6u
#define KIND_FLAGS_2 0x8000u /* in the field of the kind: of format 2, and means nothing now */

enum activity_field {
    ACTIVITY_AT_KIND = AT_FORM + 2,
    ACTIVITY_AT_FOLDER = ACTIVITY_AT_KIND + 2,
    ACTIVITY_AT_TIME = ACTIVITY_AT_FOLDER + 4,
    ACTIVITY_AT_USER = ACTIVITY_AT_TIME + 8,
    ACTIVITY_AT_LENGTHS = ACTIVITY_AT_USER + 8,
    ACTIVITY_HEAD_BYTES = ACTIVITY_AT_LENGTHS + 2 * ACTIVITY_TEXTS
};

/* A cut must not leave half a character. */
static struct gw_str cut(struct gw_str text)
{
    if (text.len <= STORE_ACTIVITY_TEXT_BYTES_MAX)
        return text;
    size_t len = STORE_ACTIVITY_TEXT_BYTES_MAX;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--;
    return gw_str_n(text.ptr, len);
}

struct store_bytes store_activity_encode(struct gw_arena *arena, const struct store_activity *entry)
{
    struct gw_str texts[ACTIVITY_TEXTS] = {cut(entry->actor),      cut(entry->app),    cut(entry->user_name),
                                           cut(entry->attributes), cut(entry->result), cut(entry->reference)};
    bool has_values = entry->values.len > 0 && entry->values.len <= STORE_ACTIVITY_VALUES_BYTES_MAX;
    struct store_bytes bytes = {.len = ACTIVITY_HEAD_BYTES + (has_values ? 2 + entry->values.len : 0)};
    for (size_t i = 0; i < ACTIVITY_TEXTS; i++)
        bytes.len += texts[i].len;
    bytes.ptr = gw_arena_alloc(arena, bytes.len);
    bytes_put_le(bytes.ptr + AT_FORM, RECORD_FORM, 2);
    bytes_put_le(bytes.ptr + ACTIVITY_AT_KIND, entry->kind, 2);
    bytes_put_le(bytes.ptr + ACTIVITY_AT_FOLDER, entry->folder, 4);
    bytes_put_le(bytes.ptr + ACTIVITY_AT_TIME, (uint64_t)entry->time_ms, 8);
    bytes_put_le(bytes.ptr + ACTIVITY_AT_USER, entry->user_seq, 8);
    uint8_t *dst = bytes.ptr + ACTIVITY_HEAD_BYTES;
    for (size_t i = 0; i < ACTIVITY_TEXTS; i++) {
        bytes_put_le(bytes.ptr + ACTIVITY_AT_LENGTHS + 2 * i, texts[i].len, 2);
        dst = add(dst, texts[i]);
    }
    if (has_values) {
        bytes_put_le(dst, entry->values.len, 2);
        (void)add(dst + 2, entry->values);
    }
    return bytes;
}

/* Most entries have none, and then nothing stands for them. */
static bool take_values(struct gw_str *rest, struct gw_str *ret_values)
{
    struct gw_str len;
    if (rest->len == 0)
        return true;
    return take(rest, 2, &len) && take(rest, (size_t)bytes_get_le(len.ptr, 2), ret_values) && ret_values->len > 0 &&
           rest->len == 0;
}

bool store_activity_decode(struct gw_str key, struct gw_str value, struct store_activity *ret_entry)
{
    if (key.len != 8 || !has_form(value, ACTIVITY_HEAD_BYTES))
        return false;
    *ret_entry = (struct store_activity){
        .seq = bytes_get_be(key.ptr, 8),
        .time_ms = (int64_t)bytes_get_le(value.ptr + ACTIVITY_AT_TIME, 8),
        .kind = (enum store_activity_kind)(bytes_get_le(value.ptr + ACTIVITY_AT_KIND, 2) & ~(uint64_t)KIND_FLAGS_2),
        .folder = (uint32_t)bytes_get_le(value.ptr + ACTIVITY_AT_FOLDER, 4),
        .user_seq = bytes_get_le(value.ptr + ACTIVITY_AT_USER, 8),
    };
    struct gw_str *texts[ACTIVITY_TEXTS] = {&ret_entry->actor,      &ret_entry->app,    &ret_entry->user_name,
                                            &ret_entry->attributes, &ret_entry->result, &ret_entry->reference};
    struct gw_str rest = gw_str_from_pos(value, ACTIVITY_HEAD_BYTES);
    for (size_t i = 0; i < ACTIVITY_TEXTS; i++) {
        if (!take(&rest, (size_t)bytes_get_le(value.ptr + ACTIVITY_AT_LENGTHS + 2 * i, 2), texts[i]))
            return false;
    }
    return take_values(&rest, &ret_entry->values);
}
