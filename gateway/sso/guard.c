#include "gateway/sso/guard.h"

#include "gateway/cookie/cookie.h"
#include "gateway/sso/address_session.h"

#define CARRIED_MAX 64u

/* What one reading of one cookie turned out to be; the higher one decides for the request. */
enum standing { STANDING_NONE, STANDING_ALIVE, STANDING_UNDECIDED, STANDING_ENDED, STANDING_INACTIVE };

struct check {
    const struct sso_guard_view *view;
    struct sso_guard *guard;
    enum standing worst;
    struct store_session_digest *carried;
    struct store_session_digest *sessions;
    struct store_session_digest *known;
    bool has_unbound; /* an occurrence that no reading of is known */
    bool has_anonymous;
    bool has_two_users;
    struct store_session_digest unbound;
};

static enum standing user_standing(const struct check *c, uint32_t folder, uint64_t user_seq, uint64_t generation)
{
    struct store_user_state state;
    if (folder != c->view->folder) /* of before the app's folder was changed: nobody there is deactivated any more */
        return STANDING_ENDED;
    enum gw_code code = store_user_state_get(c->view->reader, folder, user_seq, &state);
    if (code == GW_E_NOT_FOUND)
        return STANDING_INACTIVE;
    if (code != GW_OK)
        return STANDING_UNDECIDED;
    if ((state.flags & STORE_USER_ACTIVE) == 0 || (state.flags & (STORE_USER_LOCKED | STORE_USER_DELETED)) != 0)
        return STANDING_INACTIVE;
    return state.generation == generation ? STANDING_ALIVE : STANDING_ENDED;
}

static enum standing stored_standing(const struct check *c, const struct store_session_digest *digest,
                                     struct store_session *session)
{
    enum gw_code code = store_session_get(c->view->reader, digest, session);
    if (code == GW_E_NOT_FOUND)
        return STANDING_NONE;
    if (code != GW_OK)
        return STANDING_UNDECIDED;
    return user_standing(c, session->folder, session->user_seq, session->generation);
}

/* A rotated session of a sign-on that the store did not have yet: it may have it by now, or have refused it. */
static enum standing root_standing(const struct check *c, struct sso_held_session *held)
{
    struct store_session stored;
    struct sso_held_session root;
    enum standing standing = stored_standing(c, &held->root, &stored);
    if (standing == STANDING_ALIVE || standing == STANDING_ENDED || standing == STANDING_INACTIVE) {
        held->folder = stored.folder;
        held->user_seq = stored.user_seq;
        held->generation = stored.generation;
        return standing;
    }
    bool is_refused =
        sso_held_get(c->view->bound, &held->root, c->view->now_ms, &root) && root.kind == SSO_HELD_REFUSED;
    return is_refused ? STANDING_INACTIVE : STANDING_ALIVE;
}

static enum standing held_standing(const struct check *c, const struct store_session_digest *digest,
                                   struct sso_held_session *held)
{
    if (!sso_held_get(c->view->bound, digest, c->view->now_ms, held))
        return STANDING_NONE;
    if (held->kind == SSO_HELD_REFUSED)
        return STANDING_INACTIVE;
    /* A sign-on of a person who is not in the store yet: there is no state that could say no. */
    if (held->user_seq == 0)
        return root_standing(c, held);
    return user_standing(c, held->folder, held->user_seq, held->generation);
}

static void session_note(struct check *c, const struct sso_guard *found)
{
    struct sso_guard *guard = c->guard;
    if (guard->user_seq != 0 && found->user_seq != 0 && guard->user_seq != found->user_seq)
        c->has_two_users = true;
    if (guard->user_seq != 0)
        return;
    guard->folder = found->folder;
    guard->user_seq = found->user_seq;
    guard->generation = found->generation;
    guard->seen_ms = found->seen_ms;
    guard->session = found->session;
    guard->root = found->root;
}

/* The store first: a bound session's request then takes no lock. What is held overrules a dead entry, since a sign-on
 * may have bound the same value anew. */
static enum standing digest_standing(struct check *c, const struct store_session_digest *digest)
{
    struct store_session stored = {0};
    enum standing standing = stored_standing(c, digest, &stored);
    struct sso_guard found = {.folder = stored.folder,
                              .user_seq = stored.user_seq,
                              .generation = stored.generation,
                              .seen_ms = stored.seen_ms,
                              .session = *digest,
                              .root = *digest};
    struct sso_held_session held;
    enum standing held_is = standing == STANDING_ALIVE ? STANDING_NONE : held_standing(c, digest, &held);
    if (held_is != STANDING_NONE && standing != STANDING_UNDECIDED) {
        standing = held_is;
        found = (struct sso_guard){.folder = held.folder,
                                   .user_seq = held.user_seq,
                                   .generation = held.generation,
                                   .session = *digest,
                                   .root = held.root};
    }
    if (standing != STANDING_NONE)
        session_note(c, &found);
    return standing;
}

static bool sibling_binds(const struct sso_guard_sibling *sibling, struct gw_str name)
{
    for (size_t i = 0; i < sibling->session_cookie_count; i++) {
        if (cookie_name_matches(name, gw_str_from(sibling->session_cookies[i])))
            return true;
    }
    return false;
}

/* What the app would bind, and under which digest it is known: its own, or another's of the folder. */
struct digests {
    struct store_session_digest own, known;
};

static enum standing value_standing(struct check *c, const struct cookie_value *reading, struct digests *ret_digests)
{
    const struct sso_guard_view *view = c->view;
    ret_digests->own = store_session_digest(view->store, view->app, reading->name, reading->value);
    enum standing standing = digest_standing(c, &ret_digests->own);
    ret_digests->known = ret_digests->own;
    for (size_t i = 0; standing == STANDING_NONE && i < view->sibling_count; i++) {
        if (!sibling_binds(&view->siblings[i], reading->name))
            continue;
        struct store_session_digest digest =
            store_session_digest(view->store, view->siblings[i].app, reading->name, reading->value);
        standing = digest_standing(c, &digest);
        if (standing != STANDING_NONE)
            ret_digests->known = digest;
    }
    return standing;
}

static void standing_add(struct check *c, enum standing standing)
{
    if (standing > c->worst)
        c->worst = standing;
}

static bool is_anonymous(struct check *c, const struct store_session_digest *digest)
{
    struct sso_held_session held;
    if (!sso_held_get(c->view->anonymous, digest, c->view->now_ms, &held) || held.kind != SSO_HELD_ANONYMOUS)
        return false;
    if (!c->has_anonymous || held.expires_ms < c->guard->anonymous_until_ms)
        c->guard->anonymous_until_ms = held.expires_ms;
    return true;
}

/* What a reading says of its name, for the twins below. */
enum reading_kind { READING_NOTHING, READING_KNOWN, READING_UNBOUND };

struct reading {
    enum reading_kind kind;
    bool is_canonical;
};

static void session_add(struct check *c, const struct store_session_digest *digest)
{
    struct sso_guard *guard = c->guard;
    for (size_t i = 0; i < guard->session_count; i++) {
        if (gw_secret_eq(&c->sessions[i], digest, sizeof *digest))
            return;
    }
    if (guard->session_count < CARRIED_MAX)
        c->sessions[guard->session_count++] = *digest;
}

/* One reading. Sessions are bound under their canonical form, so only that form can say that one is unbound. */
static struct reading reading_check(struct check *c, const struct cookie_value *reading, struct gw_arena *arena)
{
    struct digests digests;
    enum standing standing = value_standing(c, reading, &digests);
    standing_add(c, standing);
    if (standing != STANDING_NONE && c->guard->known_count < CARRIED_MAX)
        c->known[c->guard->known_count++] = digests.known;
    if (c->guard->carried_count < CARRIED_MAX)
        c->carried[c->guard->carried_count++] = digests.own;
    bool is_canonical = gw_str_eq(cookie_canonical(reading->value, arena), reading->value);
    if (is_canonical)
        session_add(c, &digests.own);
    if (standing != STANDING_NONE || !is_canonical)
        return (struct reading){standing != STANDING_NONE ? READING_KNOWN : READING_NOTHING, is_canonical};
    if (is_anonymous(c, &digests.own)) {
        c->has_anonymous = true;
        return (struct reading){READING_NOTHING, is_canonical};
    }
    c->has_unbound = true;
    c->unbound = digests.own;
    return (struct reading){READING_UNBOUND, is_canonical};
}

/* A cookie of a sister host beside the real one (security F9): which of them the app takes is a guess. */
static void twins_check(struct sso_guard *guard, const struct cookie_values *values, const struct reading *readings)
{
    for (size_t i = 0; i < values->count; i++) {
        for (size_t k = 0; k < values->count; k++) {
            if (k == i || !gw_str_eq(values->list[k].name, values->list[i].name))
                continue;
            guard->has_twins |= readings[i].is_canonical && readings[k].is_canonical &&
                                !gw_str_eq(values->list[i].value, values->list[k].value);
            guard->has_unbound_twin |= readings[i].kind == READING_UNBOUND && readings[k].kind == READING_KNOWN;
        }
    }
}

static enum sso_guard_verdict verdict_of(const struct check *c)
{
    switch (c->worst) {
    case STANDING_INACTIVE:
        return SSO_GUARD_INACTIVE;
    case STANDING_ENDED:
        return SSO_GUARD_ENDED;
    case STANDING_UNDECIDED:
        return c->has_two_users ? SSO_GUARD_TWO_USERS : SSO_GUARD_UNDECIDED;
    case STANDING_ALIVE:
        return c->has_two_users ? SSO_GUARD_TWO_USERS : SSO_GUARD_BOUND;
    case STANDING_NONE:
        break;
    }
    if (c->has_unbound)
        return SSO_GUARD_UNBOUND;
    return c->has_anonymous ? SSO_GUARD_ANONYMOUS : SSO_GUARD_NO_SESSION;
}

/* Room for so many more, up to CARRIED_MAX. */
static struct store_session_digest *digests_grow(const struct store_session_digest *list, size_t count, size_t more,
                                                 struct gw_arena *arena)
{
    size_t room = more < CARRIED_MAX - count ? count + more : CARRIED_MAX;
    struct store_session_digest *grown = gw_arena_array(arena, room, sizeof *grown);
    if (count > 0)
        memcpy(grown, list, count * sizeof *grown);
    return grown;
}

static void lists_grow(struct check *c, size_t more, struct gw_arena *arena)
{
    struct sso_guard *guard = c->guard;
    guard->carried = c->carried = digests_grow(c->carried, guard->carried_count, more, arena);
    guard->sessions = c->sessions = digests_grow(c->sessions, guard->session_count, more, arena);
    guard->known = c->known = digests_grow(c->known, guard->known_count, more, arena);
}

/* False: the pattern's cookie is ambiguous. */
static bool pattern_check(struct check *c, const struct gw_str *lines, size_t line_count, struct gw_str pattern,
                          struct gw_arena *arena)
{
    struct cookie_values values;
    enum cookie_verdict verdict = cookie_find(lines, line_count, pattern, arena, &values);
    if (verdict == COOKIE_AMBIGUOUS)
        return false;
    if (verdict == COOKIE_NONE)
        return true;
    struct reading readings[COOKIE_VALUES_MAX];
    lists_grow(c, values.count, arena);
    for (size_t i = 0; i < values.count; i++)
        readings[i] = reading_check(c, &values.list[i], arena);
    twins_check(c->guard, &values, readings);
    return true;
}

/* False: a cookie is ambiguous. */
static bool cookies_check(struct check *c, const struct http_request *request, struct gw_arena *arena)
{
    struct gw_str lines[HTTP_FIELDS_MAX];
    size_t line_count = http_field_values(request->fields, request->field_count, GW_STR("Cookie"), lines);
    bool is_clear = true;
    if (line_count == 0)
        return true;
    for (size_t i = 0; i < c->view->session_cookie_count; i++)
        is_clear &= pattern_check(c, lines, line_count, gw_str_from(c->view->session_cookies[i]), arena);
    return is_clear;
}

/* Apps look at the address when no cookie names a session that lives; a link that somebody else copied into a letter
 * must not matter to whoever has one. False: there are too many to look at. */
static bool address_check(struct check *c, const struct http_request *request, struct gw_arena *arena)
{
    bool is_clear = true;
    for (size_t i = 0; i < c->view->session_cookie_count; i++) {
        struct cookie_values values;
        is_clear &= sso_address_sessions_find(request, gw_str_from(c->view->session_cookies[i]), arena, &values);
        for (size_t k = 0; k < values.count; k++) {
            struct digests digests;
            standing_add(c, value_standing(c, &values.list[k], &digests));
        }
    }
    c->guard->has_unbound_twin |= c->worst == STANDING_ALIVE && c->has_unbound;
    return is_clear;
}

void sso_guard_check(const struct sso_guard_view *view, const struct http_request *request, struct gw_arena *arena,
                     struct sso_guard *ret_guard)
{
    *ret_guard = (struct sso_guard){.verdict = SSO_GUARD_NO_SESSION};
    struct check c = {.view = view, .guard = ret_guard};
    bool is_clear = cookies_check(&c, request, arena);
    if (c.worst != STANDING_ALIVE)
        is_clear &= address_check(&c, request, arena);
    ret_guard->verdict = verdict_of(&c);
    if (!is_clear && !sso_guard_refuses(ret_guard->verdict))
        ret_guard->verdict = SSO_GUARD_AMBIGUOUS;
    if (ret_guard->verdict == SSO_GUARD_UNBOUND)
        ret_guard->session = c.unbound;
}

bool sso_guard_refuses(enum sso_guard_verdict verdict)
{
    return verdict >= SSO_GUARD_ENDED;
}
