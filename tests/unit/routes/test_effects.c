/* What a call leaves behind in the store, and what is answered when the store does not take it. */
#include "tests/unit/routes/world.h"

#include "routes/reply.h"

#define USER "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define ENTRIES_MAX 64

static struct world *world;
static struct store_reader *reader;

static int begin(const char *prov_extra)
{
    struct gw_error err = {0};
    world = world_new(prov_extra);
    check_ok(store_reader_new(world->store, &reader, &err), &err);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return begin("");
}

static int set_up_strict(void **state)
{
    (void)state;
    return begin("      policy: {adopt: off}\n");
}

static int set_up_two_apps(void **state)
{
    (void)state;
    return begin("  - name: blog\n    prov:\n      hosts: [prov.test]\n      base_path: /blog/v2\n"
                 "      tokens_file: blog-tokens\n      enabled: off\n");
}

static int tear_down(void **state)
{
    (void)state;
    store_reader_free(reader);
    world_free(world);
    return 0;
}

static void patch(struct gw_str id, const char *operation, int status)
{
    struct gw_str body = gw_arena_printf(&world->arena, PATCH_OP "%s]}", operation);
    struct call *call = send_body(world, "PATCH", user_path(world, id).ptr, body.ptr);
    assert_status(call, status);
    call_free(world, call);
}

static struct store_user_state state_of(struct gw_str id)
{
    struct gw_error err = {0};
    struct store_user_state state = {0};
    uint64_t seq = 0;
    assert_true(gw_ident_parse(store_ident_key(world->store), GW_IDENT_USER, world->folder_number, id, &seq));
    check_ok(store_reader_begin(reader, &err), &err);
    assert_int_equal(store_user_state_get(reader, world->folder_number, seq, &state), GW_OK);
    store_reader_end(reader);
    return state;
}

/* Law 3: when the answer is there, sessions of the generation before are dead; coming back does not revive them. */
static void test_law_3_a_deactivation_is_answered_after_sessions_died(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "law3@okta.local");
    uint64_t first = state_of(id).generation;
    patch(id, "{\"op\":\"replace\",\"value\":{\"active\":false}}", 200);
    struct store_user_state after = state_of(id);
    assert_true(after.generation > first);
    assert_int_equal(after.flags & STORE_USER_ACTIVE, 0);
    patch(id, "{\"op\":\"replace\",\"value\":{\"active\":true}}", 200);
    assert_true(state_of(id).generation > first);
    assert_int_equal(state_of(id).flags & STORE_USER_ACTIVE, STORE_USER_ACTIVE);
    uint64_t before_delete = state_of(id).generation;
    struct call *call = send_body(world, "DELETE", user_path(world, id).ptr, NULL);
    assert_status(call, 204);
    call_free(world, call);
    assert_true(state_of(id).generation > before_delete);
}

static void test_a_created_user_is_provisioned_and_an_adopted_one_linked(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "new@okta.local");
    assert_int_equal(state_of(id).flags, STORE_USER_ACTIVE | STORE_USER_PROVISIONED);
    world_observe(world, "seen@okta.local");
    id = create_user(world, "seen@okta.local");
    assert_int_equal(state_of(id).flags, STORE_USER_ACTIVE | STORE_USER_PROVISIONED | STORE_USER_OBSERVED);
    world_observe(world, "patched@okta.local");
    struct call *call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22patched@okta.local%22");
    id = gw_arena_copy(&world->arena, call_text(call, "Resources.0.id"));
    call_free(world, call);
    assert_int_equal(state_of(id).flags, STORE_USER_ACTIVE | STORE_USER_OBSERVED);
    patch(id, "{\"op\":\"replace\",\"value\":{\"active\":true}}", 200); /* says nothing new, and links all the same */
    assert_int_equal(state_of(id).flags, STORE_USER_ACTIVE | STORE_USER_PROVISIONED | STORE_USER_OBSERVED);
}

static void test_adopt_off_refuses_every_first_write(void **state)
{
    (void)state;
    world_observe(world, "mine@okta.local");
    struct call *call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22mine@okta.local%22");
    struct gw_str path = user_path(world, gw_arena_copy(&world->arena, call_text(call, "Resources.0.id")));
    call_free(world, call);
    const char *methods[] = {"POST", "PUT", "PATCH"};
    const char *bodies[] = {USER ",\"userName\":\"mine@okta.local\"}", USER ",\"userName\":\"mine@okta.local\"}",
                            PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}"};
    for (int i = 0; i < 3; i++) {
        call = send_body(world, methods[i], i == 0 ? "/scim/v2/Users" : path.ptr, bodies[i]);
        assert_int_equal(call->status, 409);
        assert_non_null(strstr(call_text(call, "detail").ptr, "adopt"));
        call_free(world, call);
    }
}

/* Rules 0.11 and 1.8: a password is taken and forgotten in every form. */
static void test_rule_0_11_passwords_are_accepted_and_kept_nowhere(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct gw_str id = create_user(world, "pw@okta.local");
    patch(id, "{\"op\":\"replace\",\"value\":{\"password\":\"Tr0ub4dor-and-3\"}}", 200);
    patch(id, "{\"op\":\"replace\",\"path\":\"password\",\"value\":\"Tr0ub4dor-and-3\"}", 200);
    struct call *call =
        send_body(world, "PUT", user_path(world, id).ptr,
                  USER ",\"userName\":\"pw@okta.local\",\"password\":\"Tr0ub4dor-and-3\",\"title\":\"T\"}");
    assert_status(call, 200);
    assert_at(call, "title", "T");
    call_free(world, call);
    struct store_user user;
    uint64_t seq = 0;
    assert_true(gw_ident_parse(store_ident_key(world->store), GW_IDENT_USER, world->folder_number, id, &seq));
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_user_get(reader, &world->arena, world->folder_number, seq, &user, &err), &err);
    store_reader_end(reader);
    assert_null(memmem(user.attributes.ptr, user.attributes.len, "Tr0ub4dor", 9));
    assert_null(memmem(user.attributes.ptr, user.attributes.len, "password", 8));
}

struct entries {
    struct store_activity all[ENTRIES_MAX];
    size_t count;
};

static bool on_entry(const struct store_activity *entry, void *data)
{
    struct entries *entries = data;
    struct store_activity *copy = &entries->all[entries->count++];
    *copy = *entry;
    copy->actor = gw_arena_copy(&world->arena, entry->actor);
    copy->app = gw_arena_copy(&world->arena, entry->app);
    copy->attributes = gw_arena_copy(&world->arena, entry->attributes);
    copy->reference = gw_arena_copy(&world->arena, entry->reference);
    return entries->count < ENTRIES_MAX;
}

/* design.md: the record of everything that was provisioned, with names of attributes and never values. */
static void test_the_activity_record_says_who_changed_which_attributes(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct entries entries = {.count = 0};
    struct gw_str id = create_user(world, "log@okta.local");
    patch(id, "{\"op\":\"replace\",\"value\":{\"title\":\"Secret Title\",\"displayName\":\"N\"}}", 200);
    patch(id, "{\"op\":\"replace\",\"value\":{\"active\":false}}", 200);
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_activity_after(reader, 0, on_entry, &entries, &err), &err);
    store_reader_end(reader);
    enum store_activity_kind kinds[] = {STORE_ACTIVITY_CREATE, STORE_ACTIVITY_UPDATE, STORE_ACTIVITY_DEACTIVATE};
    assert_true(entries.count >= 3);
    for (size_t i = 0; i < 3; i++) {
        const struct store_activity *entry = &entries.all[entries.count - 3 + i];
        assert_int_equal(entry->kind, kinds[i]);
        assert_str_equal(entry->actor, "token:okta");
        assert_str_equal(entry->app, "wiki");
        assert_true(entry->reference.len > 0);
        assert_null(strstr(entry->attributes.ptr, "Secret"));
    }
    const char *changed = entries.all[entries.count - 2].attributes.ptr;
    assert_non_null(strstr(changed, "title"));
    assert_non_null(strstr(changed, "displayName"));
    assert_null(strstr(changed, "userName"));
    assert_str_equal(entries.all[entries.count - 1].attributes, "active");
}

/* Rule 0.26: whatever waiting cures is 429 with whole seconds; nothing is 503 or 507 (semantics.md 5). */
static void test_rule_0_26_and_T11_every_429_says_when_to_come_back(void **state)
{
    (void)state;
    size_t busy = 0;
    for (int code = GW_E_INVALID_SYNTAX; code < GW_CODE_COUNT; code++) {
        struct call *call = call_new(world, "GET", "/scim/v2/Users", GW_STR_NONE);
        struct prov_request r = {.x = &call->x, .face = world->face, .arena = &call->x.arena};
        uint64_t seconds = 0;
        reply_error(&r, (enum gw_code)code, NULL);
        assert_int_not_equal(call->status, 503);
        assert_int_not_equal(call->status, 507);
        bool has_time = gw_str_to_u64(call_field(call, "Retry-After"), 300, &seconds) && seconds > 0;
        assert_int_equal(has_time, call->status == 429);
        busy += call->status == 429;
        gw_arena_done(&call->x.arena);
        free(call);
    }
    assert_int_equal(busy, 7);
}

/* What is wrong inside stays inside; what the client can mend is said. */
static void test_details_of_the_store_are_not_told(void **state)
{
    (void)state;
    struct gw_error errors[] = {{GW_E_STORE_DAMAGED, "/var/lib/store/data.mdb is damaged"},
                                {GW_E_STORE_IO, "/var/lib/store/data.mdb: no space"},
                                {GW_E_INVALID_VALUE, "title: /var/lib is no title"},
                                {GW_E_INVALID_VALUE, "title: /var/lib \xc3"}};
    bool told[] = {false, false, true, false};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct call *call = call_new(world, "GET", "/scim/v2/Users", GW_STR_NONE);
        struct prov_request r = {.x = &call->x, .face = world->face, .arena = &call->x.arena};
        reply_error_from(&r, &errors[i]);
        assert_non_null(call->json);
        assert_int_equal(strstr(call->text.ptr, "/var/lib") != NULL, told[i]);
        gw_arena_done(&call->x.arena);
        free(call);
    }
}

/* A credential answers for its own app: under the other's base path it is as good as none. */
static void test_another_apps_token_is_401(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct gw_str wiki = world->secret;
    struct gw_str blog;
    struct gw_str path = gw_arena_printf(&world->arena, "%s/blog-tokens", world->folder);
    check_ok(token_file_add(path.ptr, GW_STR("okta"), TOKEN_BEARER, 0, &world->arena, &blog, &err), &err);
    struct call *call = get(world, "/blog/v2/Users");
    assert_error(call, 401, "");
    call_free(world, call);
    call = get(world, "/scim/v2/Users");
    assert_status(call, 200);
    call_free(world, call);
    world->secret = blog;
    world->loop->now_ms += 1000;
    call = get(world, "/scim/v2/Users");
    assert_error(call, 401, "");
    call_free(world, call);
    call = get(world, "/blog/v2/Users");
    assert_error(call, 403, ""); /* its own, but switched off */
    call_free(world, call);
    world->secret = wiki;
}

/* Security case D6. */
static void test_D6_a_listener_refuses_addresses_it_does_not_allow(void **state)
{
    (void)state;
    struct config_cidr range = {.address = {[10] = 0xff, [11] = 0xff, [12] = 203, [13] = 0, [14] = 113}, .bits = 120};
    struct config_listener config = {.allow_from = &range, .allow_from_count = 1};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET, "203.0.113.77", &v4.sin_addr), 1);
    assert_true(config_listener_allows((struct sockaddr *)&v4, &config));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:203.0.113.77", &v6.sin6_addr), 1);
    assert_true(config_listener_allows((struct sockaddr *)&v6, &config));
    assert_int_equal(inet_pton(AF_INET, "203.0.114.77", &v4.sin_addr), 1);
    assert_false(config_listener_allows((struct sockaddr *)&v4, &config));
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr), 1);
    assert_false(config_listener_allows((struct sockaddr *)&v6, &config));
    config.allow_from_count = 0;
    assert_true(config_listener_allows((struct sockaddr *)&v6, &config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_law_3_a_deactivation_is_answered_after_sessions_died, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_created_user_is_provisioned_and_an_adopted_one_linked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_adopt_off_refuses_every_first_write, set_up_strict, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_11_passwords_are_accepted_and_kept_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_activity_record_says_who_changed_which_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_26_and_T11_every_429_says_when_to_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_details_of_the_store_are_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_apps_token_is_401, set_up_two_apps, tear_down),
        cmocka_unit_test_setup_teardown(test_D6_a_listener_refuses_addresses_it_does_not_allow, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
