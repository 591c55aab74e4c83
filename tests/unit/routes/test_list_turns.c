/* Lists and filters that take several turns of the loop, and the index of last changes (meta.lastModified). */
#include "tests/unit/routes/world.h"

#include "routes/scim/handlers/turn.h"

#include <stdatomic.h>
#include <unistd.h>

#define DAY_MS 86400000
#define SINCE_MS 1767225600000 /* 2026-01-01 */
#define PATCH_TITLE                                                                                                    \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\","            \
    "\"value\":{\"title\":\"new\"}}]}"

#define PATCH_NAME                                                                                                     \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\","            \
    "\"value\":{\"displayName\":\"renamed\"}}]}"

static struct world *world;

static int set_up(void **state)
{
    (void)state;
    world = world_new("      service_user: off\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gw_clock_freeze_wall(0);
    world_free(world);
    return 0;
}

struct crowd {
    atomic_size_t done;
    atomic_size_t failed;
};

static void on_made(struct store_change *change)
{
    struct crowd *crowd = change->owner;
    if (change->code != GW_OK)
        atomic_fetch_add(&crowd->failed, 1);
    store_change_free(change);
    atomic_fetch_add(&crowd->done, 1);
}

/* Straight into the store, for folders that are larger than a test may wait for over HTTP. */
static void make_crowd(size_t count)
{
    struct crowd crowd = {0};
    for (size_t i = 0; i < count; i++) {
        struct gw_error err = {0};
        struct store_change *change = store_change_new(STORE_CHANGE_USER_CREATE);
        change->time_ms = SINCE_MS;
        change->folder = world->folder_number;
        change->as.create.draft = (struct store_user_draft){
            .user_name = gw_arena_printf(&change->arena, "crowd%zu", i), .attributes = GW_STR("{}"), .active = true};
        change->on_done = on_made;
        change->owner = &crowd;
        while (store_writer_submit(world->writer, change, &err) == GW_E_BUSY)
            (void)usleep(1000);
    }
    while (atomic_load(&crowd.done) < count)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&crowd.failed), 0);
}

static struct call *start(const char *target)
{
    struct call *call = call_new(world, "GET", target, GW_STR_NONE);
    call_authorize(world, call);
    call_start(world, call);
    return call;
}

static void test_H13_others_are_served_between_the_parts_of_a_long_filter(void **state)
{
    (void)state;
    create_users(world, "turn", TURN_RECORDS_MAX + 500);
    struct call *slow = start("/scim/v2/Users?filter=displayName%20sw%20%22test%22&count=3");
    assert_int_equal(slow->status, 0);
    assert_true(call_takes_turns(slow));
    create_user(world, "between@okta.local"); /* a read and a write, answered while the other waits */
    struct call *quick = get(world, "/scim/v2/Users?filter=userName%20eq%20%22turn0001@okta.local%22");
    assert_at(quick, "totalResults", "1");
    call_free(world, quick);
    call_wait(world, slow);
    assert_status(slow, 200);
    assert_at(slow, "totalResults", gw_arena_printf(&world->arena, "%u", TURN_RECORDS_MAX + 501).ptr);
    assert_at(slow, "itemsPerPage", "3");
    assert_at(slow, "Resources.0.userName", "turn0000@okta.local");
    call_free(world, slow);
    struct call *left = start("/scim/v2/Users?filter=displayName%20sw%20%22test%22&count=1000");
    assert_int_equal(left->status, 0);
    call_free(world, left); /* the client leaves in the middle */
    assert_int_equal(world->loop->timers, 0);
}

static void test_R44_a_filter_without_an_index_is_refused_above_a_hundred_thousand(void **state)
{
    (void)state;
    make_crowd(100001);
    struct call *call = get(world, "/scim/v2/Users?filter=title%20pr");
    assert_error(call, 400, "tooMany");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=meta.lastModified%20ge%20%222020-01-01T00:00:00Z%22");
    assert_error(call, 400, "tooMany");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=meta.lastModified%20gt%20%222026-01-01T00:00:00Z%22");
    assert_status(call, 200);
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?startIndex=100001&count=100");
    assert_at(call, "Resources.0.userName", "crowd100000");
    call_free(world, call);
}

static void test_R45_candidates_of_an_index_are_paged_too(void **state)
{
    (void)state;
    make_crowd(3 * TURN_RECORDS_MAX);
    const char *target = "/scim/v2/Users?filter=meta.lastModified%20eq%20%222026-01-01T00:00:00.000Z%22&count=2&"
                         "startIndex=5999";
    struct call *call = get(world, target);
    assert_status(call, 200);
    assert_at(call, "totalResults", "6000");
    assert_at(call, "itemsPerPage", "2");
    assert_at(call, "Resources.0.userName", "crowd5998");
    assert_at(call, "Resources.1.userName", "crowd5999");
    call_free(world, call);
    call = get(world, "/scim/v2/Users?filter=meta.lastModified%20le%20%222026-01-01T00:00:00Z%22%20and%20userName%20"
                      "ew%20%225999%22");
    assert_at(call, "totalResults", "1");
    call_free(world, call);
}

struct time_row {
    const char *filter;
    const char *names; /* last letters of the user names, in order */
};

/* a, b, c were made on days 1, 2, 3; a was changed on day 4, b deleted on day 5. */
static const struct time_row time_rows[] = {
    {"meta.lastModified gt \"2026-01-03T00:00:00Z\"", "ac"},
    {"meta.lastModified gt \"2026-01-04T00:00:00Z\"", "a"},
    {"meta.lastModified ge \"2026-01-04T00:00:00Z\"", "ac"},
    {"meta.lastModified lt \"2026-01-05T00:00:00Z\"", "c"},
    {"meta.lastModified le \"2026-01-05T00:00:00Z\"", "ac"},
    {"meta.lastModified eq \"2026-01-04T01:00:00+01:00\"", "c"},
    {"meta.lastModified gt \"2026-01-04T00:00:00Z\" and meta.lastModified lt \"2026-01-06T00:00:00Z\"", "a"},
    {"meta.lastModified ge \"2026-01-04T00:00:00Z\" and title pr", "a"},
    {"meta.lastModified ge \"2026-01-05T00:00:00Z\" or userName eq \"c\"", "ac"},
    {"meta.lastModified gt \"2026-02-01T00:00:00Z\"", ""},
    {"meta.lastModified lt \"1960-01-01T00:00:00Z\"", ""},
    {"not (meta.lastModified gt \"2026-01-04T00:00:00Z\")", "c"},
    {"meta.lastModified ne \"2026-01-04T00:00:00Z\"", "a"},
};

static struct gw_str encoded(const char *text)
{
    GW_BUF_SCOPED(buf, 4096);
    for (; *text != '\0'; text++)
        gw_buf_printf(&buf, "%%%02X", (unsigned)(unsigned char)*text);
    return gw_arena_copy(&world->arena, gw_buf_str(&buf));
}

static void make_on_day(const char *name, int day)
{
    gw_clock_freeze_wall(SINCE_MS + (int64_t)day * DAY_MS);
    create_user(world, name);
}

static void test_R45_last_changes_are_found_by_time(void **state)
{
    (void)state;
    make_on_day("a", 1);
    make_on_day("b", 2);
    make_on_day("c", 3);
    struct call *found = get(world, "/scim/v2/Users?filter=userName%20eq%20%22a%22");
    struct gw_str a = gw_arena_copy(&world->arena, call_text(found, "Resources.0.id"));
    call_free(world, found);
    found = get(world, "/scim/v2/Users?filter=userName%20eq%20%22b%22");
    struct gw_str b = gw_arena_copy(&world->arena, call_text(found, "Resources.0.id"));
    call_free(world, found);
    gw_clock_freeze_wall(SINCE_MS + 4LL * DAY_MS);
    call_free(world, send_body(world, "PATCH", user_path(world, a).ptr, PATCH_TITLE));
    gw_clock_freeze_wall(SINCE_MS + 5LL * DAY_MS);
    call_free(world, send_body(world, "DELETE", user_path(world, b).ptr, NULL));
    for (size_t i = 0; i < sizeof time_rows / sizeof time_rows[0]; i++) {
        const struct time_row *row = &time_rows[i];
        struct gw_str target = gw_arena_printf(&world->arena, "/scim/v2/Users?filter=%s", encoded(row->filter).ptr);
        struct call *call = get(world, target.ptr);
        assert_status(call, 200);
        char names[8] = {0};
        for (size_t j = 0; j < json_count(json_at(call->json, "Resources")) && j < sizeof names - 1; j++)
            names[j] = *call_text(call, gw_arena_printf(&world->arena, "Resources.%zu.userName", j).ptr).ptr;
        if (strcmp(names, row->names) != 0)
            fail_msg("%s: \"%s\"", row->filter, names);
        assert_int_equal(json_at(call->json, "totalResults")->text.ptr[0] - '0', (int)strlen(row->names));
        call_free(world, call);
    }
}

static void make_groups(size_t count)
{
    struct crowd crowd = {0};
    for (size_t i = 0; i < count; i++) {
        struct gw_error err = {0};
        struct store_change *change = store_change_new(STORE_CHANGE_GROUP_CREATE);
        change->time_ms = SINCE_MS;
        change->folder = world->folder_number;
        change->as.group.display_name = gw_arena_printf(&change->arena, "group%zu", i);
        change->as.group.attributes = GW_STR("{}");
        change->on_done = on_made;
        change->owner = &crowd;
        while (store_writer_submit(world->writer, change, &err) == GW_E_BUSY)
            (void)usleep(1000);
    }
    while (atomic_load(&crowd.done) < count)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&crowd.failed), 0);
}

static void test_H13_filters_and_pages_of_groups_take_turns_too(void **state)
{
    (void)state;
    make_groups(TURN_RECORDS_MAX + 500);
    struct call *slow = start("/scim/v2/Groups?filter=displayName%20sw%20%22group%22&startIndex=2400&count=1000");
    assert_int_equal(slow->status, 0);
    struct call *quick = get(world, "/scim/v2/Groups?filter=displayName%20eq%20%22group7%22");
    assert_at(quick, "Resources.0.displayName", "group7");
    call_free(world, quick);
    call_wait(world, slow);
    assert_at(slow, "totalResults", "2500");
    assert_at(slow, "itemsPerPage", "101");
    assert_at(slow, "Resources.0.displayName", "group2399");
    call_free(world, slow);
    struct call *page = get(world, "/scim/v2/Groups?startIndex=1500&count=1000");
    assert_at(page, "itemsPerPage", "1000");
    assert_at(page, "Resources.0.displayName", "group1499");
    assert_at(page, "Resources.999.displayName", "group2498");
    call_free(world, page);
    struct call *left = start("/scim/v2/Groups?filter=displayName%20co%20%22group%22");
    assert_int_equal(left->status, 0);
    call_free(world, left);
    assert_int_equal(world->loop->timers, 0);
}

static void test_R45_groups_are_found_by_the_time_of_their_last_change(void **state)
{
    (void)state;
    make_groups(3 * TURN_RECORDS_MAX);
    gw_clock_freeze_wall(SINCE_MS + DAY_MS);
    struct call *call = get(world, "/scim/v2/Groups?filter=displayName%20eq%20%22group5%22");
    struct gw_str path =
        gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(call_text(call, "Resources.0.id")));
    call_free(world, call);
    call_free(world, send_body(world, "PATCH", path.ptr, PATCH_NAME));
    call = start("/scim/v2/Groups?filter=meta.lastModified%20eq%20%222026-01-01T00:00:00Z%22&startIndex=5999&count=2");
    assert_int_equal(call->status, 0);
    call_wait(world, call);
    assert_status(call, 200);
    assert_at(call, "totalResults", "5999");
    assert_at(call, "itemsPerPage", "1");
    assert_at(call, "Resources.0.displayName", "group5999");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups?filter=meta.lastModified%20gt%20%222026-01-01T00:00:00Z%22");
    assert_int_not_equal(call->status, 0);
    assert_at(call, "totalResults", "1");
    assert_at(call, "Resources.0.displayName", "renamed");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups?filter=meta.lastModified%20ge%20%222026-01-02T00:00:00Z%22%20or%20displayName%20"
                      "eq%20%22group3%22");
    assert_at(call, "totalResults", "2");
    assert_at(call, "Resources.0.displayName", "group3");
    call_free(world, call);
    call =
        get(world, "/scim/v2/Groups?filter=meta.lastModified%20lt%20%222026-01-02T00:00:00Z%22%20and%20displayName%20"
                   "ew%20%22998%22");
    assert_at(call, "totalResults", "6");
    call_free(world, call);
    call_free(world, send_body(world, "DELETE", path.ptr, NULL));
    call = get(world, "/scim/v2/Groups?filter=meta.lastModified%20gt%20%222026-01-01T00:00:00Z%22");
    assert_at(call, "totalResults", "0");
    call_free(world, call);
}

#define CROWDED (TURN_RECORDS_MAX * 2)

/* The group as a call of this method shows it in parts; its id. */
static struct gw_str make_crowded_group(void)
{
    GW_BUF_SCOPED(body, 4 * 1024 * 1024);
    gw_buf_add_lit(&body, "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"crowd\","
                          "\"members\":[");
    make_crowd(CROWDED);
    for (uint64_t at = 1; at <= CROWDED; at += 1000) {
        struct call *page = get(
            world,
            gw_arena_printf(&world->arena, "/scim/v2/Users?attributes=id&count=1000&startIndex=%u", (unsigned)at).ptr);
        for (size_t i = 0; i < 1000; i++)
            gw_buf_printf(&body, "%s{\"value\":\"%.*s\"}", at + i > 1 ? "," : "",
                          GW_STR_ARG(json_at(page->json, "Resources")->array.items[i]->object.members[1].value->text));
        call_free(world, page);
    }
    gw_buf_add_lit(&body, "]}");
    struct call *call = send_body(world, "POST", "/scim/v2/Groups", gw_arena_cstr(&world->arena, gw_buf_str(&body)));
    assert_status(call, 201);
    struct gw_str id = gw_arena_copy(&world->arena, call_text(call, "id"));
    call_free(world, call);
    return id;
}

static struct call *patch_group(struct gw_str id, const char *operation)
{
    struct gw_str path = gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id));
    struct gw_str body = gw_arena_printf(&world->arena,
                                         "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
                                         "\"Operations\":[%s]}",
                                         operation);
    return send_body(world, "PATCH", path.ptr, body.ptr);
}

static void assert_members(struct call *call, const char *where, size_t count)
{
    assert_status(call, 200);
    assert_int_equal(json_count(json_at(call->json, where)), count);
}

static void test_H13_a_group_of_many_is_read_in_parts_and_is_always_one_version(void **state)
{
    (void)state;
    struct gw_str id = make_crowded_group();
    const char *path = gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
    struct call *slow = start(path);
    assert_int_equal(slow->status, 0);
    assert_true(call_takes_turns(slow));
    create_user(world, "between@okta.local");
    call_wait(world, slow);
    assert_members(slow, "members", CROWDED);
    assert_at(slow, "members.3999.display", "crowd3999");
    struct gw_str tag = gw_arena_copy(&world->arena, call_field(slow, "ETag"));
    assert_str_equal(call_text(slow, "meta.version"), tag.ptr);
    call_free(world, slow);

    slow = start(path); /* it is renamed while it is read */
    struct call *list = start("/scim/v2/Groups?count=10");
    struct call *change = patch_group(id, "{\"op\":\"replace\",\"value\":{\"displayName\":\"other\"}}");
    assert_status(change, 200);
    call_wait(world, slow);
    call_wait(world, list);
    assert_members(slow, "members", CROWDED);
    assert_at(slow, "displayName", "other");
    assert_str_equal(call_field(slow, "ETag"), gw_arena_cstr(&world->arena, call_field(change, "ETag")));
    assert_members(list, "Resources.0.members", CROWDED);
    assert_at(list, "Resources.0.displayName", "other");
    call_free(world, change);
    call_free(world, list);
    call_free(world, slow);

    slow = start(path); /* the client leaves in the middle */
    assert_int_equal(slow->status, 0);
    call_free(world, slow);
    assert_int_equal(world->loop->timers, 0);
}

static void test_a_group_that_goes_while_it_is_read_is_not_found_and_leaves_the_list(void **state)
{
    (void)state;
    struct gw_str id = make_crowded_group();
    make_groups(2);
    const char *path = gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
    struct call *slow = start(path);
    struct call *list = start("/scim/v2/Groups?count=10");
    assert_true(call_takes_turns(slow) && call_takes_turns(list));
    struct call *gone = send_body(world, "DELETE", path, NULL);
    assert_status(gone, 204);
    call_wait(world, slow);
    call_wait(world, list);
    assert_error(slow, 404, "");
    assert_status(list, 200);
    assert_at(list, "itemsPerPage", "2");
    assert_int_equal(json_count(json_at(list->json, "Resources")), 2);
    call_free(world, gone);
    call_free(world, list);
    call_free(world, slow);
}

static void test_a_group_that_never_rests_is_read_at_one_go(void **state)
{
    (void)state;
    struct gw_str id = make_crowded_group();
    struct call *slow = start(gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr);
    for (unsigned i = 0; i < 5 && slow->status == 0; i++) {
        struct call *change = patch_group(
            id, gw_arena_printf(&world->arena, "{\"op\":\"replace\",\"value\":{\"displayName\":\"n%u\"}}", i).ptr);
        assert_status(change, 200);
        call_free(world, change);
        assert_true(call_takes_turns(slow));
        timer_expire(((struct prov_request *)slow->x.face_state)->turn);
        assert_true(slow->status != 0 || i < 2);
    }
    assert_members(slow, "members", CROWDED);
    assert_at(slow, "displayName", "n2");
    call_free(world, slow);
}

/* A filter that looks into the members; by a walk and by an index. */
static void test_H13_filters_on_members_take_turns_within_a_group(void **state)
{
    (void)state;
    struct gw_str id = make_crowded_group();
    const char *targets[] = {
        "/scim/v2/Groups?filter=members.display%20eq%20%22crowd3999%22&attributes=displayName",
        gw_arena_printf(&world->arena,
                        "/scim/v2/Groups?filter=id%%20eq%%20%%22%.*s%%22%%20and%%20members.display%%20eq%%20"
                        "%%22crowd3999%%22&attributes=displayName",
                        GW_STR_ARG(id))
            .ptr,
    };
    static const char *const names[] = {"{\"op\":\"replace\",\"value\":{\"displayName\":\"first\"}}",
                                        "{\"op\":\"replace\",\"value\":{\"displayName\":\"second\"}}"};
    for (size_t i = 0; i < 2; i++) {
        struct call *slow = start(targets[i]);
        assert_true(call_takes_turns(slow));
        call_free(world, patch_group(id, names[i]));
        call_wait(world, slow);
        assert_at(slow, "totalResults", "1");
        assert_at(slow, "Resources.0.displayName", i == 0 ? "first" : "second");
        call_free(world, slow);
        slow = start(targets[i]); /* the client leaves in the middle */
        call_free(world, slow);
    }
    struct call *walking = start(targets[0]);
    struct call *looking = start(targets[1]);
    const char *path = gw_arena_printf(&world->arena, "/scim/v2/Groups/%.*s", GW_STR_ARG(id)).ptr;
    call_free(world, send_body(world, "DELETE", path, NULL));
    call_wait(world, walking);
    call_wait(world, looking);
    assert_at(walking, "totalResults", "0");
    assert_at(looking, "totalResults", "0");
    call_free(world, walking);
    call_free(world, looking);
    assert_int_equal(world->loop->timers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_H13_others_are_served_between_the_parts_of_a_long_filter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_H13_filters_on_members_take_turns_within_a_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_groups_are_found_by_the_time_of_their_last_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_H13_filters_and_pages_of_groups_take_turns_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R44_a_filter_without_an_index_is_refused_above_a_hundred_thousand, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_R45_candidates_of_an_index_are_paged_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R45_last_changes_are_found_by_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_H13_a_group_of_many_is_read_in_parts_and_is_always_one_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_group_that_goes_while_it_is_read_is_not_found_and_leaves_the_list,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_group_that_never_rests_is_read_at_one_go, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
