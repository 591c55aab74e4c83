/* Okta's own sequences, scim-clients.md 1.16 (T1 to T11), and the rules of its section 0 by number. */
#include "tests/unit/routes/one_world.h"

#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["

/* As Okta looks a person up. */
static struct call *lookup(const char *encoded_name)
{
    return get(world, gw_arena_printf(&world->arena,
                                      "/scim/v2/Users?filter=userName%%20eq%%20%%22%s%%22&startIndex=1&count=100",
                                      encoded_name)
                          .ptr);
}

/* The whole record as GET gives it, as Okta sends it back: with id, meta, groups and all. */
static struct gw_str read_back(struct gw_str id)
{
    struct call *call = get(world, user_path(world, id).ptr);
    assert_status(call, 200);
    struct gw_str text = gw_arena_copy(&world->arena, call->text);
    call_free(world, call);
    return text;
}

static struct gw_str replaced(struct gw_str text, const char *from, const char *to)
{
    const char *at = strstr(text.ptr, from);
    assert_non_null(at);
    return gw_arena_printf(&world->arena, "%.*s%s%s", (int)(at - text.ptr), text.ptr, to, at + strlen(from));
}

static void put(struct gw_str id, struct gw_str body, int status)
{
    struct call *call = send_body(world, "PUT", user_path(world, id).ptr, body.ptr);
    assert_status(call, status);
    call_free(world, call);
}

/* T1, rules 0.1 to 0.4: a folder without people still shows a complete first user. */
static void test_T1_save_finds_a_user_and_an_empty_group_list(void **state)
{
    (void)state;
    struct call *users = get(world, "/scim/v2/Users?startIndex=1&count=2");
    assert_status(users, 200);
    assert_at(users, "schemas.0", "urn:ietf:params:scim:api:messages:2.0:ListResponse");
    assert_int_equal(json_at(users->json, "totalResults")->type, JSON_NUMBER);
    assert_int_equal(json_at(users->json, "startIndex")->type, JSON_NUMBER);
    assert_int_equal(json_at(users->json, "itemsPerPage")->type, JSON_NUMBER);
    assert_at(users, "totalResults", "1");
    assert_at(users, "itemsPerPage", "1");
    assert_at(users, "Resources.0.active", "true");
    assert_at(users, "Resources.0.meta.resourceType", "User");
    assert_true(call_text(users, "Resources.0.userName").len > 0);
    assert_true(call_text(users, "Resources.0.name.familyName").len > 0);
    assert_true(call_text(users, "Resources.0.emails.0.value").len > 0);
    struct call *groups = get(world, "/scim/v2/Groups?startIndex=1&count=100");
    assert_status(groups, 200);
    assert_at(groups, "totalResults", "0");
    assert_at(groups, "itemsPerPage", "0");
    assert_at(groups, "Resources", "[]");
    call_free(world, users);
    call_free(world, groups);
}

/* T2, rules 0.7, 0.9, 0.11, 0.30. */
static void test_T2_assigning_a_new_person_creates_it(void **state)
{
    (void)state;
    struct call *call = lookup("Test.User@okta.local");
    assert_status(call, 200);
    assert_at(call, "totalResults", "0");
    assert_at(call, "Resources", "[]");
    call_free(world, call);
    call =
        send_body(world, "POST", "/scim/v2/Users",
                  "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"Test.User@okta."
                  "local\",\"name\":{\"givenName\":\"Test\",\"familyName\":\"User\"},\"emails\":[{\"primary\":true,"
                  "\"value\":\"test.user@okta.local\",\"type\":\"work\"}],\"displayName\":\"Test User\","
                  "\"externalId\":\"00ujl29u0le5T6Aj10h7\",\"groups\":[],\"password\":\"1mz050nq\",\"active\":true}");
    assert_status(call, 201);
    assert_at(call, "userName", "Test.User@okta.local");
    assert_at(call, "name.familyName", "User");
    assert_at(call, "active", "true");
    assert_null(strstr(call->text.ptr, "1mz050nq"));
    assert_null(json_at(call->json, "password"));
    assert_str_equal(call_text(call, "meta.location"), call_field(call, "Location").ptr);
    assert_true(gw_str_starts(call_field(call, "Location"), GW_STR("https://prov.test/scim/v2/Users/")));
    assert_str_equal(call_field(call, "ETag"), call_text(call, "meta.version").ptr);
    assert_str_equal(call_field(call, "Content-Type"), "application/scim+json");
    call_free(world, call);
    call = lookup("test.user@OKTA.local"); /* rule 0.6: any case, stored spelling */
    assert_at(call, "totalResults", "1");
    assert_at(call, "Resources.0.userName", "Test.User@okta.local");
    call_free(world, call);
}

/* T3, rule 0.14: the record comes back whole, twice. */
static void test_T3_assigning_an_existing_person_replaces_it(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "t3@okta.local");
    struct call *call = lookup("t3%40okta.local");
    assert_at(call, "totalResults", "1");
    assert_str_equal(call_text(call, "Resources.0.id"), id.ptr);
    call_free(world, call);
    put(id, replaced(read_back(id), "\"Test User\"", "\"Another User\""), 200);
    struct gw_str after = read_back(id);
    assert_non_null(strstr(after.ptr, "\"Another User\""));
    put(id, after, 200);
    assert_str_equal(read_back(id), after.ptr); /* nothing new: same version, same time */
}

static void test_T3_an_observed_person_is_adopted_with_its_id(void **state)
{
    (void)state;
    world_observe(world, "seen@okta.local");
    struct call *call = lookup("seen@okta.local");
    assert_at(call, "totalResults", "1");
    assert_at(call, "Resources.0.active", "true");
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "Resources.0.id"));
    call_free(world, call);
    put(id, replaced(read_back(id), "\"Seen\"", "\"Pushed\""), 200);
    assert_non_null(strstr(read_back(id).ptr, "\"Pushed\""));
    world_observe(world, "seen2@okta.local");
    call = lookup("seen2@okta.local");
    id = gw_arena_copy(&world->arena, call_text(call, "Resources.0.id"));
    call_free(world, call);
    assert_str_equal(create_user(world, "seen2@okta.local"), id.ptr); /* POST adopts as well: 201, same id */
}

/* T4 and T5, rules 0.12, 0.13, 0.16, 0.17. */
static void test_T4_T5_deactivation_and_return_by_put_keep_the_record(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "t4@okta.local");
    put(id, replaced(read_back(id), "\"active\":true", "\"active\":false"), 200);
    struct call *call = lookup("t4@okta.local");
    assert_at(call, "totalResults", "1"); /* rule 0.6: inactive users are found */
    assert_at(call, "Resources.0.active", "false");
    assert_at(call, "Resources.0.displayName", "Test User");
    call_free(world, call);
    put(id, replaced(read_back(id), "\"active\":false", "\"active\":true"), 200);
    assert_non_null(strstr(read_back(id).ptr, "\"active\":true"));
}

static void test_T4_T5_deactivation_and_return_by_patch_without_path(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "t5@okta.local");
    struct call *call = send_body(world, "PATCH", user_path(world, id).ptr,
                                  PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}");
    assert_status(call, 200);
    assert_at(call, "active", "false");
    assert_str_equal(call_text(call, "id"), id.ptr);
    call_free(world, call);
    call = send_body(world, "PATCH", user_path(world, id).ptr,
                     PATCH_OP "{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"True\"}]}"); /* E19: Entra's form */
    assert_status(call, 200);
    assert_at(call, "active", "true");
    call_free(world, call);
    call = send_body(world, "PATCH", user_path(world, id).ptr,
                     PATCH_OP "{\"op\":\"replace\",\"path\":\"active\",\"value\":\"maybe\"}]}");
    assert_error(call, 400, "invalidValue"); /* never read as true */
    call_free(world, call);
}

static void test_rule_0_17_a_put_without_active_keeps_it(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "t17@okta.local");
    put(id, replaced(read_back(id), "\"active\":true,", ""), 200);
    assert_non_null(strstr(read_back(id).ptr, "\"active\":true"));
    put(id, replaced(read_back(id), "\"active\":true", "\"active\":false"), 200);
    put(id, replaced(read_back(id), "\"active\":false,", ""), 200);
    assert_non_null(strstr(read_back(id).ptr, "\"active\":false"));
}

/* T6: renamed while away, then created again under the new name: the same person by externalId. */
static void test_T6_a_renamed_inactive_person_is_revived(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "old.name@okta.local");
    put(id, replaced(read_back(id), "\"active\":true", "\"active\":false"), 200);
    struct call *call = lookup("new.name@okta.local");
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Users",
                     "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"new.name@okta."
                     "local\",\"externalId\":\"ext-old.name@okta.local\",\"active\":true}");
    assert_status(call, 201);
    assert_str_equal(call_text(call, "id"), id.ptr);
    assert_at(call, "userName", "new.name@okta.local");
    assert_at(call, "active", "true");
    call_free(world, call);
}

/* Rule 0.10. */
static void test_rule_0_10_an_active_twin_is_409(void **state)
{
    (void)state;
    create_user(world, "twin@okta.local");
    struct call *call = send_body(world, "POST", "/scim/v2/Users",
                                  "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],"
                                  "\"userName\":\"TWIN@okta.local\",\"active\":true}");
    assert_error(call, 409, "uniqueness");
    call_free(world, call);
    struct gw_str other = create_user(world, "other@okta.local");
    call = send_body(world, "PUT", user_path(world, other).ptr,
                     "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"twin@okta.local\"}");
    assert_error(call, 409, "uniqueness");
    call_free(world, call);
}

/* Rule 0.8: blanks as %20 and as +, plus as %2B. */
static void test_rule_0_8_plus_signs_and_blanks_in_lookups(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "a+b'c@okta.local");
    const char *queries[] = {
        "/scim/v2/Users?filter=userName+eq+%22a%2Bb%27c%40okta.local%22&startIndex=1&count=100",
        "/scim/v2/Users?filter=userName%20eq%20%22a%2Bb'c@okta.local%22&",
        "/scim/v2/Users?aadOptscim062020&filter=USERNAME%20EQ%20%22A%2BB'C@OKTA.LOCAL%22",
        "/scim/v2/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22a%2Bb'c@okta.local%22",
        "/scim/v2/Users?filter=externalId+eq+%22ext-a%2Bb'c@okta.local%22",
        "/scim/v2/Users?filter=urn:ietf:params:scim:schemas:core:2.0:User:userName+eq+%22a%2Bb'c@okta.local%22",
        "/scim/v2/Users?filter=userName+sw+%22a%2Bb%22+and+active+eq+true",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct call *call = get(world, queries[i]);
        assert_status(call, 200);
        if (!gw_str_eq(call_text(call, "Resources.0.id"), id))
            fail_msg("%s: %s", queries[i], call->text.ptr);
        assert_at(call, "totalResults", "1");
        call_free(world, call);
    }
}

static void test_rules_0_28_and_0_29_accept_and_content_type_are_no_obstacle(void **state)
{
    (void)state;
    const char *accepts[] = {"application/scim+json", "application/scim+json; charset=utf-8", "application/json", "*/*",
                             "text/html"};
    for (size_t i = 0; i < sizeof accepts / sizeof accepts[0]; i++) {
        struct call *call = call_new(world, "GET", "/scim/v2/Users?startIndex=1&count=1", GW_STR_NONE);
        call_authorize(world, call);
        call_add_field(call, "Accept", gw_str_from(accepts[i]));
        call_add_field(call, "Content-Type", GW_STR("application/x-www-form-urlencoded"));
        call_start(world, call);
        assert_status(call, 200);
        assert_str_equal(call_field(call, "Content-Type"), "application/scim+json");
        call_free(world, call);
    }
}

/* T10, rules 0.3, 0.4, 0.5: an import walk in steps of a hundred sees everybody once, in order. */
static void test_T10_an_import_of_250_walks_in_hundreds(void **state)
{
    (void)state;
    char name[32];
    create_users(world, "user", 249); /* the service user is the 250th */
    size_t seen = 0;
    for (int start = 1; start <= 301; start += 100) {
        struct call *call =
            get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?startIndex=%d&count=100", start).ptr);
        size_t expected = start == 301 ? 0 : start == 201 ? 50 : 100;
        assert_status(call, 200);
        assert_at(call, "totalResults", "250");
        assert_int_equal(json_count(json_at(call->json, "Resources")), expected);
        assert_str_equal(call_text(call, "itemsPerPage"), gw_arena_printf(&world->arena, "%zu", expected).ptr);
        for (size_t i = 0; i < expected; i++, seen++) {
            struct gw_str at = gw_arena_printf(&world->arena, "Resources.%zu.userName", i);
            (void)snprintf(name, sizeof name, "user%04zu@okta.local", seen - 1);
            if (seen > 0)
                assert_str_equal(call_text(call, at.ptr), name);
        }
        call_free(world, call);
    }
    assert_int_equal(seen, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_T1_save_finds_a_user_and_an_empty_group_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T2_assigning_a_new_person_creates_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T3_assigning_an_existing_person_replaces_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T3_an_observed_person_is_adopted_with_its_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T4_T5_deactivation_and_return_by_put_keep_the_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T4_T5_deactivation_and_return_by_patch_without_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_17_a_put_without_active_keeps_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_T6_a_renamed_inactive_person_is_revived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_10_an_active_twin_is_409, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_8_plus_signs_and_blanks_in_lookups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_0_28_and_0_29_accept_and_content_type_are_no_obstacle, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_T10_an_import_of_250_walks_in_hundreds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
