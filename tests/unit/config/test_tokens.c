/* Credentials: what is kept, what a value of Authorization stands for, and which files are refused. */
#include "tests/support/unit.h"

#include "config/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char *folder;
    char path[1200];
};

static int set_up(void **state)
{
    struct place *place = gw_alloc(sizeof *place);
    place->folder = unit_folder_new();
    (void)snprintf(place->path, sizeof place->path, "%s/tokens", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    unit_folder_remove(place->folder);
    free(place);
    return 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    (void)unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static size_t read_file(const char *path, char *dst, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(dst, 1, size - 1, file);
    (void)fclose(file);
    dst[len] = '\0';
    return len;
}

static struct gw_str add(const char *path, const char *name, enum token_kind kind, int64_t expires_ms,
                         struct gw_arena *arena)
{
    struct gw_str secret = GW_STR_NONE;
    struct gw_error err = {.text = ""};
    if (token_file_add(path, gw_str_from(name), kind, expires_ms, arena, &secret, &err) != GW_OK)
        fail_msg("%s", err.text);
    return secret;
}

static struct token_set *load(const char *path)
{
    struct token_set *set = NULL;
    struct gw_error err = {.text = ""};
    if (token_set_load(path, &set, &err) != GW_OK)
        fail_msg("%s", err.text);
    return set;
}

#define DIGEST_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define GOOD_LINE "okta bearer " DIGEST_OF_NOTHING " 2026-11-21T22:21:44.123Z"

static void a_new_credential_is_found_and_its_secret_is_not_kept(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_str secret = add(place->path, "okta", TOKEN_BEARER, 0, &arena);
    assert_int_equal(secret.len, 43); /* 256 bits, base64url */
    char text[4096];
    (void)read_file(place->path, text, sizeof text);
    assert_null(strstr(text, secret.ptr));
    struct stat info;
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    struct token_set *set = load(place->path);
    struct gw_str value = gw_arena_printf(&arena, "Bearer %.*s", GW_STR_ARG(secret));
    const struct token *token = token_set_find(set, value, 1);
    assert_non_null(token);
    assert_str_equal(token->name, "okta");
    token_set_free(set);
}

static struct gw_str basic(struct gw_arena *arena, const char *name, struct gw_str secret)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct gw_str pair = gw_arena_printf(arena, "%s:%.*s", name, GW_STR_ARG(secret));
    char *coded = gw_arena_alloc(arena, pair.len * 2 + 8);
    size_t len = 0;
    for (size_t i = 0; i < pair.len; i += 3) {
        uint32_t bits = 0;
        size_t have = pair.len - i < 3 ? pair.len - i : 3;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < have ? (unsigned char)pair.ptr[i + j] : 0u);
        for (size_t j = 0; j < 4; j++)
            coded[len++] = j <= have ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
    }
    return gw_arena_printf(arena, "Basic %.*s", (int)len, coded);
}

static void each_kind_answers_only_to_its_own_form(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    static const char *const names[] = {"b", "r", "c"};
    struct gw_str secrets[3];
    for (int kind = 0; kind < 3; kind++)
        secrets[kind] = add(place->path, names[kind], (enum token_kind)kind, 0, &arena);
    struct token_set *set = load(place->path);
    for (int kind = 0; kind < 3; kind++) {
        struct gw_str forms[3] = {gw_arena_printf(&arena, "Bearer %.*s", GW_STR_ARG(secrets[kind])), secrets[kind],
                                  basic(&arena, names[kind], secrets[kind])};
        for (int form = 0; form < 3; form++) {
            const struct token *token = token_set_find(set, forms[form], 1);
            if (form == kind)
                assert_ptr_equal(token, &set->tokens[kind]);
            else
                assert_null(token);
        }
    }
    assert_null(token_set_find(set, basic(&arena, "b", secrets[TOKEN_BASIC]), 1)); /* another one's name */
    token_set_free(set);
}

static void the_scheme_is_read_without_case_and_the_secret_with(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_str secret = add(place->path, "okta", TOKEN_BEARER, 0, &arena);
    struct token_set *set = load(place->path);
    static const struct {
        const char *format;
        bool found;
    } rows[] = {{"bearer %.*s", true},     {"BEARER %.*s", true},   {"Bearer  %.*s", true},    {" Bearer %.*s ", true},
                {"Bearer%.*s", false},     {"Bearer\t%.*s", false}, {"Bearer %.*sx", false},   {"Bearer x%.*s", false},
                {"Bearer %.*s, a", false}, {"Token %.*s", false},   {"Bearer \"%.*s\"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char value[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(value, sizeof value, rows[i].format, GW_STR_ARG(secret));
#pragma GCC diagnostic pop
        assert_int_equal(token_set_find(set, gw_str_from(value), 1) != NULL, rows[i].found);
    }
    struct gw_str lower = gw_arena_lower(&arena, secret);
    assert_false(gw_str_eq(lower, secret));
    assert_null(token_set_find(set, gw_arena_printf(&arena, "Bearer %.*s", GW_STR_ARG(lower)), 1));
    static const char *const nothing[] = {"", " ", "Bearer", "Bearer ", "Basic", "Basic ", "Basic !!!!", "Basic Ym9i"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_null(token_set_find(set, gw_str_from(nothing[i]), 1));
    token_set_free(set);
}

static void a_secret_that_differs_in_one_byte_is_not_found(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_str secret = add(place->path, "okta", TOKEN_RAW, 0, &arena);
    struct token_set *set = load(place->path);
    for (size_t i = 0; i < secret.len; i++) {
        struct gw_str other = gw_arena_copy(&arena, secret);
        ((char *)(uintptr_t)other.ptr)[i] ^= 1;
        assert_null(token_set_find(set, other, 1));
    }
    assert_non_null(token_set_find(set, secret, 1));
    token_set_free(set);
}

static void an_expired_credential_is_not_found(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_str secret = add(place->path, "okta", TOKEN_RAW, 1800000000000, &arena);
    struct token_set *set = load(place->path);
    assert_non_null(token_set_find(set, secret, 1799999999999));
    assert_null(token_set_find(set, secret, 1800000000000));
    token_set_free(set);
}

static void old_and_new_are_both_valid_until_the_old_is_removed(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    struct gw_str old = add(place->path, "old", TOKEN_RAW, 0, &arena);
    struct gw_str new = add(place->path, "new", TOKEN_RAW, 0, &arena);
    struct token_set *set = load(place->path);
    assert_true(token_set_find(set, old, 1) != NULL && token_set_find(set, new, 1) != NULL);
    token_set_free(set);
    assert_int_equal(token_file_remove(place->path, GW_STR("old"), &err), GW_OK);
    set = load(place->path);
    assert_null(token_set_find(set, old, 1));
    assert_non_null(token_set_find(set, new, 1));
    token_set_free(set);
    assert_int_equal(token_file_remove(place->path, GW_STR("old"), &err), GW_E_NOT_FOUND);
}

static void a_name_is_given_once_and_has_a_shape(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    struct gw_error err;
    struct gw_str secret;
    (void)add(place->path, "okta", TOKEN_BEARER, 0, &arena);
    assert_int_equal(token_file_add(place->path, GW_STR("okta"), TOKEN_RAW, 0, &arena, &secret, &err), GW_E_UNIQUENESS);
    static const char *const bad[] = {"",   "a b", "a\nb",
                                      "#a", "ä",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(token_file_add(place->path, gw_str_from(bad[i]), TOKEN_RAW, 0, &arena, &secret, &err),
                         GW_E_USAGE);
}

/* security.md D7 */
static void a_file_that_is_not_right_is_named_and_its_content_is_not(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        const char *reason;
    } rows[] = {
        {GOOD_LINE "\n", 0644, "everybody may read or change it (mode 0644)"},
        {GOOD_LINE "\n", 0602, "everybody may read or change it"},
        {GOOD_LINE, 0600, "the last line is not complete"},
        {GOOD_LINE "\n\n", 0600, ":2: not a credential"},
        {"hunter2hunter2hunter2\n", 0600, ":1: not a credential"},
        {"okta bearer hunter2 2026-11-21T22:21:44.123Z\n", 0600, ":1: not a credential"},
        {"# note\nokta bear " DIGEST_OF_NOTHING " 2026-11-21T22:21:44.123Z\n", 0600, ":2: not a credential"},
        {"okta bearer " DIGEST_OF_NOTHING "\n", 0600, ":1: not a credential"},
        {"okta bearer " DIGEST_OF_NOTHING " yesterday\n", 0600, ":1: not a credential"},
        {GOOD_LINE " \n", 0600, ":1: not a credential"},
        {GOOD_LINE " scope=all\n", 0600, ":1: not a credential"},
        {GOOD_LINE " scope=read 2026-11-21T22:21:44.123Z\n", 0600, ":1: not a credential"},
        {GOOD_LINE " scope=read scope=read\n", 0600, ":1: not a credential"},
        {GOOD_LINE " hunter2\n", 0600, ":1: not a credential"},
        {GOOD_LINE "\n" GOOD_LINE "\n", 0600, ":2: the name okta is given twice"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_set *set = NULL;
        struct gw_error err = {.text = ""};
        write_file(place->path, rows[i].text, rows[i].mode);
        assert_int_equal(token_set_load(place->path, &set, &err), GW_E_CONFIG);
        assert_ptr_equal(strstr(err.text, place->path), err.text);
        assert_non_null(strstr(err.text, rows[i].reason));
        assert_null(strstr(err.text, "hunter2"));
        assert_null(strstr(err.text, "e3b0"));
    }
}

static void an_empty_file_is_a_set_of_none(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {"", "# only a note\n"};
    for (size_t i = 0; i < 2; i++) {
        write_file(place->path, texts[i], 0600);
        struct token_set *set = load(place->path);
        assert_int_equal(set->count, 0);
        assert_null(token_set_find(set, GW_STR("Bearer x"), 1));
        token_set_free(set);
    }
}

static void a_missing_file_and_a_folder_are_told_apart(void **state)
{
    struct place *place = *state;
    struct token_set *set = NULL;
    struct gw_error err;
    assert_int_equal(token_set_load(place->path, &set, &err), GW_E_NOT_FOUND);
    assert_int_equal(mkfifo(place->path, 0600), 0); /* must not wait for a writer */
    assert_int_equal(token_set_load(place->path, &set, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "is not a file"));
    assert_int_equal(token_set_load(place->folder, &set, &err), GW_E_CONFIG);
}

static void more_than_the_cap_is_refused(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < TOKENS_MAX; i++)
        assert_true(fprintf(file, "t%u%s", i, " raw " DIGEST_OF_NOTHING " 2026-11-21T22:21:44Z\n") > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(place->path, 0600), 0);
    struct token_set *set = load(place->path);
    assert_int_equal(set->count, TOKENS_MAX);
    token_set_free(set);
    struct gw_str secret;
    struct gw_error err;
    assert_int_equal(token_file_add(place->path, GW_STR("more"), TOKEN_RAW, 0, &arena, &secret, &err), GW_E_CONFIG);
    assert_non_null(strstr(err.text, "revoke some"));
}

static void changing_keeps_mode_notes_and_symbolic_links(void **state)
{
    struct place *place = *state;
    GW_ARENA_SCOPED(arena);
    const char *target = gw_arena_printf(&arena, "%s/real", place->folder).ptr;
    write_file(target, "# a note\n" GOOD_LINE "\n", 0640);
    assert_int_equal(symlink(target, place->path), 0);
    (void)add(place->path, "two", TOKEN_RAW, 0, &arena);
    struct gw_error err;
    assert_int_equal(token_file_remove(place->path, GW_STR("okta"), &err), GW_OK);
    struct stat info;
    assert_int_equal(lstat(place->path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    char text[4096];
    (void)read_file(target, text, sizeof text);
    assert_ptr_equal(strstr(text, "# a note\n"), text);
    assert_null(strstr(text, "okta"));
    assert_non_null(strstr(text, "two raw "));
}

static void touch_makes_a_missing_file_and_leaves_one_that_is_there(void **state)
{
    struct place *place = *state;
    struct gw_error err;
    bool is_made = false;
    assert_int_equal(token_file_touch(place->path, &is_made, &err), GW_OK);
    assert_true(is_made);
    struct token_set *set = load(place->path);
    assert_int_equal(set->count, 0);
    token_set_free(set);
    assert_int_equal(token_file_touch(place->path, &is_made, &err), GW_OK);
    assert_false(is_made);
}

/* Two operators at once: neither loses the other's line. */
static void additions_from_many_processes_are_all_kept(void **state)
{
    struct place *place = *state;
    enum { PROCESSES = 8, EACH = 4 };
    for (int p = 0; p < PROCESSES; p++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
            continue;
        GW_ARENA_SCOPED(arena);
        for (int i = 0; i < EACH; i++) {
            struct gw_str secret;
            struct gw_str name = gw_arena_printf(&arena, "p%d-%d", p, i);
            if (token_file_add(place->path, name, TOKEN_RAW, 0, &arena, &secret, NULL) != GW_OK)
                _exit(1);
        }
        _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = -1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct token_set *set = load(place->path);
    assert_int_equal(set->count, PROCESSES * EACH);
    token_set_free(set);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_new_credential_is_found_and_its_secret_is_not_kept),
        CASE(each_kind_answers_only_to_its_own_form),
        CASE(the_scheme_is_read_without_case_and_the_secret_with),
        CASE(a_secret_that_differs_in_one_byte_is_not_found),
        CASE(an_expired_credential_is_not_found),
        CASE(old_and_new_are_both_valid_until_the_old_is_removed),
        CASE(a_name_is_given_once_and_has_a_shape),
        CASE(a_file_that_is_not_right_is_named_and_its_content_is_not),
        CASE(an_empty_file_is_a_set_of_none),
        CASE(a_missing_file_and_a_folder_are_told_apart),
        CASE(more_than_the_cap_is_refused),
        CASE(changing_keeps_mode_notes_and_symbolic_links),
        CASE(touch_makes_a_missing_file_and_leaves_one_that_is_there),
        CASE(additions_from_many_processes_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
