/* Random changes against a simple model in memory: whatever the order, lookups, lists, pages, totals and sessions are
 * what the model says, and the full scan finds nothing. The seed is printed when a comparison fails. */
#include "tests/unit/store/fixture.h"

#define NAMES 24
#define EXTERNALS 8
#define COOKIES 24
#define RECORDS_MAX 1000
#define STEPS 700
#define COMPARE_EVERY 100

struct record {
    int name;
    int external; /* 0: none */
    bool active;
    bool provisioned;
    bool observed;
    bool locked;
    bool deleted;
    uint64_t generation;
    uint64_t version;
};

struct session {
    size_t user; /* 0: unbound */
    uint64_t generation;
};

struct model {
    struct fixture *f;
    uint64_t random;
    struct record users[RECORDS_MAX]; /* by sequence, from 1 */
    size_t count;
    struct session sessions[COOKIES];
    size_t name_marks[NAMES]; /* who made the blind mark */
    size_t external_marks[EXTERNALS];
    char names[NAMES][24];
    char externals[EXTERNALS][24];
    char cookies[COOKIES][24];
};

static unsigned pick(struct model *m, unsigned below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (unsigned)(m->random >> 20) % below;
}

static size_t holder_of_name(const struct model *m, int name)
{
    for (size_t seq = 1; seq <= m->count; seq++) {
        if (!m->users[seq].deleted && m->users[seq].name == name)
            return seq;
    }
    return 0;
}

/* Who has the externalId besides `other`? */
static size_t other_holder_of_external(const struct model *m, int external, size_t other)
{
    for (size_t seq = 1; external != 0 && seq <= m->count; seq++) {
        if (!m->users[seq].deleted && m->users[seq].external == external && seq != other)
            return seq;
    }
    return 0;
}

static void set_active(struct record *user, bool active)
{
    if (user->active && !active)
        user->generation++;
    user->active = active;
}

/* The record that marked a name when it was deleted, and everything it marked. */
static void unmark(struct model *m, size_t owner)
{
    for (int i = 0; owner != 0 && i < NAMES; i++)
        m->name_marks[i] = m->name_marks[i] == owner ? 0 : m->name_marks[i];
    for (int i = 0; owner != 0 && i < EXTERNALS; i++)
        m->external_marks[i] = m->external_marks[i] == owner ? 0 : m->external_marks[i];
}

static void model_unmark(struct model *m, int name, int external)
{
    unmark(m, m->name_marks[name]);
    if (external != 0)
        unmark(m, m->external_marks[external]);
}

static enum gw_code model_create(struct model *m, int name, int external, bool active)
{
    size_t seq = holder_of_name(m, name);
    if (seq == 0)
        seq = other_holder_of_external(m, external, 0);
    if (seq != 0 && other_holder_of_external(m, external, seq) != 0)
        return GW_E_UNIQUENESS;
    if (seq == 0) {
        size_t gone = m->name_marks[name];
        size_t gone_too = external != 0 ? m->external_marks[external] : 0;
        m->users[++m->count] = (struct record){.name = name,
                                               .external = external,
                                               .active = active,
                                               .provisioned = true,
                                               .locked = m->users[gone].locked || m->users[gone_too].locked,
                                               .generation = 1,
                                               .version = 1};
        model_unmark(m, name, external);
        return GW_OK;
    }
    struct record *user = &m->users[seq];
    if (user->provisioned && user->active)
        return GW_E_UNIQUENESS;
    user->name = name;
    user->external = external;
    user->provisioned = true;
    user->version++;
    set_active(user, active);
    model_unmark(m, name, external);
    return GW_OK;
}

static enum gw_code model_replace(struct model *m, size_t seq, int name, int external, bool active)
{
    struct record *user = &m->users[seq];
    size_t holder = holder_of_name(m, name);
    if (user->deleted)
        return GW_E_NOT_FOUND;
    if (holder != 0 && holder != seq)
        return GW_E_UNIQUENESS;
    if (user->name != name || user->external != external || user->active != active || !user->provisioned)
        user->version++;
    user->name = name;
    user->external = external;
    user->provisioned = true;
    set_active(user, active);
    return GW_OK;
}

static enum gw_code model_sign_on(struct model *m, int name, int cookie)
{
    size_t seq = holder_of_name(m, name);
    if (seq == 0 && m->name_marks[name] != 0) {
        m->sessions[cookie] = (struct session){m->name_marks[name], 0};
        return GW_E_FORBIDDEN;
    }
    if (seq == 0) {
        seq = ++m->count;
        m->users[seq] = (struct record){.name = name, .active = true, .generation = 1, .version = 1};
    }
    struct record *user = &m->users[seq];
    bool is_refused = !user->active || user->locked;
    m->sessions[cookie] = (struct session){seq, is_refused ? 0 : user->generation};
    if (!is_refused)
        user->observed = true;
    return is_refused ? GW_E_FORBIDDEN : GW_OK;
}

static void step_create(struct model *m)
{
    int name = (int)pick(m, NAMES);
    int external = (int)pick(m, EXTERNALS);
    bool active = pick(m, 4) > 0;
    struct store_user_draft draft = fixture_draft(m->names[name], m->externals[external], active);
    enum gw_code expected = model_create(m, name, external, active);
    assert_code(fixture_apply(m->f, fixture_create_change(m->f, draft)).code, expected, &m->f->err);
}

static void step_replace(struct model *m)
{
    if (m->count == 0)
        return;
    size_t seq = 1 + pick(m, (unsigned)m->count);
    bool keeps_name = pick(m, 2) == 0;
    int name = keeps_name ? m->users[seq].name : (int)pick(m, NAMES);
    int external = (int)pick(m, EXTERNALS);
    bool active = pick(m, 2) == 0;
    uint64_t version = m->users[seq].version;
    struct store_user_draft draft = fixture_draft(m->names[name], m->externals[external], active);
    enum gw_code expected = model_replace(m, seq, name, external, active);
    assert_code(fixture_replace(m->f, seq, version, draft).code, expected, &m->f->err);
}

static void step_sign_on(struct model *m)
{
    int name = (int)pick(m, NAMES);
    int cookie = (int)pick(m, COOKIES);
    struct store_change *change = fixture_sign_on_change(m->f, m->names[name], m->cookies[cookie]);
    enum gw_code expected = model_sign_on(m, name, cookie);
    change->as.sign_on.draft.attributes = GW_STR("{\"title\":\"x\"}");
    assert_code(fixture_apply(m->f, change).code, expected, &m->f->err);
}

static void step_other(struct model *m)
{
    static const enum store_change_kind kinds[] = {STORE_CHANGE_USER_DELETE, STORE_CHANGE_USER_END_SESSIONS,
                                                   STORE_CHANGE_USER_LOCK, STORE_CHANGE_USER_UNLOCK};
    if (m->count == 0)
        return;
    size_t seq = 1 + pick(m, (unsigned)m->count);
    enum store_change_kind kind = kinds[pick(m, 4)];
    struct record *user = &m->users[seq];
    enum gw_code expected = user->deleted ? GW_E_NOT_FOUND : GW_OK;
    if (!user->deleted) {
        user->generation += kind == STORE_CHANGE_USER_DELETE || kind == STORE_CHANGE_USER_END_SESSIONS ||
                            (kind == STORE_CHANGE_USER_LOCK && !user->locked);
        user->version += kind == STORE_CHANGE_USER_DELETE;
        user->deleted = kind == STORE_CHANGE_USER_DELETE;
        if (user->deleted) {
            m->name_marks[user->name] = seq;
            m->external_marks[user->external] = seq; /* that of nobody's is never looked at */
        }
        user->locked = kind == STORE_CHANGE_USER_LOCK || (user->locked && kind != STORE_CHANGE_USER_UNLOCK);
    }
    assert_code(fixture_apply(m->f, fixture_change(m->f, kind, seq)).code, expected, &m->f->err);
}

struct list {
    struct model *m;
    uint64_t seqs[RECORDS_MAX];
    size_t count;
};

static bool on_user(const struct store_user *user, void *data)
{
    struct list *list = data;
    const struct record *expected = &list->m->users[user->seq];
    assert_str_equal(user->user_name, list->m->names[expected->name]);
    assert_str_equal(user->external_id, list->m->externals[expected->external]);
    assert_int_equal(user->version, expected->version);
    assert_int_equal(user->state.generation, expected->generation);
    assert_int_equal((user->state.flags & STORE_USER_ACTIVE) != 0, expected->active);
    assert_int_equal((user->state.flags & STORE_USER_PROVISIONED) != 0, expected->provisioned);
    assert_int_equal((user->state.flags & STORE_USER_OBSERVED) != 0, expected->observed);
    assert_int_equal((user->state.flags & STORE_USER_LOCKED) != 0, expected->locked);
    list->seqs[list->count++] = user->seq;
    return true;
}

static void compare_lists(struct model *m)
{
    struct list all = {.m = m};
    uint64_t count = 0;
    size_t at = 0;
    assert_ok(store_reader_begin(m->f->reader, &m->f->err), &m->f->err);
    assert_ok(store_users_scan(m->f->reader, m->f->folder, 0, on_user, &all, &m->f->err), &m->f->err);
    assert_ok(store_users_count(m->f->reader, m->f->folder, &count, &m->f->err), &m->f->err);
    for (size_t seq = 1; seq <= m->count; seq++) {
        if (!m->users[seq].deleted)
            assert_int_equal(all.seqs[at++], seq);
    }
    assert_int_equal(at, all.count);
    assert_int_equal(count, all.count);
    for (size_t position = 0; position < all.count; position += 5) {
        struct list page = {.m = m};
        assert_ok(store_users_page(m->f->reader, m->f->folder, position, 7, on_user, &page, &m->f->err), &m->f->err);
        assert_int_equal(page.count, all.count - position < 7 ? all.count - position : 7);
        assert_memory_equal(page.seqs, all.seqs + position, page.count * sizeof page.seqs[0]);
    }
    store_reader_end(m->f->reader);
}

static void compare_lookups(struct model *m)
{
    for (int name = 0; name < NAMES; name++)
        assert_int_equal(fixture_find(m->f, STORE_INDEX_USER_NAME, m->names[name]), holder_of_name(m, name));
    for (int external = 1; external < EXTERNALS; external++) {
        uint64_t seqs[NAMES];
        size_t count = 0;
        assert_ok(store_reader_begin(m->f->reader, &m->f->err), &m->f->err);
        assert_ok(store_users_find(m->f->reader, m->f->folder, STORE_INDEX_EXTERNAL_ID,
                                   gw_str_from(m->externals[external]), seqs, NAMES, &count, &m->f->err),
                  &m->f->err);
        store_reader_end(m->f->reader);
        size_t at = 0;
        for (size_t seq = 1; seq <= m->count; seq++) {
            if (!m->users[seq].deleted && m->users[seq].external == external)
                assert_int_equal(seqs[at++], seq);
        }
        assert_int_equal(at, count);
    }
}

static void compare_sessions(struct model *m)
{
    for (int cookie = 0; cookie < COOKIES; cookie++) {
        const struct session *session = &m->sessions[cookie];
        const struct record *user = &m->users[session->user];
        enum verdict expected = VERDICT_UNBOUND;
        if (session->user != 0)
            expected = user->active && !user->locked && !user->deleted && user->generation == session->generation
                           ? VERDICT_ALIVE
                           : VERDICT_DEAD;
        assert_int_equal(fixture_guard(m->f, m->cookies[cookie]), expected);
    }
}

static void compare(struct model *m)
{
    compare_lists(m);
    compare_lookups(m);
    compare_sessions(m);
    assert_ok(store_check(m->f->store, NULL, NULL, &m->f->err), &m->f->err);
}

static void name_all(struct model *m)
{
    for (int i = 0; i < NAMES; i++)
        (void)snprintf(m->names[i], sizeof m->names[i], "name%d", i);
    for (int i = 1; i < EXTERNALS; i++)
        (void)snprintf(m->externals[i], sizeof m->externals[i], "ext%d", i);
    for (int i = 0; i < COOKIES; i++)
        (void)snprintf(m->cookies[i], sizeof m->cookies[i], "cookie%d", i);
}

static void run(struct fixture *f, uint64_t seed)
{
    static void (*const steps[])(struct model *) = {step_create, step_replace, step_replace, step_sign_on, step_other};
    struct model *m = gw_alloc(sizeof *m);
    m->f = f;
    m->random = seed;
    name_all(m);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 1; i <= STEPS; i++) {
        f->now_ms += 3600000; /* no PUT here is a stale one */
        steps[pick(m, 5)](m);
        if (i % COMPARE_EVERY == 0)
            compare(m);
        if (i == STEPS / 2) {
            fixture_close(f);
            fixture_open(f);
        }
    }
    free(m);
}

fixture_test(random_changes_agree_with_the_model_1)
{
    run(f, 88172645463325252ull);
}

fixture_test(random_changes_agree_with_the_model_2)
{
    run(f, 1234567891011121314ull);
}

fixture_test(random_changes_agree_with_the_model_3)
{
    run(f, 999999999999999989ull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_agree_with_the_model_1),
        cmocka_unit_test(random_changes_agree_with_the_model_2),
        cmocka_unit_test(random_changes_agree_with_the_model_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
