#include "gateway/command/folder.h"

#include "config/suggest.h"
#include "gateway/base/clock.h"
#include "routes/schemas.h"
#include "store/inspect.h"

#include <stdlib.h>
#include <time.h>

#define SUGGESTED_AMONG_MAX 512u /* names that are looked at for one that is close */
#define WRITER_STEP_MS 20

static int choose_only(const struct command *command, const struct config *config, const char **ret_folder)
{
    for (size_t i = 1; i < config->app_count; i++) {
        if (strcmp(config->apps[i].folder, config->apps[0].folder) != 0)
            return command_usage_error(command, "--app NAME or --folder NAME is needed: %s names several folders",
                                       config->path);
    }
    if (config->app_count == 0)
        return command_usage_error(command, "%s names no app", config->path);
    *ret_folder = config->apps[0].folder;
    return COMMAND_DONE;
}

static int choose_named(const struct config *config, const char *folder, const char **ret_folder)
{
    const char *names[CONFIG_APPS_MAX];
    for (size_t i = 0; i < config->app_count; i++) {
        names[i] = config->apps[i].folder;
        if (strcmp(names[i], folder) == 0) {
            *ret_folder = names[i];
            return COMMAND_DONE;
        }
    }
    const char *close = config_suggest(gw_str_from(folder), names, config->app_count);
    (void)fprintf(stderr, "provgate: %s names no folder \"%s\"%s%s%s\n", config->path, folder,
                  close != NULL ? "; did you mean " : "", close != NULL ? close : "", close != NULL ? "?" : "");
    return COMMAND_WRONG;
}

int command_folder_choose(const struct command *command, const struct config *config, const char *app,
                          const char *folder, const char **ret_folder)
{
    if (app != NULL && folder != NULL)
        return command_usage_error(command, "--app and --folder say the same twice; give one");
    if (folder != NULL)
        return choose_named(config, folder, ret_folder);
    if (app == NULL)
        return choose_only(command, config, ret_folder);
    const struct config_app *found = command_app_find(config, app);
    if (found == NULL)
        return COMMAND_WRONG;
    *ret_folder = found->folder;
    return COMMAND_DONE;
}

static const struct config_app *prov_app_of(const struct config *config, const char *folder)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (config->apps[i].prov.is_present && strcmp(config->apps[i].folder, folder) == 0)
            return &config->apps[i];
    }
    return NULL;
}

static enum gw_code open_store(struct command_folder *folder, struct gw_error *err)
{
    GW_TRY(store_open(folder->config->store_path, folder->config->store_max_size, &folder->store, err));
    GW_TRY(store_reader_new(folder->store, &folder->reader, err));
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_folder_find(folder->reader, gw_str_from(folder->name), &folder->number, err);
    store_reader_end(folder->reader);
    return code == GW_E_NOT_FOUND ? GW_OK : code;
}

int command_folder_open(const struct command *command, const char *config_path, const char *app, const char *folder,
                        struct command_folder *ret_folder)
{
    struct gw_error err;
    *ret_folder = (struct command_folder){.config = NULL};
    if (command_config_load(config_path, &ret_folder->config) != COMMAND_DONE)
        return COMMAND_WRONG;
    ret_folder->actor = command_actor(&ret_folder->arena);
    int status = command_folder_choose(command, ret_folder->config, app, folder, &ret_folder->name);
    if (status == COMMAND_DONE) {
        ret_folder->prov_app = prov_app_of(ret_folder->config, ret_folder->name);
        status = open_store(ret_folder, &err) == GW_OK ? COMMAND_DONE : command_failed(&err);
    }
    if (status != COMMAND_DONE)
        command_folder_close(ret_folder);
    return status;
}

void command_folder_close(struct command_folder *folder)
{
    store_reader_free(folder->reader);
    store_close(folder->store);
    config_unref(folder->config);
    gw_arena_done(&folder->arena);
    *folder = (struct command_folder){.config = NULL};
}

enum gw_code command_writer_open(struct store *store, enum store_role role, struct store_writer **ret_writer,
                                 struct gw_error *err)
{
    static const struct timespec step = {.tv_nsec = WRITER_STEP_MS * 1000000};
    struct store_writer_settings settings = {.role = role};
    int64_t end_ms = gw_clock_mono_ms() + COMMAND_WRITER_WAIT_MS;
    enum gw_code code = store_writer_new(store, &settings, ret_writer, err);
    while (code == GW_E_STORE_LOCKED && gw_clock_mono_ms() < end_ms) {
        (void)nanosleep(&step, NULL);
        code = store_writer_new(store, &settings, ret_writer, err);
    }
    return code;
}

/* A name that is close, among those that begin like it. */
static const char *close_name(struct command_folder *folder, struct gw_arena *arena, struct gw_str name)
{
    const char **names = gw_arena_array(arena, SUGGESTED_AMONG_MAX, sizeof *names);
    struct gw_error err;
    for (size_t len = name.len / 2; name.len > 0; len /= 2) {
        size_t count = 0;
        while (len > 0 && ((unsigned char)name.ptr[len] & 0xC0) == 0x80)
            len--; /* not half a character */
        if (store_user_names(folder->reader, arena, folder->number, gw_str_n(name.ptr, len), names, SUGGESTED_AMONG_MAX,
                             &count, &err) != GW_OK)
            return NULL;
        const char *close = config_suggest(name, names, count);
        if (close != NULL || len == 0)
            return close;
    }
    return NULL;
}

static enum gw_code find_by_name(struct command_folder *folder, struct gw_arena *arena, struct gw_str name,
                                 uint64_t *ret_seq, struct gw_error *err)
{
    size_t count = 0;
    GW_TRY(store_users_find(folder->reader, folder->number, STORE_INDEX_USER_NAME, name, ret_seq, 1, &count, err));
    if (count == 1)
        return GW_OK;
    const char *close = close_name(folder, arena, name);
    return gw_fail(err, GW_E_NOT_FOUND, "no user \"%.*s\" in the folder %s%s%s%s", GW_STR_ARG(name), folder->name,
                   close != NULL ? "; did you mean " : "", close != NULL ? close : "", close != NULL ? "?" : "");
}

static enum gw_code find_user(struct command_folder *folder, struct gw_arena *arena, const char *name, const char *id,
                              struct store_user *ret_user, struct gw_error *err)
{
    uint64_t seq = 0;
    if (id == NULL)
        GW_TRY(find_by_name(folder, arena, gw_str_from(name), &seq, err));
    else if (!gw_ident_parse(store_ident_key(folder->store), GW_IDENT_USER, folder->number, gw_str_from(id), &seq))
        return gw_fail(err, GW_E_NOT_FOUND, "\"%s\" is not the id of a user in the folder %s", id, folder->name);
    return store_user_get(folder->reader, arena, folder->number, seq, ret_user, err);
}

enum gw_code command_user_find(struct command_folder *folder, struct gw_arena *arena, const char *name, const char *id,
                               struct store_user *ret_user, struct gw_error *err)
{
    if (folder->number == 0)
        return gw_fail(err, GW_E_NOT_FOUND, "the folder %s is empty", folder->name);
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = find_user(folder, arena, name, id, ret_user, err);
    store_reader_end(folder->reader);
    return code;
}

struct store_change *command_change_new(const struct command_folder *folder, enum store_change_kind kind)
{
    struct store_change *change = store_change_new(kind);
    change->time_ms = gw_clock_wall_ms();
    change->folder = folder->number;
    change->actor = gw_arena_copy(&change->arena, folder->actor);
    return change;
}

const struct scim_resource_type *command_user_type(const struct command_folder *folder, struct gw_arena *arena)
{
    const struct config_app *app = folder->prov_app;
    struct scim_schema_set *schemas = gw_arena_alloc(arena, sizeof *schemas);
    prov_schemas_init(arena, app != NULL ? &app->prov : NULL, schemas);
    return scim_resource_type_find(schemas, GW_STR("User"));
}
