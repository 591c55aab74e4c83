#include "gateway/command/policy_show.h"

#include "gateway/base/clock.h"
#include "store/inspect.h"

#include <inttypes.h>

#define HELD_SHOWN_MAX 50u

struct held_list {
    struct command_folder *folder;
    struct gw_arena *arena;
    struct json_value *json; /* NULL: texts */
    const char *lines[HELD_SHOWN_MAX];
    size_t count;
    bool has_more;
};

static struct gw_str name_of(struct held_list *list, uint64_t seq)
{
    struct store_user user;
    struct gw_error err;
    enum gw_code code = store_user_get(list->folder->reader, list->arena, list->folder->number, seq, &user, &err);
    return code == GW_OK ? user.user_name : GW_STR_NONE;
}

static bool on_held(const struct store_held *held, void *data)
{
    struct held_list *list = data;
    if (list->count == HELD_SHOWN_MAX) {
        list->has_more = true;
        return false;
    }
    struct gw_str name = name_of(list, held->user_seq);
    const char *what = held->kind == STORE_HELD_DELETE ? "delete" : "deactivate";
    struct gw_str since = command_time_text(list->arena, held->time_ms);
    if (list->json == NULL) {
        struct gw_str line = gw_arena_printf(list->arena, "  %.*s  %-10s  %-8s  %.*s", GW_STR_ARG(since), what,
                                             held->is_rejected ? "rejected" : "held", GW_STR_ARG(name));
        list->lines[list->count++] = gw_arena_cstr(list->arena, line);
        return true;
    }
    struct json_value *entry = json_object_new(list->arena);
    command_text_append(list->arena, entry, GW_STR("userName"), name);
    command_text_append(list->arena, entry, GW_STR("userId"),
                        command_id_text(list->folder, list->arena, held->user_seq));
    command_text_append(list->arena, entry, GW_STR("change"), gw_str_from(what));
    command_text_append(list->arena, entry, GW_STR("state"), held->is_rejected ? GW_STR("rejected") : GW_STR("held"));
    command_text_append(list->arena, entry, GW_STR("since"), since);
    command_text_append(list->arena, entry, GW_STR("actor"), gw_arena_copy(list->arena, held->actor));
    json_array_append(list->arena, list->json, entry);
    list->count++;
    return true;
}

struct brake_view {
    struct store_brake_state state;
    uint64_t count;
    uint64_t base;
};

static enum gw_code read_view(struct command_folder *folder, const struct config_brake *brake, struct brake_view *view,
                              struct held_list *list, struct gw_error *err)
{
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_brake_read(folder->reader, folder->number, &view->state, err);
    if (code == GW_OK)
        code = store_brake_count(folder->reader, folder->number, gw_clock_wall_ms() - brake->within_ms, &view->count,
                                 &view->base, err);
    if (code == GW_OK)
        code = store_held_walk(folder->reader, folder->number, on_held, list, err);
    store_reader_end(folder->reader);
    return code;
}

static void print_text(const struct config_brake *brake, const struct brake_view *view, const struct held_list *list)
{
    struct gw_arena *arena = list->arena;
    uint64_t share = view->base * brake->share_percent / 100;
    (void)printf(
        "%" PRIu64 " of %" PRIu64 " users were taken out within the last %" PRId64 " minutes; the brake %s from "
        "%" PRIu64 " on\n",
        view->count, view->base, brake->within_ms / 60000, brake->action == CONFIG_BRAKE_HOLD ? "holds" : "alerts",
        share > brake->at_least ? share : brake->at_least);
    if (view->state.alerted_ms != 0)
        (void)printf("it last engaged at %.*s\n", GW_STR_ARG(command_time_text(arena, view->state.alerted_ms)));
    if (view->state.released_until_ms > gw_clock_wall_ms())
        (void)printf("released until %.*s\n", GW_STR_ARG(command_time_text(arena, view->state.released_until_ms)));
    if (view->state.held > 0)
        (void)printf("%" PRIu64 " changes are held; they are done at %.*s unless they are rejected\n", view->state.held,
                     GW_STR_ARG(command_time_text(arena, view->state.opens_ms)));
    for (size_t i = 0; i < list->count; i++) {
        command_print_text(stdout, gw_str_from(list->lines[i]));
        (void)putchar('\n');
    }
    if (list->has_more)
        (void)puts("  ...");
}

static bool print_json(const struct config_brake *brake, const struct brake_view *view, const struct held_list *list)
{
    struct gw_arena *arena = list->arena;
    struct json_value *top = json_object_new(arena);
    command_text_append(arena, top, GW_STR("action"),
                        brake->action == CONFIG_BRAKE_HOLD ? GW_STR("hold") : GW_STR("alert"));
    json_object_append(arena, top, GW_STR("takenOut"), json_integer_new(arena, (int64_t)view->count));
    json_object_append(arena, top, GW_STR("users"), json_integer_new(arena, (int64_t)view->base));
    json_object_append(arena, top, GW_STR("held"), json_integer_new(arena, (int64_t)view->state.held));
    if (view->state.alerted_ms != 0)
        command_text_append(arena, top, GW_STR("engaged"), command_time_text(arena, view->state.alerted_ms));
    if (view->state.held > 0)
        command_text_append(arena, top, GW_STR("opens"), command_time_text(arena, view->state.opens_ms));
    json_object_append(arena, top, GW_STR("changes"), list->json);
    return command_print_json(stdout, top);
}

enum gw_code policy_brake_show(struct command_folder *folder, const struct config_brake *brake, bool as_json,
                               struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct brake_view view = {.count = 0};
    struct held_list list = {.folder = folder, .arena = &arena, .json = as_json ? json_array_new(&arena) : NULL};
    if (folder->number != 0)
        GW_TRY(read_view(folder, brake, &view, &list, err));
    if (!as_json)
        print_text(brake, &view, &list);
    else if (!print_json(brake, &view, &list))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}

static enum gw_code apply_parts(struct command_folder *folder, struct store_writer *writer,
                                const struct config_brake *brake, const char *reason, uint64_t *ret_count,
                                struct gw_error *err)
{
    bool has_more = true;
    enum gw_code code = GW_OK;
    while (has_more && code == GW_OK) {
        struct store_change *change =
            command_change_new(folder, reason != NULL ? STORE_CHANGE_BRAKE_REJECT : STORE_CHANGE_BRAKE_RELEASE);
        change->brake.within_ms = brake->within_ms;
        if (reason != NULL)
            change->as.reject.reason = gw_str_from(reason);
        code = store_writer_apply(writer, change, err);
        has_more = change->result.has_more;
        *ret_count += change->result.count;
        store_change_free(change);
    }
    return code;
}

enum gw_code policy_brake_decide(struct command_folder *folder, const struct config_brake *brake, const char *reason,
                                 bool as_json, struct gw_error *err)
{
    struct store_writer *writer = NULL;
    uint64_t count = 0;
    if (folder->number != 0) {
        GW_TRY(command_writer_open(folder->store, STORE_ROLE_TOOL, &writer, err));
        enum gw_code code = apply_parts(folder, writer, brake, reason, &count, err);
        store_writer_free(writer);
        if (code != GW_OK)
            return code;
    }
    if (as_json)
        (void)printf("{\"%s\":%" PRIu64 "}\n", reason != NULL ? "rejected" : "released", count);
    else if (reason != NULL)
        (void)printf("%" PRIu64 " changes rejected; whoever comes with one of them again is answered 403\n", count);
    else
        (void)printf("%" PRIu64 " changes done; what follows passes for %" PRId64 " minutes\n", count,
                     brake->within_ms / 60000);
    return GW_OK;
}
