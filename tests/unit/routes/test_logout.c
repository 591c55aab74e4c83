/* Universal Logout and OAuth bearers of the PROV face: security.md F16. */
#include "tests/unit/jwt/forge.h"
#include "tests/unit/routes/world.h"

#include "gateway/jwt/key_source.h"

#define ISSUER "https://acme.okta.com"
#define AUDIENCE "https://prov.test/global-token-revocation"
#define API "https://prov.test/scim"
#define LOGOUT "/global-token-revocation"
#define LOGOUT_TYPE "global-token-revocation+jwt"

static struct world *world;
static struct jwt_forge forge;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    jwt_forge_init(&forge);
    folder = unit_folder_new();
    const char *path = gw_arena_printf(&forge.arena, "%s/jwks.json", folder).ptr;
    FILE *file = fopen(path, "w");
    struct gw_str keys = jwt_forge_jwks(&forge);
    bool is_written = file != NULL && fwrite(keys.ptr, 1, keys.len, file) == keys.len && fclose(file) == 0;
    GW_ASSERT(is_written);
    world = world_new(gw_arena_printf(&forge.arena,
                                      "      logout: {issuer: \"" ISSUER "\", audience: \"" AUDIENCE
                                      "\", keys: {file: %s}}\n"
                                      "      oauth: {issuer: \"" ISSUER "\", audience: \"" API
                                      "\", keys: {file: %s}, scopes: {provision: scim.write, read: scim.read}}\n",
                                      path, path)
                          .ptr);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    unit_folder_remove(folder);
    jwt_forge_done(&forge);
    return 0;
}

static long now_s(void)
{
    return (long)(gw_clock_wall_ms() / 1000);
}

static struct gw_str claims(const char *audience, const char *id, long lives_s, const char *more)
{
    return gw_arena_printf(&forge.arena,
                           "{\"iss\":\"" ISSUER "\",\"aud\":\"%s\",\"jti\":\"%s\",\"iat\":%ld,\"exp\":%ld%s}", audience,
                           id, now_s(), now_s() + lives_s, more);
}

static struct gw_str token(const char *id)
{
    return jwt_forge_token(&forge, LOGOUT_TYPE, claims(AUDIENCE, id, 300, ""));
}

static struct call *post(const char *target, struct gw_str bearer, const char *body)
{
    struct call *call = call_new(world, "POST", target, gw_str_from(body));
    call_add_field(call, "Content-Type", GW_STR("application/json"));
    if (bearer.ptr != NULL)
        call_add_field(call, "Authorization", gw_arena_printf(&forge.arena, "Bearer %.*s", GW_STR_ARG(bearer)));
    call_start(world, call);
    call_wait(world, call);
    return call;
}

static int status_of(struct gw_str bearer, const char *body)
{
    struct call *call = post(LOGOUT, bearer, body);
    int status = call->status;
    call_free(world, call);
    return status;
}

struct person {
    uint64_t seq;
    struct store_user_state state;
};

static struct person look(const char *user_name)
{
    struct person person = {.seq = 0};
    struct gw_error err;
    size_t count = 0;
    struct store_reader *reader = world->face->reader;
    check_ok(store_reader_begin(reader, &err), &err);
    check_ok(store_users_find(reader, world->folder_number, STORE_INDEX_USER_NAME, gw_str_from(user_name), &person.seq,
                              1, &count, &err),
             &err);
    assert_int_equal(count, 1);
    check_ok(store_user_state_get(reader, world->folder_number, person.seq, &person.state), &err);
    store_reader_end(reader);
    return person;
}

static const char *email_body(const char *email)
{
    return gw_arena_printf(&forge.arena, "{\"sub_id\":{\"format\":\"email\",\"email\":\"%s\"}}", email).ptr;
}

static void a_good_token_ends_the_sessions_and_the_user_stays_active(void **state)
{
    (void)state;
    (void)create_user(world, "gone@okta.local");
    (void)create_user(world, "stays@okta.local");
    struct person before = look("gone@okta.local");
    struct person other = look("stays@okta.local");
    struct call *call = post(LOGOUT, token("good-1"), email_body("Gone@Okta.local"));
    assert_status(call, 204);
    assert_int_equal(call->text.len, 0);
    call_free(world, call);
    struct person after = look("gone@okta.local");
    assert_int_equal(after.state.generation, before.state.generation + 1);
    assert_true((after.state.flags & STORE_USER_ACTIVE) != 0);
    assert_int_equal(look("stays@okta.local").state.generation, other.state.generation);
}

static void F16_a_jti_works_once_also_for_another_user(void **state)
{
    (void)state;
    (void)create_user(world, "once@okta.local");
    (void)create_user(world, "twice@okta.local");
    struct gw_str used = token("once");
    assert_int_equal(status_of(used, email_body("once@okta.local")), 204);
    uint64_t generation = look("once@okta.local").state.generation;
    assert_int_equal(status_of(used, email_body("once@okta.local")), 401);
    assert_int_equal(status_of(used, email_body("twice@okta.local")), 401);
    assert_int_equal(status_of(token("once"), email_body("once@okta.local")), 401); /* signed anew, the same jti */
    assert_int_equal(look("once@okta.local").state.generation, generation);
    assert_int_equal(status_of(token("once-more"), email_body("once@okta.local")), 204);
}

static void F16_no_other_token_ends_anything(void **state)
{
    (void)state;
    (void)create_user(world, "kept@okta.local");
    uint64_t generation = look("kept@okta.local").state.generation;
    struct gw_str good = claims(AUDIENCE, "other", 300, "");
    struct gw_str old = gw_arena_printf(
        &forge.arena, "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"jti\":\"o\",\"exp\":%ld}", now_s() - 100);
    struct gw_str foreign = gw_arena_printf(
        &forge.arena, "{\"iss\":\"https://evil.test\",\"aud\":\"" AUDIENCE "\",\"jti\":\"f\",\"exp\":%ld}",
        now_s() + 60);
    EVP_PKEY *stranger = EVP_RSA_gen(2048);
    struct gw_str header = GW_STR("{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}");
    const struct gw_str bad[] = {
        GW_STR_NONE,
        GW_STR("x"),
        world->secret, /* a credential of SCIM is none here */
        jwt_forge_sign(&forge, stranger, header, good),
        jwt_forge_sign(&forge, forge.rsa, GW_STR("{\"alg\":\"none\",\"kid\":\"rsa-1\"}"), good),
        jwt_forge_sign(&forge, forge.rsa, GW_STR("{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}"), good),
        jwt_forge_sign(&forge, forge.rsa, GW_STR("{\"alg\":\"RS256\",\"kid\":\"x\"}"), good),
        jwt_forge_sign(&forge, forge.rsa, GW_STR("{\"alg\":\"RS256\",\"kid\":\"../x\"}"), good),
        jwt_forge_sign(&forge, forge.rsa, GW_STR("{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"jku\":\"http://127.0.0.1/\"}"),
                       good),
        jwt_forge_token(&forge, LOGOUT_TYPE, claims(API, "a", 300, "")),
        jwt_forge_token(&forge, "at+jwt", good),
        jwt_forge_token(&forge, LOGOUT_TYPE, old),
        jwt_forge_token(&forge, LOGOUT_TYPE, foreign),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct call *call = post(LOGOUT, bad[i], email_body("kept@okta.local"));
        assert_error(call, 401, "");
        assert_false(call->was_collected);
        struct gw_str challenge = call_field(call, "WWW-Authenticate");
        assert_true(gw_str_ends(challenge, GW_STR("error=\"invalid_token\"")));
        call_free(world, call);
    }
    EVP_PKEY_free(stranger);
    assert_int_equal(look("kept@okta.local").state.generation, generation);
}

struct body_row {
    const char *body;
    int status;
};

static void subjects_are_found_as_the_drafts_write_them(void **state)
{
    (void)state;
    (void)create_user(world, "sub@okta.local");
    static const struct body_row rows[] = {
        {"{\"sub_id\":{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":\"sub@okta.local\"}}", 204},
        {"{\"subject\":{\"format\":\"email\",\"email\":\"sub@okta.local\"}}", 204},
        {"{\"sub_id\":{\"format\":\"opaque\",\"id\":\"ext-sub@okta.local\"}}", 204},
        {"{\"sub_id\":{\"format\":\"iss_sub\",\"iss\":\"https://evil.test\",\"sub\":\"sub@okta.local\"}}", 404},
        {"{\"sub_id\":{\"format\":\"email\",\"email\":\"nobody@okta.local\"}}", 404},
        {"{\"sub_id\":{\"format\":\"phone_number\",\"phone_number\":\"+1\"}}", 400},
        {"{\"sub_id\":{\"format\":\"email\"}}", 400},
        {"{\"sub_id\":{\"format\":\"iss_sub\",\"sub\":\"sub@okta.local\"}}", 400},
        {"{\"sub_id\":\"sub@okta.local\"}", 400},
        {"{}", 400},
        {"[]", 400},
        {"{\"sub_id\":", 400},
        {"", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_str id = gw_arena_printf(&forge.arena, "subject-%zu", i);
        int status = status_of(token(id.ptr), rows[i].body);
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].body, status);
    }
    assert_int_equal(look("sub@okta.local").state.generation, 4);
}

static void an_opaque_name_id_is_found_by_its_link(void **state)
{
    (void)state;
    struct gw_error err = {0};
    struct store_change *change = store_change_new(STORE_CHANGE_SIGN_ON);
    change->time_ms = gw_clock_wall_ms();
    change->folder = world->folder_number;
    change->as.sign_on.observe = true;
    change->as.sign_on.join = (struct store_join){.folder = world->folder_number,
                                                  .match = STORE_INDEX_USER_NAME,
                                                  .value = GW_STR("linked@okta.local"),
                                                  .issuer = GW_STR(ISSUER),
                                                  .name_id = GW_STR("00u1abcd"),
                                                  .name_id_is_opaque = true};
    change->as.sign_on.draft =
        (struct store_user_draft){.user_name = GW_STR("linked@okta.local"), .attributes = GW_STR("{}"), .active = true};
    check_ok(store_writer_apply(world->writer, change, &err), &err);
    store_change_free(change);
    uint64_t generation = look("linked@okta.local").state.generation;
    assert_int_equal(
        status_of(token("opaque"), "{\"sub_id\":{\"format\":\"iss_sub\",\"iss\":\"" ISSUER "\",\"sub\":\"00u1abcd\"}}"),
        204);
    assert_int_equal(look("linked@okta.local").state.generation, generation + 1);
}

static void only_post_to_exactly_that_path_is_a_logout(void **state)
{
    (void)state;
    struct call *call = call_new(world, "GET", LOGOUT, GW_STR_NONE);
    call_start(world, call);
    assert_status(call, 405);
    assert_str_equal(call_field(call, "Allow"), "POST");
    call_free(world, call);
    call = post(LOGOUT "/", token("slash"), email_body("x@okta.local"));
    assert_status(call, 404);
    call_free(world, call);
    call = post("/scim/v2" LOGOUT, token("below"), email_body("x@okta.local"));
    assert_status(call, 401); /* that is SCIM, and the token is not for it */
    call_free(world, call);
}

/* ---- OAuth ---- */

static struct call *list_with(struct gw_str bearer)
{
    struct call *call = call_new(world, "GET", "/scim/v2/Users?count=1", GW_STR_NONE);
    call_add_field(call, "Authorization", gw_arena_printf(&forge.arena, "Bearer %.*s", GW_STR_ARG(bearer)));
    call_start(world, call);
    call_wait(world, call);
    return call;
}

static int list_status(struct gw_str bearer)
{
    struct call *call = list_with(bearer);
    int status = call->status;
    call_free(world, call);
    return status;
}

static struct gw_str access(const char *type, const char *scope)
{
    return jwt_forge_token(
        &forge, type, claims(API, "", 300, gw_arena_printf(&forge.arena, ",\"sub\":\"client\",\"scp\":%s", scope).ptr));
}

/* jti may be absent, not empty. */
static struct gw_str access_with(const char *scope)
{
    struct gw_str text = gw_arena_printf(
        &forge.arena, "{\"iss\":\"" ISSUER "\",\"aud\":\"" API "\",\"exp\":%ld,\"sub\":\"client\",\"scp\":%s}",
        now_s() + 300, scope);
    return jwt_forge_token(&forge, "at+jwt", text);
}

static void an_access_token_allows_what_its_scopes_say(void **state)
{
    (void)state;
    static const struct {
        const char *scope;
        int read;
        int write;
    } rows[] = {{"[\"scim.write\"]", 200, 201},
                {"[\"openid\",\"scim.read\"]", 200, 403},
                {"\"scim.read\"", 200, 403},
                {"\"openid scim.write\"", 200, 201},
                {"\"scim.writer\"", 403, 403},
                {"[]", 403, 403},
                {"[\"scim.read scim.write\"]", 403, 403},
                {"{}", 403, 403}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_str bearer = access_with(rows[i].scope);
        assert_int_equal(list_status(bearer), rows[i].read);
        struct gw_str name = gw_arena_printf(&forge.arena, "oauth%zu@okta.local", i);
        struct call *call = post("/scim/v2/Users", bearer, user_body(world, name.ptr).ptr);
        assert_status(call, rows[i].write);
        if (rows[i].write == 403) {
            assert_true(gw_str_ends(call_field(call, "WWW-Authenticate"), GW_STR("error=\"insufficient_scope\"")));
            assert_false(call->was_collected);
        }
        call_free(world, call);
    }
}

static void a_wrong_access_token_is_401_and_other_credentials_go_on(void **state)
{
    (void)state;
    assert_int_equal(list_status(access("at+jwt", "[\"scim.write\"]")), 401); /* an empty jti */
    assert_int_equal(list_status(token("no-access")), 401);                   /* a logout is no access */
    struct call *call = list_with(jwt_forge_token(&forge, "JWT", claims("https://other", "x", 300, "")));
    assert_error(call, 401, "");
    assert_true(gw_str_ends(call_field(call, "WWW-Authenticate"), GW_STR("error=\"invalid_token\"")));
    call_free(world, call);
    assert_int_equal(list_status(world->secret), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_ends_the_sessions_and_the_user_stays_active),
        cmocka_unit_test(F16_a_jti_works_once_also_for_another_user),
        cmocka_unit_test(F16_no_other_token_ends_anything),
        cmocka_unit_test(subjects_are_found_as_the_drafts_write_them),
        cmocka_unit_test(an_opaque_name_id_is_found_by_its_link),
        cmocka_unit_test(only_post_to_exactly_that_path_is_a_logout),
        cmocka_unit_test(an_access_token_allows_what_its_scopes_say),
        cmocka_unit_test(a_wrong_access_token_is_401_and_other_credentials_go_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
