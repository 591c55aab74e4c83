/* security.md G10: what may be in the body of a sign-on, and what two parsers would read differently. */
#include "gateway/saml/saml_scan.h"
#include "gateway/sso/form.h"
#include "tests/support/unit.h"

static const struct {
    const char *body, *response, *relay_state;
} good[] = {
    {"SAMLResponse=QUJD", "QUJD", NULL},
    {"SAMLResponse=QUI%3D&RelayState=%2Fwiki%3Fa%3D1%26b%3Dc+d", "QUI=", "/wiki?a=1&b=c d"},
    {"RelayState=&SAMLResponse=QQ%3d%3d", "QQ==", ""},
    {"SAMLResponse=QQ==", "QQ==", NULL},
    {"&&SAMLResponse=QUJD&", "QUJD", NULL},
    {"submit=Continue&SAMLResponse=QUJD&utf8=%E2%9C%93&empty", "QUJD", NULL},
    {"SAMLResponse=QUJD%0D%0AQUJD", "QUJD\r\nQUJD", NULL},
};

static void bodies_of_browsers_are_read(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sso_form form;
        assert_int_equal(sso_form_parse(&arena, gw_str_from(good[i].body), &form, NULL), GW_OK);
        assert_true(gw_str_eq(form.saml_response, gw_str_from(good[i].response)));
        assert_int_equal(form.relay_state.ptr == NULL, good[i].relay_state == NULL);
        assert_true(gw_str_eq(form.relay_state, gw_str_from(good[i].relay_state)));
    }
}

static const char *const bad[] = {
    "",
    "RelayState=x",
    "SAMLResponse",
    "SAMLResponse=",
    "SAMLResponse=QUJD&SAMLResponse=QUJD",
    "SAMLResponse=QUJD&RelayState=a&RelayState=b",
    "samlresponse=QUJD",
    "SAMLResponse=QUJD&samlresponse=QUJE",
    "SAMLResponse=QUJD&%53AMLResponse=QUJE",
    "SAMLResponse=QUJD&%2553AMLResponse=QUJE",
    "SAMLResponse=QUJD&SAMLResponse%00=QUJE",
    "SAMLResponse=QUJD&+SAMLResponse=QUJE",
    "SAMLResponse=QUJD&SAMLResponse[]=QUJE",
    "SAMLResponse=QUJD&SAMLResponse%5B0%5D=QUJE",
    "SAMLResponse=QUJD&x[SAMLResponse]=QUJE",
    "SAMLResponse=QUJD&SAMLRequest=QUJE",
    "SAMLResponse=QUJD&SAMLart=QUJE",
    "SAMLResponse=QUJD&relaystate=x",
    "SAMLResponse=QUJD&_charset_=utf-7",
    "a=b;SAMLResponse=QUJD",
    "SAMLResponse=QUJD;SAMLResponse=QUJE",
    "SAMLResponse=QUJD%",
    "SAMLResponse=QUJD%4",
    "SAMLResponse=QUJD%zz",
    "SAMLResponse=QUJD QUJD",
    "SAMLResponse=QUJD\r\n",
    "SAMLResponse=QU\xc3\xa9",
    "--x\r\nContent-Disposition: form-data; name=\"SAMLResponse\"\r\n\r\nQUJD\r\n--x--",
};

static void g10_bodies_of_two_readings_are_refused(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sso_form form;
        struct gw_error err = {0};
        if (sso_form_parse(&arena, gw_str_from(bad[i]), &form, &err) != GW_E_BAD_REQUEST)
            fail_msg("taken: %s", bad[i]);
        assert_null(form.saml_response.ptr);
        assert_null(strstr(err.text, "QUJ"));
    }
}

static void g10_sizes_have_caps(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    char *body = gw_arena_alloc(&arena, SSO_FORM_BYTES_MAX + 2);
    memset(body, 'A', SSO_FORM_BYTES_MAX + 1);
    memcpy(body, "SAMLResponse=", 13);
    struct sso_form form;
    assert_int_equal(sso_form_parse(&arena, gw_str_n(body, SSO_FORM_BYTES_MAX), &form, NULL), GW_OK);
    assert_int_equal(sso_form_parse(&arena, gw_str_n(body, SSO_FORM_BYTES_MAX + 1), &form, NULL), GW_E_TOO_LARGE);
    struct gw_str pairs = GW_STR("SAMLResponse=QUJD");
    for (int i = 0; i < SSO_FORM_PAIRS_MAX; i++)
        pairs = gw_arena_printf(&arena, "%.*s&a=b", GW_STR_ARG(pairs));
    assert_int_equal(sso_form_parse(&arena, pairs, &form, NULL), GW_E_BAD_REQUEST);
}

static const struct {
    const char *content_type, *content_encoding;
    bool taken;
} heads[] = {
    {"application/x-www-form-urlencoded", NULL, true},
    {"Application/X-WWW-Form-Urlencoded", NULL, true},
    {"application/x-www-form-urlencoded;charset=UTF-8", NULL, true},
    {"application/x-www-form-urlencoded; charset=\"utf-8\"", NULL, true},
    {"application/x-www-form-urlencoded ; charset=ISO-8859-1", NULL, true},
    {"application/x-www-form-urlencoded;", NULL, true},
    {"application/x-www-form-urlencoded", "identity", true},
    {"application/x-www-form-urlencoded", "gzip", false},
    {"application/x-www-form-urlencoded", "", false},
    {"application/x-www-form-urlencoded; charset=utf-16", NULL, false},
    {"application/x-www-form-urlencoded; charset=ibm037", NULL, false},
    {"application/x-www-form-urlencoded; charset=utf-8; charset=utf-7", NULL, false},
    {"application/x-www-form-urlencoded; boundary=x", NULL, false},
    {"multipart/form-data; boundary=x", NULL, false},
    {"text/plain", NULL, false},
    {"application/x-www-form-urlencoded, text/plain", NULL, false},
    {"", NULL, false},
};

static void g10_heads_of_other_bodies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct gw_str type = gw_str_from(heads[i].content_type);
        struct gw_str encoding = gw_str_from(heads[i].content_encoding);
        struct sso_form_head head = {&type, 1, &encoding, heads[i].content_encoding != NULL};
        if (sso_form_check_head(&head, NULL) != (heads[i].taken ? GW_OK : GW_E_MEDIA_TYPE))
            fail_msg("%s, %s", heads[i].content_type, heads[i].content_encoding);
    }
    struct gw_str twice[] = {GW_STR("application/x-www-form-urlencoded"), GW_STR("application/x-www-form-urlencoded")};
    struct sso_form_head head = {twice, 2, NULL, 0};
    assert_int_equal(sso_form_check_head(&head, NULL), GW_E_MEDIA_TYPE);
    head.content_type_count = 0;
    assert_int_equal(sso_form_check_head(&head, NULL), GW_E_MEDIA_TYPE);
}

static void g10_queries_that_name_a_message_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"SAMLResponse=x",    "a=b&samlresponse=x", "%53AMLResponse",
                                        "%2553AMLResponse=", "SAMLart=x",          "x[SAMLRequest]=y"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(sso_form_query_names_saml(gw_str_from(names[i])));
    static const char *const others[] = {"", "acs=1", "fromURI=https%3A%2F%2Fx%2Fsaml", "a=%&b=%zz"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(sso_form_query_names_saml(gw_str_from(others[i])));
}

static const struct {
    const char *base64, *bytes;
} base64[] = {
    {"QUJD", "ABC"},      {"QUI=", "AB"},
    {"QQ==", "A"},        {"QUJD\nQUJD", "ABCABC"},
    {"QUJD\r\n", "ABC"},  {"QUJD\r\nQQ==\n", "ABCA"},
    {"", NULL},           {"QUJ", NULL},
    {"QQ=", NULL},        {"QQ", NULL},
    {"QR==", NULL},       {"QUJE====", NULL},
    {"QQ==QUJD", NULL},   {"QU JD", NULL},
    {" QUJD", NULL},      {"QU\nJD", NULL},
    {"\nQUJD", NULL},     {"QUJD\rQUJD", NULL},
    {"QUJD\tQUJD", NULL}, {"QU-_", NULL},
    {"QUJD,", NULL},      {"QUJD%3D", NULL},
    {"====", NULL},       {"\n", NULL},
};

static void g10_base64_is_canonical_or_refused(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++) {
        struct gw_str bytes;
        enum gw_code code = saml_base64_decode(&arena, gw_str_from(base64[i].base64), &bytes, NULL);
        if ((code == GW_OK) != (base64[i].bytes != NULL))
            fail_msg("%s", base64[i].base64);
        if (code == GW_OK)
            assert_true(gw_str_eq(bytes, gw_str_from(base64[i].bytes)));
    }
    char *large = gw_arena_alloc(&arena, SAML_BASE64_BYTES_MAX + 4);
    memset(large, 'A', SAML_BASE64_BYTES_MAX + 4);
    struct gw_str bytes;
    assert_int_equal(saml_base64_decode(&arena, gw_str_n(large, SAML_BASE64_BYTES_MAX), &bytes, NULL), GW_OK);
    assert_int_equal(saml_base64_decode(&arena, gw_str_n(large, SAML_BASE64_BYTES_MAX + 4), &bytes, NULL),
                     GW_E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_browsers_are_read),
        cmocka_unit_test(g10_bodies_of_two_readings_are_refused),
        cmocka_unit_test(g10_sizes_have_caps),
        cmocka_unit_test(g10_heads_of_other_bodies_are_refused),
        cmocka_unit_test(g10_queries_that_name_a_message_are_found),
        cmocka_unit_test(g10_base64_is_canonical_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
