#include "gateway/command/user_show.h"

#include "gateway/base/text.h"
#include "gateway/command/users.h"
#include "gateway/json/parse.h"
#include "gateway/json/write.h"
#include "store/inspect.h"

#include <inttypes.h>

#define DELETED_MAX 1000u

const char *const command_list_states[] = {"active",      "deactivated", "locked",   "observed",
                                           "provisioned", "linked",      "imported", NULL};

static bool has_state(const struct store_user *user, const char *state)
{
    uint32_t flags = user->state.flags;
    if (state == NULL)
        return true;
    if (strcmp(state, "active") == 0)
        return (flags & STORE_USER_ACTIVE) != 0;
    if (strcmp(state, "deactivated") == 0)
        return (flags & STORE_USER_ACTIVE) == 0;
    if (strcmp(state, "locked") == 0)
        return (flags & STORE_USER_LOCKED) != 0;
    return strcmp(command_origin_text(user), state) == 0;
}

static struct json_value *entry_json(const struct command_folder *folder, struct gw_arena *arena,
                                     const struct store_user *user)
{
    struct json_value *entry = json_object_new(arena);
    command_text_append(arena, entry, GW_STR("id"), command_id_text(folder, arena, user->seq));
    command_text_append(arena, entry, GW_STR("userName"), user->user_name);
    if (user->external_id.len > 0)
        command_text_append(arena, entry, GW_STR("externalId"), user->external_id);
    json_object_append(arena, entry, GW_STR("active"),
                       json_bool_new(arena, (user->state.flags & STORE_USER_ACTIVE) != 0));
    command_state_append(arena, entry, user);
    command_text_append(arena, entry, GW_STR("created"), command_time_text(arena, user->created_ms));
    command_text_append(arena, entry, GW_STR("modified"), command_time_text(arena, user->modified_ms));
    return entry;
}

struct listing {
    struct command_folder *folder;
    const struct command_list_query *query;
    struct gw_arena arena;
    uint64_t shown;
    bool has_more;
    bool is_broken; /* the output */
};

static bool on_user(const struct store_user *user, void *data)
{
    struct listing *listing = data;
    if (!has_state(user, listing->query->state))
        return true;
    if (listing->query->count != 0 && listing->shown == listing->query->count) {
        listing->has_more = true;
        return false;
    }
    gw_arena_reset(&listing->arena);
    listing->shown++;
    if (listing->query->as_json) {
        listing->is_broken = !command_print_json(stdout, entry_json(listing->folder, &listing->arena, user));
        return !listing->is_broken;
    }
    struct gw_str id = command_id_text(listing->folder, &listing->arena, user->seq);
    (void)printf("%.*s  %-19s  %-11s  ", GW_STR_ARG(id), command_state_text(user), command_origin_text(user));
    command_print_text(stdout, user->user_name);
    listing->is_broken = putchar('\n') == EOF;
    return !listing->is_broken;
}

enum gw_code command_users_list(struct command_folder *folder, const struct command_list_query *query,
                                struct gw_error *err)
{
    struct listing listing = {.folder = folder, .query = query};
    enum gw_code code = command_users_walk(folder, query->start - 1, on_user, &listing, err);
    gw_arena_done(&listing.arena);
    if (code != GW_OK || !listing.has_more)
        return code;
    if (query->state == NULL)
        (void)fprintf(stderr, "there are more: --start %" PRIu64 "\n", query->start + listing.shown);
    else
        (void)fputs("there are more: raise --count\n", stderr);
    return GW_OK;
}

enum gw_code command_deleted_list(struct command_folder *folder, const struct command_list_query *query,
                                  struct gw_error *err)
{
    /* in one snapshot, which a slow terminal must not keep for ever */
    struct command_list_query few = *query;
    few.state = NULL;
    few.count = query->count == 0 || query->count > DELETED_MAX ? DELETED_MAX : query->count;
    struct listing listing = {.folder = folder, .query = &few};
    if (folder->number == 0)
        return GW_OK;
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_deleted_walk(folder->reader, folder->number, on_user, &listing, err);
    store_reader_end(folder->reader);
    gw_arena_done(&listing.arena);
    if (code == GW_OK && listing.has_more)
        (void)fprintf(stderr, "there are more; at most %u are shown\n", DELETED_MAX);
    return code;
}

struct deleted_search {
    struct gw_str folded;
    uint64_t seq; /* 0: none yet */
    bool is_two;
};

static bool on_deleted(const struct store_user *user, void *data)
{
    struct deleted_search *search = data;
    GW_ARENA_SCOPED(arena);
    struct gw_str folded;
    if (!gw_name_fold(&arena, user->user_name, &folded) || !gw_str_eq(folded, search->folded))
        return true;
    search->is_two = search->seq != 0;
    search->seq = user->seq;
    return !search->is_two;
}

enum gw_code command_deleted_find(struct command_folder *folder, struct gw_arena *arena, const char *name,
                                  struct store_user *ret_user, struct gw_error *err)
{
    struct deleted_search search = {.seq = 0};
    if (folder->number == 0 || !gw_name_fold(arena, gw_str_from(name), &search.folded))
        return gw_fail(err, GW_E_NOT_FOUND, "no deleted user \"%s\" in the folder %s", name, folder->name);
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_deleted_walk(folder->reader, folder->number, on_deleted, &search, err);
    if (code == GW_OK && search.is_two)
        code = gw_fail(err, GW_E_CONFLICT, "several deleted users had the name \"%s\"; say which with --id", name);
    else if (code == GW_OK && search.seq == 0)
        code = gw_fail(err, GW_E_NOT_FOUND, "no deleted user \"%s\" in the folder %s", name, folder->name);
    else if (code == GW_OK)
        code = store_user_get(folder->reader, arena, folder->number, search.seq, ret_user, err);
    store_reader_end(folder->reader);
    return code;
}

/* What `show` adds to an entry. */
struct details {
    struct gw_arena *arena;
    struct json_value *subjects;
    struct store_session_count sessions;
    struct json_value *attributes;
};

static void on_link(struct gw_str issuer, struct gw_str name_id, void *data)
{
    struct details *details = data;
    struct json_value *subject = json_object_new(details->arena);
    command_text_append(details->arena, subject, GW_STR("issuer"), gw_arena_copy(details->arena, issuer));
    command_text_append(details->arena, subject, GW_STR("nameId"), gw_arena_copy(details->arena, name_id));
    json_array_append(details->arena, details->subjects, subject);
}

static enum gw_code read_details(struct command_folder *folder, const struct store_user *user, struct gw_arena *arena,
                                 struct details *details, struct gw_error *err)
{
    *details = (struct details){.arena = arena, .subjects = json_array_new(arena)};
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_user_links(folder->reader, user->folder, user->seq, on_link, details, err);
    if (code == GW_OK)
        code = store_user_sessions(folder->reader, user, &details->sessions, err);
    store_reader_end(folder->reader);
    if (code != GW_OK)
        return code;
    details->attributes = json_object_new(arena);
    if (user->attributes.len == 0)
        return GW_OK;
    return json_parse(arena, user->attributes, &JSON_LIMITS_BODY, &details->attributes, err);
}

static struct json_value *user_json(const struct command_folder *folder, const struct store_user *user,
                                    const struct details *details)
{
    struct gw_arena *arena = details->arena;
    struct json_value *top = entry_json(folder, arena, user);
    struct json_value *sessions = json_object_new(arena);
    command_text_append(arena, top, GW_STR("folder"), gw_str_from(folder->name));
    json_object_append(arena, top, GW_STR("version"), json_integer_new(arena, (int64_t)user->version));
    json_object_append(arena, sessions, GW_STR("bound"), json_integer_new(arena, (int64_t)details->sessions.bound));
    json_object_append(arena, sessions, GW_STR("alive"), json_integer_new(arena, (int64_t)details->sessions.alive));
    json_object_append(arena, top, GW_STR("sessions"), sessions);
    json_object_append(arena, top, GW_STR("subjects"), details->subjects);
    json_object_append(arena, top, GW_STR("attributes"), details->attributes);
    return top;
}

static void print_line(FILE *out, const char *name, struct gw_str text)
{
    (void)fprintf(out, "%-13s ", name);
    command_print_text(out, text);
    (void)fputc('\n', out);
}

static void print_user(const struct command_folder *folder, const struct store_user *user,
                       const struct details *details, FILE *out)
{
    struct gw_arena *arena = details->arena;
    print_line(out, "userName", user->user_name);
    print_line(out, "id", command_id_text(folder, arena, user->seq));
    if (user->external_id.len > 0)
        print_line(out, "externalId", user->external_id);
    print_line(out, "folder", gw_str_from(folder->name));
    print_line(out, "state", gw_str_from(command_state_text(user)));
    print_line(out, "known as", gw_str_from(command_origin_text(user)));
    print_line(out, "created", command_time_text(arena, user->created_ms));
    print_line(out, "modified", command_time_text(arena, user->modified_ms));
    if (user->deactivated_ms != 0)
        print_line(out, "deactivated", command_time_text(arena, user->deactivated_ms));
    print_line(out, "sessions",
               gw_arena_printf(arena, "%" PRIu64 " alive of %" PRIu64 " bound", details->sessions.alive,
                               details->sessions.bound));
    for (size_t i = 0; i < json_count(details->subjects); i++) {
        const struct json_value *subject = details->subjects->array.items[i];
        print_line(out, "subject",
                   gw_arena_printf(arena, "%.*s from %.*s",
                                   GW_STR_ARG(json_object_get(subject, GW_STR("nameId"))->text),
                                   GW_STR_ARG(json_object_get(subject, GW_STR("issuer"))->text)));
    }
    for (size_t i = 0; i < json_count(details->attributes); i++) {
        const struct json_member *member = &details->attributes->object.members[i];
        bool is_text = json_is(member->value, JSON_STRING);
        print_line(out, gw_arena_cstr(arena, member->name),
                   is_text ? member->value->text : json_text(arena, member->value));
    }
}

enum gw_code command_user_show(struct command_folder *folder, const struct store_user *user, bool as_json, FILE *out,
                               struct gw_error *err)
{
    GW_ARENA_SCOPED(arena);
    struct details details;
    GW_TRY(read_details(folder, user, &arena, &details, err));
    if (!as_json)
        print_user(folder, user, &details, out);
    else if (!command_print_json(out, user_json(folder, user, &details)))
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    return GW_OK;
}
