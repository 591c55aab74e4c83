/* Sign-ons by OpenID Connect with form_post: the gate for id_tokens, through the whole face. */
#include "tests/unit/jwt/forge.h"
#include "tests/unit/sso/face_world.h"

#include <poll.h>

#define ISSUER "https://acme.okta.com"
#define CLIENT "0oa1client"
#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define NOW_S (FORGE_NOW_MS / 1000)

struct ground {
    struct world world; /* first */
    struct jwt_forge forge;
    char *folder;
    char path[1200];
    unsigned tokens;
};

static void write_keys(struct ground *g, struct gw_str text)
{
    char temporary[1300];
    (void)snprintf(temporary, sizeof temporary, "%s.new", g->path);
    FILE *file = fopen(temporary, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(temporary, g->path), 0);
}

static int begin(void **state, const char *gate, const char *more)
{
    struct ground *g = gw_alloc(sizeof *g);
    char keys[2048];
    jwt_forge_init(&g->forge);
    g->folder = unit_folder_new();
    (void)snprintf(g->path, sizeof g->path, "%s/keys.json", g->folder);
    write_keys(g, jwt_forge_jwks(&g->forge));
    (void)snprintf(keys, sizeof keys,
                   "        - id_token: {acs: [/callback], issuer: \"" ISSUER "\", audience: " CLIENT
                   ", keys: {file: \"%s\"}, gate: %s%s}\n",
                   g->path, gate, more);
    world_start(&g->world, "enforce", keys);
    *state = g;
    return 0;
}

static int setup(void **state)
{
    return begin(state, "enforce", "");
}

static int setup_observe(void **state)
{
    return begin(state, "observe", "");
}

static int setup_email(void **state)
{
    return begin(state, "enforce", ", user: email, match: email");
}

static int teardown(void **state)
{
    struct ground *g = *state;
    world_stop(&g->world);
    jwt_forge_done(&g->forge);
    unit_folder_remove(g->folder);
    free(g);
    return 0;
}

/* `more` begins with a comma; iss, aud and times are right. */
static struct gw_str token_with(struct ground *g, const char *user, const char *more)
{
    struct gw_str claims = gw_arena_printf(&g->forge.arena,
                                           "{\"iss\":\"" ISSUER "\",\"aud\":\"" CLIENT "\",\"iat\":%lld,\"exp\":%lld,"
                                           "\"nonce\":\"n%u\",\"sub\":\"00u-%s\",\"preferred_username\":\"%s\"%s}",
                                           (long long)NOW_S, (long long)NOW_S + 300, ++g->tokens, user, user, more);
    return jwt_forge_token(&g->forge, "JWT", claims);
}

static const char *form_with(struct ground *g, struct gw_str token)
{
    return gw_arena_printf(&g->forge.arena, "state=s1&id_token=%.*s", GW_STR_ARG(token)).ptr;
}

static int post_passes(struct ground *g, int client, const char *form, const char *sets)
{
    struct world *w = &g->world;
    world_post(w, client, "/callback", "", form);
    (void)world_app_request(w);
    assert_string_equal(w->dropped, form);
    world_app_answers(w, "302 Found", sets, "");
    return world_reply(w, client)->status;
}

static struct reply *post_refused(struct ground *g, int client, const char *form)
{
    struct world *w = &g->world;
    world_post(w, client, "/callback", "", form);
    struct reply *reply = world_reply(w, client);
    world_app_saw_nothing(w);
    assert_null(strcasestr(reply->head, "\r\nSet-Cookie:"));
    return reply;
}

static void a_right_token_binds_the_session_and_a_deactivation_ends_it(void **state)
{
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    struct gw_str token =
        token_with(g, "alice@example.com", ",\"given_name\":\"Alice\",\"email\":\"alice@example.com\"");
    assert_int_equal(post_passes(g, client, form_with(g, token), SETS("a1")), 302);
    uint64_t seq = fixture_find(&w->store, STORE_INDEX_USER_NAME, "alice@example.com");
    assert_int_not_equal(seq, 0);
    struct store_user user = fixture_user(&w->store, seq);
    assert_non_null(strstr(gw_arena_cstr(&g->forge.arena, user.attributes), "\"givenName\":\"Alice\""));
    assert_int_equal(user.email_count, 1);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a1"), "")->status, 200);
    world_set_active(w, "alice@example.com", false);
    assert_int_equal(world_refused(w, client, "/", COOKIE("a1"))->status, 403);
    /* the provider still vouches for her (F4) */
    assert_int_equal(post_refused(g, client, form_with(g, token_with(g, "alice@example.com", "")))->status, 403);
    world_set_active(w, "alice@example.com", true);
    assert_int_equal(post_passes(g, client, form_with(g, token_with(g, "alice@example.com", "")), SETS("a2")), 302);
    assert_int_equal(world_visit(w, client, "/", COOKIE("a2"), "")->status, 200);
    (void)close(client);
}

static void a_token_is_used_once_by_its_jti_or_by_what_was_signed(void **state)
{
    struct ground *g = *state;
    int client = lab_connect(&g->world.lab);
    struct gw_str plain = token_with(g, "alice@example.com", "");
    assert_int_equal(post_passes(g, client, form_with(g, plain), SETS("a1")), 302);
    assert_int_equal(post_refused(g, client, form_with(g, plain))->status, 403);
    const char *first = form_with(g, token_with(g, "alice@example.com", ",\"jti\":\"one\""));
    const char *second = form_with(g, token_with(g, "alice@example.com", ",\"jti\":\"one\""));
    assert_string_not_equal(first, second);
    assert_int_equal(post_passes(g, client, first, SETS("a2")), 302);
    assert_non_null(strstr(post_refused(g, client, second)->body, "Sign in again"));
    (void)close(client);
}

static void what_is_wrong_never_reaches_the_app(void **state)
{
    struct ground *g = *state;
    struct gw_arena *arena = &g->forge.arena;
    int client = lab_connect(&g->world.lab);
    struct gw_str good = token_with(g, "alice@example.com", "");
    EVP_PKEY *stranger = EVP_RSA_gen(2048);
    struct gw_str claims = gw_arena_printf(
        arena, "{\"iss\":\"" ISSUER "\",\"aud\":\"" CLIENT "\",\"exp\":%lld,\"sub\":\"s\"}", (long long)NOW_S + 60);
    struct gw_str other = gw_arena_printf(
        arena, "{\"iss\":\"" ISSUER "\",\"aud\":\"other\",\"exp\":%lld,\"sub\":\"s\"}", (long long)NOW_S + 60);
    struct gw_str header = GW_STR("{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}");
    const char *const bad[] = {
        form_with(g, jwt_forge_sign(&g->forge, stranger, header, claims)),
        form_with(g, jwt_forge_sign(&g->forge, g->forge.rsa, GW_STR("{\"alg\":\"none\",\"kid\":\"rsa-1\"}"), claims)),
        form_with(g, jwt_forge_sign(&g->forge, g->forge.rsa, GW_STR("{\"alg\":\"RS256\",\"kid\":\"x\"}"), claims)),
        form_with(g, jwt_forge_sign(&g->forge, g->forge.rsa, header, other)),
        form_with(g, jwt_forge_token(&g->forge, "global-token-revocation+jwt", claims)),
        form_with(g, token_with(g, "alice@example.com", ",\"azp\":\"other\"")),
        "id_token=",
        "id_token=a.b.c",
        "code=abc&state=s", /* nobody could say who that is */
        "response=a.b.c",   /* a code within a token */
        gw_arena_printf(arena, "%s&id_token=x", form_with(g, good)).ptr,
        gw_arena_printf(arena, "%s&ID_TOKEN=x", form_with(g, good)).ptr,
        gw_arena_printf(arena, "%s&id%%5Ftoken=x", form_with(g, good)).ptr,
        gw_arena_printf(arena, "%s;a=b", form_with(g, good)).ptr,
    };
    EVP_PKEY_free(stranger);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reply *reply = post_refused(g, client, bad[i]);
        if (reply->status != 403 && reply->status != 400)
            fail_msg("%zu: %d", i, reply->status);
    }
    world_post(&g->world, client, "/callback?id_token=x", "", form_with(g, good));
    assert_int_not_equal(world_reply(&g->world, client)->status, 200);
    world_app_saw_nothing(&g->world);
    assert_int_equal(post_passes(g, client, form_with(g, good), SETS("a1")), 302);
    (void)close(client);
}

static const char *hash_claim(struct ground *g, const char *name, const char *value)
{
    struct gw_sha256 digest = gw_sha256(gw_str_from(value));
    struct gw_str half = gw_base64url(&g->forge.arena, digest.bytes, 16);
    return gw_arena_printf(&g->forge.arena, ",\"%s\":\"%.*s\"", name, GW_STR_ARG(half)).ptr;
}

/* One person's id_token beside another's code: the app would act for whoever the code stands for. */
static void a_code_of_somebody_else_is_refused(void **state)
{
    static const struct {
        const char *claim, *of, *more;
    } rows[] = {{NULL, NULL, "code=other"},
                {"c_hash", "mine", "code=other"},
                {"at_hash", "mine", "code=mine"},
                {"c_hash", "mine", "code=mine&access_token=x"},
                {"c_hash", "mine", "code=mine&code=other"},
                {"c_hash", "mine", "code=mine&Code=other"},
                {"c_hash", "mine", "code=mine&c%6Fde=other"}};
    struct ground *g = *state;
    int client = lab_connect(&g->world.lab);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *claim = rows[i].claim != NULL ? hash_claim(g, rows[i].claim, rows[i].of) : "";
        const char *form = form_with(g, token_with(g, "alice@example.com", claim));
        (void)post_refused(g, client, gw_arena_printf(&g->forge.arena, "%s&%s", form, rows[i].more).ptr);
    }
    const char *form = form_with(g, token_with(g, "alice@example.com", hash_claim(g, "at_hash", "t")));
    form = gw_arena_printf(&g->forge.arena, "%s&access_token=t", form).ptr;
    assert_int_equal(post_passes(g, client, form, SETS("a1")), 302);
    (void)close(client);
}

static void an_error_of_the_provider_and_a_plain_callback_are_the_apps_business(void **state)
{
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    assert_int_equal(post_passes(g, client, "error=access_denied&state=s1", ""), 302);
    assert_int_equal(
        world_visit(w, client, "/callback?error=login_required&state=xCODEx&country_code=de", "", "")->status, 200);
    struct gw_str token = token_with(g, "alice@example.com", hash_claim(g, "c_hash", "abc"));
    const char *hybrid = gw_arena_printf(&g->forge.arena, "code=abc&%s", form_with(g, token)).ptr;
    assert_int_equal(post_passes(g, client, hybrid, SETS("a1")), 302);
    assert_int_equal(fixture_guard(&w->store, "a1"), VERDICT_ALIVE);
    (void)close(client);
}

/* Whoever signs in can ask the provider for response_mode=query: the app would take it, and nobody is named. */
static void a_code_that_comes_by_another_way_is_refused(void **state)
{
    static const char *const targets[] = {"/callback?code=abc&state=s",  "/callback?state=s&%63ode=abc",
                                          "/callback?Code=abc",          "/callback?a=b;code=abc",
                                          "/callback?code[]=abc",        "/callback?response=a.b.c",
                                          "/Callback/?access_token=abc", "/callback?%2563ode=abc"};
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        world_get(client, targets[i], "");
        if (world_reply(w, client)->status != 400)
            fail_msg("%s", targets[i]);
        world_app_saw_nothing(w);
    }
    assert_int_equal(world_visit(w, client, "/elsewhere?code=abc", "", "")->status, 200);
    (void)close(client);
}

/* Some frameworks read the code from the query of a POST too, beside a form that says nothing or somebody else. */
static void a_code_in_the_query_of_a_form_is_refused(void **state)
{
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    const char *const forms[] = {"x=1", "state=s", "error=access_denied",
                                 form_with(g, token_with(g, "alice@example.com", ""))};
    const char *const targets[] = {"/callback?code=abc", "/callback?%63ode=abc&state=s", "/callback?access_token=t",
                                   "/callback?response=a.b.c"};
    for (size_t i = 0; i < 16; i++) {
        world_post(w, client, targets[i / 4], "", forms[i % 4]);
        if (world_reply(w, client)->status != 400)
            fail_msg("%s with %s", targets[i / 4], forms[i % 4]);
        world_app_saw_nothing(w);
    }
    (void)close(client);
}

static void gate_observe_forwards_what_fails_and_binds_nothing(void **state)
{
    struct ground *g = *state;
    int client = lab_connect(&g->world.lab);
    assert_int_equal(post_passes(g, client, "id_token=a.b.c", SETS("a1")), 302);
    assert_int_equal(fixture_find(&g->world.store, STORE_INDEX_USER_NAME, "alice@example.com"), 0);
    assert_int_equal(post_passes(g, client, form_with(g, token_with(g, "alice@example.com", "")), SETS("a2")), 302);
    assert_int_equal(fixture_guard(&g->world.store, "a2"), VERDICT_ALIVE);
    (void)close(client);
}

/* An address that the provider has not verified may be anybody's. */
static void an_unverified_address_names_nobody(void **state)
{
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    const char *more = ",\"email\":\"victim@example.com\",\"email_verified\":true";
    assert_int_equal(post_passes(g, client, form_with(g, token_with(g, "victim", more)), SETS("v1")), 302);
    uint64_t victim = fixture_find(&w->store, STORE_INDEX_EMAIL, "victim@example.com");
    assert_int_not_equal(victim, 0);
    more = ",\"email\":\"victim@example.com\",\"email_verified\":false";
    assert_int_equal(post_passes(g, client, form_with(g, token_with(g, "thief", more)), SETS("t1")), 302);
    assert_int_not_equal(fixture_guard(&w->store, "t1"), VERDICT_ALIVE);
    (void)close(client);
}

/* The file changes: the token of a new key passes without a restart. */
static void a_rollover_of_keys_needs_no_restart(void **state)
{
    struct ground *g = *state;
    struct world *w = &g->world;
    int client = lab_connect(&w->lab);
    EVP_PKEY *fresh = EVP_RSA_gen(2048);
    struct gw_str jwk = jwt_forge_rsa_jwk(&g->forge, fresh, "rsa-2", "");
    struct gw_str header = GW_STR("{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}");
    struct gw_str claims = gw_arena_printf(&g->forge.arena,
                                           "{\"iss\":\"" ISSUER "\",\"aud\":\"" CLIENT "\",\"exp\":%lld,\"sub\":\"s\","
                                           "\"preferred_username\":\"carol@example.com\"}",
                                           (long long)NOW_S + 60);
    const char *form = form_with(g, jwt_forge_sign(&g->forge, fresh, header, claims));
    assert_int_equal(post_refused(g, client, form)->status, 403);
    write_keys(g, gw_arena_printf(&g->forge.arena, "{\"keys\":[%.*s]}", GW_STR_ARG(jwk)));
    int status = 403;
    for (int i = 0; i < 2000 && status != 302; i++) { /* a file is looked at once a second */
        struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
        world_post(w, client, "/callback", "", form);
        struct pollfd polls[2] = {{.fd = client, .events = POLLIN},
                                  {.fd = w->app >= 0 ? w->app : w->lab.upstream_fd, .events = POLLIN}};
        assert_true(poll(polls, 2, 60000) > 0);
        if ((polls[1].revents & POLLIN) != 0) {
            (void)world_app_request(w);
            world_app_answers(w, "302 Found", SETS("c1"), "");
        }
        status = world_reply(w, client)->status;
    }
    assert_int_equal(status, 302);
    EVP_PKEY_free(fresh);
    (void)close(client);
}

#define TEST(name, with) cmocka_unit_test_setup_teardown(name, with, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_right_token_binds_the_session_and_a_deactivation_ends_it, setup),
        TEST(a_token_is_used_once_by_its_jti_or_by_what_was_signed, setup),
        TEST(what_is_wrong_never_reaches_the_app, setup),
        TEST(a_code_of_somebody_else_is_refused, setup),
        TEST(an_error_of_the_provider_and_a_plain_callback_are_the_apps_business, setup),
        TEST(a_code_that_comes_by_another_way_is_refused, setup),
        TEST(a_code_in_the_query_of_a_form_is_refused, setup),
        TEST(gate_observe_forwards_what_fails_and_binds_nothing, setup_observe),
        TEST(an_unverified_address_names_nobody, setup_email),
        TEST(a_rollover_of_keys_needs_no_restart, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
