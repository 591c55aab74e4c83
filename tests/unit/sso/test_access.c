/* The access log and the id of a request, through the whole face. */
#include "tests/unit/sso/face_world.h"

#include "gateway/base/line_file.h"
#include "gateway/json/parse.h"
#include "gateway/sso/request.h"

#define COOKIE(value) "Cookie: sid=" value "\r\n"
#define SETS(value) "Set-Cookie: sid=" value "; Path=/; HttpOnly\r\n"
#define LINES_MAX 64u

struct log_world {
    struct world w;
    char log_path[1200];
    struct json_value *lines[LINES_MAX];
    size_t count;
};

static void start(void **state, const char *access_keys, const char *keys)
{
    struct log_world *lw = gw_alloc(sizeof *lw);
    char *folder = unit_folder_new();
    (void)snprintf(lw->log_path, sizeof lw->log_path, "%s.access", folder);
    unit_folder_remove(folder);
    (void)snprintf(lw->w.access_log, sizeof lw->w.access_log, "  access_log: {file: \"%s\"%s}\n", lw->log_path,
                   access_keys);
    world_start(&lw->w, "enforce", keys);
    *state = lw;
}

static int setup(void **state)
{
    start(state, "", "");
    return 0;
}

static int setup_users(void **state)
{
    start(state, ", users: on", "");
    return 0;
}

static int setup_id(void **state)
{
    start(state, "", "      request_id_header: X-Request-Id\n");
    return 0;
}

static int setup_id_trusted(void **state)
{
    start(state, "", "      request_id_header: X-Request-Id\n      trusted_proxies: [127.0.0.0/8]\n");
    return 0;
}

static int teardown(void **state)
{
    struct log_world *lw = *state;
    world_stop(&lw->w);
    (void)unlink(lw->log_path);
    free(lw);
    return 0;
}

/* Ends the loop, so that all is written, and reads what there is. */
static void read_log(struct log_world *lw)
{
    static char text[256 * 1024];
    world_halt(&lw->w);
    gw_line_file_free(lw->w.shared->access);
    lw->w.shared->access = NULL;
    FILE *file = fopen(lw->log_path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    struct gw_str rest = gw_str_n(text, len);
    struct json_limits limits = {.depth = 4, .values = 100, .members = 100, .string_bytes = 65536, .number_bytes = 32};
    while (rest.len > 0) {
        struct gw_str line = gw_str_split(&rest, '\n');
        assert_true(lw->count < LINES_MAX);
        assert_ok(json_parse(&lw->w.store.arena, line, &limits, &lw->lines[lw->count++], &lw->w.store.err),
                  &lw->w.store.err);
    }
}

static struct gw_str text_of(const struct log_world *lw, size_t line, const char *name)
{
    assert_true(line < lw->count);
    const struct json_value *value = json_object_get(lw->lines[line], gw_str_from(name));
    return value != NULL ? value->text : GW_STR_NONE;
}

static void each_request_is_one_line_without_its_query(void **state)
{
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    assert_int_equal(world_visit(&lw->w, client, "/a%2Fb?token=SECRET", "X-Secret: SECRET\r\n", "")->status, 200);
    (void)close(client);
    read_log(lw);
    assert_int_equal(lw->count, 1);
    assert_str_equal(text_of(lw, 0, "method"), "GET");
    assert_str_equal(text_of(lw, 0, "path"), "/a%2Fb");
    assert_str_equal(text_of(lw, 0, "app"), "wiki");
    assert_str_equal(text_of(lw, 0, "host"), "wiki.example.com");
    assert_str_equal(text_of(lw, 0, "peer"), "127.0.0.1");
    assert_str_equal(text_of(lw, 0, "status"), "200");
    assert_str_equal(text_of(lw, 0, "bytes_in"), "0");
    assert_str_equal(text_of(lw, 0, "bytes_out"), "4");
    assert_str_equal(text_of(lw, 0, "result"), "passed");
    assert_str_equal(text_of(lw, 0, "end"), "complete");
    assert_str_equal(text_of(lw, 0, "http"), "1.1");
    assert_null(text_of(lw, 0, "user").ptr);
    assert_non_null(text_of(lw, 0, "upstream_ms").ptr);
}

static void a_refusal_says_why_under_the_reference_that_the_person_reads(void **state)
{
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    assert_int_equal(world_sign_on(&lw->w, client, "alice@example.com", "", SETS("a1"))->status, 303);
    world_set_active(&lw->w, "alice@example.com", false);
    struct reply *reply = world_refused(&lw->w, client, "/x", COOKIE("a1") "Accept: application/json\r\n");
    (void)close(client);
    read_log(lw);
    assert_int_equal(lw->count, 2);
    assert_str_equal(text_of(lw, 0, "method"), "POST");
    assert_str_equal(text_of(lw, 0, "status"), "303");
    assert_true(text_of(lw, 0, "bytes_in").len > 3); /* thousands of them */
    assert_str_equal(text_of(lw, 1, "status"), "403");
    assert_str_equal(text_of(lw, 1, "result"), "refused");
    assert_str_equal(text_of(lw, 1, "why"), "inactive");
    assert_non_null(strstr(reply->body, gw_arena_cstr(&lw->w.store.arena, text_of(lw, 1, "id"))));
    assert_null(text_of(lw, 1, "user").ptr);
}

/* Six bytes of the log for one of the path: nobody hides behind a line that is too long to be written. */
static void a_path_that_swells_in_the_line_is_cut_and_not_left_out(void **state)
{
    struct log_world *lw = *state;
    char path[16001] = "/", answer[4096];
    memset(path + 1, '"', sizeof path - 2);
    path[sizeof path - 1] = '\0';
    int client = lab_connect(&lw->w.lab);
    lab_send(client, "GET ");
    lab_send(client, path);
    lab_send(client, " HTTP/1.1\r\nHost: nobody.example.com\r\nConnection: close\r\n\r\n");
    assert_true(lab_read_all(client, answer, sizeof answer) > 0);
    (void)close(client);
    read_log(lw);
    assert_int_equal(lw->count, 1);
    assert_str_equal(text_of(lw, 0, "status"), "421");
    struct gw_str logged = text_of(lw, 0, "path");
    assert_true(gw_str_starts(logged, GW_STR("/\"\"\"")));
    assert_str_equal(gw_str_from_pos(logged, logged.len - 4), "\"...");
}

static void the_user_stands_in_the_line_only_where_that_is_asked_for(void **state)
{
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    assert_int_equal(world_sign_on(&lw->w, client, "al\"ice@example.com", "", SETS("a1"))->status, 303);
    assert_int_equal(world_visit(&lw->w, client, "/", COOKIE("a1"), "")->status, 200);
    (void)close(client);
    read_log(lw);
    assert_str_equal(text_of(lw, 1, "user"), "al\"ice@example.com");
}

static void a_host_that_is_not_ours_and_an_app_that_fails_have_lines_too(void **state)
{
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    lab_send(client, "GET /x HTTP/1.1\r\nHost: other.example.com\r\n\r\n");
    assert_int_equal(world_reply(&lw->w, client)->status, 421);
    int other = lab_connect(&lw->w.lab);
    world_get(other, "/y", "");
    (void)world_app_request(&lw->w);
    lab_send(lw->w.app, "nonsense\r\n\r\n");
    assert_int_equal(world_reply(&lw->w, other)->status, 502);
    (void)close(client);
    (void)close(other);
    read_log(lw);
    size_t last = lw->count - 1;
    assert_str_equal(text_of(lw, 0, "why"), "host");
    assert_str_equal(text_of(lw, last, "result"), "failed");
    assert_str_equal(text_of(lw, last, "why"), "malformed");
    assert_str_equal(text_of(lw, last, "status"), "502");
}

/* The id that the app got is the one in the log; what a client brings is gone in every spelling. */
static void the_app_gets_the_id_and_a_client_cannot_choose_it(void **state)
{
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    world_get(client, "/", "X-Request-Id: mine\r\nx_request_id: mine\r\nX-Request-ID: mine\r\n");
    const char *head = world_app_request(&lw->w);
    world_app_answers(&lw->w, "200 OK", "", "page");
    (void)world_reply(&lw->w, client);
    (void)close(client);
    read_log(lw);
    const char *id = gw_arena_cstr(&lw->w.store.arena, text_of(lw, 0, "id"));
    assert_non_null(strstr(head, gw_arena_printf(&lw->w.store.arena, "\r\nX-Request-Id: %s\r\n", id).ptr));
    assert_null(strstr(head, "mine"));
    assert_string_not_equal(id, "mine");
}

static void the_id_of_a_trusted_proxy_is_kept_unless_it_is_odd(void **state)
{
    static const struct {
        const char *fields;
        const char *id; /* NULL: a new one */
    } rows[] = {
        {"X-Request-Id: edge-1:a/b\r\n", "edge-1:a/b"},
        {"X-Request-Id: <script>\r\n", NULL},
        {"X-Request-Id: a\r\nX-Request-Id: b\r\n", NULL},
        {"X-Request-Id:\r\n", NULL},
    };
    struct log_world *lw = *state;
    int client = lab_connect(&lw->w.lab);
    const char *heads[4];
    for (size_t i = 0; i < 4; i++) {
        world_get(client, "/", rows[i].fields);
        heads[i] = world_app_request(&lw->w);
        world_app_answers(&lw->w, "200 OK", "", "page");
        (void)world_reply(&lw->w, client);
    }
    (void)close(client);
    read_log(lw);
    for (size_t i = 0; i < 4; i++) {
        struct gw_str id = text_of(lw, i, "id");
        const char *line = gw_arena_printf(&lw->w.store.arena, "\r\nX-Request-Id: %.*s\r\n", GW_STR_ARG(id)).ptr;
        assert_non_null(strstr(heads[i], line));
        assert_int_equal(gw_str_eq(id, gw_str_from(rows[i].id)), rows[i].id != NULL);
        assert_null(strstr(heads[i], "<script>"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_request_is_one_line_without_its_query, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_that_swells_in_the_line_is_cut_and_not_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_says_why_under_the_reference_that_the_person_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(the_user_stands_in_the_line_only_where_that_is_asked_for, setup_users,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_host_that_is_not_ours_and_an_app_that_fails_have_lines_too, setup, teardown),
        cmocka_unit_test_setup_teardown(the_app_gets_the_id_and_a_client_cannot_choose_it, setup_id, teardown),
        cmocka_unit_test_setup_teardown(the_id_of_a_trusted_proxy_is_kept_unless_it_is_odd, setup_id_trusted, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
