/* The operator's own page through the whole face. */
#include "tests/unit/sso/face_world.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"

static char page_path[1200];

static int setup(void **state)
{
    struct world *w = gw_alloc(sizeof *w);
    char keys[2048];
    char *folder = unit_folder_new();
    (void)snprintf(page_path, sizeof page_path, "%s.html", folder);
    unit_folder_remove(folder);
    FILE *file = fopen(page_path, "w");
    assert_non_null(file);
    assert_true(fputs("<h1>Corp: {{title}}</h1><p>{{app}} {{reference}} {{contact}}</p>", file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(keys, sizeof keys, "      refusal: {page: \"%s\", contact: \"call <1234>\"}\n", page_path);
    world_start(w, "enforce", keys);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_stop(*state);
    (void)unlink(page_path);
    free(*state);
    return 0;
}

static void browsers_get_the_page_and_scripts_json(void **state)
{
    struct world *w = *state;
    int client = lab_connect(&w->lab);
    assert_int_equal(world_sign_on(w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(w, "alice@example.com", false);
    struct reply *reply = world_refused(w, client, "/", COOKIE("a1") "Accept: text/html\r\n");
    assert_int_equal(reply->status, 403);
    assert_non_null(strstr(reply->body, "<h1>Corp: Your access has ended</h1><p>wiki "));
    assert_non_null(strstr(reply->body, " call &lt;1234&gt;</p>"));
    assert_non_null(strstr(reply->head, "img-src data:"));
    assert_null(strstr(reply->body, "{{"));
    reply = world_refused(w, client, "/", COOKIE("a1") "Accept: application/json\r\n");
    assert_non_null(strstr(reply->body, "\"error\":\"inactive\""));
    assert_non_null(strstr(reply->body, "\"contact\":\"call <1234>\""));
    (void)close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(browsers_get_the_page_and_scripts_json, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
