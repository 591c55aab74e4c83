/* Credentials and routing of the PROV face: security.md D1, D3, D4; semantics.md 5. */
#include "tests/unit/routes/one_world.h"

#include "routes/auth.h"

#include <openssl/evp.h>

static struct call *try_with(const char *target, struct gw_str authorization)
{
    struct call *call = call_new(world, "GET", target, GW_STR_NONE);
    if (authorization.ptr != NULL)
        call_add_field(call, "Authorization", authorization);
    call_start(world, call);
    return call;
}

static struct gw_str bearer(struct gw_str secret)
{
    return gw_arena_printf(&world->arena, "Bearer %.*s", GW_STR_ARG(secret));
}

/* D1: one answer for all of them. */
static void test_D1_a_wrong_credential_is_401_for_known_and_unknown_ids(void **state)
{
    (void)state;
    struct gw_arena *arena = &world->arena;
    struct gw_str id = create_user(world, "d1@okta.local");
    struct gw_str secret = world->secret;
    struct gw_str wrong[] = {
        GW_STR_NONE,
        GW_STR(""),
        GW_STR("Bearer"),
        GW_STR("Bearer "),
        GW_STR("Bearer wrong"),
        GW_STR("Basic b2t0YTpva3Rh"),
        secret, /* the bare value of a bearer token */
        gw_arena_printf(arena, "Bearer  %.*sx", GW_STR_ARG(secret)),
        gw_arena_printf(arena, "Bearer %.*s", (int)secret.len - 1, secret.ptr),
        gw_arena_printf(arena, "Bearer %.*s, Bearer x", GW_STR_ARG(secret)),
        gw_arena_printf(arena, "Bearer x%.*s", GW_STR_ARG(secret)),
        gw_arena_printf(arena, "Digest %.*s", GW_STR_ARG(secret)),
    };
    struct gw_str targets[] = {user_path(world, id), GW_STR("/scim/v2/Users/none"), GW_STR("/scim/v2/Nothing"),
                               GW_STR("/scim/v2")};
    struct gw_str text = GW_STR_NONE;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (size_t j = 0; j < sizeof targets / sizeof targets[0]; j++) {
            struct call *call = try_with(targets[j].ptr, wrong[i]);
            assert_error(call, 401, "");
            assert_true(gw_str_starts(call_field(call, "WWW-Authenticate"), GW_STR("Bearer")));
            if (text.ptr == NULL)
                text = gw_arena_copy(arena, call->text);
            assert_str_equal(call->text, text.ptr);
            call_free(world, call);
        }
    }
}

static void test_D1_two_fields_query_and_cookie_are_no_credential(void **state)
{
    (void)state;
    struct call *call = call_new(world, "GET", "/scim/v2/Users", GW_STR_NONE);
    call_authorize(world, call);
    call_authorize(world, call);
    call_start(world, call);
    assert_error(call, 401, "");
    call_free(world, call);
    struct gw_str target =
        gw_arena_printf(&world->arena, "/scim/v2/Users?access_token=%.*s", GW_STR_ARG(world->secret));
    call = call_new(world, "GET", target.ptr, GW_STR_NONE);
    call_add_field(call, "Cookie", gw_arena_printf(&world->arena, "Authorization=%.*s", GW_STR_ARG(world->secret)));
    call_start(world, call);
    assert_error(call, 401, "");
    call_free(world, call);
}

static void test_D1_no_body_is_read_before_the_credential_was_accepted(void **state)
{
    (void)state;
    struct call *call = call_new(world, "POST", "/scim/v2/Users", GW_STR("{}"));
    call_add_field(call, "Content-Type", GW_STR("application/scim+json"));
    call_start(world, call);
    assert_error(call, 401, "");
    assert_false(call->was_collected);
    call_free(world, call);
}

/* semantics.md 5: each kind answers to its own form only. */
static void test_raw_and_basic_credentials_answer_to_their_own_form(void **state)
{
    (void)state;
    struct gw_arena *arena = &world->arena;
    struct gw_error err = {0};
    struct gw_str raw;
    struct gw_str basic;
    check_ok(token_file_add(world->tokens_path, GW_STR("raw"), TOKEN_RAW, 0, arena, &raw, &err), &err);
    check_ok(token_file_add(world->tokens_path, GW_STR("basic"), TOKEN_BASIC, 0, arena, &basic, &err), &err);
    prov_face_reload_tokens(world->face);
    struct gw_str pair = gw_arena_printf(arena, "basic:%.*s", GW_STR_ARG(basic));
    char encoded[256];
    (void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)pair.ptr, (int)pair.len);
    struct {
        struct gw_str authorization;
        int status;
    } forms[] = {
        {raw, 200},
        {bearer(raw), 401},
        {gw_arena_printf(arena, "Basic %s", encoded), 200},
        {gw_arena_printf(arena, "basic %s", encoded), 200},
        {bearer(basic), 401},
        {basic, 401},
        {world->secret, 401},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct call *call = try_with("/scim/v2/Users", forms[i].authorization);
        if (call->status != forms[i].status)
            fail_msg("form %zu: %d", i, call->status);
        call_free(world, call);
    }
}

/* D3: old and new are valid until the old one is removed; then it is dead at the next look at the file. */
static void test_D3_rotation_of_a_token_takes_effect_without_a_restart(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct gw_str added;
    check_ok(token_file_add(world->tokens_path, GW_STR("next"), TOKEN_BEARER, 0, &world->arena, &added, &err), &err);
    world->loop->now_ms += 1000;
    struct call *call = try_with("/scim/v2/Users", bearer(added));
    assert_status(call, 200);
    call_free(world, call);
    call = try_with("/scim/v2/Users", bearer(world->secret));
    assert_status(call, 200);
    call_free(world, call);
    check_ok(token_file_remove(world->tokens_path, GW_STR("okta"), &err), &err);
    prov_face_reload_tokens(world->face);
    call = try_with("/scim/v2/Users", bearer(world->secret));
    assert_error(call, 401, "");
    call_free(world, call);
    call = try_with("/scim/v2/Users", bearer(added));
    assert_status(call, 200);
    call_free(world, call);
}

static void test_D3_a_file_that_became_unreadable_keeps_the_old_set(void **state)
{
    (void)state;
    assert_int_equal(remove(world->tokens_path), 0);
    prov_face_reload_tokens(world->face);
    struct call *call = try_with("/scim/v2/Users", bearer(world->secret));
    assert_status(call, 200);
    call_free(world, call);
    FILE *file = fopen(world->tokens_path, "w");
    assert_non_null(file);
    assert_true(fputs("not a token\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    prov_face_reload_tokens(world->face);
    call = try_with("/scim/v2/Users", bearer(world->secret));
    assert_status(call, 200);
    call_free(world, call);
}

/* D4: failing ones are held back after 200 a minute, a valid one never. */
static void test_D4_failing_credentials_are_delayed_and_valid_ones_are_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AUTH_FAILURES_MAX; i++) {
        struct call *call = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
        assert_int_equal(call->status, 401);
        call_free(world, call);
    }
    struct call *held = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
    assert_int_equal(held->status, 0);
    struct call *left = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
    assert_int_equal(left->status, 0);
    assert_int_equal(world->loop->timers, 2);
    call_free(world, left); /* the client leaves: its timer goes with it */
    assert_int_equal(world->loop->timers, 1);
    struct call *valid = try_with("/scim/v2/Users", bearer(world->secret));
    assert_status(valid, 200);
    call_free(world, valid);
    call_free(world, held);
    assert_int_equal(world->loop->timers, 0);
    world->loop->now_ms += 60000;
    struct call *later = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
    assert_error(later, 401, "");
    call_free(world, later);
}

static void test_D4_a_held_refusal_is_the_same_401(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= AUTH_FAILURES_MAX; i++) {
        struct call *call = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
        if (i == AUTH_FAILURES_MAX) {
            assert_int_equal(call->status, 0);
            loop_expire(world->loop);
            assert_error(call, 401, "");
        }
        call_free(world, call);
    }
}

struct host_row {
    const char *host;
    const char *path;
    int status;
};

static const struct host_row host_rows[] = {
    {"prov.test", "/scim/v2/Users", 200},
    {"PROV.Test", "/scim/v2/Users", 200},
    {"prov.test:8443", "/scim/v2/Users", 200},
    {"prov.test:443", "/scim/v2/Users", 421},
    {"prov.test:", "/scim/v2/Users", 421},
    {"prov.test:84430", "/scim/v2/Users", 421},
    {"prov.test.", "/scim/v2/Users", 421},
    {"xprov.test", "/scim/v2/Users", 421},
    {"prov.testx", "/scim/v2/Users", 421},
    {"wiki.test", "/scim/v2/Users", 421},
    {"127.0.0.1", "/scim/v2/Users", 421},
    {"", "/scim/v2/Users", 421},
    {"prov.test", "/", 404},
    {"prov.test", "/scim", 404},
    {"prov.test", "/scim/v2x/Users", 404},
    {"prov.test", "/SCIM/v2/Users", 404},
    {"prov.test", "/scim/v2/users", 404},
    {"prov.test", "/scim/v2/Users/", 200},
    {"prov.test", "/scim/v2//Users", 200},
    {"prov.test", "/scim/v2///Users", 404},
    {"prov.test", "/scim/v2/Users/a/b", 404},
    {"prov.test", "/scim/v2/Users/%00", 404},
    {"prov.test", "/scim/v2/Users/%zz", 404},
    {"prov.test", "/scim/v2/Users/..", 404},
    {"prov.test", "/scim/v2/Users/%2e%2e%2fUsers", 404},
    {"prov.test", "/scim/v2/Nothing", 404},
    {"prov.test", "/healthz", 404},
    {"prov.test", "/scim/v2", 501},
    {"prov.test", "/scim/v2/Me", 501},
};

/* semantics.md 5 and security case E15: every answer is SCIM JSON. */
static void test_hosts_and_paths_lead_to_one_app_or_nowhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof host_rows / sizeof host_rows[0]; i++) {
        struct call *call = call_new(world, "GET", host_rows[i].path, GW_STR_NONE);
        call->x.request.authority = gw_str_from(host_rows[i].host);
        call_authorize(world, call);
        call_start(world, call);
        if (call->status != host_rows[i].status)
            fail_msg("%s %s: %d", host_rows[i].host, host_rows[i].path, call->status);
        if (call->status != 200)
            assert_true(json_at(call->json, "status")->type == JSON_STRING);
        call_free(world, call);
    }
}

struct method_row {
    const char *method;
    const char *path;
    const char *allow;
};

static const struct method_row method_rows[] = {
    {"PUT", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
    {"DELETE", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
    {"POST", "/scim/v2/Users/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
    {"GET", "/scim/v2/Users/.search", "POST, OPTIONS"},
    {"POST", "/scim/v2/Schemas", "GET, HEAD, OPTIONS"},
    {"PATCH", "/scim/v2/ServiceProviderConfig", "GET, HEAD, OPTIONS"},
    {"POST", "/scim/v2/ResourceTypes", "GET, HEAD, OPTIONS"},
    {"TRACE", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
    {"get", "/scim/v2/Users", "GET, HEAD, POST, OPTIONS"},
    {"GET", "/scim/v2/Bulk", "POST, OPTIONS"},
};

/* Rule R27; Okta's suite posts a body that is not JSON to discovery and wants 405. */
static void test_methods_that_are_not_served_are_405_before_the_body_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof method_rows / sizeof method_rows[0]; i++) {
        struct call *call = call_new(world, method_rows[i].method, method_rows[i].path, GW_STR("test"));
        call_authorize(world, call);
        call_start(world, call);
        assert_error(call, 405, "");
        assert_str_equal(call_field(call, "Allow"), method_rows[i].allow);
        assert_false(call->was_collected);
        call_free(world, call);
    }
    struct call *call = send_body(world, "OPTIONS", "/scim/v2/Users", NULL);
    assert_status(call, 204);
    assert_str_equal(call_field(call, "Allow"), "GET, HEAD, POST, OPTIONS");
    call_free(world, call);
}

static int set_up_disabled(void **state)
{
    (void)state;
    world = world_new("      enabled: off\n");
    return 0;
}

static void test_a_face_that_is_switched_off_says_so_to_its_own_credential_only(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Users");
    assert_error(call, 403, "");
    call_free(world, call);
    call = try_with("/scim/v2/Users", GW_STR("Bearer wrong"));
    assert_error(call, 401, "");
    call_free(world, call);
}

/* D7: a face that nobody could use does not start, and the error names the file. */
static void test_D7_a_missing_or_empty_tokens_file_stops_the_start(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct prov_face *face = NULL;
    assert_int_equal(remove(world->tokens_path), 0);
    assert_int_not_equal(prov_face_new(world->config, world->store, world->writer, world->loop, &face, &err), GW_OK);
    assert_non_null(strstr(err.text, "wiki-tokens"));
    check_ok(token_file_add(world->tokens_path, GW_STR("a"), TOKEN_BEARER, 0, &world->arena, &world->secret, &err),
             &err);
    check_ok(token_file_remove(world->tokens_path, GW_STR("a"), &err), &err);
    assert_int_not_equal(prov_face_new(world->config, world->store, world->writer, world->loop, &face, &err), GW_OK);
    assert_non_null(strstr(err.text, "wiki-tokens"));
    assert_null(face);
}

struct scope_row {
    const char *method;
    const char *target;
    int read, push, provision;
};

/* The status with a credential of that scope; 400, 404 and 409 say that the scope let it through. */
static int scope_status(const struct scope_row *row, struct gw_str secret)
{
    struct call *call = call_new(world, row->method, row->target, GW_STR("{}"));
    call_add_field(call, "Content-Type", GW_STR("application/scim+json"));
    call_add_field(call, "Authorization", bearer(secret));
    call_start(world, call);
    call_wait(world, call);
    int status = call->status;
    if (status == 403)
        assert_true(gw_str_ends(call_field(call, "WWW-Authenticate"), GW_STR("error=\"insufficient_scope\"")));
    call_free(world, call);
    return status;
}

static void test_a_scope_allows_what_it_says(void **state)
{
    (void)state;
    static const struct scope_row rows[] = {
        {"GET", "/scim/v2/Users", 200, 200, 200},          {"GET", "/scim/v2/ServiceProviderConfig", 200, 200, 200},
        {"POST", "/scim/v2/Users", 403, 400, 400},         {"PUT", "/scim/v2/Users/none", 403, 404, 404},
        {"DELETE", "/scim/v2/Users/none", 403, 403, 404},  {"GET", "/scim/v2/Groups", 200, 200, 200},
        {"POST", "/scim/v2/Groups", 403, 403, 400},        {"PUT", "/scim/v2/Groups/none", 403, 403, 404},
        {"DELETE", "/scim/v2/Groups/none", 403, 403, 404},
    };
    struct gw_arena *arena = &world->arena;
    struct gw_error err = {0};
    struct gw_str read, push;
    check_ok(token_file_add_scoped(world->tokens_path, GW_STR("reader"), TOKEN_BEARER, 0, TOKEN_SCOPE_READ, arena,
                                   &read, &err),
             &err);
    check_ok(token_file_add_scoped(world->tokens_path, GW_STR("pusher"), TOKEN_BEARER, 4102444800000, TOKEN_SCOPE_PUSH,
                                   arena, &push, &err),
             &err);
    prov_face_reload_tokens(world->face);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int got[] = {scope_status(&rows[i], read), scope_status(&rows[i], push), scope_status(&rows[i], world->secret)};
        if (got[0] != rows[i].read || got[1] != rows[i].push || got[2] != rows[i].provision)
            fail_msg("%s %s: %d %d %d", rows[i].method, rows[i].target, got[0], got[1], got[2]);
    }
    check_ok(token_file_remove(world->tokens_path, GW_STR("reader"), &err), &err);
    check_ok(token_file_remove(world->tokens_path, GW_STR("pusher"), &err), &err);
    prov_face_reload_tokens(world->face);
}

static int status_by(const char *certificate, struct gw_str authorization)
{
    struct call *call = call_new(world, "GET", "/scim/v2/Users", GW_STR_NONE);
    call->certificate = certificate;
    if (authorization.ptr != NULL)
        call_add_field(call, "Authorization", authorization);
    call_start(world, call);
    call_wait(world, call);
    int status = call->status;
    call_free(world, call);
    return status;
}

static void test_a_client_certificate_speaks_where_no_other_credential_does(void **state)
{
    (void)state;
    static const char mine[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char other[] = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    FILE *file = fopen(world->tokens_path, "a");
    assert_non_null(file);
    assert_true(fprintf(file, "agent mtls %s 2026-11-21T22:21:44.123Z\n", mine) > 0);
    assert_int_equal(fclose(file), 0);
    prov_face_reload_tokens(world->face);
    assert_int_equal(status_by(mine, GW_STR_NONE), 200);
    assert_int_equal(status_by(other, GW_STR_NONE), 401);
    assert_int_equal(status_by(NULL, GW_STR_NONE), 401);
    assert_int_equal(status_by(mine, GW_STR("Bearer wrong")), 401);
    assert_int_equal(status_by(mine, GW_STR("")), 401);
    assert_int_equal(status_by(other, bearer(world->secret)), 200);
    /* the fingerprint is no secret, and none of the others' forms */
    assert_int_equal(status_by(NULL, gw_arena_printf(&world->arena, "Bearer %s", mine)), 401);
    assert_int_equal(status_by(NULL, gw_str_from(mine)), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_client_certificate_speaks_where_no_other_credential_does, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_scope_allows_what_it_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D1_a_wrong_credential_is_401_for_known_and_unknown_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D1_two_fields_query_and_cookie_are_no_credential, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D1_no_body_is_read_before_the_credential_was_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_raw_and_basic_credentials_answer_to_their_own_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D3_rotation_of_a_token_takes_effect_without_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D3_a_file_that_became_unreadable_keeps_the_old_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_D4_failing_credentials_are_delayed_and_valid_ones_are_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_D4_a_held_refusal_is_the_same_401, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hosts_and_paths_lead_to_one_app_or_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_methods_that_are_not_served_are_405_before_the_body_is_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_face_that_is_switched_off_says_so_to_its_own_credential_only,
                                        set_up_disabled, tear_down),
        cmocka_unit_test_setup_teardown(test_D7_a_missing_or_empty_tokens_file_stops_the_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
