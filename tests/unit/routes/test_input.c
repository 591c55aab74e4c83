/* What clients should not send: security.md, group E. */
#include "tests/unit/routes/one_world.h"

#define USER "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"e@okta.local\""
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["

static struct call *post(struct gw_str body)
{
    struct call *call = call_new(world, "POST", "/scim/v2/Users", body);
    call_authorize(world, call);
    call_add_field(call, "Content-Type", GW_STR("application/scim+json"));
    call_start(world, call);
    call_wait(world, call);
    return call;
}

static struct gw_str repeated(const char *before, const char *part, size_t times, const char *after)
{
    GW_BUF_SCOPED(text, 16u << 20);
    gw_buf_add(&text, gw_str_from(before));
    for (size_t i = 0; i < times; i++)
        gw_buf_add(&text, gw_str_from(part));
    gw_buf_add(&text, gw_str_from(after));
    return gw_arena_copy(&world->arena, gw_buf_str(&text));
}

struct body_row {
    const char *body;
    const char *scim_type;
};

static const struct body_row body_rows[] = {
    {"", "invalidSyntax"},
    {"test", "invalidSyntax"},
    {"null", "invalidSyntax"},
    {"[]", "invalidSyntax"},
    {"{}", "invalidSyntax"},
    {USER "} {}", "invalidSyntax"},
    {USER "}x", "invalidSyntax"},
    {USER ",}", "invalidSyntax"},
    {"\xef\xbb\xbf" USER "}", "invalidSyntax"},
    {USER ",\"title\":\"\xff\"}", "invalidSyntax"},
    {USER ",\"title\":\"\xc0\xaf\"}", "invalidSyntax"},
    {USER ",\"title\":\"\xed\xa0\x80\"}", "invalidSyntax"},
    {USER ",\"title\":\"\\ud800\"}", "invalidSyntax"},
    {USER ",\"title\":\"\\u0000\"}", "invalidSyntax"},
    {USER ",\"title\":\"\x01\"}", "invalidSyntax"},
    {USER ",\"active\":true,\"active\":false}", "invalidSyntax"},
    {USER ",\"active\":true,\"ACTIVE\":false}", "invalidSyntax"},
    {USER ",\"active\":true,\"\\u0061ctive\":false}", "invalidSyntax"},
    {USER ",\"x\":NaN}", "invalidSyntax"},
    {USER ",\"x\":1e99999}", "invalidSyntax"},
    {USER ",\"active\":\"False\"}", "invalidValue"},
    {USER ",\"active\":1}", "invalidValue"},
    {USER ",\"emails\":\"a@b\"}", "invalidValue"},
    {USER ",\"emails\":[{\"value\":\"a@b\",\"primary\":true},{\"value\":\"c@d\",\"primary\":true}]}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"\"}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"  \"}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"a\xe2\x80\x8b\"}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":7}", "invalidValue"},
    {"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"userName\":\"a\"}", "invalidSyntax"},
    {"{\"userName\":\"a\"}", "invalidSyntax"},
};

/* E3: another encoding of the same text. */
static void test_E3_utf16_is_400(void **state)
{
    (void)state;
    struct call *call = post(gw_str_n("\xff\xfe{\0}\0", 6));
    assert_error(call, 400, "invalidSyntax");
    call_free(world, call);
}

static void test_E2_to_E6_bad_bodies_are_400_and_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof body_rows / sizeof body_rows[0]; i++) {
        struct call *call = post(gw_str_from(body_rows[i].body));
        if (call->status != 400 || !gw_str_eq(call_text(call, "scimType"), gw_str_from(body_rows[i].scim_type)))
            fail_msg("%s: %d %s", body_rows[i].body, call->status, call->text.ptr);
        call_free(world, call);
    }
    struct call *call = get(world, "/scim/v2/Users");
    assert_at(call, "totalResults", "1");
    call_free(world, call);
}

static void test_E1_nesting_is_capped(void **state)
{
    (void)state;
    struct call *call = post(repeated("", "[", 100000, ""));
    assert_error(call, 400, "invalidSyntax");
    call_free(world, call);
    call = post(repeated(USER ",\"x\":", "{\"a\":", 20000, "1"));
    assert_error(call, 400, "invalidSyntax");
    call_free(world, call);
}

static void test_E5_and_E6_sizes_are_capped(void **state)
{
    (void)state;
    struct call *call = post(repeated(USER ",\"emails\":[{\"value\":\"a@b\"}", ",{\"value\":\"a@b\"}", 20000, "]}"));
    assert_int_equal(call->status, 400);
    call_free(world, call);
    call = post(repeated(USER ",\"title\":\"", "0123456789abcdef", 8 << 16, "\"}"));
    assert_error(call, 413, "");
    call_free(world, call);
}

/* A megabyte of brackets would be a tree of many. */
static void test_E5_a_user_has_a_bounded_number_of_values(void **state)
{
    (void)state;
    struct call *call = post(repeated(USER ",\"x\":[0", ",0", 59900, "]}"));
    assert_status(call, 201);
    call_free(world, call);
    call = post(repeated(USER ",\"x\":[0", ",0", 60100, "]}"));
    assert_int_equal(call->status / 100, 4);
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Groups",
                     repeated("{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"many\","
                              "\"x\":[0",
                              ",0", 200000, "]}")
                         .ptr);
    assert_status(call, 201);
    call_free(world, call);
}

struct media_row {
    const char *name;
    const char *value;
    int status;
};

static const struct media_row media_rows[] = {
    {"Content-Type", "application/scim+json", 201},
    {"Content-Type", "APPLICATION/JSON ; charset=UTF-8", 201},
    {"Content-Type", "text/plain", 415},
    {"Content-Type", "application/jsonx", 415},
    {"Content-Type", "application/x-www-form-urlencoded", 415},
    {"Content-Type", "", 415},
    {"Content-Encoding", "gzip", 415},
    {"Content-Encoding", "identity", 201},
    {"Accept", "image/png", 201},
};

static void test_E6_media_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof media_rows / sizeof media_rows[0]; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],"
                                             "\"userName\":\"media%zu\"}",
                                             i);
        struct call *call = call_new(world, "POST", "/scim/v2/Users", body);
        call_authorize(world, call);
        call_add_field(call, media_rows[i].name, gw_str_from(media_rows[i].value));
        call_start(world, call);
        call_wait(world, call);
        if (call->status != media_rows[i].status)
            fail_msg("%s: %s: %d", media_rows[i].name, media_rows[i].value, call->status);
        if (call->status == 415)
            assert_false(call->was_collected);
        call_free(world, call);
    }
}

/* E7: what the server makes, and what it does not know, is not taken from clients. */
static void test_E7_client_made_ids_and_unknown_attributes_are_ignored(void **state)
{
    (void)state;
    struct call *call = post(GW_STR(USER ",\"id\":\"1\",\"meta\":{\"created\":\"1999-01-01T00:00:00Z\",\"version\":"
                                         "\"W/\\\"77\\\"\"},\"groups\":[{\"value\":\"x\"}],\"roles\":[{\"value\":"
                                         "\"root\"}],\"password\":\"secret-pw\",\"isAdmin\":true}"));
    assert_status(call, 201);
    assert_int_equal(call_text(call, "id").len, GW_IDENT_TEXT);
    assert_null(strstr(call->text.ptr, "1999"));
    assert_null(strstr(call->text.ptr, "secret-pw"));
    assert_null(strstr(call->text.ptr, "isAdmin"));
    assert_at(call, "groups", "");
    assert_at(call, "roles", "");
    call_free(world, call);
}

/* E8: an externalId is data. */
static void test_E8_an_external_id_is_no_id(void **state)
{
    (void)state;
    struct gw_str first = create_user(world, "first@okta.local");
    struct gw_str body = gw_arena_printf(&world->arena, USER ",\"externalId\":\"%.*s\"}", GW_STR_ARG(first));
    struct call *call = post(body);
    assert_status(call, 201);
    assert_false(gw_str_eq(call_text(call, "id"), first));
    call_free(world, call);
    const char *ids[] = {"1", "..%2Fx", "ext-first@okta.local", "%22", "0", "%E2%82%AC"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users/%s", ids[i]).ptr);
        assert_error(call, 404, "");
        call_free(world, call);
    }
    call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users/%s", repeated("", "a", 10240, "").ptr).ptr);
    assert_error(call, 404, "");
    call_free(world, call);
    struct gw_str upper = gw_arena_copy(&world->arena, first);
    char *letters = gw_arena_alloc(&world->arena, upper.len + 1);
    for (size_t i = 0; i < upper.len; i++)
        letters[i] = (char)(upper.ptr[i] >= 'a' ? upper.ptr[i] - 32 : upper.ptr[i]);
    call = get(world, user_path(world, gw_str_n(letters, upper.len)).ptr);
    assert_int_equal(call->status, memcmp(letters, first.ptr, upper.len) == 0 ? 200 : 404);
    call_free(world, call);
}

static const struct body_row patch_rows[] = {
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"id\",\"value\":\"x\"}]}", "mutability"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"meta.created\",\"value\":\"2020-01-01T00:00:00Z\"}]}", "mutability"},
    {PATCH_OP "{\"op\":\"remove\",\"path\":\"userName\"}]}", "mutability"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"nothing\",\"value\":\"x\"}]}", "invalidPath"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"emails[\",\"value\":\"x\"}]}", "invalidPath"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"\\u0041[[[[\",\"value\":1}]}", "invalidPath"},
    {PATCH_OP "{\"op\":\"remove\"}]}", "noTarget"},
    {PATCH_OP "{\"op\":\"explode\",\"path\":\"title\"}]}", "invalidSyntax"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"active\",\"value\":\"perhaps\"}]}", "invalidValue"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"X\"},{\"op\":\"replace\",\"path\":\"id\",\"value\":"
              "\"x\"}]}",
     "mutability"},
    {PATCH_OP "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"\"}]}", "invalidValue"},
    {"{\"Operations\":7}", "invalidSyntax"},
};

/* E9, E10: a PATCH that fails anywhere leaves the record as it was. */
static void test_E9_and_E10_a_patch_is_all_or_nothing(void **state)
{
    (void)state;
    struct gw_str path = user_path(world, create_user(world, "e9@okta.local"));
    struct call *before = get(world, path.ptr);
    for (size_t i = 0; i < sizeof patch_rows / sizeof patch_rows[0]; i++) {
        struct call *call = send_body(world, "PATCH", path.ptr, patch_rows[i].body);
        if (call->status != 400 || !gw_str_eq(call_text(call, "scimType"), gw_str_from(patch_rows[i].scim_type)))
            fail_msg("%s: %d %s", patch_rows[i].body, call->status, call->text.ptr);
        call_free(world, call);
    }
    struct gw_str many = repeated(PATCH_OP "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"X\"}",
                                  ",{\"op\":\"replace\",\"path\":\"title\",\"value\":\"Y\"}", 5000, "]}");
    struct call *call = send_body(world, "PATCH", path.ptr, many.ptr);
    assert_int_equal(call->status, 413);
    call_free(world, call);
    call = get(world, path.ptr);
    assert_str_equal(call->text, before->text.ptr);
    call_free(world, call);
    call_free(world, before);
}

/* E11: one person has one spelling of the name, whatever the form. */
static void test_E11_names_that_look_alike_are_one_or_refused(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "Jos\xc3\xa9@okta.local");
    (void)id;
    const char *same[] = {"jos\xc3\xa9@okta.local", "JOS\xc3\x89@OKTA.LOCAL", "jose\xcc\x81@okta.local",
                          "\xef\xbd\x8aos\xc3\xa9@okta.local"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],"
                                             "\"userName\":\"%s\"}",
                                             same[i]);
        struct call *call = post(body);
        assert_error(call, 409, "uniqueness");
        call_free(world, call);
    }
}

static void test_E12_filter_bombs_are_refused(void **state)
{
    (void)state;
    struct gw_str bombs[] = {
        repeated("", "%28", 20000, "userName%20pr"),
        repeated("userName%20pr", "%20or%20userName%20pr", 5000, ""),
        repeated("", "not%20%28", 5000, "userName%20pr"),
        repeated("userName%20eq%20%22", "a", 100000, ""),
    };
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        struct call *call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?filter=%s", bombs[i].ptr).ptr);
        assert_error(call, 400, "invalidFilter");
        call_free(world, call);
    }
}

struct escape_row {
    const char *json_name; /* userName as it stands in JSON */
    const char *encoded;   /* the same JSON string, percent-encoded for a query */
};

static const struct escape_row escape_rows[] = {
    {"q\\\"uote@x", "q%5C%22uote@x"},   {"back\\\\slash@x", "back%5C%5Cslash@x"},
    {"and&or=@x", "and%26or%3D@x"},     {"plus+one@x", "plus%2Bone@x"},
    {"per%41cent@x", "per%2541cent@x"}, {"hash#@x", "hash%23@x"},
    {"o'neil@x", "o'neil@x"},           {"in ner@x", "in+ner@x"},
    {"\xc3\xa4@x", "%C3%A4@x"},
};

static void test_E13_filter_literals_are_decoded_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof escape_rows / sizeof escape_rows[0]; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],"
                                             "\"userName\":\"%s\"}",
                                             escape_rows[i].json_name);
        struct call *call = post(body);
        assert_status(call, 201);
        struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
        call_free(world, call);
        call = get(
            world,
            gw_arena_printf(&world->arena, "/scim/v2/Users?filter=userName+eq+%%22%s%%22", escape_rows[i].encoded).ptr);
        assert_status(call, 200);
        if (!gw_str_eq(call_text(call, "Resources.0.id"), id))
            fail_msg("%s: %s", escape_rows[i].encoded, call->text.ptr);
        call_free(world, call);
    }
}

/* E18: who is there all the time is seen exactly once, whatever else is written between the pages. */
static void test_E18_a_walk_misses_nobody_while_others_write(void **state)
{
    (void)state;
    enum { PEOPLE = 30, STEP = 7 };
    struct gw_str ids[PEOPLE];
    int seen[PEOPLE] = {0};
    char name[64];
    for (int i = 0; i < PEOPLE; i++) {
        (void)snprintf(name, sizeof name, "walk%d@okta.local", i);
        ids[i] = create_user(world, name);
    }
    for (int start = 1, total = 1; start <= total; start += STEP) {
        struct call *call =
            get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?startIndex=%d&count=%d", start, STEP).ptr);
        total = atoi(call_text(call, "totalResults").ptr);
        const struct json_value *page = json_at(call->json, "Resources");
        for (size_t i = 0; i < json_count(page); i++) {
            for (int j = 0; j < PEOPLE; j++)
                seen[j] += gw_str_eq(json_object_get(page->array.items[i], GW_STR("id"))->text, ids[j]);
        }
        call_free(world, call);
        (void)snprintf(name, sizeof name, "between%d@okta.local", start);
        create_user(world, name);
        call = send_body(world, "PATCH", user_path(world, ids[start % PEOPLE]).ptr,
                         PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}");
        assert_status(call, 200);
        call_free(world, call);
    }
    for (int j = 0; j < PEOPLE; j++)
        assert_int_equal(seen[j], 1);
}

static void test_E14_a_page_holds_a_thousand_at_most(void **state)
{
    (void)state;
    create_users(world, "many", 1001);
    struct call *call = get(world, "/scim/v2/Users?count=1000000000");
    assert_status(call, 200);
    assert_at(call, "totalResults", "1002");
    assert_at(call, "itemsPerPage", "1000");
    assert_int_equal(json_count(json_at(call->json, "Resources")), 1000);
    call_free(world, call);
    call = get(world, "/scim/v2/Users?startIndex=9223372036854775808");
    assert_status(call, 200);
    assert_at(call, "Resources", "[]");
    call_free(world, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_E1_nesting_is_capped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E2_to_E6_bad_bodies_are_400_and_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E3_utf16_is_400, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E5_and_E6_sizes_are_capped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E5_a_user_has_a_bounded_number_of_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E6_media_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E7_client_made_ids_and_unknown_attributes_are_ignored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E8_an_external_id_is_no_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E9_and_E10_a_patch_is_all_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E11_names_that_look_alike_are_one_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E12_filter_bombs_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E13_filter_literals_are_decoded_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E14_a_page_holds_a_thousand_at_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E18_a_walk_misses_nobody_while_others_write, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
