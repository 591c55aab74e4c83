#include "tests/unit/scim/scim_test.h"

#include "routes/scim/filter.h"

static const char USER[] =
    "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User'],'id':'2819c223','externalId':'Ext1',"
    "'userName':'BJensen@example.com','active':true,'name':{'familyName':'J\xc3\x84nsen','givenName':'Barbara'},"
    "'title':'Tour \\u0022Guide\\u0022','emails':[{'value':'b@Example.com','type':'work','primary':true},"
    "{'value':'babs@home.org','type':'home'}],'addresses':[{'locality':'Vienna','type':'work'}],"
    "'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User':{'department':'Tours','manager':{'value':'m1'}},"
    "'meta':{'resourceType':'User','created':'2026-01-02T03:04:05.000Z','lastModified':'2026-11-21T12:00:00.500Z',"
    "'version':'W/\\u0022a\\u0022'}}";

static const struct {
    const char *filter;
    bool matches;
} CASES[] = {
    /* R48: case by caseExact (rule 0.6: userName without case) */
    {"userName eq 'bjensen@EXAMPLE.com'", true},
    {"userName eq 'bjensen@example.co'", false},
    {"userName ne 'bjensen@EXAMPLE.com'", false},
    {"userName ne 'other'", true},
    {"id eq '2819C223'", false},
    {"id eq '2819c223'", true},
    {"externalId eq 'ext1'", false},
    {"externalId eq 'Ext1'", true},
    {"name.familyName eq 'j\xc3\xa4nsen'", true},
    {"name.familyName eq 'jansen'", false},
    {"userName sw 'bj'", true},
    {"userName sw 'jensen'", false},
    {"userName ew '.COM'", true},
    {"userName co '@'", true},
    {"userName co ''", true},
    {"userName co 'zz'", false},
    {"userName gt 'a'", true},
    {"userName gt 'bjensen@example.com'", false},
    {"userName ge 'bjensen@example.com'", true},
    {"userName lt 'c'", true},
    {"userName le 'B'", false},
    {"title eq 'tour \\u0022guide\\u0022'", true},
    /* booleans */
    {"active eq true", true},
    {"active eq false", false},
    {"active ne false", true},
    /* dates are chronological */
    {"meta.lastModified gt '2026-11-21T12:00:00Z'", true},
    {"meta.lastModified gt '2026-11-21T13:00:00+01:00'", true},
    {"meta.lastModified gt '2026-11-21T12:00:00.500Z'", false},
    {"meta.lastModified ge '2026-11-21T12:00:00.5Z'", true},
    {"meta.lastModified lt '2027-01-01T00:00:00Z'", true},
    {"meta.created eq '2026-01-02T04:04:05+01:00'", true},
    {"meta.created ne '2026-01-02T04:04:05Z'", true},
    {"meta.created sw '2026-01'", true},
    /* pr and null */
    {"title pr", true},
    {"nickName pr", false},
    {"name pr", true},
    {"name.middleName pr", false},
    {"emails pr", true},
    {"phoneNumbers pr", false},
    {"emails.type pr", true},
    {"emails.display pr", false},
    {"nickName eq null", true},
    {"title eq null", false},
    {"title ne null", true},
    {"nickName ne null", false},
    {"name eq null", false},
    /* what is not there */
    {"nickName eq 'x'", false},
    {"nickName ne 'x'", true},
    {"nickName co 'x'", false},
    {"nickName gt 'x'", false},
    /* multi-valued: some value */
    {"emails eq 'B@example.com'", true},
    {"emails.value eq 'babs@HOME.org'", true},
    {"email eq 'babs@home.org'", true},
    {"emails co 'example.com'", true},
    {"emails.type eq 'other'", false},
    {"emails.type ne 'work'", true},
    {"phoneNumbers.type ne 'work'", true},
    {"schemas eq 'urn:ietf:params:scim:schemas:core:2.0:User'", true},
    {"schemas eq 'x'", false},
    /* value paths: one and the same value */
    {"emails[type eq 'work' and value co '@example']", true},
    {"emails[type eq 'home' and value co '@example']", false},
    {"emails.type eq 'home' and emails.value co '@example'", true},
    {"emails[type eq 'WORK'].value eq 'b@example.com'", true},
    {"emails[type eq 'home'].value eq 'b@example.com'", false},
    {"emails[type eq 'home'].display pr", false},
    {"emails[not (type eq 'work')]", true},
    {"emails[not (type pr)]", false},
    {"emails[type eq 'home' and not (primary eq true)]", true},
    {"emails[primary eq null]", true},
    {"phoneNumbers[type eq 'work']", false},
    {"addresses[type eq 'work' and locality sw 'vie']", true},
    {"name[givenName eq 'barbara']", true},
    /* extensions */
    {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq 'tours'", true},
    {"manager eq 'm1'", true},
    {"manager.value eq 'M1'", false},
    {"id eq '2819c223' and manager eq 'm2'", false},
    {"employeeNumber pr", false},
    /* logic and precedence (R46) */
    {"title pr and active eq false or id pr", true},
    {"id pr or title pr and active eq false", true},
    {"(id pr or title pr) and active eq false", false},
    {"not (id pr) or title pr", true},
    {"not (id pr or title pr)", false},
    {"NOT(nickName pr) AND title PR", true},
};

static void filters_match_as_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        const struct scim_filter *filter;
        struct gw_error err = {0};
        if (scim_filter_parse(&arena, type_with(&set, false, "User"), quoted(&arena, CASES[i].filter), &filter, &err) !=
            GW_OK)
            fail_msg("%s: %s", CASES[i].filter, err.text);
        if (scim_filter_matches(filter, json_of(&arena, USER), &arena) != CASES[i].matches)
            fail_msg("%s", CASES[i].filter);
    }
}

/* security.md E11 */
static void names_that_look_alike_stay_apart(void **state)
{
    static const struct {
        const char *filter;
        bool matches;
    } PAIRS[] = {
        {"userName eq 'stra\xc3\x9f"
         "e'",
         true},
        {"userName eq 'STRASSE'", false},
        {"userName eq 'strasse'", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(PAIRS); i++) {
        GW_ARENA_SCOPED(arena);
        struct scim_schema_set set;
        const struct scim_filter *filter;
        struct gw_error err = {0};
        assert_int_equal(
            scim_filter_parse(&arena, type_with(&set, false, "User"), quoted(&arena, PAIRS[i].filter), &filter, &err),
            GW_OK);
        const struct json_value *user = json_of(&arena, "{'userName':'Stra\xc3\x9f"
                                                        "e'}");
        assert_int_equal(scim_filter_matches(filter, user, &arena), PAIRS[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_match_as_the_rfc_says),
        cmocka_unit_test(names_that_look_alike_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
