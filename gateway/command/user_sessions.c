#include "gateway/command/user_sessions.h"

#include "store/inspect.h"

#define DIGEST_BYTES_SHOWN 4u

struct showing {
    const struct store_user *user;
    bool as_json;
    unsigned shown;
    bool is_broken; /* the output */
};

static const char *state_of(const struct store_user *user, const struct store_session *session)
{
    bool is_out =
        (user->state.flags & (STORE_USER_ACTIVE | STORE_USER_LOCKED | STORE_USER_DELETED)) != STORE_USER_ACTIVE;
    if (is_out || session->generation != user->state.generation)
        return "ended";
    return session->is_signed_out ? "signed out at the app" : "alive";
}

static bool on_session(const struct store_session_digest *digest, const struct store_session *session, void *data)
{
    struct showing *showing = data;
    GW_ARENA_SCOPED(arena);
    struct gw_str name = gw_hex(&arena, digest->bytes, DIGEST_BYTES_SHOWN);
    struct gw_str bound = command_time_text(&arena, session->bound_ms);
    struct gw_str seen = command_time_text(&arena, session->seen_ms);
    const char *state = state_of(showing->user, session);
    if (showing->shown++ == USER_SESSIONS_MAX)
        return false;
    if (!showing->as_json) {
        (void)printf("session       %.*s  bound %.*s  seen %.*s  %s\n", GW_STR_ARG(name), GW_STR_ARG(bound),
                     GW_STR_ARG(seen), state);
        return true;
    }
    struct json_value *top = json_object_new(&arena);
    command_text_append(&arena, top, GW_STR("session"), name);
    command_text_append(&arena, top, GW_STR("bound"), bound);
    command_text_append(&arena, top, GW_STR("seen"), seen);
    command_text_append(&arena, top, GW_STR("state"), gw_str_from(state));
    showing->is_broken = !command_print_json(stdout, top);
    return !showing->is_broken;
}

enum gw_code command_user_sessions(struct command_folder *folder, const struct store_user *user, bool as_json,
                                   struct gw_error *err)
{
    struct showing showing = {.user = user, .as_json = as_json};
    GW_TRY(store_reader_begin(folder->reader, err));
    enum gw_code code = store_user_sessions_each(folder->reader, user, on_session, &showing, err);
    store_reader_end(folder->reader);
    if (code == GW_OK && showing.is_broken)
        return gw_fail(err, GW_E_INTERNAL, "the output could not be written");
    if (code == GW_OK && showing.shown > USER_SESSIONS_MAX)
        (void)fprintf(stderr, "provgate: there are more than %u sessions\n", USER_SESSIONS_MAX);
    return code;
}
