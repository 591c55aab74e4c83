/* `provgate import` and `export`: accounts come in once, wrong rows are named, and what was written can be read. */
#include "tests/unit/command/ground.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

/* As on a stick or a share; this comes before that of the C library. */
static bool has_no_links;

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    static int (*real)(int, const char *, int, const char *, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "linkat");
    if (!has_no_links)
        return real(from_folder, from, to_folder, to, flags);
    errno = EPERM;
    return -1;
}

static int import(struct ground *g, const char *name, struct gw_str text, const char *more)
{
    const char *path = ground_path(g, name);
    ground_write(path, text);
    return ground_run(g, &command_import, gw_arena_printf(&g->arena, "--app wiki %s %s", more, path).ptr);
}

#define assert_import(g, name, text, more, expected)                                                                   \
    do {                                                                                                               \
        int import_status_ = import((g), (name), GW_STR(text), (more));                                                \
        if (import_status_ != (expected))                                                                              \
            fail_msg("status %d: %.*s%.*s", import_status_, GW_STR_ARG((g)->out), GW_STR_ARG((g)->err));               \
    } while (0)

static uint64_t count(struct ground *g)
{
    ground_open(g);
    uint64_t users = fixture_count(&g->f);
    ground_close(g);
    return users;
}

ground_test(rows_become_users_that_a_sign_on_and_a_post_adopt)
{
    assert_import(g, "users.csv",
                  "userName,externalId,givenName,familyName,email,active,department\r\n"
                  "alice@example.com,x1,Alice,Liddell,alice@mail.test,true,Tea\r\n"
                  "bob@example.com,,Bob,\"O\"\"Neill, Jr\",,,\r\n"
                  "carol@example.com,,,,,FALSE,\r\n",
                  "", COMMAND_DONE);
    assert_has(g->out, "3 rows: 3 created, 0 known already, 0 refused\n");
    assert_run(g, &command_user, "show --app wiki --user alice@example.com --json", COMMAND_DONE);
    assert_has(g->out, "\"externalId\":\"x1\",\"active\":true");
    assert_has(g->out, "\"imported\":true");
    assert_has(g->out, "\"name\":{\"familyName\":\"Liddell\",\"givenName\":\"Alice\"}");
    assert_has(g->out, "\"department\":\"Tea\"");
    assert_run(g, &command_user, "show --app wiki --user carol@example.com", COMMAND_DONE);
    assert_has(g->out, "state         deactivated\n");
    ground_open(g);
    assert_int_equal(fixture_find(&g->f, STORE_INDEX_EMAIL, "alice@mail.test"), 1);
    assert_int_equal(fixture_sign_on(&g->f, "bob@example.com", "cookie").seq, 2);
    struct outcome outcome = fixture_create(&g->f, "alice@example.com", "x1");
    assert_int_equal(outcome.outcome, STORE_OUTCOME_ADOPTED);
    assert_int_equal(outcome.seq, 1);
    assert_int_equal(fixture_sign_on(&g->f, "carol@example.com", "third").code, GW_E_FORBIDDEN);
    ground_close(g);
}

ground_test(a_second_run_changes_nothing)
{
    static const char text[] = "userName,displayName\nalice@example.com,Alice\nbob@example.com,Bob\n";
    assert_int_equal(import(g, "users.csv", GW_STR(text), ""), COMMAND_DONE);
    ground_open(g);
    struct outcome outcome = fixture_create(&g->f, "alice@example.com", "x1");
    assert_int_equal(outcome.outcome, STORE_OUTCOME_ADOPTED);
    ground_close(g);
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--json"), COMMAND_DONE);
    assert_str_equal(g->out, "{\"rows\":2,\"created\":0,\"matched\":2,\"refused\":0,\"dryRun\":false}\n");
    ground_open(g);
    assert_int_equal(fixture_user(&g->f, 1).version, outcome.version);
    ground_close(g);
    assert_int_equal(count(g), 2);
}

ground_test(a_dry_run_says_the_same_and_changes_nothing)
{
    static const char text[] = "userName,externalId\n"
                               "alice@example.com,x9\n"
                               "new@example.com,\n"
                               "NEW@example.com,\n"
                               "clash@example.com,x2\n"
                               "dora@example.com,x1\n";
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "clash@example.com", "x1").code, GW_OK);
    assert_int_equal(fixture_create(&g->f, "alice@example.com", "x2").code, GW_OK);
    ground_close(g);
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--dry-run"), COMMAND_FAILED);
    assert_has(g->out, "5 rows: 1 would be created, 2 known already, 2 refused\n");
    struct gw_str foreseen = g->err;
    assert_int_equal(count(g), 2);
    assert_int_equal(import(g, "users.csv", GW_STR(text), ""), COMMAND_FAILED);
    assert_has(g->out, "5 rows: 1 created, 2 known already, 2 refused\n");
    assert_true(gw_str_eq(foreseen, g->err));
    assert_has(g->err, "line 4: its userName is that of line 3\n");
    assert_has(g->err, "line 5: userName \"clash@example.com\" and externalId \"x2\" name two users\n");
}

ground_test(wrong_rows_are_refused_by_line_and_the_others_come_in)
{
    assert_import(g, "users.ndjson",
                  "{\"userName\":\"one@example.com\",\"password\":\"secret\"}\n"
                  "not json\n"
                  "[1]\n"
                  "\n"
                  "{\"displayName\":\"nameless\"}\n"
                  "{\"userName\":\"two@example.com\",\"active\":\"yes\"}\n"
                  "{\"userName\":\" padded\"}\n"
                  "{\"userName\":\"three@example.com\"}",
                  "", COMMAND_FAILED);
    assert_has(g->out, "7 rows: 2 created, 0 known already, 5 refused\n");
    for (int line = 2; line <= 7; line++) {
        if (line != 4)
            assert_has(g->err, gw_arena_printf(&g->arena, "line %d: ", line).ptr);
    }
    assert_run(g, &command_user, "show --app wiki --user one@example.com --json", COMMAND_DONE);
    assert_false(ground_has(g->out, "secret"));
}

ground_test(files_that_cannot_be_meant_bring_in_nothing)
{
    static const struct {
        const char *name;
        const char *text;
        const char *error;
    } rows[] = {
        {"a.csv", "user name,email\nx,y\n", "unknown column \"user name\"; did you mean userName?"},
        {"b.csv", "email\nx@y.test\n", "no column userName"},
        {"c.csv", "userName,userName\nx,y\n", "the column userName is there twice"},
        {"d.txt", "userName\nx\n", "the name does not end in"},
        {"f.csv", "userName;email\nx;y\n", "\"userName;email\"; columns are separated by commas"},
        {"g.csv", "\xFF\xFEu\n", "it is UTF-16; save it as UTF-8"},
        {"h.csv", "\n", "its first line must name the columns"},
        {"e.csv", "userName,givenName,firstName\nx,y,z\n", "givenName and firstName are the same attribute"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_not_equal(import(g, rows[i].name, gw_str_from(rows[i].text), ""), COMMAND_DONE);
        assert_has(g->err, rows[i].error);
    }
    assert_run(g, &command_import, "--app wiki /nonexistent/users.csv", COMMAND_WRONG);
    assert_int_equal(count(g), 0);
}

ground_test(what_cannot_be_stored_is_refused_by_a_dry_run_as_well)
{
    char name[4000];
    memset(name, 'x', sizeof name);
    struct gw_str text = gw_arena_printf(&g->arena,
                                         "userName,displayName\n"
                                         "b\xFF@example.com,x\n"
                                         "bob@example.com,\xE9\n"
                                         "%.*s,x\n"
                                         "provgate-service@provgate.invalid,x\n"
                                         "good@example.com,\xC3\xA9\n",
                                         (int)sizeof name, name);
    assert_int_equal(import(g, "users.csv", text, "--dry-run"), COMMAND_FAILED);
    assert_has(g->out, "5 rows: 1 would be created, 0 known already, 4 refused\n");
    struct gw_str foreseen = g->err;
    assert_int_equal(import(g, "users.csv", text, ""), COMMAND_FAILED);
    assert_has(g->out, "5 rows: 1 created, 0 known already, 4 refused\n");
    assert_true(gw_str_eq(foreseen, g->err));
    assert_has(g->err, "provgate's service user");
}

ground_test(what_became_of_each_row_can_be_asked_for)
{
    static const char text[] = "userName,externalId\nalice@example.com,x1\nnew@example.com,\nNEW@example.com,\n";
    ground_open(g);
    assert_int_equal(fixture_create(&g->f, "alice.old@example.com", "x1").code, GW_OK);
    ground_close(g);
    assert_run(g, &command_user, "show --app wiki --user alice.old@example.com --json", COMMAND_DONE);
    const char *id = gw_arena_cstr(&g->arena, gw_str_n(g->out.ptr + strlen("{\"id\":\""), GW_IDENT_TEXT));
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--dry-run --rows"), COMMAND_FAILED);
    assert_has(g->out, gw_arena_printf(&g->arena, "line 2: alice@example.com is known already, %s\n", id).ptr);
    assert_has(g->out, "line 3: new@example.com would be created\n");
    assert_has(g->err, "line 4: its userName is that of line 3\n");
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--rows --json"), COMMAND_FAILED);
    assert_has(g->out, "{\"line\":2,\"outcome\":\"matched\",\"userName\":\"alice@example.com\",\"userId\":\"");
    assert_has(g->out, gw_arena_printf(&g->arena, "\"userId\":\"%s\"}\n", id).ptr);
    assert_has(g->out, "{\"line\":3,\"outcome\":\"created\",\"userName\":\"new@example.com\"}\n");
    assert_has(g->out, "{\"line\":4,\"outcome\":\"refused\",\"reason\":\"its userName is that of line 3\"}\n");
    assert_has(g->out, "\"created\":1,\"matched\":1,\"refused\":1,\"dryRun\":false}\n");
}

ground_test(the_column_of_an_export_has_the_primary_address)
{
    assert_import(g, "users.ndjson",
                  "{\"userName\":\"two\",\"emails\":[{\"value\":\"a@x\"},{\"value\":\"b@x\",\"primary\":true}]}\n"
                  "{\"userName\":\"none\",\"emails\":[{\"value\":\"c@x\"},{\"value\":\"d@x\"}]}\n",
                  "", COMMAND_DONE);
    assert_run(g, &command_export, "--app wiki --format csv", COMMAND_DONE);
    assert_has(g->out, ",b@x,");
    assert_has(g->out, ",c@x,");
    assert_false(ground_has(g->out, "a@x"));
}

ground_test(whoever_was_deleted_does_not_come_back_by_an_import)
{
    static const char text[] = "userName,externalId,email\n"
                               "GONE@example.com,,\n"
                               "renamed@example.com,x1,\n"
                               "other@example.com,,gone@example.com\n"
                               "new@example.com,,\n";
    ground_open(g);
    uint64_t seq = fixture_create(&g->f, "gone@example.com", "x1").seq;
    struct store_user user = fixture_user(&g->f, seq);
    struct gw_str address = GW_STR("gone@example.com");
    struct store_user_draft draft = fixture_draft("gone@example.com", "x1", true);
    draft.emails = &address;
    draft.email_count = 1;
    assert_int_equal(fixture_replace(&g->f, seq, user.version, draft).code, GW_OK);
    assert_int_equal(fixture_apply(&g->f, fixture_change(&g->f, STORE_CHANGE_USER_DELETE, seq)).code, GW_OK);
    ground_close(g);
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--dry-run"), COMMAND_FAILED);
    assert_has(g->out, "4 rows: 1 would be created, 0 known already, 3 refused\n");
    assert_int_equal(import(g, "users.csv", GW_STR(text), ""), COMMAND_FAILED);
    assert_has(g->out, "4 rows: 1 created, 0 known already, 3 refused\n");
    assert_has(g->err, "line 2: \"GONE@example.com\" has a name of somebody who was deleted");
    assert_run(g, &command_user, "restore --app wiki --user gone@example.com", COMMAND_DONE);
    assert_int_equal(import(g, "users.csv", GW_STR(text), "--dry-run"), COMMAND_DONE);
    assert_has(g->out, "4 rows: 1 would be created, 3 known already, 0 refused\n");
}

ground_test(a_lock_goes_out_and_comes_in_again)
{
    static const char *const formats[] = {"csv", "ndjson"};
    assert_import(g, "users.csv", "userName\nalice@example.com\nbob@example.com\n", "", COMMAND_DONE);
    assert_run(g, &command_user, "lock --app wiki --user alice@example.com", COMMAND_DONE);
    for (size_t i = 0; i < 2; i++) {
        const char *file = gw_arena_printf(&g->arena, "%s/out.%s", g->folder, formats[i]).ptr;
        assert_run(g, &command_export,
                   gw_arena_printf(&g->arena, "--app wiki --format %s --output %s", formats[i], file).ptr,
                   COMMAND_DONE);
        ground_configure(g, formats[i]);
        assert_ok(store_create(ground_path(g, formats[i]), g->f.max_bytes, &g->f.err), &g->f.err);
        assert_run(g, &command_import, gw_arena_printf(&g->arena, "--app wiki %s", file).ptr, COMMAND_DONE);
        assert_run(g, &command_user, "show --app wiki --user alice@example.com", COMMAND_DONE);
        assert_has(g->out, "state         locked\n");
        assert_run(g, &command_user, "show --app wiki --user bob@example.com", COMMAND_DONE);
        assert_has(g->out, "state         active\n");
        ground_configure(g, "store");
    }
    assert_import(g, "bad.ndjson", "{\"userName\":\"carol@example.com\",\"provgate\":{\"locked\":1}}\n", "",
                  COMMAND_FAILED);
    assert_has(g->err, "provgate.locked is not true or false");
}

ground_test(a_row_of_the_wrong_width_is_refused_and_a_broken_quote_ends_the_file)
{
    assert_import(g, "users.csv", "\xEF\xBB\xBFuserName,title\na,b\nc\nd,e\n\"f,g\n", "", COMMAND_FAILED);
    assert_has(g->out, "3 rows: 2 created, 0 known already, 1 refused\n");
    assert_has(g->err, "line 3: 1 fields instead of 2\n");
    assert_has(g->err, "line 5: a quoted field does not end");
}

ground_test(a_line_that_is_too_long_is_refused_and_the_next_one_read)
{
    size_t size = 600 * 1024;
    char *line = gw_arena_alloc(&g->arena, size);
    memset(line, 'x', size);
    struct gw_str text =
        gw_arena_printf(&g->arena, "{\"userName\":\"%.*s\"}\n{\"userName\":\"short\"}\n", (int)size, line);
    assert_int_equal(import(g, "users.ndjson", text, ""), COMMAND_FAILED);
    assert_has(g->out, "2 rows: 1 created, 0 known already, 1 refused\n");
    assert_has(g->err, "line 1: the line is longer than");
}

ground_test(many_rows_come_in_and_go_out_again)
{
    GW_BUF_SCOPED(text, 8u << 20);
    gw_buf_add_lit(&text, "userName,externalId,givenName\n");
    for (int i = 0; i < 3000; i++)
        gw_buf_printf(&text, "user%d@example.com,x%d,\"G, \"\"%d\"\"\"\n", i, i, i);
    assert_int_equal(import(g, "users.csv", gw_buf_str(&text), ""), COMMAND_DONE);
    assert_has(g->out, "3000 rows: 3000 created");
    assert_run(g, &command_export, "--app wiki --format csv", COMMAND_DONE);
    struct gw_str csv = g->out;
    assert_run(g, &command_export, "--app wiki", COMMAND_DONE);
    struct gw_str ndjson = g->out;
    assert_has(ndjson, "\"provgate\":{\"locked\":false,\"observed\":false,");
    /* both forms into another folder give the same users */
    ground_write(ground_path(g, "out.csv"), csv);
    assert_run(g, &command_import, gw_arena_printf(&g->arena, "--app strict %s", ground_path(g, "out.csv")).ptr,
               COMMAND_DONE);
    assert_has(g->out, "3000 rows: 3000 created");
    ground_write(ground_path(g, "out.ndjson"), ndjson);
    assert_run(g, &command_import, gw_arena_printf(&g->arena, "--app strict %s", ground_path(g, "out.ndjson")).ptr,
               COMMAND_DONE);
    assert_has(g->out, "3000 rows: 0 created, 3000 known already");
    assert_run(g, &command_user, "show --app strict --user user2999@example.com --json", COMMAND_DONE);
    assert_has(g->out, "\"givenName\":\"G, \\\"2999\\\"\"");
}

ground_test(two_exports_to_one_file_are_not_mixed)
{
    const char *words = gw_arena_printf(&g->arena, "--app wiki --output %s", ground_path(g, "out.ndjson")).ptr;
    struct stat info;
    int fd = open(ground_path(g, "out.ndjson.part"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(write(fd, "{", 1), 1);
    assert_run(g, &command_export, words, COMMAND_FAILED);
    assert_has(g->err, "another export writes it");
    assert_str_equal(ground_read(g, ground_path(g, "out.ndjson.part")), "{");
    assert_int_equal(stat(ground_path(g, "out.ndjson"), &info), -1);
    assert_int_equal(close(fd), 0); /* it was killed */
    assert_run(g, &command_export, words, COMMAND_DONE);
    assert_int_equal(stat(ground_path(g, "out.ndjson.part"), &info), -1);
}

ground_test(a_file_system_without_links_takes_an_export_as_well)
{
    const char *words = gw_arena_printf(&g->arena, "--app wiki --output %s", ground_path(g, "out.ndjson")).ptr;
    struct stat info;
    has_no_links = true;
    assert_run(g, &command_export, words, COMMAND_DONE);
    has_no_links = false;
    assert_int_equal(stat(ground_path(g, "out.ndjson"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(ground_path(g, "out.ndjson.part"), &info), -1);
}

ground_test(an_export_file_is_private_and_overwrites_nothing)
{
    assert_import(g, "users.csv", "userName\na\n", "", COMMAND_DONE);
    const char *words = gw_arena_printf(&g->arena, "--app wiki --output %s", ground_path(g, "out.ndjson")).ptr;
    assert_run(g, &command_export, words, COMMAND_DONE);
    struct stat info;
    assert_int_equal(stat(ground_path(g, "out.ndjson"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(info.st_size > 0);
    assert_int_equal(stat(ground_path(g, "out.ndjson.part"), &info), -1);
    assert_run(g, &command_export, words, COMMAND_FAILED);
    assert_has(g->err, "is there already");
    assert_run(g, &command_export, "--app wiki --format xml", COMMAND_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_users_that_a_sign_on_and_a_post_adopt),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(a_dry_run_says_the_same_and_changes_nothing),
        cmocka_unit_test(wrong_rows_are_refused_by_line_and_the_others_come_in),
        cmocka_unit_test(files_that_cannot_be_meant_bring_in_nothing),
        cmocka_unit_test(what_cannot_be_stored_is_refused_by_a_dry_run_as_well),
        cmocka_unit_test(what_became_of_each_row_can_be_asked_for),
        cmocka_unit_test(the_column_of_an_export_has_the_primary_address),
        cmocka_unit_test(whoever_was_deleted_does_not_come_back_by_an_import),
        cmocka_unit_test(a_lock_goes_out_and_comes_in_again),
        cmocka_unit_test(a_row_of_the_wrong_width_is_refused_and_a_broken_quote_ends_the_file),
        cmocka_unit_test(a_line_that_is_too_long_is_refused_and_the_next_one_read),
        cmocka_unit_test(many_rows_come_in_and_go_out_again),
        cmocka_unit_test(two_exports_to_one_file_are_not_mixed),
        cmocka_unit_test(a_file_system_without_links_takes_an_export_as_well),
        cmocka_unit_test(an_export_file_is_private_and_overwrites_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
