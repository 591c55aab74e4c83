#include "tests/support/unit.h"

#include "gateway/json/parse.h"
#include "gateway/json/value.h"
#include "gateway/sso/refusal.h"

#define FIELD(n, v)                                                                                                    \
    {                                                                                                                  \
        GW_STR_INIT(n), GW_STR_INIT(v)                                                                                 \
    }

struct caller_row {
    const char *method;
    struct http_field field;
    bool wants_json;
    bool navigates;
};

static void callers_are_told_apart(void **state)
{
    (void)state;
    struct caller_row rows[] = {
        {"GET", FIELD("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"), false, true},
        {"GET", FIELD("Accept", "application/json, text/plain, */*"), true, false},
        {"GET", FIELD("Accept", "application/problem+JSON"), true, false},
        {"GET", FIELD("Accept", "text/html, application/json"), false, true},
        {"GET", FIELD("Accept", "*/*"), false, false},
        {"GET", FIELD("Sec-Fetch-Dest", "empty"), true, false},
        {"GET", FIELD("Sec-Fetch-Mode", "navigate"), false, true},
        {"POST", FIELD("Sec-Fetch-Mode", "navigate"), false, false},
        {"GET", FIELD("X-Requested-With", "XMLHttpRequest"), true, false},
        {"POST", FIELD("Accept", "text/html"), false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request = {
            .method = gw_str_from(rows[i].method), .fields = &rows[i].field, .field_count = 1};
        assert_int_equal(sso_request_wants_json(&request), rows[i].wants_json);
        assert_int_equal(sso_request_is_navigation(&request), rows[i].navigates);
    }
}

static bool contains(struct gw_str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void nothing_that_is_put_into_a_page_is_markup(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, SSO_REFUSAL_BYTES_MAX);
    struct sso_refusal_text text = {.app = GW_STR("<script>alert(1)</script>"),
                                    .reference = GW_STR("\"'><img src=x>"),
                                    .again_url = GW_STR("https://a/\"onload=\"x")};
    sso_refusal_write(&buf, SSO_REFUSAL_REPLAYED, false, &text);
    assert_false(contains(gw_buf_str(&buf), "<script"));
    assert_false(contains(gw_buf_str(&buf), "<img"));
    assert_false(contains(gw_buf_str(&buf), "\"onload"));
    assert_true(contains(gw_buf_str(&buf), "&lt;script&gt;"));
    assert_true(contains(gw_buf_str(&buf), "Sign in again"));
}

static void every_refusal_has_a_status_a_page_and_json_with_the_reference(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SSO_REFUSAL_COUNT; i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(page, SSO_REFUSAL_BYTES_MAX);
        GW_BUF_SCOPED(json, SSO_REFUSAL_BYTES_MAX);
        struct sso_refusal_text text = {.app = GW_STR("wiki"), .reference = GW_STR("abc-1")};
        assert_in_range(sso_refusal_status((enum sso_refusal)i), 400, 503);
        sso_refusal_write(&page, (enum sso_refusal)i, false, &text);
        assert_true(contains(gw_buf_str(&page), "abc-1"));
        sso_refusal_write(&json, (enum sso_refusal)i, true, &text);
        assert_false(page.overflow || json.overflow);
        struct json_value *value;
        struct gw_error err;
        assert_int_equal(json_parse(&arena, gw_buf_str(&json), &JSON_LIMITS_BODY, &value, &err), GW_OK);
        const struct json_value *error = json_object_get(value, GW_STR("error"));
        assert_true(json_is(error, JSON_STRING));
        unit_assert_str(error->text, gw_str_from(sso_refusal_name((enum sso_refusal)i)), __FILE__, __LINE__);
        assert_str_equal(json_object_get(value, GW_STR("reference"))->text, "abc-1");
    }
}

static void an_error_page_carries_status_and_sentence(void **state)
{
    (void)state;
    GW_BUF_SCOPED(buf, SSO_REFUSAL_BYTES_MAX);
    sso_error_write(&buf, 502, false, GW_STR("a <b>"), GW_STR("r1"));
    assert_true(contains(gw_buf_str(&buf), "502 Bad Gateway"));
    assert_true(contains(gw_buf_str(&buf), "a &lt;b&gt;"));
    gw_buf_clear(&buf);
    sso_error_write(&buf, 502, true, GW_STR("say \"x\"\n"), GW_STR_NONE);
    assert_str_equal(gw_buf_str(&buf), "{\"error\":\"http\",\"message\":\"say \\u0022x\\u0022\\u000a\"}\n");
}

static void the_own_page_is_filled_in_once_and_escaped(void **state)
{
    static const struct {
        const char *page;
        const char *filled;
    } rows[] = {
        {"<p>{{reference}}</p>", "<p>&lt;b&gt;{{app}}</p>"},
        {"{{app}} {{app}}", "wiki wiki"},
        {"{{title}}", "Your access has ended"},
        {"{{contact}}", "it@example.com &amp; co"},
        {"{{ app }}{{nothing}}{{APP}}{", "{{ app }}{{nothing}}{{APP}}{"},
        {"{{{app}}}", "{wiki}"},
        {"{{app", "{{app"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        GW_BUF_SCOPED(buf, SSO_REFUSAL_PAGE_BYTES_MAX);
        struct sso_refusal_text text = {.app = GW_STR("wiki"),
                                        .reference = GW_STR("<b>{{app}}"),
                                        .contact = GW_STR("it@example.com & co"),
                                        .page = gw_str_from(rows[i].page)};
        sso_refusal_page_fill(&buf, SSO_REFUSAL_INACTIVE, &text);
        unit_assert_str(gw_buf_str(&buf), gw_str_from(rows[i].filled), __FILE__, __LINE__);
    }
}

/* A page of nothing but placeholders grows beyond its cap: the mark says so, and the built-in page is shown. */
static void a_page_that_comes_out_too_large_is_marked(void **state)
{
    (void)state;
    GW_BUF_SCOPED(page, CONFIG_REFUSAL_PAGE_BYTES_MAX);
    while (page.len + 7 <= CONFIG_REFUSAL_PAGE_BYTES_MAX)
        gw_buf_add_lit(&page, "{{app}}");
    GW_BUF_SCOPED(buf, SSO_REFUSAL_PAGE_BYTES_MAX);
    struct sso_refusal_text text = {.app = GW_STR("a-rather-long-name-of-an-app"), .page = gw_buf_str(&page)};
    sso_refusal_page_fill(&buf, SSO_REFUSAL_INACTIVE, &text);
    assert_true(buf.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_are_told_apart),
        cmocka_unit_test(nothing_that_is_put_into_a_page_is_markup),
        cmocka_unit_test(every_refusal_has_a_status_a_page_and_json_with_the_reference),
        cmocka_unit_test(an_error_page_carries_status_and_sentence),
        cmocka_unit_test(the_own_page_is_filled_in_once_and_escaped),
        cmocka_unit_test(a_page_that_comes_out_too_large_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
