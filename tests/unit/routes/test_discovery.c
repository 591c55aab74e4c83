/* Discovery and what is advertised as unsupported: RFC 7644 section 4, rules R95 to R102; and the admin face. */
#include "tests/unit/routes/one_world.h"

#include "routes/admin.h"

static void test_R100_the_provider_says_what_is_served(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/ServiceProviderConfig");
    assert_status(call, 200);
    assert_at(call, "schemas.0", "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig");
    assert_at(call, "patch.supported", "true");
    assert_at(call, "bulk.supported", "false");
    assert_at(call, "sort.supported", "false");
    assert_at(call, "changePassword.supported", "false");
    assert_at(call, "filter.supported", "true");
    assert_at(call, "filter.maxResults", "1000");
    assert_at(call, "etag.supported", "true");
    assert_true(json_count(json_at(call->json, "authenticationSchemes")) >= 1);
    call_free(world, call);
}

/* R101: each entry of a list is served at its own address. */
static void check_entries(const char *list_path, const char *id_path)
{
    struct call *list = get(world, list_path);
    assert_status(list, 200);
    size_t count = json_count(json_at(list->json, "Resources"));
    assert_true(count >= 2);
    assert_str_equal(call_text(list, "totalResults"), gw_arena_printf(&world->arena, "%zu", count).ptr);
    for (size_t i = 0; i < count; i++) {
        struct gw_str at = gw_arena_printf(&world->arena, "Resources.%zu", i);
        const struct json_value *entry = json_at(list->json, at.ptr);
        struct gw_str id = json_at(entry, id_path)->text;
        struct gw_str path = gw_arena_printf(&world->arena, "%s/%.*s", list_path, GW_STR_ARG(id));
        struct call *call = get(world, path.ptr);
        assert_status(call, 200);
        assert_true(json_equal(call->json, entry));
        assert_true(gw_str_ends(call_text(call, "meta.location"), path));
        call_free(world, call);
    }
    call_free(world, list);
}

static void test_R101_schemas_and_resource_types(void **state)
{
    (void)state;
    check_entries("/scim/v2/Schemas", "id");
    check_entries("/scim/v2/ResourceTypes", "name");
    const char *missing[] = {"/scim/v2/Schemas/urn:none", "/scim/v2/ResourceTypes/None", "/scim/v2/Roles",
                             "/scim/v2/ServiceProviderConfigurations"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        struct call *call = get(world, missing[i]);
        assert_error(call, 404, "");
        call_free(world, call);
    }
    const char *filtered[] = {"/scim/v2/Schemas?filter=id%20pr", "/scim/v2/ResourceTypes?filter=id%20pr",
                              "/scim/v2/ServiceProviderConfig?filter=id%20pr"};
    for (size_t i = 0; i < sizeof filtered / sizeof filtered[0]; i++) {
        struct call *call = get(world, filtered[i]);
        assert_error(call, 403, "");
        call_free(world, call);
    }
}

static void test_R95_what_is_not_supported_says_so(void **state)
{
    (void)state;
    struct call *call = get(world, "/scim/v2/Me");
    assert_error(call, 501, "");
    call_free(world, call);
    call = send_body(world, "POST", "/scim/v2/Bulk", "{}");
    assert_error(call, 501, "");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups/abc");
    assert_error(call, 404, "");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups?filter=displayName%20eq%20%22Test%20SCIMv2%22&startIndex=1&count=100");
    assert_status(call, 200);
    assert_at(call, "totalResults", "0");
    call_free(world, call);
    call = get(world, "/scim/v2/Groups?filter=nothing%20eq%20%22x%22");
    assert_error(call, 400, "invalidFilter");
    call_free(world, call);
}

/* Rule 0.24: also what the HTTP layer refuses is SCIM JSON. */
static void test_rule_0_24_errors_of_the_http_layer_are_scim_json(void **state)
{
    (void)state;
    enum gw_code codes[] = {GW_E_BAD_REQUEST, GW_E_TOO_LARGE, GW_E_URI_TOO_LONG, GW_E_HEAD_TOO_LARGE, GW_E_TIMEOUT};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        GW_BUF_SCOPED(body, 4096);
        GW_ARENA_SCOPED(arena);
        struct gw_error err;
        struct json_limits limits = JSON_LIMITS_BODY;
        struct json_value *value = NULL;
        const char *type = NULL;
        prov_http_face.on_error_body(NULL, codes[i], NULL, &body, &type, &world->listener);
        assert_string_equal(type, "application/scim+json");
        assert_int_equal(json_parse(&arena, gw_buf_str(&body), &limits, &value, &err), GW_OK);
        assert_str_equal(json_at(value, "status")->text, gw_arena_printf(&arena, "%d", gw_code_status(codes[i])).ptr);
    }
}

/* ---- the admin face ---- */

static bool sso_is_up;

static bool is_sso_up(void *data)
{
    (void)data;
    return sso_is_up;
}

static struct call *ask_admin(struct admin_face *face, const char *method, const char *path, struct gw_str secret)
{
    struct call *call = call_new(world, method, path, GW_STR_NONE);
    if (secret.ptr != NULL)
        call_add_field(call, "Authorization", gw_arena_printf(&world->arena, "Bearer %.*s", GW_STR_ARG(secret)));
    admin_http_face.on_request(&call->x, face);
    assert_int_not_equal(call->status, 0);
    return call;
}

static void expect_admin(struct admin_face *face, const char *method, const char *path, struct gw_str secret,
                         int status)
{
    struct call *call = ask_admin(face, method, path, secret);
    assert_status(call, status);
    gw_arena_done(&call->x.arena);
    free(call);
}

static void test_admin_health_is_open_and_metrics_need_a_token(void **state)
{
    (void)state;
    static struct gw_metrics metrics;
    struct gw_error err = {0};
    struct gw_str secret;
    struct admin_face *face = NULL;
    struct admin_settings settings = {
        .config = world->config, .store = world->store, .metrics = &metrics, .is_sso_up = is_sso_up};
    check_ok(admin_face_new(&settings, &face, &err), &err);
    sso_is_up = true;
    expect_admin(face, "GET", "/healthz", GW_STR_NONE, 200);
    sso_is_up = false;
    struct call *call = ask_admin(face, "GET", "/healthz", GW_STR_NONE);
    assert_status(call, 503);
    assert_at(call, "sso", "down");
    assert_at(call, "prov", "up");
    assert_at(call, "store", "up");
    gw_arena_done(&call->x.arena);
    free(call);
    /* without a tokens file everything else is closed */
    expect_admin(face, "GET", "/metrics", GW_STR_NONE, 401);
    expect_admin(face, "GET", "/metrics", world->secret, 401);
    expect_admin(face, "POST", "/healthz", GW_STR_NONE, 405);
    check_ok(
        token_file_add(world->config->admin_tokens_file, GW_STR("ops"), TOKEN_BEARER, 0, &world->arena, &secret, &err),
        &err);
    world->loop->now_ms += 1000;
    expect_admin(face, "GET", "/metrics", world->secret, 401);
    expect_admin(face, "GET", "/nothing", secret, 404);
    call = ask_admin(face, "GET", "/metrics", secret);
    assert_status(call, 200);
    assert_non_null(strstr(call->text.ptr, "\nprovgate_scim_requests_total "));
    assert_non_null(strstr(call->text.ptr, "\nprovgate_store_users "));
    gw_arena_done(&call->x.arena);
    free(call);
    admin_face_free(face);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_R100_the_provider_says_what_is_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R101_schemas_and_resource_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_R95_what_is_not_supported_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rule_0_24_errors_of_the_http_layer_are_scim_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_admin_health_is_open_and_metrics_need_a_token, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
