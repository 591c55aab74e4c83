/* SCIM 1.1 below its own base path (scim-clients.md 3): the same users and groups, in the form of 1.1. */
#include "tests/unit/routes/world.h"

#define V1 "\"schemas\":[\"urn:scim:schemas:core:1.0\"]"
#define ENTERPRISE1 "urn:scim:schemas:extension:enterprise:1.0"

static struct world *world;

static int set_up(void **state)
{
    (void)state;
    world = world_new("      scim1_base_path: /scim/v1\n"
                      "      schemas:\n        - id: urn:okta:onprem_app:1.0:user:custom\n"
                      "          attributes: [{name: desk}]\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

static struct call *send1(const char *method, const char *target, const char *body)
{
    struct call *call = call_new(world, method, target, gw_str_from(body));
    call_authorize(world, call);
    if (body != NULL)
        call_add_field(call, "Content-Type", GW_STR("application/json; charset=utf-8"));
    call_start(world, call);
    call_wait(world, call);
    if (call->text.len > 0)
        assert_str_equal(call_field(call, "Content-Type"), "application/json");
    return call;
}

static void expect(struct call *call, int status, const char *where, const char *text)
{
    assert_status(call, status);
    assert_at(call, where, text);
    call_free(world, call);
}

static struct gw_str make_user(const char *name)
{
    struct gw_str body = gw_arena_printf(
        &world->arena,
        "{\"schemas\":[\"urn:scim:schemas:core:1.0\",\"" ENTERPRISE1 "\",\"urn:okta:onprem_app:1.0:user:custom\"],"
        "\"userName\":\"%s\",\"name\":{\"givenName\":\"A\",\"familyName\":\"B\"},\"emails\":[{\"value\":\"%s\","
        "\"type\":\"work\",\"primary\":true}],\"password\":\"x\",\"active\":true,\"" ENTERPRISE1
        "\":{\"department\":\"Ops\",\"manager\":{\"managerId\":\"77\"}},"
        "\"urn:okta:onprem_app:1.0:user:custom\":{\"desk\":\"D4\"}}",
        name, name);
    struct call *call = send1("POST", "/scim/v1/Users", body.ptr);
    assert_status(call, 201);
    assert_true(strstr(call_field(call, "Location").ptr, "/scim/v1/Users/") != NULL);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    return id;
}

static const char *path1(const char *kind, struct gw_str id)
{
    return gw_arena_printf(&world->arena, "/scim/v1/%s/%.*s", kind, GW_STR_ARG(id)).ptr;
}

static void a_user_of_1_1_is_the_user_of_2_0(void **state)
{
    (void)state;
    struct gw_str id = make_user("a@x.org");
    struct call *call = send1("GET", path1("Users", id), NULL);
    assert_status(call, 200);
    assert_at(call, "schemas.0", "urn:scim:schemas:core:1.0");
    assert_at(call, "schemas.1", ENTERPRISE1);
    const struct json_value *enterprise = json_object_get(call->json, GW_STR(ENTERPRISE1));
    assert_str_equal(json_at(enterprise, "manager.managerId")->text, "77");
    assert_null(json_at(enterprise, "manager.value"));
    assert_null(json_at(call->json, "meta.resourceType"));
    assert_true(call_text(call, "meta.lastModified").len > 0);
    call_free(world, call);
    call = get(world, user_path(world, id).ptr);
    enterprise = json_object_get(call->json, GW_STR("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"));
    assert_str_equal(json_at(enterprise, "manager.value")->text, "77");
    assert_at(call, "meta.resourceType", "User");
    assert_str_equal(call_field(call, "Content-Type"), "application/scim+json");
    call_free(world, call);
}

static void the_agents_filters_find_the_user(void **state)
{
    (void)state;
    (void)make_user("b@x.org");
    static const char *const FILTERS[] = {
        "userName%20eq%20%22b@x.org%22",
        "email%20eq%20%22no@x%22%20or%20email%20eq%20%22b@x.org%22",
        "urn:okta:onprem_app:1.0:user:custom:desk%20eq%20%22D4%22",
        "name.familyName%20eq%20%22B%22",
        "meta.lastModified%20gt%20%222021-05-07T14:19:34Z%22%20and%20userName%20eq%20%22b@x.org%22",
        "urn:scim:schemas:extension:enterprise:1.0:manager.managerId%20eq%20%2277%22"};
    for (size_t i = 0; i < sizeof FILTERS / sizeof FILTERS[0]; i++) {
        struct gw_str target =
            gw_arena_printf(&world->arena, "/scim/v1/Users?filter=%s&startIndex=1&count=100", FILTERS[i]);
        struct call *call = send1("GET", target.ptr, NULL);
        assert_status(call, 200);
        assert_at(call, "totalResults", "1");
        assert_at(call, "schemas.0", "urn:scim:schemas:core:1.0");
        assert_at(call, "Resources.0.userName", "b@x.org");
        call_free(world, call);
    }
}

static void patch_is_a_partial_resource(void **state)
{
    (void)state;
    struct gw_str id = make_user("c@x.org");
    const char *path = path1("Users", id);
    expect(send1("PATCH", path, "{" V1 ",\"id\":\"x\",\"active\":false}"), 200, "active", "false");
    expect(send1("PATCH", path, "{" V1 ",\"active\":true,\"name\":{\"givenName\":\"New\"}}"), 200, "name.familyName",
           "B");
    expect(send1("PATCH", path, "{" V1 ",\"emails\":[{\"value\":\"c@x.org\",\"type\":\"home\"}]}"), 200, "emails",
           "[{\"value\":\"c@x.org\",\"type\":\"home\",\"primary\":true}]");
    expect(send1("PATCH", path, "{" V1 ",\"emails\":[{\"value\":\"d@x.org\"}]}"), 200, "emails.1.value", "d@x.org");
    expect(send1("PATCH", path, "{" V1 ",\"emails\":[{\"value\":\"c@x.org\",\"operation\":\"delete\"}]}"), 200,
           "emails", "[{\"value\":\"d@x.org\"}]");
    expect(send1("PATCH", path, "{" V1 ",\"meta\":{\"attributes\":[\"emails\"]}}"), 200, "emails", "");
    expect(send1("PATCH", path, "{" V1 ",\"meta\":{\"attributes\":[\"userName\"]}}"), 400, "Errors.0.code", "400");
    expect(send1("PATCH", path, "{" V1 ",\"nobodyKnows\":1}"), 200, "userName", "c@x.org");
}

static void groups_are_pushed_by_put_and_by_patch(void **state)
{
    (void)state;
    struct gw_str a = make_user("g1@x.org");
    struct gw_str b = make_user("g2@x.org");
    struct call *call = send1("POST", "/scim/v1/Groups",
                              "{\"schemas\":[\"urn:scim:schemas:core:1.0\",\"urn:okta:custom:group:1.0\"],"
                              "\"displayName\":\"Agents\",\"urn:okta:custom:group:1.0\":{\"description\":\"all\"}}");
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    const struct json_value *agent = json_object_get(call->json, GW_STR("urn:okta:custom:group:1.0"));
    assert_str_equal(json_at(agent, "description")->text, "all");
    call_free(world, call);
    const char *path = path1("Groups", id);
#define MEMBERS(format, ...) gw_arena_printf(&world->arena, "{" V1 "," format "}", __VA_ARGS__).ptr
    expect(send1("PATCH", path, MEMBERS("\"members\":[{\"value\":\"%.*s\",\"display\":\"x\"}]", GW_STR_ARG(a))), 200,
           "displayName", "Agents");
    expect(send1("PATCH", path,
                 MEMBERS("\"members\":[{\"value\":\"%.*s\",\"operation\":\"delete\"},{\"value\":\"%.*s\"}]",
                         GW_STR_ARG(a), GW_STR_ARG(b))),
           200, "id", id.ptr);
    call = send1("GET", path, NULL);
    assert_int_equal(json_count(json_at(call->json, "members")), 1);
    assert_at(call, "members.0.display", "g2@x.org");
    assert_null(json_at(call->json, "members.0.$ref"));
    call_free(world, call);
    expect(send1("PATCH", path,
                 MEMBERS("\"meta\":{\"attributes\":[\"members\"]},\"members\":[{\"value\":\"%.*s\"}]", GW_STR_ARG(a))),
           200, "displayName", "Agents");
    expect(send1("GET", path, NULL), 200, "members.0.display", "g1@x.org");
    expect(send1("PUT", path, MEMBERS("\"displayName\":\"Renamed\",\"members\":[{\"value\":\"%.*s\"}]", GW_STR_ARG(b))),
           200, "members.0.display", "g2@x.org");
    expect(send1("PATCH", path, "{" V1 ",\"id\":\"x\",\"displayName\":\"Again\"}"), 200, "displayName", "Again");
    call = send1("DELETE", path, NULL);
    assert_status(call, 204);
    call_free(world, call);
#undef MEMBERS
}

static void errors_and_lists_have_the_form_of_1_1(void **state)
{
    (void)state;
    (void)make_user("e@x.org");
    static const struct {
        const char *method;
        const char *target;
        const char *body;
        int status;
        const char *code;
    } ROWS[] = {
        {"POST", "/scim/v1/Users", "{" V1 ",\"userName\":\"E@x.org\"}", 409, "409"},
        {"GET", "/scim/v1/Users/none", NULL, 404, "404"},
        {"GET", "/scim/v1/Users?filter=RUNSCOPE1@ATKO.COM", NULL, 400, "400"},
        {"POST", "/scim/v1/ServiceProviderConfigs", "test", 405, "405"},
        {"POST", "/scim/v1/Schemas", "test", 405, "405"},
        {"POST", "/scim/v1/ResourceTypes", "test", 405, "405"},
        {"POST", "/scim/v1/Users/.search", "{}", 404, "404"},
        {"GET", "/scim/v1/ServiceProviderConfig", NULL, 404, "404"},
        {"GET", "/scim/v1/Me", NULL, 404, "404"},
        {"PUT", "/scim/v1/Users/none", "{", 400, "400"},
        {"POST", "/scim/v1/Bulk", "{}", 501, "501"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct call *call = send1(ROWS[i].method, ROWS[i].target, ROWS[i].body);
        if (call->status != ROWS[i].status)
            fail_msg("%s %s: %d", ROWS[i].method, ROWS[i].target, call->status);
        assert_at(call, "Errors.0.code", ROWS[i].code);
        assert_true(call_text(call, "Errors.0.description").len > 0);
        assert_true(gw_str_eq(call_text(call, "detail"), call_text(call, "Errors.0.description")));
        call_free(world, call);
    }
    struct call *refused = call_new(world, "GET", "/scim/v1/Users", GW_STR_NONE);
    call_start(world, refused);
    call_wait(world, refused);
    expect(refused, 401, "Errors.0.code", "401");
    expect(send1("GET", "/scim/v1/Users?startIndex=1&count=2", NULL), 200, "itemsPerPage", "2");
    expect(send1("GET", "/scim/v1//Schemas", NULL), 200, "schemas.0", "urn:scim:schemas:core:1.0:ListResponse");
    expect(send1("GET", "/scim/v1/ResourceTypes", NULL), 200, "schemas.0", "urn:scim:schemas:core:1.0");
}

static void the_agent_is_told_what_it_may_do(void **state)
{
    (void)state;
    struct call *call = send1("GET", "/scim/v1/ServiceProviderConfigs", NULL);
    assert_status(call, 200);
    assert_at(call, "schemas.0", "urn:scim:schemas:core:1.0");
    assert_at(call, "schemas.1", "urn:okta:schemas:scim:providerconfig:1.0");
    assert_at(call, "bulk.maxOperations", "0");
    assert_true(call_text(call, "authenticationSchemes.0.description").len > 0);
    const struct json_value *agent = json_object_get(call->json, GW_STR("urn:okta:schemas:scim:providerconfig:1.0"));
    assert_int_equal(json_count(json_at(agent, "userManagementCapabilities")), 9);
    assert_true(strstr(call->text.ptr, "OPP_SCIM_INCREMENTAL_IMPORTS") != NULL);
    assert_true(strstr(call->text.ptr, "PUSH_PASSWORD_UPDATES") == NULL); /* changePassword is false */
    assert_at(call, "changePassword.supported", "false");
    call_free(world, call);
    call = get(world, "/scim/v2/ServiceProviderConfigs"); /* the agent that speaks 2.0 asks by the old name */
    assert_at(call, "schemas.0", "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
    assert_at(call, "schemas.1", "urn:okta:schemas:scim:providerconfig:1.0");
    call_free(world, call);
}

static void without_the_key_there_is_no_1_1(void **state)
{
    (void)state;
    struct world *other = world_new("");
    struct call *call = get(other, "/scim/v1/Users");
    assert_error(call, 404, "");
    call_free(other, call);
    world_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_of_1_1_is_the_user_of_2_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_agents_filters_find_the_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patch_is_a_partial_resource, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_are_pushed_by_put_and_by_patch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_and_lists_have_the_form_of_1_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_agent_is_told_what_it_may_do, set_up, tear_down),
        cmocka_unit_test(without_the_key_there_is_no_1_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
