/* CSV by RFC 4180: what is right gives the fields, what is wrong names the line. */
#include "tests/support/unit.h"

#include "gateway/command/csv.h"

#include <stdlib.h>

/* Fields as "a|b|c;" with the line of each record before it. */
static bool on_record(const struct gw_str *fields, size_t count, uint64_t line, void *data)
{
    struct gw_buf *text = data;
    gw_buf_printf(text, "%d:", (int)line);
    for (size_t i = 0; i < count; i++)
        gw_buf_printf(text, "%s%.*s", i > 0 ? "|" : "", GW_STR_ARG(fields[i]));
    gw_buf_add_byte(text, ';');
    return true;
}

static enum gw_code read_text(struct gw_str input, struct gw_buf *text, struct gw_error *err)
{
    struct csv csv;
    bool stopped = false;
    csv_init(&csv);
    enum gw_code code = csv_feed(&csv, input, on_record, text, &stopped, err);
    if (code == GW_OK)
        code = csv_end(&csv, on_record, text, err);
    csv_done(&csv);
    return code;
}

static void right_files_give_their_fields(void **state)
{
    static const struct {
        const char *input;
        const char *records;
    } rows[] = {
        {"", ""},
        {"a,b\r\nc,d\r\n", "1:a|b;2:c|d;"},
        {"a,b\nc,d", "1:a|b;2:c|d;"},
        {"a\n\n\r\nb\n", "1:a;4:b;"},
        {",\n", "1:|;"},
        {"\"\"\r\n", "1:;"},
        {"\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d;"},
        {"\"a\r\nb\",c\nd,e\n", "1:a\r\nb|c;3:d|e;"},
        {" a , b \n", "1: a | b ;"}, /* blanks are part of a field */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_error err = {.text = ""};
        GW_BUF_SCOPED(text, 4096);
        if (read_text(gw_str_from(rows[i].input), &text, &err) != GW_OK)
            fail_msg("%s: %s", rows[i].input, err.text);
        assert_str_equal(gw_buf_str(&text), rows[i].records);
    }
}

static void wrong_files_name_the_line(void **state)
{
    static const struct {
        const char *input;
        const char *error;
    } rows[] = {
        {"a\nb\"c\n", "line 2: a quote inside of a field that does not begin with one"},
        {"\"a\"b\n", "line 1: a quoted field goes on behind its closing quote"},
        {"a\n\"b\n\n\n", "line 2: a quoted field does not end"},
        {"a\rb\n", "line 1: a carriage return without a line feed"},
        {"a\r", "line 1: a carriage return without a line feed"},
        {"\r", "line 1: a carriage return without a line feed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_error err = {.text = ""};
        GW_BUF_SCOPED(text, 4096);
        assert_int_equal(read_text(gw_str_from(rows[i].input), &text, &err), GW_E_INVALID_SYNTAX);
        assert_str_equal(gw_str_from(err.text), rows[i].error);
    }
}

static void what_passes_a_cap_is_refused(void **state)
{
    struct gw_error err = {.text = ""};
    char *input = malloc(CSV_RECORD_BYTES_MAX + 2);
    (void)state;
    assert_non_null(input);
    GW_BUF_SCOPED(text, 2 * CSV_RECORD_BYTES_MAX);
    memset(input, 'x', CSV_RECORD_BYTES_MAX + 2);
    assert_int_equal(read_text(gw_str_n(input, CSV_RECORD_BYTES_MAX), &text, &err), GW_OK);
    assert_int_equal(read_text(gw_str_n(input, CSV_RECORD_BYTES_MAX + 1), &text, &err), GW_E_INVALID_SYNTAX);
    memset(input, ',', CSV_FIELDS_MAX);
    assert_int_equal(read_text(gw_str_n(input, CSV_FIELDS_MAX - 1), &text, &err), GW_OK);
    assert_int_equal(read_text(gw_str_n(input, CSV_FIELDS_MAX), &text, &err), GW_E_INVALID_SYNTAX);
    assert_int_equal(read_text(GW_STR("a\0b"), &text, &err), GW_E_INVALID_SYNTAX);
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_files_give_their_fields),
        cmocka_unit_test(wrong_files_name_the_line),
        cmocka_unit_test(what_passes_a_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
