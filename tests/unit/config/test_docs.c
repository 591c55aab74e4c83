/* Every key of the tables stands in docs/configuration.md, with its default, and no other key does. */
#include "tests/support/unit.h"

#include "config/keys.h"

#include <stdio.h>

static char page[256 * 1024];

static int read_page(void **state)
{
    (void)state;
    FILE *file = fopen(PROVGATE_SOURCE_DIR "/docs/configuration.md", "r");
    if (file == NULL)
        return -1;
    size_t len = fread(page, 1, sizeof page - 1, file);
    (void)fclose(file);
    page[len] = '\0';
    return 0;
}

/* The row of a table: "| `key` |". */
static const char *row_of(struct gw_arena *arena, const char *key)
{
    return strstr(page, gw_arena_printf(arena, "| `%s` |", key).ptr);
}

static size_t count_missing(struct gw_arena *arena, const struct config_mapping *mapping, size_t *ret_keys)
{
    size_t missing = 0;
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct config_field *field = &mapping->fields[i];
        ++*ret_keys;
        bool is_there = row_of(arena, field->key) != NULL;
        if (!is_there)
            print_error("%s: %s is not in docs/configuration.md\n", mapping->name, field->key);
        missing += !is_there;
        if (field->mapping != NULL)
            missing += count_missing(arena, field->mapping, ret_keys);
    }
    return missing;
}

static void every_key_is_on_the_page(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    size_t keys = 0;
    assert_int_equal(count_missing(&arena, &config_top_mapping, &keys), 0);
    assert_true(keys > 70);
}

static bool is_key(const struct config_mapping *mapping, struct gw_str name)
{
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct config_field *field = &mapping->fields[i];
        if (gw_str_eq(gw_str_from(field->key), name) || (field->mapping != NULL && is_key(field->mapping, name)))
            return true;
    }
    return false;
}

static void every_key_on_the_page_is_one(void **state)
{
    (void)state;
    static const char opening[] = "\n| `";
    size_t wrong = 0;
    size_t rows = 0;
    for (const char *row = strstr(page, opening); row != NULL; row = strstr(row + 1, opening), rows++) {
        const char *name = row + strlen(opening);
        struct gw_str key = gw_str_n(name, strcspn(name, "`\n"));
        if (is_key(&config_top_mapping, key))
            continue;
        print_error("%.*s is no key\n", GW_STR_ARG(key));
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_true(rows > 70);
}

/* A key may stand in several tables; one of its rows must name the default. */
static bool names_default(struct gw_arena *arena, const char *key, const char *fallback)
{
    struct gw_str wanted = gw_arena_printf(arena, "| `%s` |", fallback);
    for (const char *row = row_of(arena, key); row != NULL;) {
        const char *end = strchr(row, '\n');
        struct gw_str line = gw_str_n(row, end != NULL ? (size_t)(end - row) : strlen(row));
        if (strstr(gw_arena_cstr(arena, line), wanted.ptr) != NULL)
            return true;
        row = strstr(row + 1, gw_arena_printf(arena, "| `%s` |", key).ptr);
    }
    return false;
}

static size_t count_wrong_defaults(struct gw_arena *arena, const struct config_mapping *mapping)
{
    size_t wrong = 0;
    for (size_t i = 0; i < mapping->field_count; i++) {
        const struct config_field *field = &mapping->fields[i];
        bool ok = field->fallback == NULL || names_default(arena, field->key, field->fallback);
        if (!ok)
            print_error("%s: %s has the default %s, the page says otherwise\n", mapping->name, field->key,
                        field->fallback);
        wrong += !ok;
        if (field->mapping != NULL)
            wrong += count_wrong_defaults(arena, field->mapping);
    }
    return wrong;
}

static void every_default_on_the_page_is_the_one_in_the_tables(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    assert_int_equal(count_wrong_defaults(&arena, &config_top_mapping), 0);
}

static void every_stripped_header_is_on_the_page(void **state)
{
    (void)state;
    for (const char *const *name = config_strip_headers_default; *name != NULL; name++)
        assert_non_null(strstr(page, *name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_on_the_page),
        cmocka_unit_test(every_key_on_the_page_is_one),
        cmocka_unit_test(every_default_on_the_page_is_the_one_in_the_tables),
        cmocka_unit_test(every_stripped_header_is_on_the_page),
    };
    return cmocka_run_group_tests(tests, read_page, NULL);
}
