#include "tests/unit/scim/scim_test.h"

#include "routes/scim/filter_plan.h"

static const char *const KINDS[] = {
    [SCIM_LOOKUP_ID] = "id",         [SCIM_LOOKUP_USER_NAME] = "user",       [SCIM_LOOKUP_EXTERNAL_ID] = "ext",
    [SCIM_LOOKUP_EMAIL] = "email",   [SCIM_LOOKUP_DISPLAY_NAME] = "display", [SCIM_LOOKUP_MEMBER] = "member",
    [SCIM_LOOKUP_MODIFIED] = "since"};

/* "email=a email=b", or "scan" */
static struct gw_str plan_text(struct gw_arena *arena, const char *type_name, const char *text)
{
    struct scim_schema_set set;
    const struct scim_filter *filter;
    struct gw_error err = {0};
    const struct scim_resource_type *type = type_with(&set, true, type_name);
    if (scim_filter_parse(arena, type, quoted(arena, text), &filter, &err) != GW_OK)
        fail_msg("%s: %s", text, err.text);
    struct scim_plan plan = scim_filter_plan(arena, filter, type);
    if (plan.scan)
        return GW_STR("scan");
    struct gw_str result = GW_STR("");
    for (size_t i = 0; i < plan.lookup_count; i++) {
        const struct scim_lookup *lookup = &plan.lookups[i];
        struct gw_str value = lookup->kind == SCIM_LOOKUP_MODIFIED
                                  ? gw_arena_printf(arena, "%lld..%lld", (long long)lookup->since_ms,
                                                    (long long)(lookup->until_ms == INT64_MAX ? -1 : lookup->until_ms))
                                  : lookup->value;
        result = gw_arena_printf(arena, "%.*s%s%s=%.*s", GW_STR_ARG(result), i > 0 ? " " : "", KINDS[lookup->kind],
                                 GW_STR_ARG(value));
    }
    return result;
}

static const struct {
    const char *type;
    const char *filter;
    const char *plan;
} CASES[] = {
    {"User", "userName eq 'A'", "user=A"},
    {"User", "id eq 'x'", "id=x"},
    {"User", "externalId eq 'x'", "ext=x"},
    {"User", "emails eq 'x'", "email=x"},
    {"User", "emails.value eq 'x'", "email=x"},
    {"User", "emails[type eq 'work'].value eq 'x'", "email=x"},
    {"User", "emails[type eq 'work' and value eq 'x']", "email=x"},
    {"User", "emails[value eq 'x' or value eq 'y']", "email=x email=y"},
    {"User", "emails[value eq 'x' or type eq 'y']", "scan"},
    {"User", "emails[not (value eq 'x')]", "scan"},
    {"User", "email eq 'a' or email eq 'b'", "email=a email=b"},
    {"User", "userName eq 'a' or id eq 'b' or externalId eq 'c'", "user=a id=b ext=c"},
    {"User", "userName eq 'a' or title pr", "scan"},
    {"User", "userName eq 'a' and title pr", "user=a"},
    {"User", "title pr and userName eq 'a'", "user=a"},
    {"User", "(userName eq 'a' or userName eq 'b') and id eq 'c'", "id=c"},
    {"User", "meta.lastModified gt '1970-01-01T00:00:01Z' and id eq 'c'", "id=c"},
    {"User", "meta.lastModified gt '1970-01-01T00:00:01Z'", "since=1001..-1"},
    {"User", "meta.lastModified ge '1970-01-01T00:00:01Z'", "since=1000..-1"},
    {"User", "meta.lastModified lt '1970-01-01T00:00:01Z'", "since=0..999"},
    {"User", "meta.lastModified le '1970-01-01T00:00:01Z'", "since=0..1000"},
    {"User", "meta.lastModified eq '1970-01-01T00:00:01Z'", "since=1000..1000"},
    {"User", "meta.lastModified ne '1970-01-01T00:00:01Z'", "scan"},
    {"User", "meta.lastModified gt '1960-01-01T00:00:01Z'", "since=0..-1"},
    {"User", "meta.lastModified gt '1970-01-01T00:00:01Z' and meta.lastModified lt '1970-01-01T00:00:02Z' and title pr",
     "since=1001..1999"},
    {"User", "meta.lastModified gt '1970-01-01T00:00:01Z' or userName eq 'a'", "since=1001..-1 user=a"},
    {"Group", "meta.lastModified gt '1970-01-01T00:00:01Z'", "since=1001..-1"},
    {"User", "meta.created gt '1970-01-01T00:00:01Z'", "scan"},
    {"User", "not (userName eq 'a')", "scan"},
    {"User", "userName ne 'a'", "scan"},
    {"User", "userName sw 'a'", "scan"},
    {"User", "userName pr", "scan"},
    {"User", "userName eq null", "scan"},
    {"User", "displayName eq 'x'", "scan"},
    {"User", "manager eq 'x'", "scan"},
    {"User", "phoneNumbers[value eq 'x']", "scan"},
    {"Group", "displayName eq 'Test SCIMv2'", "display=Test SCIMv2"},
    {"Group", "members eq 'u1'", "member=u1"},
    {"Group", "members[value eq 'u1']", "member=u1"},
    {"Group", "id eq 'g' and members.value eq 'u'", "id=g"},
    {"Group", "externalId eq 'x'", "ext=x"},
    {"Role", "id eq 'x'", "scan"},
};

static void indexes_are_used_where_they_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        GW_ARENA_SCOPED(arena);
        struct gw_str text = plan_text(&arena, CASES[i].type, CASES[i].filter);
        if (!gw_str_eq(text, gw_str_from(CASES[i].plan)))
            fail_msg("%s: %.*s", CASES[i].filter, GW_STR_ARG(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(indexes_are_used_where_they_help)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
