#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/command/folder.h"
#include "gateway/json/write.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define ACTOR_NAME_BYTES_MAX 64

struct gw_str command_actor(struct gw_arena *arena)
{
    /* who called sudo, not what sudo made of them */
    const char *name = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
    if (name == NULL || *name == '\0') {
        const struct passwd *entry = getpwuid(getuid());
        name = entry != NULL ? entry->pw_name : NULL;
    }
    /* whoever reads the record must be able to: as text, and as JSON */
    if (name == NULL || !gw_name_printable(gw_str_from(name), ACTOR_NAME_BYTES_MAX))
        return gw_arena_printf(arena, "operator:%ld", (long)getuid());
    return gw_arena_printf(arena, "operator:%s", name);
}

bool command_is_control(struct gw_str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    /* U+0080 to U+009F move cursors, too */
    bool is_c1_head = c == 0xC2 && at + 1 < text.len && (unsigned char)text.ptr[at + 1] < 0xA0;
    bool is_c1_tail = at > 0 && (unsigned char)text.ptr[at - 1] == 0xC2 && c >= 0x80 && c < 0xA0;
    return c < 0x20 || c == 0x7F || is_c1_head || is_c1_tail;
}

void command_print_text(FILE *out, struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++)
        (void)fputc(command_is_control(text, i) ? '?' : text.ptr[i], out);
}

struct gw_str command_time_text(struct gw_arena *arena, int64_t wall_ms)
{
    char *text = gw_arena_alloc(arena, GW_TIME_TEXT_MAX);
    return gw_str_n(text, gw_time_format(wall_ms, text));
}

struct gw_str command_id_text(const struct command_folder *folder, struct gw_arena *arena, uint64_t seq)
{
    char *id = gw_arena_alloc(arena, GW_IDENT_TEXT + 1);
    gw_ident_format(store_ident_key(folder->store), GW_IDENT_USER, folder->number, seq, id);
    return gw_str_n(id, GW_IDENT_TEXT);
}

const char *command_state_text(const struct store_user *user)
{
    uint32_t flags = user->state.flags;
    if ((flags & STORE_USER_DELETED) != 0)
        return "deleted";
    if ((flags & STORE_USER_ACTIVE) == 0)
        return (flags & STORE_USER_LOCKED) != 0 ? "deactivated, locked" : "deactivated";
    return (flags & STORE_USER_LOCKED) != 0 ? "locked" : "active";
}

const char *command_origin_text(const struct store_user *user)
{
    bool is_observed = (user->state.flags & STORE_USER_OBSERVED) != 0;
    bool is_provisioned = (user->state.flags & STORE_USER_PROVISIONED) != 0;
    if (is_observed && is_provisioned)
        return "linked";
    if (is_provisioned)
        return "provisioned";
    return is_observed ? "observed" : "imported";
}

static void append_flag(struct gw_arena *arena, struct json_value *object, const char *name, bool is_set)
{
    json_object_append(arena, object, gw_str_from(name), json_bool_new(arena, is_set));
}

void command_state_append(struct gw_arena *arena, struct json_value *object, const struct store_user *user)
{
    static const struct {
        const char *name;
        uint32_t flags; /* all of them */
    } flags[] = {{"locked", STORE_USER_LOCKED},           {"observed", STORE_USER_OBSERVED},
                 {"provisioned", STORE_USER_PROVISIONED}, {"linked", STORE_USER_OBSERVED | STORE_USER_PROVISIONED},
                 {"imported", STORE_USER_IMPORTED},       {"deleted", STORE_USER_DELETED}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        append_flag(arena, object, flags[i].name, (user->state.flags & flags[i].flags) == flags[i].flags);
    if (user->deactivated_ms != 0)
        command_text_append(arena, object, GW_STR("deactivated"), command_time_text(arena, user->deactivated_ms));
}

void command_text_append(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct gw_str text)
{
    json_object_append(arena, object, name, json_string_new(arena, text));
}

bool command_print_json(FILE *out, const struct json_value *value)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str text = json_text(&arena, value);
    return fwrite(text.ptr, 1, text.len, out) == text.len && fputc('\n', out) != EOF;
}

int command_output_done(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    (void)fputs("provgate: the output could not be written\n", stderr);
    return status == COMMAND_DONE ? COMMAND_FAILED : status;
}
