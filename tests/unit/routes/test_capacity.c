/* What happens beyond capacity: when STORE_QUEUE_MAX changes wait for the writer, the next one is told when to come
 * back, one that takes somebody out is not, reads go on, and everything that was taken ends well. */
#include "tests/unit/routes/one_world.h"

#include <semaphore.h>

struct gate {
    sem_t reached;
    sem_t open;
};

static void on_gate(struct store_change *change)
{
    struct gate *gate = change->owner;
    store_change_free(change);
    (void)sem_post(&gate->reached);
    (void)sem_wait(&gate->open);
}

/* The writer stands still in the answer to this change. */
static void hold_writer(struct gate *gate)
{
    struct gw_error err = {0};
    struct store_change *change = store_change_new(STORE_CHANGE_GROUP_CREATE);
    change->time_ms = gw_clock_wall_ms();
    change->folder = world->folder_number;
    change->as.group.display_name = GW_STR("gate");
    change->as.group.attributes = GW_STR("{}");
    change->on_done = on_gate;
    change->owner = gate;
    (void)sem_init(&gate->reached, 0, 0);
    (void)sem_init(&gate->open, 0, 0);
    check_ok(store_writer_submit(world->writer, change, &err), &err);
    (void)sem_wait(&gate->reached);
}

static struct call *start(const char *method, const char *target, const char *body)
{
    struct call *call = call_new(world, method, target, gw_str_from(body));
    call_authorize(world, call);
    call_start(world, call);
    return call;
}

static struct call *start_create(size_t number)
{
    return start("POST", "/scim/v2/Users",
                 gw_arena_printf(&world->arena,
                                 "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"q%zu\"}",
                                 number)
                     .ptr);
}

static void test_beyond_the_queue_429_says_when_and_a_deactivation_still_goes(void **state)
{
    (void)state;
    struct gate gate;
    struct gw_str id = create_user(world, "out@okta.local");
    struct call **queued = gw_arena_array(&world->arena, STORE_QUEUE_MAX, sizeof queued[0]);
    hold_writer(&gate);
    for (size_t i = 0; i < STORE_QUEUE_MAX; i++) {
        queued[i] = start_create(i);
        assert_int_equal(queued[i]->status, 0);
    }
    for (size_t i = 0; i < 3; i++) {
        struct call *refused = start_create(STORE_QUEUE_MAX + i);
        uint64_t seconds = 0;
        assert_error(refused, 429, "");
        assert_true(gw_str_to_u64(call_field(refused, "Retry-After"), 60, &seconds) && seconds > 0);
        call_free(world, refused);
    }
    struct call *cut = start("PATCH", user_path(world, id).ptr,
                             "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{"
                             "\"op\":\"replace\",\"value\":{\"active\":false}}]}");
    assert_int_equal(cut->status, 0);
    struct call *read = get(world, "/scim/v2/Users?startIndex=1&count=2");
    assert_at(read, "itemsPerPage", "2");
    call_free(world, read);
    (void)sem_post(&gate.open);
    call_wait(world, cut);
    assert_status(cut, 200);
    assert_at(cut, "active", "false");
    call_free(world, cut);
    for (size_t i = 0; i < STORE_QUEUE_MAX; i++) {
        call_wait(world, queued[i]);
        assert_status(queued[i], 201);
        call_free(world, queued[i]);
    }
    struct call *again = start_create(STORE_QUEUE_MAX); /* what was refused was not done */
    call_wait(world, again);
    assert_status(again, 201);
    call_free(world, again);
    (void)sem_destroy(&gate.reached);
    (void)sem_destroy(&gate.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_beyond_the_queue_429_says_when_and_a_deactivation_still_goes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
