/* The trace shows names and operators, and nothing else of what a client sent. */
#include "tests/unit/scim/scim_test.h"

#include "routes/trace_text.h"

static struct scim_schema_set set;

static const struct {
    const char *text;
    const char *shape;
} filters[] = {
    {"userName eq \"secret\"", "userName eq ?"},
    {"USERNAME Eq \"a \\\" secret\" and ACTIVE eq true", "USERNAME Eq ? and ACTIVE eq ?"},
    {"emails[type eq \"secret\" and value co \"secret\"].value eq \"secret\"",
     "emails[type eq ? and value co ?].value eq ?"},
    {"meta.lastModified gt \"secret\"", "meta.lastModified gt ?"},
    {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"secret\"",
     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq ?"},
    {"externalId eq secret", "externalId eq ?"},
    {"secret@example.com", "???"},
    {"secret", "?"},
    {"not (secret.name pr) or (title pr)", "not (? pr) or (title pr)"},
    {"userName eq \"secret", "userName eq ?"},
    {"members[value eq \"secret\"]", "members[value eq ?]"},
    {"emails[secret eq \"x\"]", "emails[? eq ?]"},
    {"userName eq 123456", "userName eq ?"},
    {"\"secret\" eq userName", "? eq userName"},
    {"secr\xc3\xa4t", "????"},
};

static void filters_lose_their_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(filters); i++) {
        GW_BUF_SCOPED(buf, 4096);
        trace_filter_write(&buf, &set, gw_str_from(filters[i].text));
        if (!gw_str_eq(gw_buf_str(&buf), gw_str_from(filters[i].shape)))
            fail_msg("%s: %.*s", filters[i].text, GW_STR_ARG(gw_buf_str(&buf)));
    }
}

static const struct {
    const char *query;
    const char *shape;
} queries[] = {
    {"startIndex=1&count=2", "startIndex=&count="},
    {"filter=userName%20eq%20%22secret%22&startIndex=1&count=100", "filter=userName eq ?&startIndex=&count="},
    {"filter=userName+eq+%22secret%22&", "filter=userName eq ?&"},
    {"aadOptscim062020", "aadOptscim062020"},
    {"access_token=secret&secret", "?=&?"},
    {"attributes=secret&excludedAttributes=members", "attributes=&excludedAttributes="},
    {"filter=%zzsecret", "filter="},
    {"", ""},
};

static void queries_lose_their_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(queries); i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(buf, 4096);
        trace_query_write(&buf, &arena, &set, gw_str_from(queries[i].query));
        if (!gw_str_eq(gw_buf_str(&buf), gw_str_from(queries[i].shape)))
            fail_msg("%s: %.*s", queries[i].query, GW_STR_ARG(gw_buf_str(&buf)));
    }
}

static const struct {
    const char *body;
    const char *shape;
} bodies[] = {
    {"{'schemas':['secret'],'userName':'secret','name':{'givenName':'secret'},'active':true,'x':null,'n':12345}",
     "{schemas[:text]*1 userName:text name{givenName:text} active:bool x:null n:number}"},
    {"{'emails':[{'value':'secret','primary':true},{'value':'secret'}],'roles':[]}",
     "{emails[{value:text primary:bool}]*2 roles[]*0}"},
    {"{'Operations':[{'op':'Replace','path':'emails[type eq \\\"secret\\\"].value','value':'secret'},"
     "{'op':'secret','value':{'active':'secret'}},{'op':'remove','path':'secret'}]}",
     "{Operations[{op=Replace path=emails[type eq ?].value value:text}{op=? value{active:text}}{op=remove path=?}]*3}"},
    {"{'emails[type eq \\\"secret\\\"].value':'secret','a@secret.example':1}",
     "{emails[type eq ?].value:text ???:number}"},
    {"'secret'", ":text"},
    {"{'a':{'b':{'c':{'d':{'e':{'f':{'secret':1}}}}}}}", "{a{b{c{d{e{f...}}}}}}"},
};

static void bodies_lose_their_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        GW_ARENA_SCOPED(arena);
        GW_BUF_SCOPED(buf, 4096);
        trace_json_write(&buf, &set, json_of(&arena, bodies[i].body));
        if (!gw_str_eq(gw_buf_str(&buf), gw_str_from(bodies[i].shape)))
            fail_msg("%s: %.*s", bodies[i].body, GW_STR_ARG(gw_buf_str(&buf)));
    }
}

static void a_large_body_gives_a_short_text(void **state)
{
    (void)state;
    GW_ARENA_SCOPED(arena);
    GW_BUF_SCOPED(buf, 4096);
    struct json_value *object = json_object_new(&arena);
    for (int i = 0; i < 500; i++)
        json_object_append(&arena, object, gw_arena_printf(&arena, "attribute%d", i), json_bool_new(&arena, true));
    trace_json_write(&buf, &set, object);
    assert_false(buf.overflow);
    assert_true(buf.len < TRACE_PART_BYTES_MAX + 2 * TRACE_NAME_BYTES_MAX);
    assert_true(gw_str_ends(gw_buf_str(&buf), GW_STR("...}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_lose_their_literals),
        cmocka_unit_test(queries_lose_their_values),
        cmocka_unit_test(bodies_lose_their_values),
        cmocka_unit_test(a_large_body_gives_a_short_text),
    };
    scim_schema_set_init(&set, &(struct scim_schema_options){.roles = true});
    return cmocka_run_group_tests(tests, NULL, NULL);
}
