/* Extension schemas of the configuration: kept, filtered, patched and advertised like the built-in ones (R14 to R17,
 * R75, R101, R102). */
#include "tests/unit/routes/world.h"

#define WIKI "urn:example:wiki:2.0:User"
#define TEAM "urn:example:team:2.0:Group"
#define USER_HEAD "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\"" WIKI "\"],\"userName\":\"w@x\""
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["

static struct world *world;

static int set_up(void **state)
{
    (void)state;
    world = world_new("      schemas:\n"
                      "        - id: " WIKI "\n"
                      "          name: Wiki\n"
                      "          attributes:\n"
                      "            - {name: desk, required: on}\n"
                      "            - {name: badges, type: integer, multiValued: on}\n"
                      "            - {name: pin, returned: never, mutability: writeOnly}\n"
                      "            - {name: note, returned: request, caseExact: on}\n"
                      "            - {name: car, type: complex, subAttributes: [{name: plate}, {name: electric, type: "
                      "boolean}]}\n"
                      "        - {id: \"" TEAM "\", resource: Group, attributes: [{name: cost, type: decimal}]}\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

static struct gw_str make(const char *extension)
{
    struct gw_str body = gw_arena_printf(&world->arena, USER_HEAD ",\"" WIKI "\":%s}", extension);
    struct call *call = send_body(world, "POST", "/scim/v2/Users", body.ptr);
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    return id;
}

/* The URN has a dot, which a path of json_at may not have. */
static struct gw_str extension_of(const struct call *call, const char *urn)
{
    const struct json_value *value = json_object_get(call->json, gw_str_from(urn));
    return value == NULL ? GW_STR("") : json_text(&world->arena, value);
}

static void assert_stored(struct gw_str id, const char *query, const char *expected)
{
    struct gw_str target = gw_arena_printf(&world->arena, "%.*s%s", GW_STR_ARG(user_path(world, id)), query);
    struct call *call = get(world, target.ptr);
    assert_status(call, 200);
    assert_str_equal(extension_of(call, WIKI), expected);
    call_free(world, call);
}

static void patch(struct gw_str id, const char *operation, int status)
{
    struct gw_str body = gw_arena_printf(&world->arena, PATCH_OP "%s]}", operation);
    struct call *call = send_body(world, "PATCH", user_path(world, id).ptr, body.ptr);
    assert_status(call, status);
    call_free(world, call);
}

static void test_R15_data_lies_under_the_urn_and_obeys_its_table(void **state)
{
    (void)state;
    struct gw_str id = make("{\"DESK\":\"4B\",\"badges\":[7,7,8],\"pin\":\"1234\",\"note\":\"N\",\"unknown\":1,"
                            "\"car\":{\"plate\":\"W 1\",\"electric\":true}}");
    assert_stored(id, "", "{\"desk\":\"4B\",\"badges\":[7,8],\"car\":{\"plate\":\"W 1\",\"electric\":true}}");
    assert_stored(id, "?attributes=" WIKI ":note", "{\"note\":\"N\"}");
    assert_stored(id, "?attributes=" WIKI ":pin", "");
    static const char *const refused[] = {"{\"badges\":[1]}", "{\"desk\":\"a\",\"badges\":[\"x\"]}",
                                          "{\"desk\":\"a\",\"car\":{\"electric\":\"maybe\"}}", "{\"desk\":{}}", "[]"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct gw_str body = gw_arena_printf(
            &world->arena,
            "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"o\",\"" WIKI "\":%s}",
            refused[i]);
        struct call *call = send_body(world, "POST", "/scim/v2/Users", body.ptr);
        assert_error(call, 400, "invalidValue");
        call_free(world, call);
    }
}

static void test_R45_extensions_are_filtered(void **state)
{
    (void)state;
    (void)make("{\"desk\":\"4B\",\"badges\":[7],\"note\":\"Nn\",\"pin\":\"1\"}");
    static const struct {
        const char *filter;
        const char *total; /* NULL: invalidFilter */
    } rows[] = {
        {WIKI ":desk%20eq%20%224b%22", "1"},       {WIKI ":badges%20gt%206", "1"},
        {WIKI ":note%20eq%20%22nn%22", "0"},       {WIKI ":note%20eq%20%22Nn%22", "1"},
        {WIKI ":car.electric%20eq%20true", "0"},   {"desk%20pr", "1"},
        {WIKI ":pin%20eq%20%221%22", NULL},        {WIKI ":nothing%20pr", NULL},
        {WIKI ":badges%20eq%20%22seven%22", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct call *call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?filter=%s", rows[i].filter).ptr);
        if (rows[i].total == NULL)
            assert_error(call, 400, "invalidFilter");
        else if (!gw_str_eq(call_text(call, "totalResults"), gw_str_from(rows[i].total)))
            fail_msg("%s: %.*s", rows[i].filter, GW_STR_ARG(call->text));
        call_free(world, call);
    }
}

static void test_R75_extensions_are_patched(void **state)
{
    (void)state;
    struct gw_str id = make("{\"desk\":\"4B\"}");
    patch(id, "{\"op\":\"add\",\"path\":\"" WIKI ":badges\",\"value\":[1,2]}", 200);
    patch(id, "{\"op\":\"replace\",\"value\":{\"" WIKI "\":{\"car\":{\"plate\":\"P\"}}}}", 200);
    patch(id, "{\"op\":\"replace\",\"path\":\"" WIKI ":car.electric\",\"value\":\"True\"}", 200);
    patch(id, "{\"op\":\"remove\",\"path\":\"" WIKI ":badges\"}", 200);
    assert_stored(id, "", "{\"desk\":\"4B\",\"car\":{\"plate\":\"P\",\"electric\":true}}");
    patch(id, "{\"op\":\"remove\",\"path\":\"" WIKI ":desk\"}", 400);
    patch(id, "{\"op\":\"replace\",\"path\":\"" WIKI ":nothing\",\"value\":1}", 400);
    patch(id, "{\"op\":\"remove\",\"path\":\"" WIKI "\"}", 200);
    assert_stored(id, "", "");
    struct call *call = get(world, user_path(world, id).ptr);
    assert_at(call, "schemas", "[\"urn:ietf:params:scim:schemas:core:2.0:User\"]");
    call_free(world, call);
}

/* scim-clients.md 1.6: what a GET does not show cannot have been left out on purpose. */
static void test_a_put_keeps_what_no_get_shows(void **state)
{
    (void)state;
    struct gw_str id = make("{\"desk\":\"4B\",\"pin\":\"1\",\"note\":\"N\",\"badges\":[1]}");
    struct call *call = send_body(world, "PUT", user_path(world, id).ptr, USER_HEAD ",\"" WIKI "\":{\"desk\":\"5C\"}}");
    assert_status(call, 200);
    call_free(world, call);
    assert_stored(id, "", "{\"desk\":\"5C\"}");
    assert_stored(id, "?attributes=" WIKI ":note", "{\"note\":\"N\"}");
    call = send_body(world, "PUT", user_path(world, id).ptr, USER_HEAD "}");
    assert_status(call, 200);
    call_free(world, call);
    assert_stored(id, "?attributes=" WIKI ":note", "");
}

static void test_groups_have_extensions_too(void **state)
{
    (void)state;
    struct call *call =
        send_body(world, "POST", "/scim/v2/Groups",
                  "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"G\","
                  "\"" TEAM "\":{\"cost\":1.5}}");
    assert_status(call, 201);
    assert_str_equal(extension_of(call, TEAM), "{\"cost\":1.5}");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups?filter=" TEAM ":cost%20lt%202");
    assert_at(call, "totalResults", "1");
    call_free(world, call);
}

static void test_R101_what_is_declared_is_advertised(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Schemas/" WIKI);
    assert_status(call, 200);
    assert_at(call, "name", "Wiki");
    assert_at(call, "attributes.0.name", "desk");
    assert_at(call, "attributes.0.required", "true");
    assert_at(call, "attributes.1.type", "integer");
    assert_at(call, "attributes.2.returned", "never");
    assert_at(call, "attributes.2.mutability", "writeOnly");
    assert_at(call, "attributes.4.subAttributes.1.type", "boolean");
    call_free(world, call);
    call = get(world, "/scim/v2/ResourceTypes/User");
    assert_at(call, "schemaExtensions.1.schema", WIKI);
    assert_at(call, "schemaExtensions.1.required", "false");
    call_free(world, call);
    call = get(world, "/scim/v2/ResourceTypes/Group");
    assert_at(call, "schemaExtensions.0.schema", TEAM);
    call_free(world, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_R15_data_lies_under_the_urn_and_obeys_its_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_extensions_are_filtered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R75_extensions_are_patched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_put_keeps_what_no_get_shows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_groups_have_extensions_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R101_what_is_declared_is_advertised, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
