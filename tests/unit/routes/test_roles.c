/* Roles and entitlements: scim-clients.md 2, semantics.md 5. */
#include "tests/unit/routes/world.h"

#define USER "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define SEARCH "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"]"

static struct world *world;

static int set_up(void **state)
{
    (void)state;
    world = world_new("      roles: [{id: admin, display: Administrator}, {id: editor}]\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

/* semantics.md 5 and scim-clients.md 2. */
static void test_roles_are_discovered_checked_and_revoked_by_an_empty_list(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Roles?count=1&startIndex=2");
    assert_status(call, 200);
    assert_at(call, "totalResults", "2");
    assert_at(call, "itemsPerPage", "1");
    assert_at(call, "Resources.0.id", "editor");
    assert_at(call, "Resources.0.displayName", "editor");
    call_free(world, call);
    call = get(world, "/scim/v2/Roles/admin");
    assert_at(call, "displayName", "Administrator");
    call_free(world, call);
    call = get(world, "/scim/v2/Roles/none");
    assert_error(call, 404, "");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Users",
                     USER ",\"userName\":\"r@okta.local\",\"roles\":[{\"value\":\"king\"}]}");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Users",
                     USER ",\"userName\":\"r@okta.local\",\"roles\":[{\"value\":\"admin\"}]}");
    assert_status(call, 201);
    struct gw_str path = user_path(world, gw_arena_copy(&world->arena, call_text(call, "id")));
    call_free(world, call);
    call = send_body(world, "PUT", path.ptr, USER ",\"userName\":\"r@okta.local\"}");
    assert_at(call, "roles.0.value", "admin"); /* a PUT that lacks them keeps them */
    call_free(world, call);
    call = send_body(world, "PUT", path.ptr, USER ",\"userName\":\"r@okta.local\",\"roles\":[]}");
    assert_at(call, "roles", "");
    call_free(world, call);
}

/* A role that left the configuration stays with who has it, and stops nobody's deactivation. */
static void test_a_role_that_left_the_configuration_may_stay_but_not_come(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
    change->time_ms = gw_clock_wall_ms();
    change->folder = world->folder_number;
    change->as.create.match = STORE_MATCH_USER_NAME;
    change->as.create.draft = (struct store_user_draft){.user_name = GW_STR("left@okta.local"),
                                                        .attributes = GW_STR("{\"roles\":[{\"value\":\"left\"}]}"),
                                                        .active = true};
    check_ok(store_writer_apply(world->writer, change, &err), &err);
    store_change_free(change);
    struct call *call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22left@okta.local%22");
    struct gw_str path = user_path(world, gw_arena_copy(&world->arena, call_text(call, "Resources.0.id")));
    call_free(world, call);
    call = send_body(world, "PATCH", path.ptr, PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}");
    assert_status(call, 200);
    assert_at(call, "roles.0.value", "left");
    call_free(world, call);
    call = send_body(world, "PATCH", path.ptr,
                     PATCH_OP "{\"op\":\"add\",\"path\":\"roles\",\"value\":[{\"value\":\"king\"}]}]}");
    assert_error(call, 400, "invalidValue");
    assert_non_null(strstr(call_text(call, "detail").ptr, "king"));
    call_free(world, call);
}

/* scim-clients.md 6.1: what Entra ID's app role assignment sends. */
static void test_a_role_may_come_as_json_text_in_a_patch(void **state)
{
    (void)state;
    struct gw_str path = user_path(world, create_user(world, "entra@okta.local"));
    struct call *call = send_body(world, "PATCH", path.ptr,
                                  PATCH_OP "{\"op\":\"Add\",\"path\":\"roles\",\"value\":[{\"value\":\"{\\\"id\\\":"
                                           "\\\"06b07648\\\",\\\"value\\\":\\\"admin\\\",\\\"displayName\\\":"
                                           "\\\"Admin\\\"}\"}]}]}");
    assert_status(call, 200);
    assert_at(call, "roles.0.value", "admin");
    call_free(world, call);
    call = send_body(world, "PATCH", path.ptr,
                     PATCH_OP
                     "{\"op\":\"Add\",\"path\":\"roles\",\"value\":[{\"value\":\"{\\\"value\\\":\\\"king\\\"}\"}]}"
                     "]}");
    assert_error(call, 400, "invalidValue");
    assert_non_null(strstr(call_text(call, "detail").ptr, "king"));
    call_free(world, call);
}

struct filter_row {
    const char *endpoint;
    const char *filter; /* in a JSON text */
    const char *ids;    /* of what is found; NULL: 400 invalidFilter */
};

static const struct filter_row filter_rows[] = {
    {"Roles", "id eq \\\"admin\\\"", "admin"},
    {"Roles", "id eq \\\"ADMIN\\\"", ""},
    {"Roles", "displayName eq \\\"administrator\\\"", "admin"},
    {"Roles", "displayName sw \\\"E\\\" or id sw \\\"a\\\"", "admin editor"},
    {"Roles", "not (id eq \\\"admin\\\")", "editor"},
    {"Roles", "meta.resourceType eq \\\"Role\\\" and displayName pr", "admin editor"},
    {"Roles", "description pr", ""},
    {"Roles", "urn:okta:scim:schemas:core:1.0:Role:displayName co \\\"dit\\\"", "editor"},
    {"Roles", "type eq \\\"Role\\\"", NULL},
    {"Roles", "id eq admin", NULL},
    {"Roles", "id is \\\"admin\\\"", NULL},
    {"Roles", "userName eq \\\"x\\\"", NULL},
    {"Entitlements", "type eq \\\"entitlement\\\"", "admin editor"},
    {"Entitlements", "type eq \\\"License\\\"", ""},
    {"Entitlements", "id ge \\\"b\\\"", "editor"},
    {"Entitlements", "members pr", NULL},
};

/* R45, R47, R52. */
static void test_R45_roles_and_entitlements_are_filtered_as_users_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof filter_rows / sizeof filter_rows[0]; i++) {
        const struct filter_row *row = &filter_rows[i];
        GW_BUF_SCOPED(ids, 256);
        struct gw_str target = gw_arena_printf(&world->arena, "/scim/v2/%s/.search", row->endpoint);
        struct gw_str body = gw_arena_printf(&world->arena, SEARCH ",\"filter\":\"%s\"}", row->filter);
        struct call *call = send_body(world, "POST", target.ptr, body.ptr);
        if (row->ids == NULL) {
            assert_error(call, 400, "invalidFilter");
        } else {
            assert_status(call, 200);
            size_t count = json_count(json_at(call->json, "Resources"));
            for (size_t j = 0; j < count; j++) {
                gw_buf_add(&ids, j > 0 ? GW_STR(" ") : GW_STR(""));
                gw_buf_add(&ids, call_text(call, gw_arena_printf(&world->arena, "Resources.%zu.id", j).ptr));
            }
            if (!gw_str_eq(gw_buf_str(&ids), gw_str_from(row->ids)))
                fail_msg("%s: \"%.*s\"", row->filter, GW_STR_ARG(gw_buf_str(&ids)));
            assert_str_equal(call_text(call, "totalResults"), gw_arena_printf(&world->arena, "%zu", count).ptr);
        }
        call_free(world, call);
    }
}

static void test_R51_a_filtered_list_of_roles_is_paged_and_projected(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Roles?filter=id%20pr&startIndex=2&count=1&attributes=displayName");
    assert_status(call, 200);
    assert_at(call, "totalResults", "2");
    assert_at(call, "itemsPerPage", "1");
    assert_at(call, "Resources.0.id", "editor");
    assert_at(call, "Resources.0.displayName", "editor");
    assert_at(call, "Resources.0.meta", "");
    call_free(world, call);
    call = get(world, "/scim/v2/Entitlements/admin?excludedAttributes=type");
    assert_status(call, 200);
    assert_at(call, "displayName", "Administrator");
    assert_at(call, "type", "");
    call_free(world, call);
    call = get(world, "/scim/v2/Roles?attributes=id&excludedAttributes=meta");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roles_are_discovered_checked_and_revoked_by_an_empty_list, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_role_that_left_the_configuration_may_stay_but_not_come, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_role_may_come_as_json_text_in_a_patch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_roles_and_entitlements_are_filtered_as_users_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R51_a_filtered_list_of_roles_is_paged_and_projected, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
