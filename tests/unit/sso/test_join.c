#include "tests/support/unit.h"

#include "gateway/sso/join.h"

#define TRANSIENT "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
#define PERSISTENT "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
#define UNSPECIFIED "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

static const struct gw_str mail[] = {GW_STR_INIT("alice@example.com")};
static const struct gw_str number[] = {GW_STR_INIT("e-42")};
static const struct gw_str given[] = {GW_STR_INIT("Alice")};
static const struct gw_str twice[] = {GW_STR_INIT("a"), GW_STR_INIT("b")};
static const struct saml_attribute attributes[] = {{GW_STR_INIT("mail"), mail, 1},
                                                   {GW_STR_INIT("number"), number, 1},
                                                   {GW_STR_INIT("firstName"), given, 1},
                                                   {GW_STR_INIT("twice"), twice, 2}};

struct join_row {
    const char *format;
    const char *name_id;
    const char *attribute; /* user: attribute NAME; NULL: nameid */
    enum config_match match;
    /* expected */
    const char *value;
    const char *joined_name_id;
    bool is_opaque;
    const char *user_name;
    const char *external_id;
    size_t email_count;
};

static const struct join_row rows[] = {
    {UNSPECIFIED, "alice@example.com", NULL, CONFIG_MATCH_USER_NAME, "alice@example.com", "alice@example.com", false,
     "alice@example.com", "", 1},
    {UNSPECIFIED, "alice", NULL, CONFIG_MATCH_USER_NAME, "alice", "alice", false, "alice", "", 1},
    {TRANSIENT, "_x1", NULL, CONFIG_MATCH_USER_NAME, "", "", false, "", "", 1},
    {TRANSIENT, "_x1", "mail", CONFIG_MATCH_USER_NAME, "alice@example.com", "", false, "alice@example.com", "", 1},
    {PERSISTENT, "f81d4fae", NULL, CONFIG_MATCH_USER_NAME, "f81d4fae", "f81d4fae", true, "", "", 1},
    {PERSISTENT, "f81d4fae", "mail", CONFIG_MATCH_USER_NAME, "alice@example.com", "f81d4fae", true, "alice@example.com",
     "", 1},
    {PERSISTENT, "a@b.test", NULL, CONFIG_MATCH_USER_NAME, "a@b.test", "a@b.test", false, "a@b.test", "", 1},
    {UNSPECIFIED, "alice", "number", CONFIG_MATCH_EXTERNAL_ID, "e-42", "alice", false, "alice", "e-42", 1},
    {PERSISTENT, "f81d4fae", "number", CONFIG_MATCH_EXTERNAL_ID, "e-42", "f81d4fae", true, "alice@example.com", "e-42",
     1},
    {UNSPECIFIED, "bob@example.com", NULL, CONFIG_MATCH_EMAIL, "bob@example.com", "bob@example.com", false,
     "bob@example.com", "", 1},
    {UNSPECIFIED, "alice", "twice", CONFIG_MATCH_USER_NAME, "", "alice", false, "", "", 1},
    {UNSPECIFIED, "alice", "absent", CONFIG_MATCH_USER_NAME, "", "alice", false, "", "", 1},
};

static void who_is_asked_for_and_who_would_be_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        GW_ARENA_SCOPED(arena);
        const struct join_row *row = &rows[i];
        struct config_saml saml = {.user_attribute = row->attribute, .match = row->match};
        saml.attributes = (struct config_saml_attributes){.given_name = "firstName", .email = "mail"};
        struct saml_assertion assertion = {.issuer = GW_STR("idp"),
                                           .name_id = gw_str_from(row->name_id),
                                           .name_id_format = gw_str_from(row->format),
                                           .attributes = attributes,
                                           .attribute_count = sizeof attributes / sizeof attributes[0]};
        struct store_join join;
        struct store_user_draft draft;
        sso_join_fill(&saml, 7, &assertion, &join);
        sso_join_draft(&saml, &assertion, &join, &arena, &draft);
        unit_assert_str(join.value, gw_str_from(row->value), __FILE__, (int)i);
        unit_assert_str(join.name_id, gw_str_from(row->joined_name_id), __FILE__, (int)i);
        assert_int_equal(join.name_id_is_opaque, row->is_opaque);
        assert_int_equal(join.folder, 7);
        unit_assert_str(draft.user_name, gw_str_from(row->user_name), __FILE__, (int)i);
        unit_assert_str(draft.external_id, gw_str_from(row->external_id), __FILE__, (int)i);
        assert_int_equal(draft.email_count, row->email_count);
        assert_true(draft.active);
    }
}

static void attributes_are_what_scim_stores(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    struct config_saml saml = {.attributes = {.given_name = "firstName", .email = "mail", .display_name = "absent"}};
    struct saml_assertion assertion = {.issuer = GW_STR("idp"),
                                       .name_id = GW_STR("alice@example.com"),
                                       .attributes = attributes,
                                       .attribute_count = 4};
    struct store_join join;
    struct store_user_draft draft;
    sso_join_fill(&saml, 1, &assertion, &join);
    sso_join_draft(&saml, &assertion, &join, &arena, &draft);
    assert_str_equal(draft.attributes,
                     "{\"name\":{\"givenName\":\"Alice\"},\"emails\":[{\"value\":\"alice@example.com\","
                     "\"type\":\"work\",\"primary\":true}]}");
    saml.attributes = (struct config_saml_attributes){0};
    sso_join_draft(&saml, &assertion, &join, &arena, &draft);
    assert_str_equal(draft.attributes, "{}");
    assert_int_equal(draft.email_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_asked_for_and_who_would_be_made),
        cmocka_unit_test(attributes_are_what_scim_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
