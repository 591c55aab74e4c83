/* `provgate why`: from the reference on a refusal page, or from a name, to the call that took the access away. */
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/command/activity_entry.h"
#include "gateway/command/options.h"
#include "gateway/command/why_trail.h"
#include "gateway/json/parse.h"
#include "store/guard_off.h"
#include "store/inspect.h"

#include <getopt.h>
#include <inttypes.h>

#define LINE_BYTES_MAX 8192u

struct why {
    const char *asked;
    bool as_json;
    struct command_folder ground; /* config, store, reader; name and number change from folder to folder */
    struct gw_arena arena;
    struct json_value *top;
    struct json_value *users;
};

/* ---- output: an object is filled as well, and printed with --json ---- */

static void say(const struct why *why, const char *fmt, ...) GW_PRINTF(2, 3);
static void say(const struct why *why, const char *fmt, ...)
{
    if (why->as_json)
        return;
    va_list args;
    GW_ARENA_SCOPED(arena);
    va_start(args, fmt);
    struct gw_str text = gw_arena_vprintf(&arena, fmt, args);
    va_end(args);
    command_print_text(stdout, text);
    (void)putchar('\n');
}

static void put_text(struct why *why, struct json_value *object, const char *name, struct gw_str text)
{
    if (text.len > 0)
        command_text_append(&why->arena, object, gw_str_from(name), text);
}

static void put_entry(struct why *why, struct json_value *array, const struct store_activity *entry)
{
    json_array_append(&why->arena, array, activity_json(&why->arena, why->ground.store, why->ground.reader, entry));
    if (why->as_json)
        return;
    GW_BUF_SCOPED(line, LINE_BYTES_MAX);
    activity_write(&line, why->ground.store, why->ground.reader, entry, false);
    (void)printf("  %.*s", GW_STR_ARG(gw_buf_str(&line)));
}

static enum gw_code put_entries(struct why *why, struct json_value *object, const char *name,
                                const struct store_activity *list, size_t count, struct gw_error *err)
{
    struct json_value *array = json_array_new(&why->arena);
    json_object_append(&why->arena, object, gw_str_from(name), array);
    GW_TRY(store_reader_begin(why->ground.reader, err));
    for (size_t i = 0; i < count; i++)
        put_entry(why, array, &list[i]);
    store_reader_end(why->ground.reader);
    return GW_OK;
}

/* ---- what would happen now ---- */

static bool is_out(const struct store_user *user)
{
    return (user->state.flags & STORE_USER_ACTIVE) == 0 ||
           (user->state.flags & (STORE_USER_LOCKED | STORE_USER_DELETED)) != 0;
}

static struct gw_str now_text(struct why *why, const struct store_user *user,
                              const struct store_session_count *sessions)
{
    if (is_out(user))
        return gw_arena_printf(&why->arena,
                               "every request of their sessions and every sign-in is refused: the user is %s",
                               command_state_text(user));
    if (sessions->alive < sessions->bound)
        return gw_arena_printf(&why->arena,
                               "%" PRIu64 " of %" PRIu64 " sessions pass; the others were ended before and are refused "
                               "until the next sign-in; a sign-in passes",
                               sessions->alive, sessions->bound);
    return GW_STR("their sessions and sign-ins pass, apart from paths that need a role");
}

static void put_guard(struct why *why)
{
    struct store_guard_offs *offs = gw_arena_alloc(&why->arena, sizeof *offs);
    struct gw_error err;
    if (store_guard_offs_read(why->ground.config->store_path, &why->arena, offs, &err) != GW_OK)
        return;
    for (size_t i = 0; i < why->ground.config->app_count; i++) {
        struct gw_str app = gw_str_from(why->ground.config->apps[i].name);
        if (store_guard_off_find(offs, app, gw_clock_wall_ms()) == NULL)
            continue;
        say(why, "The guard of %.*s is off now: nobody is refused there (provgate guard status).", GW_STR_ARG(app));
        put_text(why, why->top, "guardOff", app);
    }
}

static enum gw_code put_history(struct why *why, struct json_value *object, const struct store_user *user,
                                uint64_t before_seq, struct gw_error *err)
{
    struct why_history history;
    GW_TRY(why_find_history(why->ground.reader, &why->arena, user->folder, user->seq, before_seq, &history, err));
    if (history.has_cut)
        say(why, before_seq != 0 ? "Cut by:" : "Sessions were last ended by:");
    GW_TRY(put_entries(why, object, "cut", &history.cut, history.has_cut, err));
    if (before_seq != 0)
        GW_TRY(why_find_history(why->ground.reader, &why->arena, user->folder, user->seq, 0, &history, err));
    say(why, "Latest changes:");
    return put_entries(why, object, "latest", history.latest, history.count, err);
}

/* The ground stands on the user's folder. */
static enum gw_code put_user(struct why *why, const struct store_user *user, uint64_t before_seq, struct gw_error *err)
{
    struct gw_arena *arena = &why->arena;
    struct store_session_count sessions;
    GW_TRY(store_reader_begin(why->ground.reader, err));
    enum gw_code code = store_user_sessions(why->ground.reader, user, &sessions, err);
    store_reader_end(why->ground.reader);
    if (code != GW_OK)
        return code;
    struct json_value *object = json_object_new(arena);
    json_array_append(arena, why->users, object);
    struct gw_str id = command_id_text(&why->ground, arena, user->seq);
    struct gw_str now = now_text(why, user, &sessions);
    put_text(why, object, "userName", user->user_name);
    put_text(why, object, "id", id);
    put_text(why, object, "folder", gw_str_from(why->ground.name));
    put_text(why, object, "state", gw_str_from(command_state_text(user)));
    json_object_append(arena, object, GW_STR("generation"), json_integer_new(arena, (int64_t)user->state.generation));
    json_object_append(arena, object, GW_STR("sessionsAlive"), json_integer_new(arena, (int64_t)sessions.alive));
    json_object_append(arena, object, GW_STR("sessionsBound"), json_integer_new(arena, (int64_t)sessions.bound));
    put_text(why, object, "now", now);
    say(why, "%.*s (%.*s) in the folder %s is %s; generation %" PRIu64 ", %" PRIu64 " of %" PRIu64 " sessions alive.",
        GW_STR_ARG(user->user_name), GW_STR_ARG(id), why->ground.name, command_state_text(user), user->state.generation,
        sessions.alive, sessions.bound);
    say(why, "Now: %.*s.", GW_STR_ARG(now));
    return put_history(why, object, user, before_seq, err);
}

/* ---- folders ---- */

/* Puts the ground on the folder of that number. */
static enum gw_code stand_on(struct why *why, uint32_t number, struct gw_error *err)
{
    struct gw_str name;
    GW_TRY(store_reader_begin(why->ground.reader, err));
    enum gw_code code = store_folder_name(why->ground.reader, &why->arena, number, &name, err);
    store_reader_end(why->ground.reader);
    if (code != GW_OK)
        return code;
    why->ground.name = gw_arena_cstr(&why->arena, name);
    why->ground.number = number;
    return GW_OK;
}

static enum gw_code put_user_of(struct why *why, uint32_t folder, uint64_t seq, uint64_t before_seq,
                                struct gw_error *err)
{
    struct store_user user;
    GW_TRY(stand_on(why, folder, err));
    GW_TRY(store_reader_begin(why->ground.reader, err));
    enum gw_code code = store_user_get(why->ground.reader, &why->arena, folder, seq, &user, err);
    store_reader_end(why->ground.reader);
    if (code == GW_E_NOT_FOUND) {
        say(why, "The record of that user is gone: its retention has ended.");
        return GW_OK;
    }
    return code == GW_OK ? put_user(why, &user, before_seq, err) : code;
}

static enum gw_code find_folder(struct why *why, const char *name, uint32_t *ret_number, struct gw_error *err)
{
    GW_TRY(store_reader_begin(why->ground.reader, err));
    enum gw_code code = store_folder_find(why->ground.reader, gw_str_from(name), ret_number, err);
    store_reader_end(why->ground.reader);
    return code;
}

/* ---- by reference ---- */

static const struct config_app *app_named(const struct why *why, struct gw_str name)
{
    for (size_t i = 0; i < why->ground.config->app_count; i++) {
        if (gw_str_eq(gw_str_from(why->ground.config->apps[i].name), name))
            return &why->ground.config->apps[i];
    }
    return NULL;
}

static struct gw_str member(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_object_get(object, gw_str_from(name));
    return json_is(value, JSON_STRING) ? value->text : GW_STR("");
}

/* Only the first refusal of a session is in the activity record; the access log has them all. */
static enum gw_code by_log_line(struct why *why, bool *ret_found, struct gw_error *err)
{
    struct gw_str line = why_find_line(why->ground.config->access_log.file, &why->arena, gw_str_from(why->asked));
    struct json_value *object = NULL;
    *ret_found = line.len > 0 && json_parse(&why->arena, line, &JSON_LIMITS_BODY, &object, err) == GW_OK;
    if (!*ret_found)
        return GW_OK;
    say(why, "In the access log:");
    say(why, "  %.*s", GW_STR_ARG(line));
    json_object_append(&why->arena, why->top, GW_STR("request"), object);
    const struct config_app *app = app_named(why, member(object, "app"));
    uint32_t folder = 0;
    uint64_t seq = 0;
    if (app == NULL || find_folder(why, app->folder, &folder, err) != GW_OK ||
        !gw_ident_parse(store_ident_key(why->ground.store), GW_IDENT_USER, folder, member(object, "user_id"), &seq))
        return GW_OK;
    return put_user_of(why, folder, seq, 0, err);
}

static enum gw_code by_reference(struct why *why, bool *ret_found, struct gw_error *err)
{
    struct why_matches matches;
    GW_TRY(why_find_reference(why->ground.reader, &why->arena, gw_str_from(why->asked), &matches, err));
    *ret_found = matches.count > 0;
    if (!*ret_found)
        return by_log_line(why, ret_found, err);
    say(why, "Under this reference:");
    GW_TRY(put_entries(why, why->top, "entries", matches.list, matches.count, err));
    const struct store_activity *newest = &matches.list[0];
    bool is_refusal = newest->kind == STORE_ACTIVITY_REFUSE;
    if (newest->user_seq == 0 || newest->folder == 0)
        return GW_OK;
    return put_user_of(why, newest->folder, newest->user_seq, is_refusal ? newest->seq : 0, err);
}

/* ---- by name ---- */

/* Who was deleted is refused like nobody else, and has no name in the index any more. */
static enum gw_code deleted_in(struct why *why, uint32_t folder, bool *ret_found, struct gw_error *err)
{
    struct why_deleted deleted;
    struct store_join join = {.folder = folder, .match = STORE_INDEX_USER_NAME, .value = gw_str_from(why->asked)};
    uint64_t nobody = 0;
    GW_TRY(why_find_deleted(why->ground.reader, folder, join.value, &deleted, err));
    for (size_t i = 0; i < deleted.count; i++)
        GW_TRY(put_user_of(why, folder, deleted.seqs[i], 0, err));
    GW_TRY(store_reader_begin(why->ground.reader, err));
    enum gw_code code = store_join_find(why->ground.reader, &join, &nobody, err);
    store_reader_end(why->ground.reader);
    *ret_found = *ret_found || deleted.count > 0 || code == GW_E_FORBIDDEN;
    if (code == GW_E_FORBIDDEN && deleted.count == 0) {
        GW_TRY(stand_on(why, folder, err));
        say(why,
            "Somebody of that name was deleted from the folder %s, and the record is gone: sign-ins under it are "
            "refused until the person is provisioned again.",
            why->ground.name);
    }
    return code == GW_E_FORBIDDEN || code == GW_E_CONFLICT ? GW_OK : code;
}

static enum gw_code by_name_in(struct why *why, const char *folder, bool *ret_found, struct gw_error *err)
{
    uint32_t number = 0;
    uint64_t seq = 0;
    size_t count = 0;
    enum gw_code code = find_folder(why, folder, &number, err);
    if (code != GW_OK)
        return code == GW_E_NOT_FOUND ? GW_OK : code;
    GW_TRY(store_reader_begin(why->ground.reader, err));
    code = store_users_find(why->ground.reader, number, STORE_INDEX_USER_NAME, gw_str_from(why->asked), &seq, 1, &count,
                            err);
    store_reader_end(why->ground.reader);
    if (code != GW_OK)
        return code;
    if (count == 0)
        return deleted_in(why, number, ret_found, err);
    *ret_found = true;
    return put_user_of(why, number, seq, 0, err);
}

static enum gw_code by_name(struct why *why, bool *ret_found, struct gw_error *err)
{
    const struct config *config = why->ground.config;
    for (size_t i = 0; i < config->app_count; i++) {
        bool is_done = false;
        for (size_t k = 0; k < i; k++)
            is_done = is_done || strcmp(config->apps[k].folder, config->apps[i].folder) == 0;
        if (!is_done)
            GW_TRY(by_name_in(why, config->apps[i].folder, ret_found, err));
    }
    return GW_OK;
}

/* ---- the command ---- */

static enum gw_code answer(struct why *why, struct gw_error *err)
{
    bool found = false;
    GW_TRY(store_open(why->ground.config->store_path, why->ground.config->store_max_size, &why->ground.store, err));
    GW_TRY(store_reader_new(why->ground.store, &why->ground.reader, err));
    why->top = json_object_new(&why->arena);
    why->users = json_array_new(&why->arena);
    put_text(why, why->top, "asked", gw_str_from(why->asked));
    GW_TRY(by_name(why, &found, err));
    if (!found)
        GW_TRY(by_reference(why, &found, err));
    if (!found)
        return gw_fail(err, GW_E_NOT_FOUND,
                       "\"%s\" is neither a user's name nor a reference in the activity record%s; only the first "
                       "refusal of a session is recorded there: ask with the user's name, or look for the reference in "
                       "the log",
                       why->asked, why->ground.config->access_log.file != NULL ? " or the access log" : "");
    put_guard(why);
    json_object_append(&why->arena, why->top, GW_STR("users"), why->users);
    if (why->as_json && !command_print_json(stdout, why->top))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}

struct request {
    const char *config_path;
    bool as_json;
};

static const struct command_option options[] = {
    COMMAND_TEXT(request, config_path, "config"),
    COMMAND_FLAG(request, as_json, "json"),
};

static int run(const struct command *command, int argc, char **argv)
{
    struct request request = {.config_path = COMMAND_CONFIG_DEFAULT};
    struct gw_error err;
    int status = command_options_read(command, argc, argv, options, sizeof options / sizeof options[0], &request);
    if (status != COMMAND_GO_ON)
        return status;
    if (optind + 1 != argc)
        return command_usage_error(command, "one REFERENCE or one USER NAME is needed");
    struct why why = {.asked = argv[optind], .as_json = request.as_json};
    if (command_config_load(request.config_path, &why.ground.config) != COMMAND_DONE)
        return COMMAND_WRONG;
    enum gw_code code = answer(&why, &err);
    command_folder_close(&why.ground);
    gw_arena_done(&why.arena);
    return code == GW_OK ? command_output_done(COMMAND_DONE) : command_failed(&err);
}

const struct command command_why = {
    .name = "why",
    .summary = "say why somebody is refused, and which call did it",
    .usage =
        "usage: provgate why REFERENCE|USER [--json]\n"
        "A reference stands on each refusal page, in its JSON and in the access log; one of a provisioning call in "
        "the\n"
        "activity record. Says who was refused where and why, which call of whom took the access away, how the record\n"
        "is now, and what would happen to the next request. The first refusal of a session is in the activity record,\n"
        "and its later ones show the same reference. What is not there is looked up in the access log, where there is\n"
        "one (its last 64 MiB). A name may be that of somebody who was deleted.\n"
        "  --config FILE  the configuration (" COMMAND_CONFIG_DEFAULT ")\n"
        "  --json         one JSON object\n",
    .run = run,
};
