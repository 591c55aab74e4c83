/* Users beyond Okta's sequences: the RFC's checklist (scim-clients.md 5) and what semantics.md 4 decides. */
#include "tests/unit/routes/one_world.h"

#define USER "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"]"
#define PATCH_OP "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define SEARCH "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:SearchRequest\"]"

static int set_up_strict(void **state)
{
    (void)state;
    world = world_new("      service_user: off\n      policy: {adopt: off, revive: off}\n");
    return 0;
}

static struct call *send_with(const char *method, struct gw_str target, const char *body, const char *name,
                              struct gw_str value)
{
    struct call *call = call_new(world, method, target.ptr, gw_str_from(body));
    call_authorize(world, call);
    call_add_field(call, name, value);
    if (body != NULL)
        call_add_field(call, "Content-Type", GW_STR("application/json"));
    call_start(world, call);
    call_wait(world, call);
    return call;
}

static struct gw_str tag_of(struct gw_str id)
{
    struct call *call = get(world, user_path(world, id).ptr);
    assert_status(call, 200);
    struct gw_str tag = gw_arena_copy(&world->arena, call_field(call, "ETag"));
    call_free(world, call);
    return tag;
}

static void expect(const char *method, struct gw_str target, const char *body, int status)
{
    struct call *call = send_body(world, method, target.ptr, body);
    assert_status(call, status);
    call_free(world, call);
}

/* R40, R78, security case E17. */
static void test_R78_entity_tags_guard_reads_and_writes(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "tag@okta.local");
    struct gw_str path = user_path(world, id);
    struct gw_str old = tag_of(id);
    struct call *call = send_with("GET", path, NULL, "If-None-Match", old);
    assert_status(call, 304);
    assert_int_equal(call->text.len, 0);
    assert_str_equal(call_field(call, "ETag"), old.ptr);
    call_free(world, call);
    call = send_with("PUT", path, USER ",\"userName\":\"tag@okta.local\",\"title\":\"A\"}", "If-Match", old);
    assert_status(call, 200);
    assert_false(gw_str_eq(call_field(call, "ETag"), old));
    call_free(world, call);
    const char *methods[] = {"PUT", "PATCH", "DELETE"};
    const char *bodies[] = {USER ",\"userName\":\"tag@okta.local\",\"title\":\"B\"}",
                            PATCH_OP "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"B\"}]}", NULL};
    for (int i = 0; i < 3; i++) {
        call = send_with(methods[i], path, bodies[i], "If-Match", old);
        assert_error(call, 412, "");
        call_free(world, call);
    }
    call = send_with("GET", path, NULL, "If-None-Match", old);
    assert_status(call, 200);
    assert_at(call, "title", "A");
    call_free(world, call);
    call = send_with("PATCH", path, bodies[1], "If-Match", GW_STR("\"none\", *"));
    assert_status(call, 200);
    call_free(world, call);
}

/* R80: a deleted user is gone from every read; the same name then gets another id. */
static void test_R80_delete_is_gone_everywhere_and_ids_do_not_return(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "gone@okta.local");
    struct gw_str path = user_path(world, id);
    struct call *call = send_body(world, "DELETE", path.ptr, NULL);
    assert_status(call, 204);
    assert_int_equal(call->text.len, 0);
    call_free(world, call);
    expect("GET", path, NULL, 404);
    expect("DELETE", path, NULL, 404);
    expect("PUT", path, USER ",\"userName\":\"gone@okta.local\"}", 404);
    expect("PATCH", path, PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":true}}]}", 404);
    call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22gone@okta.local%22");
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?count=0");
    assert_at(call, "totalResults", "1");
    assert_at(call, "itemsPerPage", "0");
    call_free(world, call);
    assert_false(gw_str_eq(create_user(world, "gone@okta.local"), id));
}

/* R27: HEAD is GET without its body. */
static void test_R27_head_answers_like_get(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "head@okta.local");
    struct call *call = send_body(world, "HEAD", user_path(world, id).ptr, NULL);
    assert_status(call, 200);
    assert_true(call_field(call, "ETag").len > 0);
    call_free(world, call);
    expect("HEAD", GW_STR("/scim/v2/Users/none"), NULL, 404);
}

/* R51. */
static void test_R51_attributes_and_excluded_attributes(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "few@okta.local");
    struct gw_arena *arena = &world->arena;
    struct gw_str path = user_path(world, id);
    struct call *call = get(world, gw_arena_printf(arena, "%s?attributes=USERNAME,name.givenName", path.ptr).ptr);
    assert_str_equal(call_text(call, "id"), id.ptr);
    assert_at(call, "userName", "few@okta.local");
    assert_at(call, "name.givenName", "Test");
    assert_at(call, "name.familyName", "");
    assert_at(call, "emails", "");
    call_free(world, call);
    call = get(world, gw_arena_printf(arena, "%s?excludedAttributes=emails,id", path.ptr).ptr);
    assert_at(call, "emails", "");
    assert_str_equal(call_text(call, "id"), id.ptr); /* returned always */
    assert_at(call, "displayName", "Test User");
    call_free(world, call);
    expect("GET", gw_arena_printf(arena, "%s?attributes=id&excludedAttributes=name", path.ptr), NULL, 400);
    call = send_body(world, "POST", "/scim/v2/Users?attributes=id&excludedAttributes=name",
                     USER ",\"userName\":\"never@okta.local\"}");
    assert_error(call, 400, "invalidValue");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22never@okta.local%22");
    assert_at(call, "totalResults", "0"); /* a bad query changes nothing */
    call_free(world, call);
}

/* R52. */
static void test_R52_search_answers_like_a_list(void **state)
{
    (void)state;
    create_user(world, "one@okta.local");
    create_user(world, "two@okta.local");
    struct call *call = send_body(world, "POST", "/scim/v2/Users/.search",
                                  SEARCH ",\"filter\":\"userName sw \\\"t\\\"\",\"attributes\":[\"userName\"]}");
    assert_status(call, 200);
    assert_at(call, "totalResults", "1");
    assert_at(call, "Resources.0.userName", "two@okta.local");
    assert_at(call, "Resources.0.name", "");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Users/.search", SEARCH ",\"startIndex\":3,\"count\":5}");
    assert_at(call, "totalResults", "3");
    assert_at(call, "itemsPerPage", "1");
    assert_at(call, "Resources.0.userName", "two@okta.local");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Groups/.search", SEARCH "}");
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    expect("POST", GW_STR("/scim/v2/.search"), SEARCH "}", 501);
}

struct count_row {
    const char *filter;
    const char *total; /* "" means 400 */
};

/* Three people: ann (active, title Boss), bob (active), cid (inactive); and the service user. */
static const struct count_row count_rows[] = {
    {"userName eq \"ANN@okta.local\"", "1"},
    {"userName ne \"ann@okta.local\"", "3"},
    {"active eq false", "1"},
    {"active eq true and userName co \"okta\"", "2"},
    {"title pr", "1"},
    {"not (title pr)", "3"},
    {"title eq \"boss\" or userName eq \"bob@okta.local\"", "2"},
    {"userName eq \"ann@okta.local\" or userName eq \"ann@okta.local\" or externalId eq \"ext-ann@okta.local\"", "1"},
    {"userName eq \"ann@okta.local\" and active eq false", "0"},
    {"emails.value eq \"bob@okta.local\"", "1"},
    {"emails[type eq \"home\"].value eq \"bob@okta.local\"", "0"},
    {"emails[type eq \"work\" and value sw \"cid\"]", "1"},
    {"meta.lastModified gt \"2020-01-01T00:00:00Z\"", "4"},
    {"meta.lastModified gt \"2090-01-01T00:00:00Z\"", "0"},
    {"meta.lastModified ge \"2090-01-01T00:00:00Z\" or userName eq \"cid@okta.local\"", "1"},
    {"id eq \"00000000000000000000000000000000\"", "0"},
    {"id eq \"1\"", "0"},
    {"name.familyName eq \"User\"", "3"},
    {"nothing eq \"x\"", ""},
    {"userName eq ann", ""},
    {"userName eq \"a", ""},
    {"active gt true", ""},
    {"password sw \"a\"", ""},
};

static void make_three(void)
{
    struct gw_str ann = create_user(world, "ann@okta.local");
    create_user(world, "bob@okta.local");
    struct gw_str cid = create_user(world, "cid@okta.local");
    expect("PATCH", user_path(world, ann), PATCH_OP "{\"op\":\"add\",\"path\":\"title\",\"value\":\"Boss\"}]}", 200);
    expect("PATCH", user_path(world, cid), PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}", 200);
}

static struct gw_str encode(struct gw_str text)
{
    GW_BUF_SCOPED(encoded, 1u << 20);
    for (size_t i = 0; i < text.len; i++)
        gw_buf_printf(&encoded, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
    return gw_arena_copy(&world->arena, gw_buf_str(&encoded));
}

/* R45 to R48: by an index or by a walk, the same answer. */
static void test_R45_filters_find_the_same_by_index_and_by_walk(void **state)
{
    (void)state;
    make_three();
    for (size_t i = 0; i < sizeof count_rows / sizeof count_rows[0]; i++) {
        struct gw_str filter = encode(gw_str_from(count_rows[i].filter));
        struct call *call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?filter=%s", filter.ptr).ptr);
        if (count_rows[i].total[0] == '\0') {
            assert_error(call, 400, "invalidFilter");
        } else {
            assert_status(call, 200);
            if (!gw_str_eq(call_text(call, "totalResults"), gw_str_from(count_rows[i].total)))
                fail_msg("%s: %s", count_rows[i].filter, call->text.ptr);
        }
        call_free(world, call);
    }
}

/* Rule 0.5: the order is the creation's, however the filter names them. */
static void test_R45_index_lookups_keep_the_order_of_creation(void **state)
{
    (void)state;
    make_three();
    struct gw_str filter = encode(GW_STR("userName eq \"cid@okta.local\" or id eq \"x\" or userName eq "
                                         "\"bob@okta.local\" or externalId eq \"ext-ann@okta.local\""));
    struct call *call = get(world, gw_arena_printf(&world->arena, "/scim/v2/Users?filter=%s", filter.ptr).ptr);
    assert_at(call, "totalResults", "3");
    assert_at(call, "Resources.0.userName", "ann@okta.local");
    assert_at(call, "Resources.1.userName", "bob@okta.local");
    assert_at(call, "Resources.2.userName", "cid@okta.local");
    call_free(world, call);
}

/* R43 within a filtered list: total of all matches, page of some. */
static void test_R43_a_filtered_list_is_paged_too(void **state)
{
    (void)state;
    make_three();
    struct call *call = get(world, "/scim/v2/Users?filter=externalId+pr&startIndex=2&count=1");
    assert_at(call, "totalResults", "3");
    assert_at(call, "startIndex", "2");
    assert_at(call, "itemsPerPage", "1");
    assert_at(call, "Resources.0.userName", "bob@okta.local");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=externalId+pr&count=0");
    assert_at(call, "totalResults", "3");
    assert_at(call, "Resources", "[]");
    call_free(world, call);
}

/* semantics.md 4: the service user is whole, first, and nobody's to change. */
static void test_the_service_user_is_read_only(void **state)
{
    (void)state;
    struct call *list = get(world, "/scim/v2/Users?count=1");
    struct gw_str id = gw_arena_copy(&world->arena, call_text(list, "Resources.0.id"));
    struct gw_str name = gw_arena_copy(&world->arena, call_text(list, "Resources.0.userName"));
    call_free(world, list);
    struct gw_str path = user_path(world, id);
    struct call *call = get(world, path.ptr);
    assert_status(call, 200);
    assert_str_equal(call_text(call, "userName"), name.ptr);
    call_free(world, call);
    struct gw_str body = gw_arena_printf(&world->arena, USER ",\"userName\":\"%s\"}", name.ptr);
    call = send_body(world, "PUT", path.ptr, body.ptr);
    assert_error(call, 400, "mutability");
    call_free(world, call);
    call = send_body(world, "PATCH", path.ptr, PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}");
    assert_error(call, 400, "mutability");
    call_free(world, call);
    call = send_body(world, "DELETE", path.ptr, NULL);
    assert_error(call, 403, "");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Users", body.ptr);
    assert_error(call, 409, "uniqueness");
    call_free(world, call);
    struct gw_str person = create_user(world, "second@okta.local");
    call = get(world, "/scim/v2/Users?startIndex=2&count=1");
    assert_at(call, "totalResults", "2");
    assert_str_equal(call_text(call, "Resources.0.id"), person.ptr);
    call_free(world, call);
}

static void test_without_service_user_adoption_and_revival(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Users");
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    struct gw_str id = create_user(world, "strict@okta.local");
    expect("PATCH", user_path(world, id), PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}", 200);
    call = send_body(world, "POST", "/scim/v2/Users", USER ",\"userName\":\"strict@okta.local\"}");
    assert_error(call, 409, "uniqueness"); /* revive: off */
    call_free(world, call);
}

/* Okta PUTs whole records back: one that was read before a deactivation does not undo it. */
static void test_a_stale_put_does_not_reactivate(void **state)
{
    (void)state;
    struct gw_str id = create_user(world, "stale@okta.local");
    struct call *before = get(world, user_path(world, id).ptr);
    expect("PATCH", user_path(world, id), PATCH_OP "{\"op\":\"replace\",\"value\":{\"active\":false}}]}", 200);
    struct call *call = send_body(world, "PUT", user_path(world, id).ptr, before->text.ptr);
    assert_status(call, 200);
    assert_at(call, "active", "false");
    call_free(world, call);
    call_free(world, before);
    struct call *fresh = get(world, user_path(world, id).ptr);
    struct gw_str text = fresh->text;
    const char *at = strstr(text.ptr, "\"active\":false");
    assert_non_null(at);
    struct gw_str body = gw_arena_printf(&world->arena, "%.*s\"active\":true%s", (int)(at - text.ptr), text.ptr,
                                         at + strlen("\"active\":false"));
    call = send_body(world, "PUT", user_path(world, id).ptr, body.ptr);
    assert_status(call, 200);
    assert_at(call, "active", "true");
    call_free(world, call);
    call_free(world, fresh);
}

/* Sixteen PATCHes computed on the same version, one after another committed: each is computed again on the newer one.
 */
static void test_concurrent_patches_lose_nothing_or_say_429(void **state)
{
    (void)state;
    enum { PATCHES = 16 };
    struct gw_str id = create_user(world, "race@okta.local");
    struct call *calls[PATCHES];
    int done = 0;
    for (int i = 0; i < PATCHES; i++) {
        struct gw_str body = gw_arena_printf(&world->arena,
                                             PATCH_OP "{\"op\":\"add\",\"path\":\"phoneNumbers\",\"value\":[{\"value\":"
                                                      "\"%d\",\"type\":\"other\"}]}]}",
                                             1000 + i);
        calls[i] = call_new(world, "PATCH", user_path(world, id).ptr, body);
        call_authorize(world, calls[i]);
        call_add_field(calls[i], "Content-Type", GW_STR("application/scim+json"));
        call_start(world, calls[i]);
    }
    for (int i = 0; i < PATCHES; i++) {
        call_wait(world, calls[i]);
        if (calls[i]->status == 200) {
            done++;
        } else {
            assert_error(calls[i], 429, "");
            uint64_t seconds = 0;
            assert_true(gw_str_to_u64(call_field(calls[i], "Retry-After"), 3600, &seconds) && seconds > 0);
        }
        call_free(world, calls[i]);
    }
    assert_true(done > 3); /* each attempt of all lets at least one through */
    struct call *call = get(world, user_path(world, id).ptr);
    assert_int_equal(json_count(json_at(call->json, "phoneNumbers")), done);
    call_free(world, call);
}

/* Security case E16. */
static void test_E16_parallel_creates_of_one_name_make_one_user(void **state)
{
    (void)state;
    enum { CREATES = 24 };
    struct call *calls[CREATES];
    int created = 0;
    for (int i = 0; i < CREATES; i++) {
        calls[i] = call_new(world, "POST", "/scim/v2/Users", GW_STR(USER ",\"userName\":\"same@okta.local\"}"));
        call_authorize(world, calls[i]);
        call_start(world, calls[i]);
    }
    for (int i = 0; i < CREATES; i++) {
        call_wait(world, calls[i]);
        if (calls[i]->status == 201)
            created++;
        else
            assert_error(calls[i], 409, "uniqueness");
        call_free(world, calls[i]);
    }
    assert_int_equal(created, 1);
}

static void test_a_client_that_leaves_does_not_stop_its_change(void **state)
{
    (void)state;
    struct call *call = call_new(world, "POST", "/scim/v2/Users", GW_STR(USER ",\"userName\":\"left@okta.local\"}"));
    call_authorize(world, call);
    call_start(world, call);
    assert_int_equal(call->status, 0);
    call_free(world, call);
    assert_true(loop_turn(world->loop));
    call = get(world, "/scim/v2/Users?filter=userName%20eq%20%22left@okta.local%22");
    assert_at(call, "totalResults", "1");
    call_free(world, call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_R78_entity_tags_guard_reads_and_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R80_delete_is_gone_everywhere_and_ids_do_not_return, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R27_head_answers_like_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R51_attributes_and_excluded_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R52_search_answers_like_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_filters_find_the_same_by_index_and_by_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_index_lookups_keep_the_order_of_creation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R43_a_filtered_list_is_paged_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_service_user_is_read_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_service_user_adoption_and_revival, set_up_strict, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stale_put_does_not_reactivate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_concurrent_patches_lose_nothing_or_say_429, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_E16_parallel_creates_of_one_name_make_one_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_client_that_leaves_does_not_stop_its_change, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
