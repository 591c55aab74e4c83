/* folder: what the commands share that work on the records of one folder: opening it beside a running provgate, finding
 * a user by name or id, who is acting, and texts for people. Main thread only. */
#pragma once

#include "gateway/command/command.h"
#include "gateway/json/value.h"
#include "routes/scim/schema.h"
#include "store/reader.h"
#include "store/writer.h"

#include <stdio.h>

struct command_folder {
    struct config *config;
    const char *name;
    const struct config_app *prov_app; /* the app whose prov face feeds the folder; NULL: none */
    struct store *store;
    struct store_reader *reader;
    uint32_t number;     /* 0: the store has nothing of it yet */
    struct gw_str actor; /* who runs the command */
    struct gw_arena arena;
};

/* Which folder --app or --folder means (both may be NULL when the configuration has one only); messages are written
 * here. COMMAND_DONE, or the exit status. */
int command_folder_choose(const struct command *command, const struct config *config, const char *app,
                          const char *folder, const char **ret_folder);

/* Loads the configuration, chooses the folder, opens store and reader. COMMAND_DONE, or the exit status after a
 * message; then there is nothing to close. */
int command_folder_open(const struct command *command, const char *config_path, const char *app, const char *folder,
                        struct command_folder *ret_folder);
void command_folder_close(struct command_folder *folder);

/* The resource type that the folder's prov face serves, extensions of the configuration included. Lives in the arena.
 */
const struct scim_resource_type *command_user_type(const struct command_folder *folder, struct gw_arena *arena);

/* The writer of a command; waits a while for another command that has the role. */
#define COMMAND_WRITER_WAIT_MS 10000
GW_MUST_CHECK enum gw_code command_writer_open(struct store *store, enum store_role role,
                                               struct store_writer **ret_writer, struct gw_error *err);

/* By name or by id, exactly one of them not NULL; GW_E_NOT_FOUND comes with a suggestion where one is close. Tombstones
 * are found by id only. */
GW_MUST_CHECK enum gw_code command_user_find(struct command_folder *folder, struct gw_arena *arena, const char *name,
                                             const char *id, struct store_user *ret_user, struct gw_error *err);

/* "operator:NAME", for the activity record: who ran the command. */
struct gw_str command_actor(struct gw_arena *arena);

/* A change of the folder, by the operator, now. */
struct store_change *command_change_new(const struct command_folder *folder, enum store_change_kind kind);

/* Texts and JSON. */

/* Is the byte (part of) a control character? Whoever wrote it, it does not reach a terminal. */
bool command_is_control(struct gw_str text, size_t at);
void command_print_text(FILE *out, struct gw_str text);
struct gw_str command_time_text(struct gw_arena *arena, int64_t wall_ms);
struct gw_str command_id_text(const struct command_folder *folder, struct gw_arena *arena, uint64_t seq);
/* "active", "deactivated", "locked", "deleted": what decides about the next request. */
const char *command_state_text(const struct store_user *user);
/* "linked", "observed", "provisioned", "imported": how the record came to be. */
const char *command_origin_text(const struct store_user *user);
/* Appends the flags as booleans, and when it was deactivated. */
void command_state_append(struct gw_arena *arena, struct json_value *object, const struct store_user *user);
void command_text_append(struct gw_arena *arena, struct json_value *object, struct gw_str name, struct gw_str text);
/* One line on `out`; false when it could not be written. */
GW_MUST_CHECK bool command_print_json(FILE *out, const struct json_value *value);
/* Is all that was printed out? Else COMMAND_FAILED after a message. */
int command_output_done(int status);
