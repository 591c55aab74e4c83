/* The caps and refusals of the scan, at their edges. */
#include "gateway/base/buf.h"
#include "gateway/saml/saml_scan.h"
#include "tests/support/unit.h"

static bool is_taken(struct gw_str xml)
{
    struct gw_error err = {0};
    enum gw_code code = saml_scan(xml, &err);
    assert_true(code == GW_OK || (code == GW_E_BAD_REQUEST && err.text[0] != '\0'));
    return code == GW_OK;
}

static const struct {
    const char *xml;
    bool taken;
} documents[] = {
    {"<a/>", true},
    {"<a></a>\n", true},
    {"<a b='>' c=\"/>\">x &amp; y</a>", true},
    {"<?xml version=\"1.0\"?><a/>", true},
    {"<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?>\r\n<a/>", true},
    {"<a>\xc3\xa9\xf0\x9f\x98\x80\t\r\n</a>", true},
    {"", false},
    {"<", false},
    {"<a", false},
    {"<a>", false},
    {"</a>", false},
    {"<a/></a>", false},
    {"<a/><b/>", false},
    {"x<a/>", false},
    {"<a/>x", false},
    {"<a b=\"></a>", false},
    {"<a b=\"<\"/>", false},
    {"<a <b/>></a>", false},
    {"<!DOCTYPE a><a/>", false},
    {"<a><!-- x --></a>", false},
    {"<a><![CDATA[x]]></a>", false},
    {"<a><?x?></a>", false},
    {" <?xml version=\"1.0\"?><a/>", false},
    {"<?xml version=\"1.1\"?><a/>", false},
    {"<?xml encoding=\"UTF-8\"?><a/>", false},
    {"<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", false},
    {"<?xml version=\"1.0\" encoding=\"UTF-8?><a/>", false},
    {"<?xml version=\"1.0\"", false},
    {"<?xmlx version=\"1.0\"?><a/>", false},
    {"<?xml?><a/>", false},
    {"\xef\xbb\xbf<a/>", false},
    {"<a>\x01</a>", false},
    {"<a>\x7f</a>", false},
    {"<a>\xff</a>", false},
    {"<a>\xc0\x80</a>", false},
    {"<a>\xed\xa0\x80</a>", false},
};

static void documents_are_taken_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (is_taken(gw_str_from(documents[i].xml)) != documents[i].taken)
            fail_msg("%s", documents[i].xml);
    }
    assert_false(is_taken(gw_str_n("<a>\0</a>", 8)));
    assert_false(is_taken(GW_STR_NONE));
}

static bool nested_is_taken(int depth)
{
    GW_BUF_SCOPED(text, 65536);
    for (int i = 0; i < depth; i++)
        gw_buf_add_lit(&text, "<a>");
    for (int i = 0; i < depth; i++)
        gw_buf_add_lit(&text, "</a>");
    return is_taken(gw_buf_str(&text));
}

static bool wide_is_taken(int elements)
{
    GW_BUF_SCOPED(text, 65536);
    gw_buf_add_lit(&text, "<a>");
    for (int i = 1; i < elements; i++)
        gw_buf_add(&text, i % 2 ? GW_STR("<b/>") : GW_STR("<b></b>"));
    gw_buf_add_lit(&text, "</a>");
    return is_taken(gw_buf_str(&text));
}

static bool attributes_are_taken(int attributes)
{
    GW_BUF_SCOPED(text, 65536);
    gw_buf_add_lit(&text, "<a><b");
    for (int i = 0; i < attributes; i++)
        gw_buf_printf(&text, " a%d=%s", i, i % 2 ? "'x\"'" : "\"y'\"");
    gw_buf_add_lit(&text, "/></a>");
    return is_taken(gw_buf_str(&text));
}

static void caps_hold_exactly(void **state)
{
    (void)state;
    assert_true(nested_is_taken(SAML_DEPTH_MAX));
    assert_false(nested_is_taken(SAML_DEPTH_MAX + 1));
    assert_true(wide_is_taken(SAML_ELEMENTS_MAX));
    assert_false(wide_is_taken(SAML_ELEMENTS_MAX + 1));
    assert_true(attributes_are_taken(SAML_ATTRIBUTES_MAX));
    assert_false(attributes_are_taken(SAML_ATTRIBUTES_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_taken_or_refused),
        cmocka_unit_test(caps_hold_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
