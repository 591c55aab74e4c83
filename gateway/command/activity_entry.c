#include "gateway/command/activity_entry.h"

#include "config/suggest.h"
#include "gateway/base/text.h"
#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "store/inspect.h"

static const char *const kind_names[] = {
    [STORE_ACTIVITY_CREATE] = "create",
    [STORE_ACTIVITY_ADOPT] = "adopt",
    [STORE_ACTIVITY_REVIVE] = "revive",
    [STORE_ACTIVITY_UPDATE] = "update",
    [STORE_ACTIVITY_DEACTIVATE] = "deactivate",
    [STORE_ACTIVITY_REACTIVATE] = "reactivate",
    [STORE_ACTIVITY_STALE_REACTIVATION] = "stale-reactivation",
    [STORE_ACTIVITY_DELETE] = "delete",
    [STORE_ACTIVITY_OBSERVE] = "observe",
    [STORE_ACTIVITY_LINK] = "link",
    [STORE_ACTIVITY_BIND] = "bind",
    [STORE_ACTIVITY_REFUSE] = "refuse",
    [STORE_ACTIVITY_END_SESSIONS] = "end-sessions",
    [STORE_ACTIVITY_LOCK] = "lock",
    [STORE_ACTIVITY_UNLOCK] = "unlock",
    [STORE_ACTIVITY_IMPORT] = "import",
    [STORE_ACTIVITY_GROUP_CREATE] = "group-create",
    [STORE_ACTIVITY_GROUP_UPDATE] = "group-update",
    [STORE_ACTIVITY_GROUP_DELETE] = "group-delete",
    [STORE_ACTIVITY_PURGE] = "purge",
    [STORE_ACTIVITY_ANONYMISE] = "anonymise",
    [STORE_ACTIVITY_RESTORE] = "restore",
    [STORE_ACTIVITY_BRAKE] = "brake",
    [STORE_ACTIVITY_HOLD] = "hold",
    [STORE_ACTIVITY_BRAKE_RELEASE] = "brake-release",
    [STORE_ACTIVITY_BRAKE_REJECT] = "brake-reject",
    [STORE_ACTIVITY_GUARD_OFF] = "guard-off",
    [STORE_ACTIVITY_GUARD_ON] = "guard-on",
    [STORE_ACTIVITY_REBIND] = "rebind",
    [STORE_ACTIVITY_REFUSE_MORE] = "refuse-more",
};
#define KIND_COUNT (sizeof kind_names / sizeof *kind_names)

const char *activity_kind_name(enum store_activity_kind kind)
{
    return kind > 0 && (size_t)kind < KIND_COUNT ? kind_names[kind] : NULL;
}

bool activity_kind_find(const char *name, enum store_activity_kind *ret_kind, const char **ret_close)
{
    for (size_t i = 1; i < KIND_COUNT; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *ret_kind = (enum store_activity_kind)i;
            return true;
        }
    }
    *ret_close = config_suggest(gw_str_from(name), kind_names + 1, KIND_COUNT - 1);
    return false;
}

static bool is_of_app(const struct activity_filter *filter, const struct store_activity *entry)
{
    if (filter->app == NULL || gw_str_eq(entry->app, gw_str_from(filter->app)))
        return true;
    return entry->app.len == 0 && entry->folder != 0 && entry->folder == filter->app_folder;
}

static bool is_of_user(struct gw_str folded, const struct store_activity *entry)
{
    GW_ARENA_SCOPED(arena);
    struct gw_str name;
    if (folded.len == 0)
        return true;
    return gw_name_fold(&arena, entry->user_name, &name) && gw_str_eq(name, folded);
}

bool activity_is_wanted(const struct activity_filter *filter, const struct store_activity *entry)
{
    return (filter->kind == 0 || filter->kind == entry->kind) && entry->time_ms >= filter->since_ms &&
           is_of_app(filter, entry) && is_of_user(filter->user, entry);
}

/* Texts of the entry with what the store knows beside it. */
struct line {
    struct gw_arena *arena;
    const struct store_activity *entry;
    struct gw_str time;
    struct gw_str kind;
    struct gw_str folder;
    struct gw_str user_id;
};

static struct line line_of(struct gw_arena *arena, struct store *store, struct store_reader *reader,
                           const struct store_activity *entry)
{
    struct line line = {.arena = arena, .entry = entry, .time = command_time_text(arena, entry->time_ms)};
    const char *kind = activity_kind_name(entry->kind);
    line.kind = kind != NULL ? gw_str_from(kind) : gw_arena_printf(arena, "kind-%d", (int)entry->kind);
    if (entry->folder != 0 && store_folder_name(reader, arena, entry->folder, &line.folder, NULL) != GW_OK)
        line.folder = GW_STR_NONE;
    if (entry->user_seq != 0) {
        char *id = gw_arena_alloc(arena, GW_IDENT_TEXT + 1);
        gw_ident_format(store_ident_key(store), GW_IDENT_USER, entry->folder, entry->user_seq, id);
        line.user_id = gw_str_n(id, GW_IDENT_TEXT);
    }
    return line;
}

static void append(const struct line *line, struct json_value *top, const char *name, struct gw_str text)
{
    if (text.len > 0)
        command_text_append(line->arena, top, gw_str_from(name), text);
}

static void append_values(const struct line *line, struct json_value *top)
{
    static const struct json_limits limits = JSON_LIMITS_BODY;
    struct json_value *values = NULL;
    struct gw_error err;
    if (line->entry->values.len > 0 && json_parse(line->arena, line->entry->values, &limits, &values, &err) == GW_OK)
        json_object_append(line->arena, top, GW_STR("values"), values);
}

static struct json_value *json_of(const struct line *line)
{
    const struct store_activity *entry = line->entry;
    struct json_value *top = json_object_new(line->arena);
    json_object_append(line->arena, top, GW_STR("seq"), json_integer_new(line->arena, (int64_t)entry->seq));
    append(line, top, "time", line->time);
    append(line, top, "kind", line->kind);
    append(line, top, "folder", line->folder);
    append(line, top, "app", entry->app);
    append(line, top, "userName", entry->user_name);
    append(line, top, "userId", line->user_id);
    append(line, top, "actor", entry->actor);
    append(line, top, "attributes", entry->attributes);
    append_values(line, top);
    append(line, top, "result", entry->result);
    append(line, top, "reference", entry->reference);
    return top;
}

struct json_value *activity_json(struct gw_arena *arena, struct store *store, struct store_reader *reader,
                                 const struct store_activity *entry)
{
    struct line line = line_of(arena, store, reader, entry);
    return json_of(&line);
}

static void add_clean(struct gw_buf *buf, struct gw_str text)
{
    for (size_t i = 0; i < text.len; i++)
        gw_buf_add_byte(buf, command_is_control(text, i) ? '?' : text.ptr[i]);
}

static void add_part(struct gw_buf *buf, const char *name, struct gw_str text)
{
    if (text.len == 0)
        return;
    gw_buf_printf(buf, "  %s ", name);
    add_clean(buf, text);
}

void activity_write(struct gw_buf *buf, struct store *store, struct store_reader *reader,
                    const struct store_activity *entry, bool as_json)
{
    GW_ARENA_SCOPED(arena);
    struct line line = line_of(&arena, store, reader, entry);
    if (as_json) {
        gw_buf_add(buf, json_text(&arena, json_of(&line)));
    } else {
        gw_buf_printf(buf, "%.*s  %-12.*s  ", GW_STR_ARG(line.time), GW_STR_ARG(line.kind));
        add_clean(buf, entry->user_name.len > 0 ? entry->user_name : GW_STR("-"));
        add_part(buf, "by", entry->actor);
        add_part(buf, "app", entry->app);
        add_part(buf, "folder", line.folder);
        add_part(buf, "changed", entry->attributes);
        add_part(buf, "values", entry->values);
        add_part(buf, "result", entry->result);
        add_part(buf, "ref", entry->reference);
    }
    gw_buf_add_byte(buf, '\n');
}
