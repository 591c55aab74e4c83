/* activity.values: old and new values of the attributes that an operator names, of nothing else, and never a secret. */
#include "tests/unit/routes/world.h"

#include "store/reader.h"

#define WIKI "urn:example:wiki:2.0:User"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define SCHEMAS "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\"" ENTERPRISE "\",\"" WIKI "\"]"
#define GROUP "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define WIKI_SCHEMA                                                                                                    \
    "      schemas:\n"                                                                                                 \
    "        - id: " WIKI "\n"                                                                                         \
    "          attributes: [{name: desk}, {name: pin, returned: never, mutability: writeOnly}]\n"

static struct world *world;
static struct store_reader *reader;

static int set_up(void **state)
{
    (void)state;
    struct gw_error err = {0};
    world = world_new(WIKI_SCHEMA
                      "activity:\n"
                      "  values: [title, Department, userName, active, emails, name.givenName, displayName, \"" WIKI
                      ":desk\"]\n");
    check_ok(store_reader_new(world->store, &reader, &err), &err);
    return 0;
}

static int set_up_without(void **state)
{
    (void)state;
    struct gw_error err = {0};
    world = world_new(WIKI_SCHEMA);
    check_ok(store_reader_new(world->store, &reader, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_reader_free(reader);
    world_free(world);
    return 0;
}

static bool on_entry(const struct store_activity *entry, void *data)
{
    struct gw_str *last = data;
    *last = gw_arena_copy(&world->arena, entry->values);
    return true;
}

static struct gw_str last_values(void)
{
    struct gw_error err = {0};
    struct gw_str last = GW_STR_NONE;
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_activity_after(reader, 0, on_entry, &last, &err), &err);
    store_reader_end(reader);
    return last;
}

static struct gw_str ask(const char *method, const char *target, const char *body, int status)
{
    struct call *call = send_body(world, method, target, body);
    assert_status(call, status);
    struct gw_str id = status == 201 ? gw_arena_copy(&world->arena, call_text(call, "id")) : GW_STR_NONE;
    call_free(world, call);
    return id;
}

static void change(struct gw_str id, const char *operation)
{
    ask("PATCH", user_path(world, id).ptr, gw_arena_printf(&world->arena, PATCH_OP "%s]}", operation).ptr, 200);
}

static struct gw_str make(void)
{
    return ask("POST", "/scim/v2/Users",
               SCHEMAS ",\"userName\":\"v@x\",\"title\":\"Clerk\",\"nickName\":\"N\",\"password\":\"Tr0ub4dor\","
                       "\"name\":{\"givenName\":\"V\",\"familyName\":\"Hidden\"},\"" WIKI "\":{\"pin\":\"1234\"}}",
               201);
}

static void test_a_post_had_nothing_before(void **state)
{
    (void)state;
    make();
    assert_str_equal(last_values(), "{\"title\":[null,\"Clerk\"],\"userName\":[null,\"v@x\"],\"active\":[null,true],"
                                    "\"name.givenName\":[null,\"V\"]}");
}

static void test_a_patch_says_old_and_new_of_what_changed(void **state)
{
    (void)state;
    struct gw_str id = make();
    change(id, "{\"op\":\"replace\",\"value\":{\"title\":\"Boss\",\"nickName\":\"M\"}}");
    assert_str_equal(last_values(), "{\"title\":[\"Clerk\",\"Boss\"]}");
    change(id, "{\"op\":\"replace\",\"value\":{\"nickName\":\"L\"}}");
    assert_str_equal(last_values(), "");
    change(id, "{\"op\":\"remove\",\"path\":\"title\"}");
    assert_str_equal(last_values(), "{\"title\":[\"Boss\",null]}");
    change(id, "{\"op\":\"replace\",\"path\":\"" WIKI ":desk\",\"value\":\"12\"}");
    assert_str_equal(last_values(), "{\"" WIKI ":desk\":[null,\"12\"]}");
    change(id, "{\"op\":\"replace\",\"path\":\"" WIKI ":pin\",\"value\":\"99\"}");
    assert_str_equal(last_values(), "");
    change(id, "{\"op\":\"replace\",\"value\":{\"active\":false}}");
    assert_str_equal(last_values(), "{\"active\":[true,false]}");
}

static void test_a_put_says_old_and_new_of_what_changed(void **state)
{
    (void)state;
    struct gw_str path = user_path(world, make());
    ask("PUT", path.ptr,
        SCHEMAS ",\"userName\":\"w@x\",\"title\":\"Clerk\",\"name\":{\"givenName\":\"V\",\"familyName\":\"Other\"},"
                "\"emails\":[{\"value\":\"w@x\"}],\"" ENTERPRISE "\":{\"department\":\"Sales\"}}",
        200);
    assert_str_equal(last_values(), "{\"" ENTERPRISE ":department\":[null,\"Sales\"],\"userName\":[\"v@x\",\"w@x\"],"
                                    "\"emails\":[null,[{\"value\":\"w@x\"}]]}");
}

/* 253 bytes and three points, and never half a character. */
static void test_a_long_value_is_cut(void **state)
{
    (void)state;
    struct gw_str id = make();
    char text[600];
    for (size_t at = 0; at < 512; at += 2)
        memcpy(text + at, "\xC3\xA9", 2);
    text[512] = '\0';
    change(id, gw_arena_printf(&world->arena, "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"%s\"}", text).ptr);
    assert_str_equal(last_values(), gw_arena_printf(&world->arena, "{\"title\":[\"Clerk\",\"%.252s...\"]}", text).ptr);
    text[256] = '\0';
    change(id, gw_arena_printf(&world->arena, "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"%s\"}", text).ptr);
    assert_non_null(strstr(last_values().ptr, gw_arena_printf(&world->arena, "...\",\"%s\"]}", text).ptr));
    struct gw_str list =
        gw_arena_printf(&world->arena, "[{\"value\":\"%.200s@x\"},{\"value\":\"second%.100s@x\"}]",
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                        "bbbbbbbbbbbbbbbb");
    change(id, gw_arena_printf(&world->arena, "{\"op\":\"replace\",\"path\":\"emails\",\"value\":%s}", list.ptr).ptr);
    struct gw_str values = last_values();
    assert_true(gw_str_starts(values, GW_STR("{\"emails\":[null,\"[{\\\"value\\\":\\\"aaa")));
    assert_true(gw_str_ends(values, GW_STR("bbb...\"]}")));
}

static void test_of_groups_it_is_the_name(void **state)
{
    (void)state;
    struct gw_str id = ask("POST", "/scim/v2/Groups", GROUP ",\"displayName\":\"Sales\",\"externalId\":\"e\"}", 201);
    assert_str_equal(last_values(), "{\"displayName\":[null,\"Sales\"]}");
    const char *path = gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
    ask("PATCH", path, PATCH_OP "{\"op\":\"replace\",\"value\":{\"displayName\":\"Support\"}}]}", 200);
    assert_str_equal(last_values(), "{\"displayName\":[\"Sales\",\"Support\"]}");
    ask("PUT", path, GROUP ",\"displayName\":\"Support\",\"externalId\":\"f\",\"members\":[]}", 200);
    assert_str_equal(last_values(), "");
    ask("PUT", path, GROUP ",\"displayName\":\"Help\",\"externalId\":\"f\"}", 200);
    assert_str_equal(last_values(), "{\"displayName\":[\"Support\",\"Help\"]}");
}

static void test_without_the_key_there_are_no_values(void **state)
{
    (void)state;
    struct gw_str id = make();
    assert_str_equal(last_values(), "");
    change(id, "{\"op\":\"replace\",\"value\":{\"title\":\"Boss\"}}");
    assert_str_equal(last_values(), "");
}

static void test_names_are_checked_against_the_schemas(void **state)
{
    (void)state;
    static const struct {
        const char *names;
        const char *reason; /* NULL: they are good */
    } rows[] = {
        {"title, emails, desk, roles", "activity.values[3]: \"roles\" is no attribute"},
        {"title, " WIKI ":desk, urn:ietf:params:scim:schemas:core:2.0:Group:displayName, displayName", NULL},
        {"titel", "activity.values[0]: \"titel\" is no attribute; did you mean title?"},
        {"title, departement", "activity.values[1]: \"departement\" is no attribute; did you mean department?"},
        {"passwort", "activity.values[0]: \"passwort\" is no attribute"},
        {"password", "what is never returned is never recorded"},
        {"pin", "what is never returned is never recorded"},
        {WIKI, "it is a whole schema"},
        {"meta", "no client changes it"},
        {"groups", "no client changes it"},
        {"schemas", "no client changes it"},
        {"emails.value", "name the whole attribute"},
        {"manager.displayName", "no client changes it"},
        {"department, " ENTERPRISE ":department", "is named twice"},
        {"members", "activity.values[0]: \"members\" is no attribute"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_error err = {0};
        config_unref(world->config);
        world_config(world,
                     gw_arena_printf(&world->arena, WIKI_SCHEMA "activity:\n  values: [%s]\n", rows[i].names).ptr);
        enum gw_code code = prov_values_check(world->config, &err);
        assert_int_equal(code, rows[i].reason == NULL ? GW_OK : GW_E_CONFIG);
        if (rows[i].reason != NULL && strstr(err.text, rows[i].reason) == NULL)
            fail_msg("%s: %s", rows[i].names, err.text);
        assert_null(strstr(err.text, "did you mean password"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_post_had_nothing_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_patch_says_old_and_new_of_what_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_put_says_old_and_new_of_what_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_value_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_groups_it_is_the_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_the_key_there_are_no_values, set_up_without, tear_down),
        cmocka_unit_test_setup_teardown(test_names_are_checked_against_the_schemas, set_up_without, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
