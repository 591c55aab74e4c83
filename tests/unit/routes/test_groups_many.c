/* Many changes at once, and groups of thousands: scim-clients.md 1.11, 8 (40), rule 0.23. */
#include "tests/unit/routes/group_world.h"

/* Concurrent PATCHes: all are sent before the first is answered. */
static void test_8_40_concurrent_patches_lose_nothing(void **state)
{
    (void)state;
    struct call *calls[USERS];
    struct gw_str id = create_group("G", "");
    for (size_t i = 0; i < USERS; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             PATCH_OP "{\"op\":\"add\",\"path\":\"members\",\"value\":"
                                                      "[{\"value\":\"%.*s\"}]}]}",
                                             GW_STR_ARG(users[i]));
        calls[i] = call_new(world, "PATCH", group_path(id), body);
        call_authorize(world, calls[i]);
        call_start(world, calls[i]);
    }
    for (size_t i = 0; i < USERS; i++) {
        call_wait(world, calls[i]);
        assert_status(calls[i], 200);
        call_free(world, calls[i]);
    }
    assert_string_equal(members(id), "0 1 2 3 4 5");
}

#define MANY 9000 /* more than two changes may name */

/* Users straight into the store: the ids of MANY of them as a list of members. */
static const char *many_members(size_t from, size_t count)
{
    GW_BUF_SCOPED(text, 4u << 20);
    char ident[GW_IDENT_TEXT + 1];
    for (size_t i = 0; i < count; i++) {
        gw_ident_format(store_ident_key(world->store), GW_IDENT_USER, world->folder_number, from + i + 1, ident);
        gw_buf_printf(&text, i > 0 ? ",{\"value\":\"%s\"}" : "{\"value\":\"%s\"}", ident);
    }
    return gw_arena_cstr(&world->arena, gw_buf_str(&text));
}

static size_t count_members(struct gw_str id)
{
    struct call *call = get(world, group_path(id));
    assert_status(call, 200);
    size_t count = json_count(json_at(call->json, "members"));
    call_free(world, call);
    return count;
}

static struct call *send_members(const char *method, struct gw_str id, const char *before, const char *list,
                                 const char *after)
{
    struct gw_str body = gw_arena_printf(&world->arena, "%s%s%s", before, list, after);
    return send_body(world, method, id.len > 0 ? group_path(id) : "/scim/v2/Groups", body.ptr);
}

static void on_many_created(struct store_change *change)
{
    assert_int_equal(change->code, GW_OK);
    store_change_free(change);
}

static void make_many_users(void)
{
    struct gw_error err = {0};
    for (size_t i = USERS; i < MANY; i++) {
        struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
        change->folder = world->folder_number;
        change->as.create.draft.user_name = gw_arena_printf(&change->arena, "many%zu@okta.local", i);
        change->as.create.draft.active = true;
        change->on_done = on_many_created;
        if (i % 1000 == 0 || i + 1 == MANY) {
            check_ok(store_writer_apply(world->writer, change, &err), &err);
            store_change_free(change);
        } else {
            check_ok(store_writer_submit(world->writer, change, &err), &err);
        }
    }
}

static bool is_anything_loose(struct store_reader *reader)
{
    struct gw_error err = {0};
    bool is_loose = true;
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_sets_are_loose(reader, &is_loose, &err), &err);
    store_reader_end(reader);
    return is_loose;
}

/* What was put out of place is swept without being asked for. */
static void assert_swept(void)
{
    struct gw_error err = {0};
    struct store_reader *reader = NULL;
    check_ok(store_reader_new(world->store, &reader, &err), &err);
    while (is_anything_loose(reader))
        assert_true(loop_turn(world->loop));
    store_reader_free(reader);
    check_ok(store_check(world->store, NULL, NULL, &err), &err);
}

static void test_8_40_thousands_of_members_are_one_change_however_they_come(void **state)
{
    (void)state;
    make_many_users();
    const char *all = many_members(0, MANY);
    struct call *call = send_members("POST", GW_STR_NONE, GROUP ",\"displayName\":\"P\",\"members\":[", all, "]}");
    assert_status(call, 201);
    assert_at(call, "members", ""); /* too many to echo */
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    assert_int_equal(count_members(id), MANY);
    assert_str_equal(version(id), "W/\"1\"");
    /* the same again: nothing changed; one less: a small change */
    const char *sizes[] = {"W/\"1\"", "W/\"2\""};
    for (size_t i = 0; i < 2; i++) {
        call = send_members("PUT", id, GROUP ",\"displayName\":\"P\",\"members\":[", many_members(0, MANY - i), "]}");
        assert_status(call, 200);
        assert_at(call, "meta.version", sizes[i]);
        call_free(world, call);
    }
    assert_int_equal(count_members(id), MANY - 1);
    struct gw_str other = create_group("Q", MEMBER(0));
    call = send_members("PUT", other, GROUP ",\"displayName\":\"Q\",\"members\":[", many_members(1000, 8000), "]}");
    assert_status(call, 200);
    assert_at(call, "meta.version", "W/\"2\"");
    call_free(world, call);
    assert_int_equal(count_members(other), 8000);
    call = send_members("PATCH", other, PATCH_OP "{\"op\":\"add\",\"path\":\"members\",\"value\":[", all, "]}]}");
    assert_status(call, 200);
    assert_at(call, "meta.version", "W/\"3\"");
    call_free(world, call);
    assert_int_equal(count_members(other), MANY);
    call = send_members("PATCH", other, PATCH_OP "{\"op\":\"remove\",\"path\":\"members\",\"value\":[",
                        many_members(10, 8990), "]}]}");
    assert_status(call, 200);
    call_free(world, call);
    assert_string_equal(members(other), "0 1 2 3 4 5");
    patch_ok(id, REPLACE(MEMBER(3)));
    assert_string_equal(members(id), "3");
    assert_swept();
}

static void test_rule_0_23_among_thousands_one_unknown_member_changes_nothing(void **state)
{
    (void)state;
    make_many_users();
    struct gw_str id = create_group("G", MEMBER(0));
    struct call *call =
        send_members("PUT", id, GROUP ",\"displayName\":\"G\",\"members\":[", many_members(1, MANY), "]}");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
    assert_string_equal(members(id), "0");
    assert_str_equal(version(id), "W/\"1\"");
}

#define LONG_LIST 40000

/* A PUT whose body no turn of the loop could read; `last` stands behind the last member. */
static struct call *start_long(struct gw_str id, const char *last)
{
    GW_BUF_SCOPED(body, 16u << 20);
    gw_buf_add_lit(&body, GROUP ",\"displayName\":\"L\",\"members\":[");
    for (size_t i = 0; i < LONG_LIST; i++)
        gw_buf_printf(&body, "{\"value\":\"%.*s\",\"display\":\"somebody with a name %zu\"},",
                      GW_STR_ARG(users[i % USERS]), i);
    gw_buf_add(&body, gw_str_from(last));
    struct call *call = call_new(world, "PUT", group_path(id), gw_arena_copy(&world->arena, gw_buf_str(&body)));
    call_authorize(world, call);
    call_start(world, call);
    return call;
}

static void test_8_40_others_are_served_while_a_long_body_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *last;
        int status;
        const char *type;
    } ROWS[] = {
        {"{}]", 400, "invalidSyntax"},
        {"{\"value\":\"nobody\"}]}", 400, "invalidValue"},
        {"{\"display\":\"nobody\"}]}", 400, "invalidValue"},
        {"null]}", 200, NULL},
    };
    struct gw_str id = create_group("L", MEMBER(0));
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct call *slow = start_long(id, ROWS[i].last);
        struct call *quick = call_new(world, "GET", group_path(id), GW_STR_NONE);
        call_authorize(world, quick);
        call_start(world, quick);
        call_wait(world, quick);
        assert_status(quick, 200);
        assert_int_equal(slow->status, 0);
        call_free(world, quick);
        call_wait(world, slow);
        if (ROWS[i].type != NULL)
            assert_error(slow, 400, ROWS[i].type);
        assert_status(slow, ROWS[i].status);
        call_free(world, slow);
    }
    assert_string_equal(members(id), "0 1 2 3 4 5");
    for (int turns = 0; turns < 40; turns += 13) { /* and who leaves meanwhile leaves nothing behind */
        struct call *slow = start_long(id, "null]}");
        for (int i = 0; i < turns && call_takes_turns(slow); i++)
            timer_expire(((struct prov_request *)slow->x.face_state)->turn);
        call_free(world, slow);
    }
}

/* A step that looks at each member takes turns; what comes in between is seen or not lost. */
static void test_8_40_others_are_served_while_a_step_looks_at_thousands(void **state)
{
    (void)state;
    make_many_users();
    struct call *call =
        send_members("POST", GW_STR_NONE, GROUP ",\"displayName\":\"P\",\"members\":[", many_members(0, MANY), "]}");
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    patch_ok(id, "{\"op\":\"remove\",\"path\":\"members[display ew \\\"99@okta.local\\\"]\"}");
    assert_int_equal(count_members(id), MANY - 90);
    assert_str_equal(version(id), "W/\"2\"");
    call = call_new(world, "PATCH", group_path(id),
                    gw_str_from(PATCH_OP "{\"op\":\"remove\",\"path\":\"members[display sw \\\"many\\\"]\"}]}"));
    call_authorize(world, call);
    call_start(world, call);
    assert_true(call_takes_turns(call));
    patch_ok(id, REMOVE(3));
    assert_int_equal(call->status, 0);
    call_wait(world, call);
    assert_status(call, 200);
    call_free(world, call);
    assert_string_equal(members(id), "0 1 2 4 5");
    assert_str_equal(version(id), "W/\"4\"");
    assert_swept();
}

/* Late arrivals: the client has left, the face goes away before the loop delivers what was committed. */
static void test_changes_under_way_when_everything_ends_are_freed_once(void **state)
{
    (void)state;
    struct gw_str id = create_group("G", MEMBER(0));
    const char *body = fill(PATCH_OP ADD(MEMBER(1)) "]}", id);
    struct call *call = call_new(world, "PATCH", group_path(id), gw_str_from(body));
    call_authorize(world, call);
    call_start(world, call);
    call_free(world, call);
    call = send_body(world, "DELETE", group_path(id), NULL); /* begins a sweep, which nobody waits for */
    assert_status(call, 204);
    call_free(world, call);
}

#define each_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each_test(test_changes_under_way_when_everything_ends_are_freed_once),
        each_test(test_8_40_concurrent_patches_lose_nothing),
        each_test(test_8_40_thousands_of_members_are_one_change_however_they_come),
        each_test(test_8_40_others_are_served_while_a_long_body_is_read),
        each_test(test_8_40_others_are_served_while_a_step_looks_at_thousands),
        each_test(test_rule_0_23_among_thousands_one_unknown_member_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
